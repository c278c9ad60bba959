// Targets of the losses as planes: per root the angle in [-pi, pi], or its sine and cosine for the chord loss, and the
// weight, which is 0 where there is no target.
#pragma once

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
  const core::Target<V> target = core::target_of(omega, weight);
  const V angle = target.omega;
  store(w, target.weight);
  if (chord) {
    const core::SineCosine<V> v = core::sine_cosine(angle);
    store(a, v.sine), store(b, v.cosine);
  } else {
    store(a, angle);
  }
}

// Planes of `count` targets; whole vectors are written, with weight 0 beyond the count.
template <class T, bool chord, bool weighted>
[[gnu::noinline]] static void put_planes(const T* omega, const T* weight, int64_t count, T* a, T* b, T* w) {
  int64_t i = 0;
  for (; i + lanes<T> <= count; i += lanes<T>) {
    expect_loads(omega + i);
    if (weighted) expect_loads(weight + i);
    put_target(chord, load(omega + i), weighted ? load(weight + i) : Lanes<T>(T(1)), a + i, b + i, w + i);
  }
  if (i == count) return;
  alignas(64) T ones[lanes<T>];
  for (T& value : ones) value = 1;
  put_target(chord, load_first(omega + i, count - i), load_first(weighted ? weight + i : ones, count - i), a + i, b + i,
             w + i);
}

// The same; omega NULL: no targets, weight NULL: 1.
template <class T>
BRG_SIMD void put_targets(bool chord, const T* omega, const T* weight, int64_t count, T* a, T* b, T* w) {
  if (!omega) {
    const auto bytes = static_cast<size_t>((count + lanes<T> - 1) / lanes<T> * lanes<T>) * sizeof(T);
    std::memset(a, 0, bytes), std::memset(b, 0, bytes), std::memset(w, 0, bytes);
  } else if (chord) {
    weight ? put_planes<T, true, true>(omega, weight, count, a, b, w)
           : put_planes<T, true, false>(omega, weight, count, a, b, w);
  } else {
    weight ? put_planes<T, false, true>(omega, weight, count, a, b, w)
           : put_planes<T, false, false>(omega, weight, count, a, b, w);
  }
}

// Targets that all orientations share, six planes of core::reflection_planes_stride(count).
template <class T>
static void prepare_targets(const core::OmegaTargets<T>& targets, int64_t count, T* planes) {
  const int64_t stride = core::reflection_planes_stride(count);
  const bool chord = static_cast<core::Loss>(targets.loss) == core::Loss::chord;
  // Readers may start anywhere: all of the room behind the targets is theirs.
  for (int plane = 0; plane < 6; ++plane)
    std::memset(planes + plane * stride + count, 0, static_cast<size_t>(stride - count) * sizeof(T));
  put_targets(chord, targets.omega1, targets.weight1, count, planes, planes + stride, planes + 2 * stride);
  put_targets(chord, targets.omega2, targets.weight2, count, planes + 3 * stride, planes + 4 * stride,
              planes + 5 * stride);
}

}  // namespace braggrad::cpu::BRG_LEVEL
