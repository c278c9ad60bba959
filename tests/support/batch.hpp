// A batch of orientations and reflections in a context's memory, with the exact answer of each pair beside it.
#pragma once

#include <limits>
#include <optional>

#include "support/oracle.hpp"
#include "support/sample.hpp"

struct BatchOptions {
  size_t orientations = 5, reflections = 40;
  bool own_basis = false, own_wavenumber = false, own_chi = false;
  bool column_major = false, magnitude_from_rotated = false;
  bool view = false;    // reflections as a view of q, without hkl
  bool closed = false;  // the second half of the reflections is the opposite of the first
  uint32_t seed = 1;
};

// By columns what is by rows, where it is asked for.
template <class T>
std::vector<T> laid_out(const std::vector<T>& matrices, bool column_major) {
  std::vector<T> out = matrices;
  if (column_major)
    for (size_t m = 0; m + 9 <= matrices.size(); m += 9)
      for (size_t i = 0; i < 3; ++i)
        for (size_t j = 0; j < 3; ++j) out[m + 3 * j + i] = matrices[m + 3 * i + j];
  return out;
}

// Derivatives of one angle by everything that a pair depends on.
struct PairRates {
  oracle::Mat rotation, basis;
  oracle::Vec rotation_vector, q, d, e;
  oracle::Real k, chi;
};

template <class T>
class Batch {
 public:
  Batch(brg_context* context, const brg_geometry& geometry, const BatchOptions& options)
      : options(options), geometry(geometry) {
    Random random(options.seed);
    const size_t rows = options.orientations;
    hkl = some_hkl(options.reflections);
    if (options.closed)
      for (size_t i = 0, half = hkl.size() / 2; i < half; ++i) hkl[half + i] = -hkl[i];
    basis = some_basis();
    rotation = random.rotations<T>(rows);
    for (size_t b = 0; b < rows; ++b) {
      for (const double value : basis) own_basis.push_back(static_cast<T>(value * random.uniform(0.99, 1.01)));
      own_wavenumber.push_back(static_cast<T>(random.uniform(25, 35)));
      own_chi.push_back(static_cast<T>(random.uniform(-0.25, 0.25) + (b % 4 == 3 ? 3 : 0)));
    }
    for (size_t n = 0; n < options.reflections; ++n)
      for (size_t i = 0; i < 3; ++i) {
        double value = 0;
        for (size_t j = 0; j < 3; ++j) value += basis[3 * i + j] * hkl[3 * n + j];
        q.push_back(static_cast<T>(value));
      }
    rotation_array = Array<T>(context, laid_out(rotation, options.column_major));
    basis_array = Array<T>(context, laid_out(own_basis, options.column_major));
    wavenumber_array = Array<T>(context, own_wavenumber);
    chi_array = Array<T>(context, own_chi);
    q_array = Array<T>(context, q);
    brg_reflections* made = nullptr;
    const auto count = static_cast<int64_t>(options.reflections);
    if (options.view)
      EXPECT_BRG(Api<T>::reflections_view(context, count, q_array.data(), &made));
    else
      EXPECT_BRG(brg_reflections_create(context, count, hkl.data(), basis.data(), &made));
    set.reset(made);
    orientations.count = static_cast<int64_t>(rows);
    if (options.column_major) orientations.flags |= BRG_COLUMN_MAJOR;
    if (options.magnitude_from_rotated) orientations.flags |= BRG_MAGNITUDE_FROM_ROTATED;
    orientations.rotation = rotation_array.data();
    if (options.own_basis) orientations.reciprocal_basis = basis_array.data();
    if (options.own_wavenumber) orientations.wavenumber = wavenumber_array.data();
    if (options.own_chi) orientations.chi = chi_array.data();
  }

  size_t rows() const { return options.orientations; }
  size_t length() const { return options.reflections; }
  size_t pairs() const { return rows() * length(); }

  // `count` of them from number `first` on.
  typename Api<T>::Orientations orientations_from(size_t first, size_t count) const {
    auto part = orientations;
    part.count = static_cast<int64_t>(count), part.rotation += 9 * first;
    if (part.reciprocal_basis) part.reciprocal_basis += 9 * first;
    if (part.wavenumber) part.wavenumber += first;
    if (part.chi) part.chi += first;
    return part;
  }

  oracle::Mat rotation_of(size_t b) const { return matrix(&rotation[9 * b]); }
  oracle::Vec hkl_of(size_t n) const {
    return {oracle::Real(hkl[3 * n]), oracle::Real(hkl[3 * n + 1]), oracle::Real(hkl[3 * n + 2])};
  }
  oracle::Vec q_of(size_t b, size_t n) const {
    if (options.own_basis) return oracle::times(matrix(&own_basis[9 * b]), hkl_of(n));
    return {q[3 * n], q[3 * n + 1], q[3 * n + 2]};
  }
  oracle::Beam beam_of(size_t b) const {
    const double chi = static_cast<double>(own_chi[b]);
    return oracle::make_beam(geometry.beam, geometry.axis, geometry.chi,
                             options.own_wavenumber ? oracle::Real(own_wavenumber[b]) : geometry.wavenumber,
                             options.own_chi ? &chi : nullptr);
  }
  oracle::Real q2_of(size_t b, size_t n) const {
    const oracle::Vec v = options.magnitude_from_rotated ? oracle::times(rotation_of(b), q_of(b, n)) : q_of(b, n);
    return oracle::dot(v, v);
  }
  oracle::Crossing exact(size_t b, size_t n) const {
    return oracle::solve(beam_of(b), oracle::times(rotation_of(b), q_of(b, n)), q2_of(b, n));
  }
  // Root 0 or 1 of an observable pair.
  PairRates rates(size_t b, size_t n, const oracle::Crossing& x, size_t root) const {
    const oracle::Rates& r = x.rates[root];
    const oracle::Mat rot = rotation_of(b);
    const oracle::Vec qn = q_of(b, n), g = oracle::times(rot, qn), h = hkl_of(n);
    oracle::Vec by_g = r.g;
    if (options.magnitude_from_rotated) by_g = oracle::plus(by_g, oracle::scaled(2 * r.q2, g));
    PairRates out;
    out.q = oracle::times(oracle::transposed(rot), by_g);
    if (!options.magnitude_from_rotated) out.q = oracle::plus(out.q, oracle::scaled(2 * r.q2, qn));
    for (size_t i = 0; i < 3; ++i)
      for (size_t j = 0; j < 3; ++j) out.rotation[i][j] = by_g[i] * qn[j], out.basis[i][j] = out.q[i] * h[j];
    out.rotation_vector = oracle::cross(g, by_g);
    out.d = r.d, out.e = r.e, out.k = r.k, out.chi = r.chi;
    return out;
  }

  // How much of a pair's digits its inputs' rounding may cost, beside eps.
  oracle::Real conditioning(size_t b, size_t n, const oracle::Crossing& x) const {
    const oracle::Vec g = oracle::times(rotation_of(b), q_of(b, n));
    const oracle::Beam beam = beam_of(b);
    const oracle::Real along = oracle::dot(beam.e, g), length2 = oracle::dot(g, g);
    return x.conditioning * std::sqrt(length2 / (length2 - along * along));
  }

  BatchOptions options;
  brg_geometry geometry;
  std::vector<int32_t> hkl;
  std::vector<double> basis;
  std::vector<T> rotation, own_basis, own_wavenumber, own_chi, q;
  Array<T> rotation_array, basis_array, wavenumber_array, chi_array, q_array;
  Reflections set;
  typename Api<T>::Orientations orientations = make<typename Api<T>::Orientations>();

 private:
  static oracle::Mat matrix(const T* m) { return {{{m[0], m[1], m[2]}, {m[3], m[4], m[5]}, {m[6], m[7], m[8]}}}; }
};

// Every output of the adjoint in one array, with the struct that asks for them.
template <class T>
struct GradientArrays {
  static constexpr size_t members = 11;
  static constexpr const char* names[members] = {
      "rotation",          "rotation_vector",     "reciprocal_basis", "wavenumber",    "chi",          "q",
      "reflections_basis", "geometry_wavenumber", "geometry_chi",     "geometry_beam", "geometry_axis"};

  GradientArrays(brg_context* context, size_t rows, size_t length, T filler = 77) {
    const size_t sizes[members] = {9 * rows, 3 * rows, 9 * rows, rows, rows, 3 * length, 9, 1, 1, 3, 3};
    for (const size_t size : sizes) arrays.emplace_back(context, std::vector<T>(size, filler));
  }
  // Asks for the members whose bits are set.
  typename Api<T>::OrientationsGradient ask(unsigned mask = (1u << members) - 1) const {
    auto gradient = make<typename Api<T>::OrientationsGradient>();
    T** targets[members] = {&gradient.rotation,
                            &gradient.rotation_vector,
                            &gradient.reciprocal_basis,
                            &gradient.wavenumber,
                            &gradient.chi,
                            &gradient.q,
                            &gradient.reflections_basis,
                            &gradient.geometry_wavenumber,
                            &gradient.geometry_chi,
                            &gradient.geometry_beam,
                            &gradient.geometry_axis};
    for (size_t i = 0; i < members; ++i) *targets[i] = mask >> i & 1 ? arrays[i].data() : nullptr;
    return gradient;
  }
  std::vector<std::vector<T>> read() const {
    std::vector<std::vector<T>> out;
    for (const Array<T>& array : arrays) out.push_back(array.read());
    return out;
  }
  std::vector<Array<T>> arrays;
};

// The members that a batch can have: a basis needs hkl; the set's own q and basis need that no orientation has another.
inline unsigned allowed_members(const BatchOptions& options) {
  unsigned mask = (1u << 11) - 1;
  if (options.view) mask &= ~(1u << 2 | 1u << 6);
  if (options.own_basis) mask &= ~(1u << 5 | 1u << 6);
  return mask;
}

inline std::vector<BatchOptions> batch_kinds() {
  std::vector<BatchOptions> kinds(6);
  kinds[1].column_major = true, kinds[1].own_wavenumber = true;
  kinds[2].magnitude_from_rotated = true, kinds[2].own_chi = true;
  kinds[3].own_basis = kinds[3].own_wavenumber = kinds[3].own_chi = true;
  kinds[4].own_basis = kinds[4].column_major = kinds[4].magnitude_from_rotated = true;
  kinds[5].view = true;
  return kinds;
}
