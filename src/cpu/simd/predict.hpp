// predict on lanes. Pairs are taken in their order in memory, whatever the length of a row: one loop makes the unit vectors
// of a chunk in L1, a second one their angles, which keeps both chains of operations short.
#pragma once

#include "cpu/simd/setting.hpp"

namespace braggrad::cpu::BRG_LEVEL {

// Calls row(b, n, at, count) for the parts of rows that make up pairs first ... first + size - 1; `at` counts from 0.
template <class Body>
BRG_SIMD void for_rows(int64_t length, int64_t first, int64_t size, const Body& row) {
  int64_t b = first / length, n = first - b * length;
  for (int64_t at = 0; at < size; ++b, n = 0) {
    const int64_t count = smaller(length - n, size - at);
    row(b, n, at, count);
    at += count;
  }
}

template <class T>
static void predict(const core::PredictProblem<T>& p, int64_t first, int64_t last, int64_t origin) {
  using V = Lanes<T>;
  const bool own_basis = p.orientations.reciprocal_basis != nullptr;
  const bool angles = p.roots.omega1 || p.roots.omega2;
  Source<T> source(p.reflections, own_basis);
  const Settings<T> settings(p.frame, p.orientations);
  // Whole vectors are stored: what goes beyond a row is overwritten by the next one.
  alignas(64) T sin1[chunk_room], cos1[chunk_room], sin2[chunk_room], cos2[chunk_room];
  alignas(64) uint8_t observable[chunk_room];
  core::Setting<T> setting{};
  int64_t current = -1;
  bool usable = false;

  for (int64_t start = first; start < last; start += chunk_pairs) {
    const int64_t size = smaller(chunk_pairs, last - start);
    for_rows(p.reflections.count, start, size, [&](int64_t b, int64_t n, int64_t at, int64_t count) {
      if (b != current) {
        setting = settings[b];
        usable = settings.is_usable(setting, b);
        current = b;
      }
      if (!usable) {
        for (T* values : {sin1, cos1, sin2, cos2}) std::memset(values + at, 0, static_cast<size_t>(count) * sizeof(T));
        std::memset(observable + at, 0, static_cast<size_t>(count));
        return;
      }
      const Planes<T> planes = source.chunk(setting.basis, n, count);
      const core::Setting<V> on_lanes = broadcast(setting);
      for (int64_t i = 0; i < count; i += lanes<T>) {
        const Reflection<V> r = load(planes, i);
        const core::Pair<V> pair = pair_of<false>(on_lanes, r.q, r.q2, p.orientations.magnitude_from_rotated);
        store_flags<T>(observable + at + i, pair.crossing.observable);
        const core::RootVectors<V> vectors = root_vectors(pair.crossing);
        store(sin1 + at + i, vectors.sin1), store(cos1 + at + i, vectors.cos1);
        store(sin2 + at + i, vectors.sin2), store(cos2 + at + i, vectors.cos2);
      }
    });
    if (p.roots.observable) std::memcpy(p.roots.observable + (start - origin), observable, static_cast<size_t>(size));
    if (!angles) continue;
    const auto store_angles = [&](T* out, const T* sines, const T* cosines) {
      if (!out) return;
      out += start - origin;
      int64_t i = 0;
      for (; i + lanes<T> <= size; i += lanes<T>) {
        expect_stores(out + i);
        store(out + i, unit_angle(load(sines + i), load(cosines + i)));
      }
      if (i < size) store_first(out + i, unit_angle(load(sines + i), load(cosines + i)), size - i);
    };
    store_angles(p.roots.omega1, sin1, cos1);
    store_angles(p.roots.omega2, sin2, cos2);
  }
}

// The same of a list whose second half is the opposite of its first, at chi = 0: the roots of -G are those of G half a turn
// on. Items first ... last - 1 are pairs of opposites, N/2 to an orientation.
template <class T>
static void predict_friedel(const core::PredictProblem<T>& p, int64_t first, int64_t last) {
  using V = Lanes<T>;
  const int64_t length = p.reflections.count, half = length / 2;
  Source<T> source(p.reflections, p.orientations.reciprocal_basis != nullptr);
  const Settings<T> settings(p.frame, p.orientations);
  alignas(64) T sin1[chunk_room], cos1[chunk_room], sin2[chunk_room], cos2[chunk_room];
  alignas(64) uint8_t observable[chunk_room];
  core::Setting<T> setting{};
  int64_t current = -1;
  bool usable = false;

  for (int64_t start = first; start < last; start += chunk_pairs) {
    const int64_t size = smaller(chunk_pairs, last - start);
    for_rows(half, start, size, [&](int64_t b, int64_t n, int64_t at, int64_t count) {
      if (b != current) {
        setting = settings[b];
        usable = settings.is_usable(setting, b);
        current = b;
      }
      if (!usable) {
        for (T* values : {sin1, cos1, sin2, cos2}) std::memset(values + at, 0, static_cast<size_t>(count) * sizeof(T));
        std::memset(observable + at, 0, static_cast<size_t>(count));
        return;
      }
      const Planes<T> planes = source.chunk(setting.basis, n, count);
      const core::Setting<V> on_lanes = broadcast(setting);
      for (int64_t i = 0; i < count; i += lanes<T>) {
        const Reflection<V> r = load(planes, i);
        const core::Pair<V> pair = pair_of<false>(on_lanes, r.q, r.q2, p.orientations.magnitude_from_rotated);
        store_flags<T>(observable + at + i, pair.crossing.observable);
        const core::RootVectors<V> vectors = root_vectors(pair.crossing);
        store(sin1 + at + i, vectors.sin1), store(cos1 + at + i, vectors.cos1);
        store(sin2 + at + i, vectors.sin2), store(cos2 + at + i, vectors.cos2);
      }
    });
    const auto store_angles = [&](T* out, const T* sines, const T* cosines) {
      if (!out) return;
      for_rows(half, start, size, [&](int64_t b, int64_t n, int64_t at, int64_t count) {
        T *one = out + b * length + n, *two = one + half;
        int64_t i = 0;
        for (; i + lanes<T> <= count; i += lanes<T>) {
          const core::OppositeAngles<V> angles = opposite_unit_angles(load(sines + at + i), load(cosines + at + i));
          expect_stores(one + i), expect_stores(two + i);
          store(one + i, angles.angle), store(two + i, angles.opposite);
        }
        if (i == count) return;
        const core::OppositeAngles<V> angles = opposite_unit_angles(load(sines + at + i), load(cosines + at + i));
        store_first(one + i, angles.angle, count - i), store_first(two + i, angles.opposite, count - i);
      });
    };
    store_angles(p.roots.omega1, sin1, cos1);
    store_angles(p.roots.omega2, sin2, cos2);
    if (!p.roots.observable) continue;
    for_rows(half, start, size, [&](int64_t b, int64_t n, int64_t at, int64_t count) {
      uint8_t* out = p.roots.observable + b * length + n;
      std::memcpy(out, observable + at, static_cast<size_t>(count));
      std::memcpy(out + half, observable + at, static_cast<size_t>(count));
    });
  }
}

}  // namespace braggrad::cpu::BRG_LEVEL
