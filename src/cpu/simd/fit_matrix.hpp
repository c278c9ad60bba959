// Sums of omega_loss over the pairs of one orientation: loss, sum w l' G_bar q^T, and what gradient and normal matrix are made of,
// which are products of the turns (J1 = even + odd, J2 = even - odd), or the tensors of core/fit_tensors.hpp.
#pragma once

#include <type_traits>

#include "core/fit_tensors.hpp"
#include "cpu/simd/setting.hpp"
#include "cpu/simd/sums.hpp"

namespace braggrad::cpu::BRG_LEVEL {

// Which part of the normal matrix is wanted.
enum class FitMatrix { none, rotation, all };

inline constexpr int64_t fit_room = chunk_room;

// Planes of a chunk that its loops hand to each other: unit vectors of the roots, later slopes (sin) and matrix weights (cos); and
// crossings, with 1/s = 0 where a pair contributes nothing. The tensors' factors take their place when nobody needs them any more.
struct FitPlane {
  static constexpr int sin1 = 0, sin2 = 1, cos1 = 2, cos2 = 3, c = 4, inverse_s = 5, ux = 6, uy = 7, roots = 8;
  static constexpr int square = 0, turn = 6, chi = 9, g = 12, tensors = 15;
};

template <class T, FitMatrix matrix>
class FitPlanes {
 public:
  [[gnu::always_inline]] T* operator[](int plane) { return values_[plane]; }
  [[gnu::always_inline]] const T* operator[](int plane) const { return values_[plane]; }

 private:
  static constexpr int64_t room = sum_pairs<T> + most_lanes;
  alignas(64) T values_[matrix == FitMatrix::all ? FitPlane::tensors : FitPlane::roots][room];
};

// Three planes from number `first` on.
template <class T>
BRG_SIMD Vec3<Lanes<T>> load_vector(const FitPlanes<T, FitMatrix::all>& planes, int first, int64_t i) {
  return {load(planes[first] + i), load(planes[first + 1] + i), load(planes[first + 2] + i)};
}

// Products of the turns: xx, xy, xz, yy, yz, zz.
template <class V>
struct TurnProducts {
  V xx, xy, xz, yy, yz, zz;

  // v1, v2: matrix weights of the roots.
  [[gnu::always_inline]] void add(const TurnRows<V>& j, V v1, V v2) {
    add_root(j.x_even + j.x_odd, j.y_even + j.y_odd, v1), add_root(j.x_even - j.x_odd, j.y_even - j.y_odd, v2);
  }
  [[gnu::always_inline]] void add_root(V x, V y, V v) {
    const V vx = v * x, vy = v * y;
    xx = mul_add(vx, x, xx), xy = mul_add(vx, y, xy), yy = mul_add(vy, y, yy);
    xz = xz - vx, yz = yz - vy, zz = zz + v;
  }
};

// Numbers of the sums of an orientation. What follows `rotation` depends on the matrix: products of the turns, or the tensors.
struct FitIndex {
  static constexpr int loss = 0, missing_weight = 1, rotation = 2, turns = 11, tensors = 11;
};

template <FitMatrix matrix>
inline constexpr int fit_sum_count = matrix == FitMatrix::all        ? FitIndex::tensors + TensorIndex::count
                                     : matrix == FitMatrix::rotation ? FitIndex::turns + 6
                                                                     : FitIndex::turns;

// G G^T as xx, xy, xz, yy, yz, zz.
template <class T>
struct Squares {
  Lanes<T> values[6];
};
template <class T>
BRG_SIMD Squares<T> squares_of(const Vec3<Lanes<T>>& g) {
  return {{g.x * g.x, g.x * g.y, g.x * g.z, g.y * g.y, g.y * g.z, g.z * g.z}};
}

// Adds t_i G_j of the eight that are kept.
template <class V>
BRG_SIMD void add_vectors(V* sums, const Vec3<V>& t, const Vec3<V>& g) {
  sums[0] = mul_add(t.x, g.x, sums[0]), sums[1] = mul_add(t.x, g.z, sums[1]), sums[2] = mul_add(t.y, g.x, sums[2]);
  sums[3] = mul_add(t.y, g.y, sums[3]), sums[4] = mul_add(t.y, g.z, sums[4]), sums[5] = mul_add(t.z, g.x, sums[5]);
  sums[6] = mul_add(t.z, g.y, sums[6]), sums[7] = mul_add(t.z, g.z, sums[7]);
}

// Products of the factors of a chunk, put(i, sum) for sum i of TensorIndex. Two loops, as many sums in each as there are registers.
template <class T, class Put>
[[gnu::noinline]] static void square_products(const FitPlanes<T, FitMatrix::all>& planes, int64_t count,
                                              const Put& put) {
  using V = Lanes<T>;
  V xx[3], xy[3], xz[3], yy[6], yz[6], zz[6];
  for (int64_t i = 0; i < count; i += lanes<T>) {
    const Squares<T> g = squares_of<T>(load_vector(planes, FitPlane::g, i));
    const auto add_three = [&](V* sums, int t) {
      const V square = load(planes[FitPlane::square + t] + i);
      sums[0] = mul_add(square, g.values[0], sums[0]), sums[1] = mul_add(square, g.values[2], sums[1]);
      sums[2] = mul_add(square, g.values[5], sums[2]);
    };
    const auto add_six = [&](V* sums, int t) {
      const V square = load(planes[FitPlane::square + t] + i);
      unrolled<6>([&](auto j) { sums[j] = mul_add(square, g.values[j], sums[j]); });
    };
    add_three(xx, 0), add_three(xy, 1), add_three(xz, 2), add_six(yy, 3), add_six(yz, 4), add_six(zz, 5);
  }
  unrolled<3>([&](auto j) {
    put(TensorIndex::square + j, xx[j]), put(TensorIndex::square + 3 + j, xy[j]);
    put(TensorIndex::square + 6 + j, xz[j]);
  });
  unrolled<6>([&](auto j) {
    put(TensorIndex::square + 9 + j, yy[j]), put(TensorIndex::square + 15 + j, yz[j]);
    put(TensorIndex::square + 21 + j, zz[j]);
  });
}

template <class T, class Put>
[[gnu::noinline]] static void vector_products(const FitPlanes<T, FitMatrix::all>& planes, int64_t count,
                                              const Put& put) {
  Lanes<T> turn[TensorIndex::vectors], chi[TensorIndex::vectors];
  for (int64_t i = 0; i < count; i += lanes<T>) {
    const Vec3<Lanes<T>> g = load_vector(planes, FitPlane::g, i);
    add_vectors(turn, load_vector(planes, FitPlane::turn, i), g),
        add_vectors(chi, load_vector(planes, FitPlane::chi, i), g);
  }
  unrolled<TensorIndex::vectors>(
      [&](auto j) { put(TensorIndex::turn + j, turn[j]), put(TensorIndex::chi + j, chi[j]); });
}

}  // namespace braggrad::cpu::BRG_LEVEL
