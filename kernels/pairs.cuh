// One thread per pair of the [B,N] array: which pair, and the setting of its orientation.
#pragma once

#include "kernels/engine.hpp"

namespace braggrad::cuda {

// Position of a thread in a flat range; `stop` or beyond: nothing to do.
__device__ __forceinline__ int64_t flat_index(Range range) {
  return range.start + int64_t{blockIdx.x} * block_threads + threadIdx.x;
}

// The pair of a thread, and the orientations [first_row, first_row + rows) of its block of threads. Threads beyond the
// range stand at its last pair, inactive.
struct PairIndex {
  int64_t orientation, reflection;
  int64_t first_row;
  unsigned rows;
  bool active;
};

// `length` is N, below 2^31. One 64-bit division per block's worth of work, the rest in 32 bits.
__device__ __forceinline__ PairIndex pair_index(Range range, int64_t length) {
  const int64_t first = range.start + int64_t{blockIdx.x} * block_threads;
  const int64_t first_row = first / length;
  const auto columns = static_cast<unsigned>(length), first_column = static_cast<unsigned>(first - first_row * length);
  const int64_t left = range.stop - first;
  const unsigned last = left < block_threads ? static_cast<unsigned>(left) - 1 : block_threads - 1;
  const unsigned at = first_column + min(threadIdx.x, last), row = at / columns;
  return {first_row + row, at - row * columns, first_row, (first_column + last) / columns + 1, threadIdx.x <= last};
}

// Most settings that a block of threads shares; more of them (N below 17) would cost more memory than they save time.
inline constexpr unsigned shared_rows = 16;

// make(orientation) of the thread's orientation, made once per block where the block covers few. For all threads of a block.
template <class Setting, class Make>
__device__ __forceinline__ Setting setting_of(Setting (&shared)[shared_rows], const PairIndex& at, const Make& make) {
  if (at.rows > shared_rows) return make(at.orientation);
  if (threadIdx.x < at.rows) shared[threadIdx.x] = make(at.first_row + threadIdx.x);
  __syncthreads();
  return shared[at.orientation - at.first_row];
}

}  // namespace braggrad::cuda
