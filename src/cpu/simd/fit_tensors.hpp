// The tensors of core/fit_tensors.hpp, summed over a chunk: first what each pair gives, then the products of it.
#pragma once

#include "cpu/simd/fit_matrix.hpp"

namespace braggrad::cpu::BRG_LEVEL {

// Three planes from number `first` on.
template <class T>
BRG_SIMD Vec3<Lanes<T>> load_vector(const FitPlanes<T, FitMatrix::all>& planes, int first, int64_t i) {
  return {load(planes[first] + i), load(planes[first + 1] + i), load(planes[first + 2] + i)};
}

// The factors of a chunk's tensors, which take the place of its crossings, and the sums that are no products of them: put(i, sum) gets
// sum i of TensorIndex. Q is taken from the rotated vector, or from the crystal's.
template <bool single, class T, class Put>
BRG_SIMD void tensor_factors(const Setting<Lanes<T>>& setting, const Planes<T>& from, bool from_rotated, int64_t count,
                             FitPlanes<T, FitMatrix::all>& planes, const Put& put) {
  using V = Lanes<T>;
  using At = FitPlane;
  const V zero(T(0));
  V scalars[6], gradient[8];
  for (int64_t i = 0; i < count; i += lanes<T>) {
    // Where nothing contributes G may be too large to be squared: it is 0 there.
    const LaneMask<T> contributes = load(planes[At::inverse_s] + i) != zero;
    const Vec3<V> q = {load_masked(contributes, from.x + i), load_masked(contributes, from.y + i),
                       load_masked(contributes, from.z + i)};
    const Vec3<V> g = multiply(setting.rotation, q);
    const Slant<V> t = slant_of(setting.beam, g, from_rotated ? dot(g, g) : load(from.q2 + i), crossing_at(planes, i));
    const auto put_factors = [&](int first, V x, V y, V z) {
      store(planes[first] + i, x), store(planes[first + 1] + i, y), store(planes[first + 2] + i, z);
    };
    put_factors(At::g, g.x, g.y, g.z);
    const Both<V> slope = of_roots<single>(planes, At::sin1, At::sin2, i);
    const Both<V> v = of_roots<single>(planes, At::cos1, At::cos2, i);
    add_gradient(gradient, t, slope.first - slope.second, q, from_rotated);
    const V sum = v.first + v.second, difference = v.first - v.second;
    add_scalars(scalars, t, sum, difference);
    const SlantSums<V> w = slant_sums(t, sum, difference);
    put_factors(At::square, w.xx, w.xy, w.xz), put_factors(At::square + 3, w.yy, w.yz, w.zz);
    put_factors(At::turn, w.x, w.y, w.z);
    put_factors(At::chi, t.chi * w.odd_x, t.chi * w.odd_y, t.chi * w.odd_z);
  }
  unrolled<6>([&](auto j) { put(TensorIndex::scalars + j, scalars[j]); });
  unrolled<8>([&](auto j) { put(TensorIndex::gradient + j, gradient[j]); });
}

// G G^T as xx, xy, xz, yy, yz, zz.
template <class T>
struct Squares {
  Lanes<T> values[6];
};
template <class T>
BRG_SIMD Squares<T> squares_of(const Vec3<Lanes<T>>& g) {
  return {{g.x * g.x, g.x * g.y, g.x * g.z, g.y * g.y, g.y * g.z, g.z * g.z}};
}

template <int n>
using Number = std::integral_constant<int, n>;

// Products of the factors of a chunk, put(i, sum) for sum i of TensorIndex. Two loops, as many sums in each as there are registers.
template <class T, class Put>
[[gnu::noinline]] static void square_products(const FitPlanes<T, FitMatrix::all>& planes, int64_t count,
                                              const Put& put) {
  using V = Lanes<T>;
  V xx[6], xy[6], xz[6], yy[6], yz[6], zz[6];
  for (int64_t i = 0; i < count; i += lanes<T>) {
    const Squares<T> g = squares_of<T>(load_vector(planes, FitPlane::g, i));
    const auto square = [&](int tt) { return load(planes[FitPlane::square + tt] + i); };
    add_square<0>(xx, square(0), g.values), add_square<1>(xy, square(1), g.values);
    add_square<2>(xz, square(2), g.values), add_square<3>(yy, square(3), g.values);
    add_square<4>(yz, square(4), g.values), add_square<5>(zz, square(5), g.values);
  }
  int to = TensorIndex::square;
  const auto put_row = [&](auto tt, const V* row) {
    unrolled<6>([&](auto gg) {
      if constexpr (is_summed(tt, gg)) put(to++, row[gg]);
    });
  };
  put_row(Number<0>(), xx), put_row(Number<1>(), xy), put_row(Number<2>(), xz);
  put_row(Number<3>(), yy), put_row(Number<4>(), yz), put_row(Number<5>(), zz);
}

template <class T, class Put>
[[gnu::noinline]] static void vector_products(const FitPlanes<T, FitMatrix::all>& planes, int64_t count,
                                              const Put& put) {
  Lanes<T> turn[9], chi[9];
  for (int64_t i = 0; i < count; i += lanes<T>) {
    const Vec3<Lanes<T>> g = load_vector(planes, FitPlane::g, i);
    add_vector_products(turn, load_vector(planes, FitPlane::turn, i), g);
    add_vector_products(chi, load_vector(planes, FitPlane::chi, i), g);
  }
  int to = 0;
  unrolled<9>([&](auto j) {
    if constexpr (is_summed(j)) put(TensorIndex::turn + to, turn[j]), put(TensorIndex::chi + to++, chi[j]);
  });
}

}  // namespace braggrad::cpu::BRG_LEVEL
