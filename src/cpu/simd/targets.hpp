// Targets of the losses as planes: per root the angle in [-pi, pi], or its sine and cosine for the chord loss, and the
// weight, which is 0 where there is no target.
#pragma once

#include <hwy/contrib/math/math-inl.h>

#include "core/fit.hpp"
#include "cpu/simd/source.hpp"

namespace braggrad::cpu::BRG_LEVEL {

template <class T>
struct TargetPlanes {
  const T *a, *b, *weight;  // angle and nothing, or sine and cosine
};

// Writes lanes i ... of the planes a, b, weight.
template <class T>
BRG_SIMD void put_target(bool chord, Lanes<T> omega, Lanes<T> weight, T* a, T* b, T* w) {
  using V = Lanes<T>;
  const V zero(T(0));
  const auto is_target = is_finite(omega) && is_finite(weight) && weight > zero;
  const V angle = wrap(select(is_target, omega, zero));
  store(w, select(is_target, weight, zero));
  if (chord) {
    store(a, lanes_of<T>(hn::Sin(Tag<T>(), angle.raw)));
    store(b, lanes_of<T>(hn::Cos(Tag<T>(), angle.raw)));
  } else {
    store(a, angle);
  }
}

// Planes of `count` targets; whole vectors are written, with weight 0 beyond the count. omega NULL: no targets.
template <class T>
BRG_SIMD void put_targets(bool chord, const T* omega, const T* weight, int64_t count, T* a, T* b, T* w) {
  using V = Lanes<T>;
  for (int64_t i = 0; i < count; i += lanes<T>) {
    const V given = omega ? load_first(omega + i, count - i) : V(T(0));
    const V weights =
        !omega ? V(T(0))
        : weight
            ? load_first(weight + i, count - i)
            : lanes_of<T>(hn::IfThenElseZero(hn::FirstN(Tag<T>(), static_cast<size_t>(smaller(count - i, lanes<T>))),
                                             hn::Set(Tag<T>(), T(1))));
    put_target(chord, given, weights, a + i, b + i, w + i);
  }
}

// Targets that all orientations share, six planes of core::reflection_planes_stride(count).
template <class T>
static void prepare_targets(const core::OmegaTargets<T>& targets, int64_t count, T* planes) {
  const int64_t stride = core::reflection_planes_stride(count);
  const bool chord = static_cast<core::Loss>(targets.loss) == core::Loss::chord;
  put_targets(chord, targets.omega1, targets.weight1, count, planes, planes + stride, planes + 2 * stride);
  put_targets(chord, targets.omega2, targets.weight2, count, planes + 3 * stride, planes + 4 * stride,
              planes + 5 * stride);
}

}  // namespace braggrad::cpu::BRG_LEVEL
