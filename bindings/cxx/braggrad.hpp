// braggrad for C++20: handles that free themselves, arrays as std::span, failures as exceptions. Header only, over the C interface;
// equations, units and shapes are described in <braggrad/braggrad.h>.
//
//     braggrad::Context context;
//     const auto geometry = braggrad::geometry_of_energy(50.0);
//     const braggrad::Reflections gold(context, hkl, braggrad::reciprocal_basis({4.0782, 4.0782, 4.0782, 90, 90, 90}));
//     braggrad::predict<double>(context, geometry, gold, {.rotation = rotations}, {.omega1 = omega1, .omega2 = omega2});
//
// Every array lives in the memory of the context (host for the CPU, device for CUDA); braggrad::Buffer allocates there. An empty span
// is an array that is not given, or not asked for. The size of every other span is checked here. Nothing is thrown across the
// library: its statuses become braggrad::Error on this side.
#pragma once

#include <braggrad/braggrad.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace braggrad {

// What a call answered that is no success: what() is the sentence of brg_last_error.
class Error : public std::runtime_error {
 public:
  Error(brg_status status, const std::string& message) : std::runtime_error(message), status_(status) {}
  brg_status status() const noexcept { return status_; }

 private:
  brg_status status_;
};

inline void check(brg_status status) {
  if (status != BRG_SUCCESS) throw Error(status, brg_last_error());
}

namespace detail {

// Frees a handle of C.
template <auto destroy>
struct Destroy {
  template <class Handle>
  void operator()(Handle* handle) const noexcept {
    destroy(handle);
  }
};

// A struct of C with its size set and everything else at its default.
template <class S>
S made() {
  S s{};
  s.struct_size = sizeof s;
  return s;
}

inline uint32_t flag_if(uint32_t flag, bool on) { return on ? flag : 0; }

inline size_t product(std::initializer_list<size_t> extents) {
  size_t n = 1;
  for (const size_t extent : extents) {
    if (extent != 0 && n > std::numeric_limits<size_t>::max() / extent)
      throw Error(BRG_ERROR_INVALID_ARGUMENT, "an array of more than 2^64 elements");
    n *= extent;
  }
  return n;
}

// The address of an array of a known size; NULL for an empty span.
template <class T>
T* address(std::span<T> array, size_t size, const char* name) {
  if (array.empty()) return nullptr;
  if (array.size() != size)
    throw Error(BRG_ERROR_INVALID_ARGUMENT, std::string(name) + " has " + std::to_string(array.size()) +
                                                " elements, and must have " + std::to_string(size));
  return array.data();
}

// Number of rows of an array that decides it.
template <class T>
size_t rows(std::span<T> array, size_t width, const char* name) {
  if (array.size() % width != 0)
    throw Error(BRG_ERROR_INVALID_ARGUMENT, std::string(name) + " has " + std::to_string(array.size()) +
                                                " elements, and must have a multiple of " + std::to_string(width));
  return array.size() / width;
}

// The structs and functions of C of one precision.
template <class T>
struct Family;

#define BRAGGRAD_FAMILY(type, suffix)                                         \
  template <>                                                                 \
  struct Family<type> {                                                       \
    using Items = brg_items_##suffix;                                         \
    using ItemsGradient = brg_items_gradient_##suffix;                        \
    using ItemsTangent = brg_items_tangent_##suffix;                          \
    using Roots = brg_roots_##suffix;                                         \
    using RootCotangents = brg_root_cotangents_##suffix;                      \
    using Orientations = brg_orientations_##suffix;                           \
    using OrientationsGradient = brg_orientations_gradient_##suffix;          \
    using OrientationsTangent = brg_orientations_tangent_##suffix;            \
    using Vectors = brg_vectors_##suffix;                                     \
    using VectorCotangents = brg_vector_cotangents_##suffix;                  \
    using Beams = brg_beams_##suffix;                                         \
    using Spots = brg_spots_##suffix;                                         \
    using Targets = brg_omega_targets_##suffix;                               \
    using LossOutput = brg_omega_loss_output_##suffix;                        \
    static constexpr auto solve = brg_solve_##suffix;                         \
    static constexpr auto solve_vjp = brg_solve_vjp_##suffix;                 \
    static constexpr auto solve_jvp = brg_solve_jvp_##suffix;                 \
    static constexpr auto rotate = brg_rotate_##suffix;                       \
    static constexpr auto rotate_vjp = brg_rotate_vjp_##suffix;               \
    static constexpr auto rotate_jvp = brg_rotate_jvp_##suffix;               \
    static constexpr auto predict = brg_predict_##suffix;                     \
    static constexpr auto predict_vjp = brg_predict_vjp_##suffix;             \
    static constexpr auto predict_jvp = brg_predict_jvp_##suffix;             \
    static constexpr auto diffracted_beam = brg_diffracted_beam_##suffix;     \
    static constexpr auto predict_spots = brg_predict_spots_##suffix;         \
    static constexpr auto omega_loss = brg_omega_loss_##suffix;               \
    static constexpr auto reflections_view = brg_reflections_view_##suffix;   \
    static constexpr auto convention_solve = brg_convention_solve_##suffix;   \
    static constexpr auto convention_angles = brg_convention_angles_##suffix; \
  };
BRAGGRAD_FAMILY(double, f64)
BRAGGRAD_FAMILY(float, f32)
#undef BRAGGRAD_FAMILY

}  // namespace detail

// ---- contexts, buffers, geometries, reflections, lattices ----

struct ContextOptions {
  brg_backend backend = BRG_BACKEND_AUTO;
  int32_t device = 0;
  int32_t threads = 0;               // 0: all cores of the process
  int64_t max_pairs_per_launch = 0;  // 0: 2^30
};

// A backend, a stream and a workspace; used by one thread at a time (include/braggrad/context.h).
class Context {
 public:
  explicit Context(const ContextOptions& options = {}) {
    auto given = detail::made<brg_context_options>();
    given.backend = options.backend, given.device = options.device, given.threads = options.threads;
    given.max_pairs_per_launch = options.max_pairs_per_launch;
    brg_context* context = nullptr;
    check(brg_context_create(&given, &context));
    handle_.reset(context);
  }
  brg_context* get() const noexcept { return handle_.get(); }
  brg_backend backend() const noexcept { return brg_context_backend(get()); }
  void synchronize() const { check(brg_context_synchronize(get())); }
  // A cudaStream_t, taken literally.
  void set_stream(void* stream) const { check(brg_context_set_stream(get(), stream)); }
  void use_own_stream() const { check(brg_context_use_own_stream(get())); }
  // 256-byte aligned memory of the context; an empty span goes back to its own pool.
  void set_workspace(std::span<std::byte> workspace) const {
    check(brg_context_set_workspace(get(), workspace.empty() ? nullptr : workspace.data(), workspace.size()));
  }
  void set_dry_run(bool on) const { check(brg_context_set_dry_run(get(), on)); }
  size_t workspace_size() const {
    size_t bytes = 0;
    check(brg_context_workspace_size(get(), &bytes));
    return bytes;
  }

 private:
  std::unique_ptr<brg_context, detail::Destroy<brg_context_destroy>> handle_;
};

// An array in the memory of a context.
template <class T>
class Buffer {
 public:
  Buffer(const Context& context, size_t count) : count_(count) {
    brg_buffer* buffer = nullptr;
    check(brg_buffer_create(context.get(), detail::product({count, sizeof(T)}), &buffer));
    handle_.reset(buffer);
  }
  Buffer(const Context& context, std::span<const T> values) : Buffer(context, values.size()) {
    upload(context, values);
  }
  size_t size() const noexcept { return count_; }
  std::span<T> span() const noexcept { return {static_cast<T*>(brg_buffer_data(handle_.get())), count_}; }
  operator std::span<T>() const noexcept { return span(); }
  operator std::span<const T>() const noexcept { return span(); }
  void upload(const Context& context, std::span<const T> values) {
    check(brg_buffer_upload(context.get(), handle_.get(), 0, values.data(), values.size_bytes()));
  }
  std::vector<T> download(const Context& context) const {
    std::vector<T> values(count_);
    check(brg_buffer_download(context.get(), handle_.get(), 0, values.data(), count_ * sizeof(T)));
    return values;
  }
  void clear(const Context& context) { check(brg_buffer_clear(context.get(), handle_.get())); }

 private:
  size_t count_;
  std::unique_ptr<brg_buffer, detail::Destroy<brg_buffer_destroy>> handle_;
};

// Beam +x, axis +z; other members may be set afterwards.
inline brg_geometry geometry_of_energy(double energy_keV, double chi = 0) {
  brg_geometry geometry;
  check(brg_geometry_init(&geometry, sizeof geometry));
  check(brg_geometry_set_energy(&geometry, energy_keV));
  check(brg_geometry_set_chi(&geometry, chi));
  return geometry;
}
inline brg_geometry geometry_of_wavelength(double wavelength_angstrom, double chi = 0) {
  brg_geometry geometry;
  check(brg_geometry_init(&geometry, sizeof geometry));
  check(brg_geometry_set_wavelength(&geometry, wavelength_angstrom));
  check(brg_geometry_set_chi(&geometry, chi));
  return geometry;
}

// B by rows, 1/Angstrom with 2 pi. Cell: a, b, c in Angstrom, alpha, beta, gamma in degrees.
using Cell = std::array<double, 6>;
using Basis = std::array<double, 9>;
inline Basis reciprocal_basis(const Cell& cell) {
  Basis basis;
  check(brg_reciprocal_basis(cell.data(), basis.data()));
  return basis;
}

// [count,3], in the order of brg_hkl_enumerate.
inline std::vector<int32_t> enumerate_hkl(const Cell& cell, char centring, double d_min) {
  int64_t count = 0;
  check(brg_hkl_enumerate(cell.data(), centring, d_min, 0, nullptr, &count));
  std::vector<int32_t> hkl(3 * static_cast<size_t>(count));
  if (count > 0) check(brg_hkl_enumerate(cell.data(), centring, d_min, count, hkl.data(), &count));
  return hkl;
}

// An immutable set in the memory of a context's device, shared by all contexts of that device.
class Reflections {
 public:
  Reflections(const Context& context, std::span<const int32_t> hkl, const Basis& basis) {
    const size_t n = detail::rows(hkl, 3, "hkl");
    keep([&](brg_reflections** r) {
      return brg_reflections_create(context.get(), static_cast<int64_t>(n), hkl.data(), basis.data(), r);
    });
  }
  // From vectors q [count,3] in host memory.
  static Reflections of_vectors(const Context& context, std::span<const double> q) {
    const size_t n = detail::rows(q, 3, "q");
    Reflections set;
    set.keep([&](brg_reflections** r) {
      return brg_reflections_create_from_vectors(context.get(), static_cast<int64_t>(n), q.data(), r);
    });
    return set;
  }
  // A view of q [count,3] in the context's memory, which outlives it.
  template <class T>
  static Reflections view(const Context& context, std::span<const T> q) {
    const size_t n = detail::rows(q, 3, "q");
    Reflections set;
    set.keep([&](brg_reflections** r) {
      return detail::Family<T>::reflections_view(context.get(), static_cast<int64_t>(n), q.data(), r);
    });
    return set;
  }
  brg_reflections* get() const noexcept { return handle_.get(); }
  size_t size() const noexcept { return static_cast<size_t>(brg_reflections_count(get())); }

 private:
  Reflections() = default;
  template <class Create>
  void keep(const Create& create) {
    brg_reflections* reflections = nullptr;
    check(create(&reflections));
    handle_.reset(reflections);
  }
  std::unique_ptr<brg_reflections, detail::Destroy<brg_reflections_destroy>> handle_;
};

// ---- arrays of a call, shapes as in C: n items, B orientations, N reflections ----

template <class T>
struct Items {
  std::span<const T> g{};  // [n,3]
  std::span<const T> g_magnitude{}, wavenumber{}, chi{};
};

template <class T>
struct ItemsGradient {
  std::span<T> g{}, g_magnitude{}, wavenumber{}, chi{};
  T *geometry_wavenumber = nullptr, *geometry_chi = nullptr;
  std::span<T> geometry_beam{}, geometry_axis{};  // [3]
  bool accumulate = false;
};

template <class T>
struct ItemsTangent {
  std::span<const T> g{}, g_magnitude{}, wavenumber{}, chi{};
  double geometry_wavenumber = 0, geometry_chi = 0;
  std::array<double, 3> geometry_beam{}, geometry_axis{};
};

template <class T>
struct Roots {
  std::span<T> omega1{}, omega2{};  // [n] or [B,N]
  std::span<uint8_t> observable{};
};

template <class T>
struct RootCotangents {
  std::span<const T> omega1{}, omega2{};
};

template <class T>
struct Orientations {
  std::span<const T> rotation{};  // [B,3,3]
  std::span<const T> reciprocal_basis{}, wavenumber{}, chi{};
  bool column_major = false, magnitude_from_rotated = false;
};

template <class T>
struct OrientationsGradient {
  std::span<T> rotation{}, rotation_vector{}, reciprocal_basis{}, wavenumber{}, chi{};  // per orientation
  std::span<T> q{}, reflections_basis{};                                                // sums
  T *geometry_wavenumber = nullptr, *geometry_chi = nullptr;
  std::span<T> geometry_beam{}, geometry_axis{};  // [3]
  bool accumulate = false;
};

template <class T>
struct OrientationsTangent {
  std::span<const T> rotation{}, rotation_vector{}, reciprocal_basis{}, wavenumber{}, chi{}, q{};
  double geometry_wavenumber = 0, geometry_chi = 0;
  std::array<double, 3> geometry_beam{}, geometry_axis{};
};

template <class T>
struct Beams {
  std::span<T> direction{}, two_theta{}, eta{};  // [n,3], [n], [n]
};

struct OmegaWindow {
  double low, high;  // rad, half-open, low > high wraps
};

template <class T>
struct Spots {
  std::span<const OmegaWindow> windows{};  // at most BRG_MAX_OMEGA_WINDOWS; none: the whole turn
  std::span<int64_t> offsets{};            // [B+1]
  std::span<int32_t> reflection{};         // [capacity], as the next two
  std::span<uint8_t> root{};
  std::span<T> omega{};
};

// Dense targets [N], shared by all orientations, or [B,N]; or a list per orientation.
template <class T>
struct OmegaTargets {
  brg_loss loss = BRG_LOSS_SQUARES;
  double delta = 0, missing_loss = 0;
  std::span<const T> omega1{}, omega2{}, weight1{}, weight2{};
  std::span<const int64_t> offsets{};  // [B+1]
  std::span<const int32_t> reflection{};
  std::span<const uint8_t> root{};
  std::span<const T> omega{}, weight{};
};

template <class T>
struct OmegaLossOutput {
  uint32_t parameters = 0;                                           // BRG_FIT_*, P of them
  std::span<T> loss{}, gradient{}, normal{};                         // [B], [B,P], [B,P(P+1)/2]
  std::span<T> rotation_bar{};                                       // [B,3,3]
  std::span<int32_t> observable{}, matched{}, missing{}, grazing{};  // [B]
  bool accumulate = false;
};

// ---- the structs of C of them, sizes checked ----

namespace detail {

template <class T>
typename Family<T>::Items c_struct(const Items<T>& given) {
  const size_t n = rows(given.g, 3, "items.g");
  auto s = made<typename Family<T>::Items>();
  s.count = static_cast<int64_t>(n);
  s.g = given.g.data();
  s.g_magnitude = address(given.g_magnitude, n, "items.g_magnitude");
  s.wavenumber = address(given.wavenumber, n, "items.wavenumber");
  s.chi = address(given.chi, n, "items.chi");
  return s;
}

template <class T>
typename Family<T>::Orientations c_struct(const Orientations<T>& given) {
  const size_t b = rows(given.rotation, 9, "orientations.rotation");
  auto s = made<typename Family<T>::Orientations>();
  s.flags =
      flag_if(BRG_COLUMN_MAJOR, given.column_major) | flag_if(BRG_MAGNITUDE_FROM_ROTATED, given.magnitude_from_rotated);
  s.count = static_cast<int64_t>(b);
  s.rotation = given.rotation.data();
  s.reciprocal_basis = address(given.reciprocal_basis, 9 * b, "orientations.reciprocal_basis");
  s.wavenumber = address(given.wavenumber, b, "orientations.wavenumber");
  s.chi = address(given.chi, b, "orientations.chi");
  return s;
}

template <class T>
typename Family<T>::Roots c_struct(const Roots<T>& given, size_t n) {
  auto s = made<typename Family<T>::Roots>();
  s.omega1 = address(given.omega1, n, "roots.omega1");
  s.omega2 = address(given.omega2, n, "roots.omega2");
  s.observable = address(given.observable, n, "roots.observable");
  return s;
}

template <class T>
typename Family<T>::RootCotangents c_struct(const RootCotangents<T>& given, size_t n) {
  auto s = made<typename Family<T>::RootCotangents>();
  s.omega1 = address(given.omega1, n, "cotangents.omega1");
  s.omega2 = address(given.omega2, n, "cotangents.omega2");
  return s;
}

// The members that both gradients have.
template <class S, class Given>
void geometry_gradient(S& s, const Given& given) {
  s.flags = flag_if(BRG_ACCUMULATE, given.accumulate);
  s.geometry_wavenumber = given.geometry_wavenumber;
  s.geometry_chi = given.geometry_chi;
  s.geometry_beam = address(given.geometry_beam, 3, "gradient.geometry_beam");
  s.geometry_axis = address(given.geometry_axis, 3, "gradient.geometry_axis");
}

template <class S, class Given>
void geometry_tangent(S& s, const Given& given) {
  s.geometry_wavenumber = given.geometry_wavenumber;
  s.geometry_chi = given.geometry_chi;
  for (size_t i = 0; i < 3; ++i) {
    s.geometry_beam[i] = given.geometry_beam[i];
    s.geometry_axis[i] = given.geometry_axis[i];
  }
}

template <class T>
typename Family<T>::ItemsGradient c_struct(const ItemsGradient<T>& given, size_t n) {
  auto s = made<typename Family<T>::ItemsGradient>();
  s.g = address(given.g, 3 * n, "gradient.g");
  s.g_magnitude = address(given.g_magnitude, n, "gradient.g_magnitude");
  s.wavenumber = address(given.wavenumber, n, "gradient.wavenumber");
  s.chi = address(given.chi, n, "gradient.chi");
  geometry_gradient(s, given);
  return s;
}

template <class T>
typename Family<T>::ItemsTangent c_struct(const ItemsTangent<T>& given, size_t n) {
  auto s = made<typename Family<T>::ItemsTangent>();
  s.g = address(given.g, 3 * n, "tangent.g");
  s.g_magnitude = address(given.g_magnitude, n, "tangent.g_magnitude");
  s.wavenumber = address(given.wavenumber, n, "tangent.wavenumber");
  s.chi = address(given.chi, n, "tangent.chi");
  geometry_tangent(s, given);
  return s;
}

template <class T>
typename Family<T>::OrientationsGradient c_struct(const OrientationsGradient<T>& given, size_t b, size_t n) {
  auto s = made<typename Family<T>::OrientationsGradient>();
  s.rotation = address(given.rotation, 9 * b, "gradient.rotation");
  s.rotation_vector = address(given.rotation_vector, 3 * b, "gradient.rotation_vector");
  s.reciprocal_basis = address(given.reciprocal_basis, 9 * b, "gradient.reciprocal_basis");
  s.wavenumber = address(given.wavenumber, b, "gradient.wavenumber");
  s.chi = address(given.chi, b, "gradient.chi");
  s.q = address(given.q, 3 * n, "gradient.q");
  s.reflections_basis = address(given.reflections_basis, 9, "gradient.reflections_basis");
  geometry_gradient(s, given);
  return s;
}

template <class T>
typename Family<T>::OrientationsTangent c_struct(const OrientationsTangent<T>& given, size_t b, size_t n) {
  auto s = made<typename Family<T>::OrientationsTangent>();
  s.rotation = address(given.rotation, 9 * b, "tangent.rotation");
  s.rotation_vector = address(given.rotation_vector, 3 * b, "tangent.rotation_vector");
  s.reciprocal_basis = address(given.reciprocal_basis, 9 * b, "tangent.reciprocal_basis");
  s.wavenumber = address(given.wavenumber, b, "tangent.wavenumber");
  s.chi = address(given.chi, b, "tangent.chi");
  s.q = address(given.q, 3 * n, "tangent.q");
  geometry_tangent(s, given);
  return s;
}

inline size_t parameter_count(uint32_t mask) {
  return (mask & BRG_FIT_ROTATION ? 3u : 0u) + (mask & BRG_FIT_WAVENUMBER ? 1u : 0u) + (mask & BRG_FIT_CHI ? 1u : 0u) +
         (mask & BRG_FIT_LATTICE ? 6u : 0u);
}

template <class T>
typename Family<T>::Targets c_struct(const OmegaTargets<T>& given, size_t b, size_t n) {
  auto s = made<typename Family<T>::Targets>();
  s.loss = given.loss, s.delta = given.delta, s.missing_loss = given.missing_loss;
  const bool shared = given.omega1.size() == n || (given.omega1.empty() && given.omega2.size() == n);
  const size_t dense = shared ? n : product({b, n});
  s.orientation_stride = shared ? 0 : static_cast<int64_t>(n);
  s.omega1 = address(given.omega1, dense, "targets.omega1");
  s.omega2 = address(given.omega2, dense, "targets.omega2");
  s.weight1 = address(given.weight1, dense, "targets.weight1");
  s.weight2 = address(given.weight2, dense, "targets.weight2");
  const size_t listed = given.omega.size();
  s.offsets = address(given.offsets, b + 1, "targets.offsets");
  s.omega = given.omega.data();
  s.reflection = address(given.reflection, listed, "targets.reflection");
  if (s.offsets && listed == 0) {  // C wants addresses of empty lists too
    static constexpr T no_omega{};
    static constexpr int32_t no_reflection{};
    s.omega = &no_omega, s.reflection = &no_reflection;
  }
  s.root = address(given.root, listed, "targets.root");
  s.weight = address(given.weight, listed, "targets.weight");
  return s;
}

template <class T>
typename Family<T>::LossOutput c_struct(const OmegaLossOutput<T>& given, size_t b) {
  const size_t p = parameter_count(given.parameters);
  auto s = made<typename Family<T>::LossOutput>();
  s.flags = flag_if(BRG_ACCUMULATE, given.accumulate);
  s.parameters = given.parameters;
  s.loss = address(given.loss, b, "output.loss");
  s.gradient = address(given.gradient, b * p, "output.gradient");
  s.normal = address(given.normal, b * (p * (p + 1) / 2), "output.normal");
  s.rotation_bar = address(given.rotation_bar, 9 * b, "output.rotation_bar");
  s.observable = address(given.observable, b, "output.observable");
  s.matched = address(given.matched, b, "output.matched");
  s.missing = address(given.missing, b, "output.missing");
  s.grazing = address(given.grazing, b, "output.grazing");
  return s;
}

}  // namespace detail

// ---- the calls ----

template <class T>
void solve(const Context& context, const brg_geometry& geometry, const Items<T>& items, const Roots<T>& roots) {
  const auto c_items = detail::c_struct(items);
  const auto c_roots = detail::c_struct(roots, items.g.size() / 3);
  check(detail::Family<T>::solve(context.get(), &geometry, &c_items, &c_roots));
}

template <class T>
void solve_vjp(const Context& context, const brg_geometry& geometry, const Items<T>& items,
               const RootCotangents<T>& cotangents, const ItemsGradient<T>& gradient) {
  const size_t n = items.g.size() / 3;
  const auto c_items = detail::c_struct(items);
  const auto c_cotangents = detail::c_struct(cotangents, n);
  const auto c_gradient = detail::c_struct(gradient, n);
  check(detail::Family<T>::solve_vjp(context.get(), &geometry, &c_items, &c_cotangents, &c_gradient));
}

template <class T>
void solve_jvp(const Context& context, const brg_geometry& geometry, const Items<T>& items,
               const ItemsTangent<T>& tangent, const Roots<T>& roots_dot) {
  const size_t n = items.g.size() / 3;
  const auto c_items = detail::c_struct(items);
  const auto c_tangent = detail::c_struct(tangent, n);
  const auto c_roots = detail::c_struct(roots_dot, n);
  check(detail::Family<T>::solve_jvp(context.get(), &geometry, &c_items, &c_tangent, &c_roots));
}

template <class T>
void predict(const Context& context, const brg_geometry& geometry, const Reflections& reflections,
             const Orientations<T>& orientations, const Roots<T>& roots) {
  const auto c_orientations = detail::c_struct(orientations);
  const auto c_roots = detail::c_struct(roots, detail::product({orientations.rotation.size() / 9, reflections.size()}));
  check(detail::Family<T>::predict(context.get(), &geometry, reflections.get(), &c_orientations, &c_roots));
}

template <class T>
void predict_vjp(const Context& context, const brg_geometry& geometry, const Reflections& reflections,
                 const Orientations<T>& orientations, const RootCotangents<T>& cotangents,
                 const OrientationsGradient<T>& gradient) {
  const size_t b = orientations.rotation.size() / 9, n = reflections.size();
  const auto c_orientations = detail::c_struct(orientations);
  const auto c_cotangents = detail::c_struct(cotangents, detail::product({b, n}));
  const auto c_gradient = detail::c_struct(gradient, b, n);
  check(detail::Family<T>::predict_vjp(context.get(), &geometry, reflections.get(), &c_orientations, &c_cotangents,
                                       &c_gradient));
}

template <class T>
void predict_jvp(const Context& context, const brg_geometry& geometry, const Reflections& reflections,
                 const Orientations<T>& orientations, const OrientationsTangent<T>& tangent,
                 const Roots<T>& roots_dot) {
  const size_t b = orientations.rotation.size() / 9, n = reflections.size();
  const auto c_orientations = detail::c_struct(orientations);
  const auto c_tangent = detail::c_struct(tangent, b, n);
  const auto c_roots = detail::c_struct(roots_dot, detail::product({b, n}));
  check(detail::Family<T>::predict_jvp(context.get(), &geometry, reflections.get(), &c_orientations, &c_tangent,
                                       &c_roots));
}

// g [B,N,3]
template <class T>
void rotate(const Context& context, const Reflections& reflections, const Orientations<T>& orientations,
            std::span<T> g) {
  const size_t b = orientations.rotation.size() / 9;
  const auto c_orientations = detail::c_struct(orientations);
  auto vectors = detail::made<typename detail::Family<T>::Vectors>();
  vectors.g = detail::address(g, detail::product({b, reflections.size(), 3}), "g");
  check(detail::Family<T>::rotate(context.get(), reflections.get(), &c_orientations, &vectors));
}

template <class T>
void rotate_vjp(const Context& context, const Reflections& reflections, const Orientations<T>& orientations,
                std::span<const T> g_bar, const OrientationsGradient<T>& gradient) {
  const size_t b = orientations.rotation.size() / 9, n = reflections.size();
  const auto c_orientations = detail::c_struct(orientations);
  auto cotangents = detail::made<typename detail::Family<T>::VectorCotangents>();
  cotangents.g = detail::address(g_bar, detail::product({b, n, 3}), "g_bar");
  const auto c_gradient = detail::c_struct(gradient, b, n);
  check(detail::Family<T>::rotate_vjp(context.get(), reflections.get(), &c_orientations, &cotangents, &c_gradient));
}

template <class T>
void rotate_jvp(const Context& context, const Reflections& reflections, const Orientations<T>& orientations,
                const OrientationsTangent<T>& tangent, std::span<T> g_dot) {
  const size_t b = orientations.rotation.size() / 9, n = reflections.size();
  const auto c_orientations = detail::c_struct(orientations);
  const auto c_tangent = detail::c_struct(tangent, b, n);
  auto vectors = detail::made<typename detail::Family<T>::Vectors>();
  vectors.g = detail::address(g_dot, detail::product({b, n, 3}), "g_dot");
  check(detail::Family<T>::rotate_jvp(context.get(), reflections.get(), &c_orientations, &c_tangent, &vectors));
}

template <class T>
void diffracted_beam(const Context& context, const brg_geometry& geometry, const Items<T>& items,
                     std::span<const T> omega, const Beams<T>& beams) {
  const size_t n = items.g.size() / 3;
  const auto c_items = detail::c_struct(items);
  auto c_beams = detail::made<typename detail::Family<T>::Beams>();
  c_beams.direction = detail::address(beams.direction, 3 * n, "beams.direction");
  c_beams.two_theta = detail::address(beams.two_theta, n, "beams.two_theta");
  c_beams.eta = detail::address(beams.eta, n, "beams.eta");
  check(detail::Family<T>::diffracted_beam(context.get(), &geometry, &c_items, detail::address(omega, n, "omega"),
                                           &c_beams));
}

// The number of spots. Too small arrays are an Error of BRG_ERROR_CAPACITY; arrays that are all empty ask for the number.
template <class T>
int64_t predict_spots(const Context& context, const brg_geometry& geometry, const Reflections& reflections,
                      const Orientations<T>& orientations, const Spots<T>& spots) {
  const auto c_orientations = detail::c_struct(orientations);
  const size_t capacity = !spots.omega.empty()        ? spots.omega.size()
                          : !spots.reflection.empty() ? spots.reflection.size()
                                                      : spots.root.size();
  if (spots.windows.size() > BRG_MAX_OMEGA_WINDOWS)
    throw Error(BRG_ERROR_INVALID_ARGUMENT, "spots.windows has " + std::to_string(spots.windows.size()) +
                                                " windows, and may have " + std::to_string(BRG_MAX_OMEGA_WINDOWS));
  auto c_spots = detail::made<typename detail::Family<T>::Spots>();
  for (const OmegaWindow& window : spots.windows) {
    c_spots.window_low[c_spots.window_count] = window.low;
    c_spots.window_high[c_spots.window_count++] = window.high;
  }
  c_spots.capacity = static_cast<int64_t>(capacity);
  c_spots.offsets = detail::address(spots.offsets, orientations.rotation.size() / 9 + 1, "spots.offsets");
  c_spots.reflection = detail::address(spots.reflection, capacity, "spots.reflection");
  c_spots.root = detail::address(spots.root, capacity, "spots.root");
  c_spots.omega = detail::address(spots.omega, capacity, "spots.omega");
  int64_t count = 0;
  check(
      detail::Family<T>::predict_spots(context.get(), &geometry, reflections.get(), &c_orientations, &c_spots, &count));
  return count;
}

template <class T>
void omega_loss(const Context& context, const brg_geometry& geometry, const Reflections& reflections,
                const Orientations<T>& orientations, const OmegaTargets<T>& targets, const OmegaLossOutput<T>& output) {
  const size_t b = orientations.rotation.size() / 9, n = reflections.size();
  const auto c_orientations = detail::c_struct(orientations);
  const auto c_targets = detail::c_struct(targets, b, n);
  const auto c_output = detail::c_struct(output, b);
  check(detail::Family<T>::omega_loss(context.get(), &geometry, reflections.get(), &c_orientations, &c_targets,
                                      &c_output));
}

// ---- other programs (include/braggrad/convention.h): set the members of the convention, then geometry or solve ----

inline brg_convention convention_of(brg_system system) {
  brg_convention convention;
  check(brg_convention_init(&convention, sizeof convention, system));
  return convention;
}

inline brg_geometry geometry_of(const brg_convention& convention) {
  auto geometry = detail::made<brg_geometry>();
  check(brg_convention_geometry(&convention, &geometry));
  return geometry;
}

// The program's first and second angle of each vector.
template <class T>
void solve(const Context& context, const brg_convention& convention, const Items<T>& items, const Roots<T>& answers) {
  const auto c_items = detail::c_struct(items);
  const auto c_answers = detail::c_struct(answers, items.g.size() / 3);
  check(detail::Family<T>::convention_solve(context.get(), &convention, &c_items, &c_answers));
}

// Roots of any call with the convention's geometry as the program's angles, in place.
template <class T>
void convert_angles(const Context& context, const brg_convention& convention, const Roots<T>& roots) {
  const size_t n = std::max({roots.omega1.size(), roots.omega2.size(), roots.observable.size()});
  const auto c_roots = detail::c_struct(roots, n);
  check(detail::Family<T>::convention_angles(context.get(), &convention, static_cast<int64_t>(n), &c_roots, &c_roots));
}

}  // namespace braggrad
