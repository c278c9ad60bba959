// What a lane sums for omega_loss, and where each sum stands. The rows of J of both roots are even +- odd parts (core/fit.hpp).
#pragma once

#include "core/fit.hpp"

namespace braggrad::cuda {

// none: loss and rotation_bar. turns: and the normal matrix of the rotation. all: of all parameters. In float64 that has more
// sums than there are registers, and is made in two parts: gradient (with loss and rotation_bar) and matrix.
enum class FitPart { none, turns, all, gradient, matrix };

// Numbers of the sums. The gradient by strain is made from sum w l' G_bar q^T and its part along q, `along`. Of the normal
// matrix: a block of the turns, wavenumber and chi with each other, their products with the strain, and the strain's with itself;
// triangles by rows.
template <FitPart part>
struct FitSlots {
  static constexpr bool with_loss = part != FitPart::matrix;
  static constexpr bool with_gradient = part == FitPart::all || part == FitPart::gradient;
  static constexpr bool with_matrix = part == FitPart::all || part == FitPart::matrix;
  static constexpr int strain = 6, block_rows = part == FitPart::turns ? 3 : with_matrix ? 5 : 0;

  static constexpr int loss = 0, rotation = 1;
  static constexpr int scalar_gradient = with_loss ? rotation + 9 : 0;  // wavenumber, chi
  static constexpr int along = scalar_gradient + (with_gradient ? 2 : 0);
  static constexpr int block = along + (with_gradient ? strain : 0);
  static constexpr int cross = block + block_rows * (block_rows + 1) / 2;
  static constexpr int strain_block = cross + (with_matrix ? block_rows * strain : 0);
  static constexpr int count = strain_block + (with_matrix ? strain * (strain + 1) / 2 : 0);

  // Of element (a, b) of the normal matrix, a <= b, among all parameters.
  static constexpr int first_strain = core::fit_parameters - strain;
  BRG_CORE static constexpr int slot(int a, int b) {
    if (b < first_strain) return block + core::triangle_index(a, b, block_rows);
    if (a < first_strain) return cross + a * strain + b - first_strain;
    return strain_block + core::triangle_index(a - first_strain, b - first_strain, strain);
  }
};

// Slopes w l' and matrix weights w v of both roots.
template <class T>
struct Slopes {
  T slope1, slope2, weight1, weight2;
};

template <class T, FitPart part>
struct LaneSums {
  using Slots = FitSlots<part>;

  T values[Slots::count];

  // A pair that contributes.
  __device__ __forceinline__ void add(const core::Setting<T>& setting, const core::Pair<T>& pair, bool from_rotated,
                                      const Slopes<T>& s) {
    using namespace core;
    if constexpr (Slots::with_loss) {
      const Vec3<T> bar = pair_vjp(setting, pair, from_rotated, s.slope1, s.slope2).g;
      const T g[3] = {bar.x, bar.y, bar.z}, q[3] = {pair.q.x, pair.q.y, pair.q.z};
#pragma unroll
      for (int i = 0; i < 9; ++i) add_product(Slots::rotation + i, g[i / 3], q[i % 3]);
    }
    if constexpr (part != FitPart::none) {
      const T sum = s.weight1 + s.weight2, difference = s.weight1 - s.weight2, slopes = s.slope1 - s.slope2;
      LatticeRows<T> lattice;
      if constexpr (part != FitPart::turns) lattice = lattice_rows(setting, pair, from_rotated);
      if constexpr (Slots::with_gradient) {
        add_product(Slots::scalar_gradient, slopes, lattice.wavenumber_odd);
        add_product(Slots::scalar_gradient + 1, slopes, lattice.chi_odd);
        const Strain<T> along = strain_of(Vec3<T>{pair.q.x, pair.q.y, pair.q.z}, pair.q);
        const T length = slopes * lattice.length_odd;
#pragma unroll
        for (int e = 0; e < Slots::strain; ++e) add_product(Slots::along + e, length, along.values[e]);
      }
      Strain<T> even, odd;
      if constexpr (Slots::with_matrix) {
        even = strain_of(lattice.t_even, pair.q), odd = strain_of(lattice.t_odd, pair.q);
#pragma unroll
        for (int a = 0; a < Slots::strain; ++a) {
          const Weighted<T> w = weighted(sum, difference, even.values[a], odd.values[a]);
#pragma unroll
          for (int b = a; b < Slots::strain; ++b) {
            T& value = values[Slots::slot(Slots::first_strain + a, Slots::first_strain + b)];
            value = add_both(w, even.values[b], odd.values[b], value);
          }
        }
      }
      if constexpr (Slots::block_rows > 0) add_block(setting, pair, lattice, even, odd, sum, difference);
    }
  }

 private:
  __device__ __forceinline__ void add_product(int slot, T a, T b) { values[slot] = core::mul_add(a, b, values[slot]); }

  // Rows x, y, axis (J = -1), and wavenumber and chi, which have no even part.
  __device__ __forceinline__ void add_block(const core::Setting<T>& setting, const core::Pair<T>& pair,
                                            const core::LatticeRows<T>& lattice, const core::Strain<T>& even,
                                            const core::Strain<T>& odd, T sum, T difference) {
    using namespace core;
    const TurnRows<T> j = turn_rows(setting, pair.g, pair.crossing);
    const Weighted<T> x = weighted(sum, difference, j.x_even, j.x_odd),
                      y = weighted(sum, difference, j.y_even, j.y_odd);
    const auto at = [](int a, int b) { return Slots::slot(a, b); };
    values[at(0, 0)] = add_both(x, j.x_even, j.x_odd, values[at(0, 0)]);
    values[at(0, 1)] = add_both(x, j.y_even, j.y_odd, values[at(0, 1)]);
    values[at(1, 1)] = add_both(y, j.y_even, j.y_odd, values[at(1, 1)]);
    values[at(0, 2)] -= x.even, values[at(1, 2)] -= y.even, values[at(2, 2)] += sum;
    if constexpr (Slots::with_matrix) {
      const T k = lattice.wavenumber_odd, c = lattice.chi_odd;
      const Weighted<T> wk = {difference * k, sum * k}, wc = {difference * c, sum * c};
      add_product(at(0, 3), x.odd, k), add_product(at(0, 4), x.odd, c);
      add_product(at(1, 3), y.odd, k), add_product(at(1, 4), y.odd, c);
      values[at(2, 3)] -= wk.even, values[at(2, 4)] -= wc.even;
      add_product(at(3, 3), wk.odd, k), add_product(at(3, 4), wk.odd, c), add_product(at(4, 4), wc.odd, c);
#pragma unroll
      for (int e = 0; e < Slots::strain; ++e) {
        const int b = Slots::first_strain + e;
        values[at(0, b)] = add_both(x, even.values[e], odd.values[e], values[at(0, b)]);
        values[at(1, b)] = add_both(y, even.values[e], odd.values[e], values[at(1, b)]);
        values[at(2, b)] -= weighted(sum, difference, even.values[e], odd.values[e]).even;
        values[at(3, b)] = add_both(wk, even.values[e], odd.values[e], values[at(3, b)]);
        values[at(4, b)] = add_both(wc, even.values[e], odd.values[e], values[at(4, b)]);
      }
    }
  }
};

}  // namespace braggrad::cuda
