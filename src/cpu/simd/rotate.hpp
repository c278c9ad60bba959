// rotate on lanes, with its adjoint and directional derivative.
#pragma once

#include "core/rotate.hpp"
#include "cpu/simd/predict_derivatives.hpp"

namespace braggrad::cpu::BRG_LEVEL {

// q of a chunk as it is given: whatever is not finite stays so.
template <class T>
class Vectors {
 public:
  using V = Lanes<T>;
  [[gnu::always_inline]] Vectors(const Reflections<T>& reflections, const Mat3<T>& basis, bool own_basis)
      : reflections_(reflections),
        basis_(core::broadcast<V>(basis)),
        own_basis_(own_basis),
        stride_(reflection_planes_stride(reflections.count)) {}

  [[gnu::always_inline]] Vec3<V> load_hkl(int64_t n) const {
    const T* h = reflections_.planes + 4 * stride_ + n;
    return {load(h), load(h + stride_), load(h + 2 * stride_)};
  }
  // Reflections n ... of which `rest` are left.
  [[gnu::always_inline]] Vec3<V> load_q(int64_t n, int64_t rest) const {
    return own_basis_ ? multiply(basis_, load_hkl(n)) : load_three(reflections_.q + 3 * n, rest);
  }

 private:
  const Reflections<T>& reflections_;
  Mat3<V> basis_;
  bool own_basis_;
  int64_t stride_;
};

// G of pairs first ... last - 1.
template <class T>
static void rotate(const RotateProblem<T>& p, int64_t first, int64_t last) {
  using V = Lanes<T>;
  for_rows(p.reflections.count, first, last - first, [&](int64_t b, int64_t begin, int64_t at, int64_t row) {
    const Setting<T> own = make_rotation(p.orientations, b);
    const Mat3<V> rotation = core::broadcast<V>(own.rotation);
    const Vectors<T> vectors(p.reflections, own.basis, p.orientations.reciprocal_basis != nullptr);
    T* out = p.g + 3 * (first + at);
    for (int64_t i = 0; i < row; i += lanes<T>)
      store_three(out + 3 * i, multiply(rotation, vectors.load_q(begin + i, row - i)), row - i);
  });
}

// dG of pairs first ... last - 1.
template <class T>
static void rotate_jvp(const RotateJvpProblem<T>& p, int64_t first, int64_t last) {
  using V = Lanes<T>;
  for_rows(p.reflections.count, first, last - first, [&](int64_t b, int64_t begin, int64_t at, int64_t row) {
    const Setting<T> own = make_rotation(p.orientations, b);
    const Setting<V> setting = broadcast(own);
    const SettingDot<V> change = broadcast(make_setting_dot(identity_frame(), p.orientations, p.tangent, b));
    const Vectors<T> vectors(p.reflections, own.basis, p.orientations.reciprocal_basis != nullptr);
    T* out = p.g + 3 * (first + at);
    for (int64_t i = 0; i < row; i += lanes<T>) {
      const Vec3<V> q_dot = load_q_dot(p.reflections, p.tangent, change, begin + i, row - i);
      store_three(out + 3 * i, core::rotate_jvp(setting, change, vectors.load_q(begin + i, row - i), q_dot), row - i);
    }
  });
}

// Orientations first ... last - 1, as predict_vjp.
template <class T>
static void rotate_vjp(const RotateVjpProblem<T>& p, bool wants_basis, int64_t first, int64_t last, double* q_bar,
                       double* batch) {
  using V = Lanes<T>;
  const int64_t length = p.reflections.count;
  for (int64_t b = first; b < last; ++b) {
    const Setting<T> own = make_rotation(p.orientations, b);
    const Mat3<V> rotation = core::broadcast<V>(own.rotation);
    const Vectors<T> vectors(p.reflections, own.basis, p.orientations.reciprocal_basis != nullptr);
    Sums<18> sums;  // by rotation, by basis
    for (int64_t start = 0; start < length; start += sum_pairs<T>) {
      Mat3<V> by_rotation, by_basis;
      for (int64_t n = start; n < smaller(start + sum_pairs<T>, length); n += lanes<T>) {
        const int64_t rest = length - n;
        const Vec3<V> g_bar = load_three(p.g_bar + 3 * (b * length + n), rest);
        add_product<T>(by_rotation, g_bar, vectors.load_q(n, rest));
        if (!wants_basis && !q_bar) continue;
        const Vec3<V> q = multiply_transposed(rotation, g_bar);
        if (wants_basis) add_product<T>(by_basis, q, vectors.load_hkl(n));
        if (q_bar) add_vectors(q_bar + 3 * n, q, rest);
      }
      sums.add(0, by_rotation), sums.add(9, by_basis);
    }
    double sum[Sums<18>::room];
    sums.totals(sum);
    OrientationSums total;
    total.rotation = load_matrix<double>(sum, false), total.basis = load_matrix<double>(sum + 9, false);
    store_orientation(identity_frame(), p.orientations, p.gradient, b, total);
    if (batch) add_partial(batch, total);
  }
}

}  // namespace braggrad::cpu::BRG_LEVEL
