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
    if constexpr (Slots::with_turns)
      add_turns(values + Slots::turns, turn_rows(setting, pair.g, pair.crossing), s.weight1, s.weight2);
    if constexpr (Slots::with_gradient) {
      const Slant<T> t = slant_of(setting.beam, pair.g, pair.q2, pair.crossing);
      add_gradient(values + Slots::gradient, t, s.slope1 - s.slope2, pair.q, from_rotated);
      if constexpr (Slots::with_tensors) add_tensors(t, pair.g, s.weight1 + s.weight2, s.weight1 - s.weight2);
    }
  }

 private:
  __device__ __forceinline__ void add_product(int slot, T a, T b) { values[slot] = core::mul_add(a, b, values[slot]); }

  __device__ __forceinline__ void add_tensors(const core::Slant<T>& t, const core::Vec3<T>& g, T sum, T difference) {
    using namespace core;
    const SlantSums<T> w = slant_sums(t, sum, difference);
    const T squares[6] = {w.xx, w.xy, w.xz, w.yy, w.yz, w.zz};
    const T products[6] = {g.x * g.x, g.x * g.y, g.x * g.z, g.y * g.y, g.y * g.z, g.z * g.z};
    T* tensors = values + Slots::tensors;
    unrolled<6>([&](auto number) {
      constexpr int tt = decltype(number)::value;
      add_square<tt>(tensors + AllTensors::square + 6 * tt, squares[tt], products);
    });
    add_vector_products(tensors + AllTensors::turn, Vec3<T>{w.x, w.y, w.z}, g);
    add_vector_products(tensors + AllTensors::chi, Vec3<T>{t.chi * w.odd_x, t.chi * w.odd_y, t.chi * w.odd_z}, g);
    add_scalars(values + Slots::scalars, t, sum, difference);
  }
};

}  // namespace braggrad::cuda
