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
  V scalars[6], gradient_k, gradient_c, length[6];
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
    const V odd = slope.first - slope.second;
    gradient_k = mul_add(odd, t.wavenumber, gradient_k), gradient_c = mul_add(odd, t.chi, gradient_c);
    if (!from_rotated) {
      const V part = odd * t.length, x = part * q.x, y = part * q.y;
      length[0] = mul_add(x, q.x, length[0]), length[1] = mul_add(x, q.y, length[1]);
      length[2] = mul_add(x, q.z, length[2]), length[3] = mul_add(y, q.y, length[3]);
      length[4] = mul_add(y, q.z, length[4]), length[5] = mul_add(part * q.z, q.z, length[5]);
    }
    const V sum = v.first + v.second, difference = v.first - v.second;
    const V dk = difference * t.wavenumber, dc = difference * t.chi, sk = sum * t.wavenumber;
    scalars[0] = scalars[0] + sum, scalars[1] = scalars[1] + dk, scalars[2] = scalars[2] + dc;
    scalars[3] = mul_add(sk, t.wavenumber, scalars[3]), scalars[4] = mul_add(sk, t.chi, scalars[4]);
    scalars[5] = mul_add(sum * t.chi, t.chi, scalars[5]);
    const SlantSums<V> w = slant_sums(t, sum, difference);
    put_factors(At::square, w.xx, w.xy, w.xz), put_factors(At::square + 3, w.yy, w.yz, w.zz);
    put_factors(At::turn, w.x, w.y, w.z);
    put_factors(At::chi, t.chi * w.odd_x, t.chi * w.odd_y, t.chi * w.odd_z);
  }
  unrolled<6>([&](auto j) { put(TensorIndex::scalars + j, scalars[j]), put(TensorIndex::length + j, length[j]); });
  put(TensorIndex::gradient, gradient_k), put(TensorIndex::gradient + 1, gradient_c);
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
