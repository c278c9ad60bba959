// The pairs of a [B,N] array in the order of their outputs: which pairs a thread has, and the settings of their orientations.
//
// A block of threads has a piece of the flat array, in steps of as many pairs as it has threads: every lane of a warp works
// and every store is one run of memory, whatever N is. The settings of the block's orientations are made once, in shared memory.
#pragma once

#include "kernels/settings.cuh"

namespace braggrad::cuda {

// Position of a thread in a flat range; `stop` or beyond: nothing to do.
__device__ __forceinline__ int64_t flat_index(Range range) {
  return range.start + int64_t{blockIdx.x} * block_threads + threadIdx.x;
}

// Division of numbers below 2^31 by a number from 1 to 2^31: n / d = (n + n f / 2^32) / 2^s with 2^s >= d and
// f = 2^32 (2^s - d) / d + 1, rounded down.
class Divisor {
 public:
  explicit Divisor(uint32_t divisor) : divisor_(divisor) {
    while ((uint64_t{1} << shift_) < divisor) ++shift_;
    factor_ = static_cast<uint32_t>(((uint64_t{1} << shift_) - divisor) * (uint64_t{1} << 32) / divisor + 1);
  }
  __host__ __device__ uint32_t value() const { return divisor_; }
  __device__ __forceinline__ uint32_t quotient(uint32_t n) const { return (__umulhi(n, factor_) + n) >> shift_; }

 private:
  uint32_t divisor_, factor_ = 0, shift_ = 0;
};

// What one launch does: `count` pairs from pair (first_row, first_column) on, `block_pairs` of them a block.
struct PairTiles {
  int64_t first_row;
  uint32_t first_column, count, block_pairs;
  uint32_t step_rows, step_columns;  // rows and columns in a block's worth of pairs
  Divisor length;                    // N
};

// Settings that a block of threads holds in shared memory at most.
template <class Setting>
inline constexpr uint32_t most_rows = 24576 / sizeof(Setting);

// body(setting, reflection, pair of the launch) for all pairs of this block of threads. make(row) makes the setting of an
// orientation from its row of `orientations`.
template <class Setting, class Orientations, class Make, class Body>
__device__ __forceinline__ void for_pairs(const PairTiles& tiles, const Orientations& orientations, const Make& make,
                                          const Body& body) {
  __shared__ __align__(16) unsigned char memory[most_rows<Setting> * sizeof(Setting)];
  Setting* settings = reinterpret_cast<Setting*>(memory);
  const uint32_t length = tiles.length.value(), begin = blockIdx.x * tiles.block_pairs;
  const uint32_t end = min(tiles.count - begin, tiles.block_pairs);  // of this block, from its begin on
  const uint32_t skipped_rows = tiles.length.quotient(tiles.first_column + begin);
  const uint32_t column = tiles.first_column + begin - skipped_rows * length;
  const int64_t first_row = tiles.first_row + skipped_rows;
  const uint32_t rows = tiles.length.quotient(column + end - 1) + 1;
  make_settings(settings, orientations, first_row, rows, make);
  __syncthreads();
  uint32_t row = tiles.length.quotient(column + threadIdx.x), n = column + threadIdx.x - row * length;
#pragma unroll 4
  for (uint32_t i = threadIdx.x; i < end; i += blockDim.x) {
    body(settings[row], n, begin + i);
    n += tiles.step_columns, row += tiles.step_rows;
    if (n >= length) n -= length, ++row;
  }
}

// The lanes of a warp in the body of for_pairs().
__device__ __forceinline__ Lanes lanes_of(const PairTiles& tiles, uint32_t i) { return Lanes::of(tiles.count - i); }

// kernel(problem, tiles, more...) for all pairs of `rows` orientations and `length` reflections; advance(problem, pairs) moves the
// outputs of a problem. A large call has several pairs a thread, which share the settings.
template <class Setting, class Problem, class Advance, class... More>
void launch_pairs(const Engine& engine, const Call& call, void (*kernel)(Problem, PairTiles, More...), int64_t rows,
                  int64_t length, const Problem& problem, const Advance& advance, const More&... more) {
  constexpr int64_t most_steps = 8, enough_threads = 1 << 16;
  for (int64_t start = 0, count = 0; start < rows * length; start += count) {
    // Columns and pairs of a launch together stay below 2^31.
    const int64_t column = start % length, fitting_pairs = std::max(length, int64_t{1} << 30) - column;
    count = std::min({rows * length - start, engine.max_pairs(), fitting_pairs});
    // Wherever they begin, so many pairs have at most so many rows; where the settings are large and the lists short, they
    // are fewer than a block could have.
    const int64_t fitting = (most_rows<Setting> - 1) * length + 1;
    const int64_t threads = std::min<int64_t>(block_threads, fitting / warp_threads * warp_threads);
    const int64_t steps = std::max<int64_t>(1, std::min({most_steps, count / enough_threads, fitting / threads}));
    const PairTiles tiles = {start / length,
                             static_cast<uint32_t>(column),
                             static_cast<uint32_t>(count),
                             static_cast<uint32_t>(steps * threads),
                             static_cast<uint32_t>(threads / length),
                             static_cast<uint32_t>(threads % length),
                             Divisor(static_cast<uint32_t>(length))};
    Problem part = problem;
    advance(part, start);
    engine.launch_blocks(call, kernel, core::blocks_of(count, steps * threads), static_cast<uint32_t>(threads), part,
                         tiles, more...);
  }
}

}  // namespace braggrad::cuda
