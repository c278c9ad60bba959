// Sums over the lanes of a group: a power of two of neighbouring lanes of a warp that have one orientation. The lanes lay out
// what they have in shared memory, `tile_sums` numbers at a time, and each adds up some of the columns, from the first lane to the
// last.
#pragma once

#include "kernels/engine.hpp"

namespace braggrad::cuda {

inline constexpr int tile_sums = 16;

// Of a block of `threads`. A row is one longer than its numbers, so that neither rows nor columns meet in a bank.
template <class T, int threads>
struct SumTile {
  T values[threads][tile_sums + 1];
};

// The lanes that have an orientation together.
struct Group {
  uint32_t size, lane;
};

// For all lanes of a warp, before the first sums.
template <int count>
__device__ __forceinline__ void clear_group_sums(Group group, double* total) {
  for (uint32_t i = group.lane; i < count; i += group.size) total[i] = 0;
  __syncwarp();
}

// Adds the group's sums of `count` numbers to total[0 ... count). For all lanes of a warp.
template <int count, class T, int threads>
__device__ __forceinline__ void add_group_sums(SumTile<T, threads>& tile, Group group, const T (&values)[count],
                                               double* total) {
  T* own = tile.values[threadIdx.x];
  const T* begin = tile.values[threadIdx.x - group.lane];
#pragma unroll
  for (int start = 0; start < count; start += tile_sums) {
    constexpr int all = tile_sums;
    const int size = count - start < all ? count - start : all;
#pragma unroll
    for (int i = 0; i < all; ++i)
      if (start + i < count) own[i] = values[start + i];
    __syncwarp();
    for (uint32_t i = group.lane; i < size; i += group.size) {
      T sum = begin[i];
      for (uint32_t lane = 1; lane < group.size; ++lane) sum += begin[lane * (tile_sums + 1) + i];
      total[start + i] += static_cast<double>(sum);
    }
    __syncwarp();
  }
}

}  // namespace braggrad::cuda
