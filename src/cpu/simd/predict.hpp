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

// Unit vectors of the roots of a chunk, in L1. Whole vectors are stored: what goes beyond a row is overwritten by the next one.
template <class T>
class ChunkVectors {
 public:
  using V = Lanes<T>;
  alignas(64) T sin1[chunk_room];
  alignas(64) T cos1[chunk_room];
  alignas(64) T sin2[chunk_room];
  alignas(64) T cos2[chunk_room];
  alignas(64) uint8_t observable[chunk_room];

  // `row_length`: pairs to an orientation, of its first reflections.
  [[gnu::always_inline]] ChunkVectors(const core::PredictProblem<T>& problem, int64_t row_length)
      : p_(problem),
        row_length_(row_length),
        settings_(problem.frame, problem.orientations),
        source_(problem.reflections, problem.orientations.reciprocal_basis != nullptr) {}

  // Pairs start ... start + size - 1.
  [[gnu::always_inline]] void fill(int64_t start, int64_t size) {
    for_rows(row_length_, start, size, [&](int64_t b, int64_t n, int64_t at, int64_t count) {
      if (b != current_) {
        setting_ = settings_[b];
        usable_ = settings_.is_usable(setting_, b);
        current_ = b;
      }
      if (!usable_) {
        for (T* values : {sin1, cos1, sin2, cos2}) std::memset(values + at, 0, static_cast<size_t>(count) * sizeof(T));
        std::memset(observable + at, 0, static_cast<size_t>(count));
        return;
      }
      const Planes<T> planes = source_.chunk(setting_.basis, n, count);
      const core::Setting<V> on_lanes = broadcast(setting_);
      for (int64_t i = 0; i < count; i += lanes<T>) {
        const Reflection<V> r = load(planes, i);
        const core::Pair<V> pair = pair_of<false>(on_lanes, r.q, r.q2, p_.orientations.magnitude_from_rotated);
        store_flags<T>(observable + at + i, pair.crossing.observable);
        const core::RootVectors<V> vectors = root_vectors(pair.crossing);
        store(sin1 + at + i, vectors.sin1), store(cos1 + at + i, vectors.cos1);
        store(sin2 + at + i, vectors.sin2), store(cos2 + at + i, vectors.cos2);
      }
    });
  }

 private:
  const core::PredictProblem<T>& p_;
  int64_t row_length_, current_ = -1;
  bool usable_ = false;
  Settings<T> settings_;
  Source<T> source_;
  core::Setting<T> setting_{};
};

// Angles of `count` unit vectors.
template <class T>
BRG_SIMD void store_angles(T* out, const T* sines, const T* cosines, int64_t count) {
  int64_t i = 0;
  for (; i + lanes<T> <= count; i += lanes<T>) {
    expect_stores(out + i);
    store(out + i, unit_angle(load(sines + i), load(cosines + i)));
  }
  if (i < count) store_first(out + i, unit_angle(load(sines + i), load(cosines + i)), count - i);
}

// And of their opposites.
template <class T>
BRG_SIMD void store_opposite_angles(T* out, T* opposite, const T* sines, const T* cosines, int64_t count) {
  int64_t i = 0;
  for (; i + lanes<T> <= count; i += lanes<T>) {
    const core::OppositeAngles<Lanes<T>> angles = opposite_unit_angles(load(sines + i), load(cosines + i));
    expect_stores(out + i), expect_stores(opposite + i);
    store(out + i, angles.angle), store(opposite + i, angles.opposite);
  }
  if (i == count) return;
  const core::OppositeAngles<Lanes<T>> angles = opposite_unit_angles(load(sines + i), load(cosines + i));
  store_first(out + i, angles.angle, count - i), store_first(opposite + i, angles.opposite, count - i);
}

template <class T>
static void predict(const core::PredictProblem<T>& p, int64_t first, int64_t last, int64_t origin) {
  ChunkVectors<T> chunk(p, p.reflections.count);
  for (int64_t start = first; start < last; start += chunk_pairs) {
    const int64_t size = smaller(chunk_pairs, last - start), at = start - origin;
    chunk.fill(start, size);
    if (p.roots.observable) std::memcpy(p.roots.observable + at, chunk.observable, static_cast<size_t>(size));
    if (p.roots.omega1) store_angles(p.roots.omega1 + at, chunk.sin1, chunk.cos1, size);
    if (p.roots.omega2) store_angles(p.roots.omega2 + at, chunk.sin2, chunk.cos2, size);
  }
}

// The same of a list whose second half is the opposite of its first, at chi = 0: the roots of -G are those of G half a turn
// on. Items first ... last - 1 are pairs of opposites, N/2 to an orientation. A tilted beam leaves rotation and circle to share,
// which does not pay for writing two rows at once.
template <class T>
static void predict_friedel(const core::PredictProblem<T>& p, int64_t first, int64_t last) {
  const int64_t length = p.reflections.count, half = length / 2;
  ChunkVectors<T> chunk(p, half);
  for (int64_t start = first; start < last; start += chunk_pairs) {
    const int64_t size = smaller(chunk_pairs, last - start);
    chunk.fill(start, size);
    // Calls row(to, from, count): pairs `from` ... of the chunk belong at `to`, their opposites half a row later.
    const auto rows = [&](const auto& row) {
      for_rows(half, start, size,
               [&](int64_t b, int64_t n, int64_t at, int64_t count) { row(b * length + n, at, count); });
    };
    const auto put = [&](T* out, const T* sines, const T* cosines) {
      if (!out) return;
      rows([&](int64_t to, int64_t from, int64_t count) {
        store_opposite_angles(out + to, out + to + half, sines + from, cosines + from, count);
      });
    };
    put(p.roots.omega1, chunk.sin1, chunk.cos1);
    put(p.roots.omega2, chunk.sin2, chunk.cos2);
    if (!p.roots.observable) continue;
    rows([&](int64_t to, int64_t from, int64_t count) {
      for (uint8_t* out : {p.roots.observable + to, p.roots.observable + to + half})
        std::memcpy(out, chunk.observable + from, static_cast<size_t>(count));
    });
  }
}

}  // namespace braggrad::cpu::BRG_LEVEL
