// The pairs of a [B,N] array whose second half of each row is computed with its first half, in the order of their outputs.
//
// A block of threads has a tile: whole rows, or a piece of one. What it makes it lays out in shared memory as it will stand in
// the outputs, and then writes it in whole sectors: the two places of a pair are half a row apart, wherever a sector begins.
#pragma once

#include "core/angle.hpp"
#include "kernels/pairs.cuh"

namespace braggrad::cuda {

// How a launch cuts its rows: `tile_rows` rows of all `width` columns of the first half, or `pieces` of `width` columns of one.
struct OppositeTiles {
  uint32_t half, tile_rows, pieces;
  uint32_t step_rows, step_columns;  // rows and columns in a block's worth of pairs
  bool wide;                         // the outputs begin at multiples of 16 bytes
  Divisor width, by_pieces;
};

inline constexpr uint32_t most_tile_rows = 64;
template <class T>
inline constexpr uint32_t most_tile_pairs = 8192 / sizeof(T);

// Outputs of a tile. What is to stand at element e of an array stands at an index that equals e modulo `line`, so that copies of
// 16 bytes, and sectors of all three arrays, begin where they begin there.
template <class T>
struct StagedRoots {
  static constexpr uint32_t line = 32, room = 2 * most_tile_pairs<T> + 3 * line;
  alignas(16) T omega1[room], omega2[room];
  alignas(16) uint8_t observable[room];

  // A pair, and its opposite `distance` later.
  __device__ __forceinline__ void put(uint32_t at, uint32_t distance, const core::OppositeAngles<T>& one,
                                      const core::OppositeAngles<T>& two, bool seen) {
    omega1[at] = one.angle, omega1[at + distance] = one.opposite;
    omega2[at] = two.angle, omega2[at + distance] = two.opposite;
    observable[at] = observable[at + distance] = seen;
  }

  // What stands at [begin ... end) to the same places of the outputs from `start` on, by all threads of a block. Not to
  // those that are NULL.
  __device__ __forceinline__ void write(const core::RootsOutput<T>& out, int64_t start, uint32_t begin, uint32_t end,
                                        bool wide) const {
    T *one = out.omega1 + start, *two = out.omega2 + start;
    uint8_t* seen = out.observable + start;
    const auto write_one = [&](uint32_t i) {
      if (out.omega1) one[i] = omega1[i];
      if (out.omega2) two[i] = omega2[i];
      if (out.observable) seen[i] = observable[i];
    };
    if (!wide) {
      for (uint32_t i = threadIdx.x; i < end; i += block_threads)
        if (i >= begin) write_one(i);
      return;
    }
    constexpr uint32_t most = 16;  // elements of a copy
    const uint32_t first = (begin + most - 1) / most * most, last = max(end / most * most, first);
    const auto copy = [&]<class V>(uint32_t i, const V* from, V* to) {
      *reinterpret_cast<uint4*>(to + i) = *reinterpret_cast<const uint4*>(from + i);
    };
    constexpr uint32_t some = 16 / sizeof(T);
    uint32_t i = threadIdx.x * some;
    if (i < first) i += block_threads * some;
#pragma unroll 2
    for (; i < last; i += block_threads * some) {
      if (out.omega1) copy(i, omega1, one);
      if (out.omega2) copy(i, omega2, two);
    }
    i = threadIdx.x * most;
    if (i < first) i += block_threads * most;
    if (i < last && out.observable) copy(i, observable, seen);
    if (threadIdx.x >= most) return;
    if (begin + threadIdx.x < min(first, end)) write_one(begin + threadIdx.x);
    if (last + threadIdx.x < end) write_one(last + threadIdx.x);
  }
};

// body(setting, reflection, put) for the pairs of the first half of this block's rows. make(row) makes the setting of an
// orientation from its row; put(angles of both roots with their opposites, observable) is to be called once.
template <class Setting, class T, class Orientations, class Make, class Body>
__device__ __forceinline__ void for_opposites(const core::RootsOutput<T>& out, Range rows, const OppositeTiles& tiles,
                                              const Orientations& orientations, const Make& make, const Body& body) {
  using Staged = StagedRoots<T>;
  __shared__ __align__(16) unsigned char memory[most_tile_rows * sizeof(Setting)];
  __shared__ Staged staged;
  static_assert(2 * most_tile_pairs<T> <= 16 * block_threads);  // one copy of flags a thread
  Setting* settings = reinterpret_cast<Setting*>(memory);
  const uint32_t half = tiles.half, group = tiles.by_pieces.quotient(blockIdx.x);
  const int64_t first_row = rows.start + int64_t{group} * tiles.tile_rows;
  const auto count = static_cast<uint32_t>(min(int64_t{tiles.tile_rows}, rows.stop - first_row));
  const uint32_t first_column = (blockIdx.x - group * tiles.pieces) * tiles.width.value();
  const uint32_t width = min(tiles.width.value(), half - first_column), pairs = count * width;
  make_settings(settings, orientations, first_row, count, make);
  __syncthreads();

  // The second half follows the first, or begins in a line of its own.
  const int64_t first = 2 * first_row * half + first_column;
  const uint32_t begin = static_cast<uint32_t>(first) % Staged::line;
  const uint32_t own_lines = (begin + width + Staged::line - 1) / Staged::line * Staged::line;
  const uint32_t distance =
      tiles.pieces == 1 ? half : own_lines + static_cast<uint32_t>(first + half) % Staged::line - begin;
  uint32_t row = tiles.width.quotient(threadIdx.x);
  uint32_t n = first_column + threadIdx.x - row * tiles.width.value(), at = begin + threadIdx.x + row * half;
  const uint32_t at_step = block_threads + tiles.step_rows * half, last_column = first_column + tiles.width.value();
#pragma unroll 4
  for (uint32_t i = threadIdx.x; i < pairs; i += block_threads) {
    body(settings[row], n,
         [&](const auto& one, const auto& two, bool seen) { staged.put(at, distance, one, two, seen); });
    n += tiles.step_columns, at += at_step, row += tiles.step_rows;
    if (n >= last_column) n -= tiles.width.value(), at += half, ++row;
  }
  __syncthreads();
  staged.write(out, first - begin, begin, begin + (tiles.pieces == 1 ? 2 * pairs : width), tiles.wide);
  if (tiles.pieces > 1) {
    const uint32_t opposite = begin + distance;
    staged.write(out, first + half - opposite, opposite, opposite + width, tiles.wide);
  }
}

// kernel(problem, rows, tiles, more...) for all pairs of `rows` orientations and 2 `half` reflections. A large call has several
// pairs a thread, which share the settings.
template <class T, class Problem, class... More>
void launch_opposites(const Engine& engine, const Call& call, void (*kernel)(Problem, Range, OppositeTiles, More...),
                      int64_t rows, int64_t half, const Problem& problem, const More&... more) {
  constexpr int64_t enough_threads = 1 << 16, line = StagedRoots<T>::line;
  if (rows * half == 0) return;
  const int64_t pairs =
      std::clamp<int64_t>(rows * half / enough_threads * block_threads, block_threads, most_tile_pairs<T>);
  const int64_t fitting = std::clamp<int64_t>(engine.max_pairs() / (2 * half), 1, most_tile_rows);
  const int64_t tile_rows = std::clamp<int64_t>(pairs / half, 1, fitting);
  const int64_t parts = core::blocks_of(half, pairs);
  const int64_t width = parts == 1 ? half : core::blocks_of(core::blocks_of(half, parts), line) * line;
  const int64_t pieces = core::blocks_of(half, width);
  const auto is_aligned = [](const void* pointer) { return reinterpret_cast<uintptr_t>(pointer) % 16 == 0; };
  const core::RootsOutput<T>& out = problem.roots;
  const OppositeTiles tiles = {static_cast<uint32_t>(half),
                               static_cast<uint32_t>(tile_rows),
                               static_cast<uint32_t>(pieces),
                               static_cast<uint32_t>(block_threads / width),
                               static_cast<uint32_t>(block_threads % width),
                               is_aligned(out.omega1) && is_aligned(out.omega2) && is_aligned(out.observable),
                               Divisor(static_cast<uint32_t>(width)),
                               Divisor(static_cast<uint32_t>(pieces))};
  const int64_t per_launch = core::rows_per_launch(engine.max_pairs(), 2 * half, tile_rows);
  engine.for_ranges(rows, per_launch, [&](Range range) {
    engine.launch(call, kernel, core::blocks_of(range.stop - range.start, tile_rows) * pieces, problem, range, tiles,
                  more...);
  });
}

}  // namespace braggrad::cuda
