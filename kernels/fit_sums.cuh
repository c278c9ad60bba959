// What a lane sums for omega_loss, and where each sum stands.
#pragma once

#include "core/fit_tensors.hpp"

namespace braggrad::cuda {

// none: loss and rotation_bar. turns: and the normal matrix of the rotation. gradient, all: gradient, and normal matrix, of all
// parameters.
enum class FitPart { none, turns, gradient, all };

// Numbers of the sums, and of what is made of them in the same memory: normal matrix, strain of the frame by strain of the
// crystal, gradient. Tensors stand where all of them have room (core/fit_tensors.hpp); those that are not summed are 0 until
// they are completed.
template <FitPart part>
struct FitSlots {
  static constexpr bool with_gradient = part == FitPart::all || part == FitPart::gradient;
  static constexpr bool with_tensors = part == FitPart::all, with_turns = part == FitPart::turns;

  static constexpr int loss = 0, rotation = 1;
  static constexpr int gradient = rotation + 9;  // as from TensorIndex::gradient on
  static constexpr int turns = gradient + (with_gradient ? core::TensorIndex::count - core::TensorIndex::gradient : 0);
  static constexpr int tensors = turns + (with_turns ? 6 : 0);
  static constexpr int scalars = tensors + (with_tensors ? core::AllTensors::count : 0);
  static constexpr int count = scalars + (with_tensors ? core::TensorIndex::normals - core::TensorIndex::scalars : 0);

  static constexpr int normal = with_turns ? turns : count;  // a triangle by rows
  static constexpr int normal_rows = with_turns ? 3 : with_tensors ? core::fit_parameters : 0;
  static constexpr int half = count + (with_tensors ? core::fit_normals : 0);
  static constexpr int made_gradient = half;  // once `half` is not needed any more
  static constexpr int parameters = with_gradient ? core::fit_parameters : with_turns ? 3 : 0;
  static constexpr int kept_rotation = half + (with_tensors ? 36 : parameters);
  static constexpr int room = with_tensors ? (kept_rotation + 9) | 1 : kept_rotation;  // odd: groups in other banks
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
    const Vec3<T> bar = pair_vjp(setting, pair, from_rotated, s.slope1, s.slope2).g;
    const T g_bar[3] = {bar.x, bar.y, bar.z}, q[3] = {pair.q.x, pair.q.y, pair.q.z};
#pragma unroll
    for (int i = 0; i < 9; ++i) add_product(Slots::rotation + i, g_bar[i / 3], q[i % 3]);
    if constexpr (Slots::with_turns) add_turns(turn_rows(setting, pair.g, pair.crossing), s);
    if constexpr (Slots::with_gradient) {
      const Slant<T> t = slant_of(setting.beam, pair.g, pair.q2, pair.crossing);
      const T odd = s.slope1 - s.slope2;
      add_product(Slots::gradient, odd, t.wavenumber), add_product(Slots::gradient + 1, odd, t.chi);
      if (!from_rotated) add_symmetric(Slots::gradient + 2, odd * t.length, pair.q);
      if constexpr (Slots::with_tensors) add_tensors(t, pair.g, s.weight1 + s.weight2, s.weight1 - s.weight2);
    }
  }

 private:
  __device__ __forceinline__ void add_product(int slot, T a, T b) { values[slot] = core::mul_add(a, b, values[slot]); }

  // factor v v^T
  __device__ __forceinline__ void add_symmetric(int slot, T factor, const core::Vec3<T>& v) {
    const T x = factor * v.x, y = factor * v.y, z = factor * v.z;
    add_product(slot, x, v.x), add_product(slot + 1, x, v.y), add_product(slot + 2, x, v.z);
    add_product(slot + 3, y, v.y), add_product(slot + 4, y, v.z), add_product(slot + 5, z, v.z);
  }

  // Rows x, y, axis (J = -1).
  __device__ __forceinline__ void add_turns(const core::TurnRows<T>& j, const Slopes<T>& s) {
    using namespace core;
    const T sum = s.weight1 + s.weight2, difference = s.weight1 - s.weight2;
    const Weighted<T> x = weighted(sum, difference, j.x_even, j.x_odd),
                      y = weighted(sum, difference, j.y_even, j.y_odd);
    T* normal = values + Slots::normal;
    normal[0] = add_both(x, j.x_even, j.x_odd, normal[0]), normal[1] = add_both(x, j.y_even, j.y_odd, normal[1]);
    normal[3] = add_both(y, j.y_even, j.y_odd, normal[3]);
    normal[2] -= x.even, normal[4] -= y.even, normal[5] += sum;
  }

  __device__ __forceinline__ void add_tensors(const core::Slant<T>& t, const core::Vec3<T>& g, T sum, T difference) {
    using namespace core;
    const SlantSums<T> w = slant_sums(t, sum, difference);
    const T square[6] = {w.xx, w.xy, w.xz, w.yy, w.yz, w.zz};
    const T even[3] = {w.x, w.y, w.z}, odd[3] = {t.chi * w.odd_x, t.chi * w.odd_y, t.chi * w.odd_z};
    const T by[3] = {g.x, g.y, g.z};
#pragma unroll
    for (int i = 0; i < 3; ++i) {
#pragma unroll
      for (int j = i; j < 3; ++j) {
        const T product = by[i] * by[j];
        const int gg = symmetric_index(i, j);
#pragma unroll
        for (int tt = 0; tt < 6; ++tt)
          if (is_summed(tt, gg)) add_product(Slots::tensors + AllTensors::square + 6 * tt + gg, square[tt], product);
      }
    }
#pragma unroll
    for (int i = 0; i < 9; ++i) {
      if (!is_summed(i)) continue;
      add_product(Slots::tensors + AllTensors::turn + i, even[i / 3], by[i % 3]);
      add_product(Slots::tensors + AllTensors::chi + i, odd[i / 3], by[i % 3]);
    }
    const T by_wavenumber = sum * t.wavenumber;
    T* scalars = values + Slots::scalars;
    scalars[0] += sum;
    add_product(Slots::scalars + 1, difference, t.wavenumber), add_product(Slots::scalars + 2, difference, t.chi);
    add_product(Slots::scalars + 3, by_wavenumber, t.wavenumber);
    add_product(Slots::scalars + 4, by_wavenumber, t.chi), add_product(Slots::scalars + 5, sum * t.chi, t.chi);
  }
};

}  // namespace braggrad::cuda
