// Sums over the lanes of a group: a power of two of neighbouring lanes of a warp that have one orientation. The lanes lay
// out what they have in shared memory, `tile_sums` numbers at a time, and each adds up some of the columns in float64, from
// the first lane to the last. A lane that has an orientation for itself keeps its sums.
#pragma once

#include <algorithm>

#include "kernels/pairs.cuh"

namespace braggrad::cuda {

inline constexpr int tile_sums = 16;
inline constexpr int group_threads = 128;  // of a block, at most
// Float32 sums have at most so many terms in a lane before float64 takes over.
template <class T>
inline constexpr int most_terms = sizeof(T) == 4 ? 32 : INT32_MAX;

// Lanes of an orientation of N pairs, by N alone, as the order of the sums is part of the answer. Few leave few idle at the
// end of a row and have less to add up; more of them find work for the device in fewer orientations.
inline uint32_t group_size(int64_t length) {
  return length <= 16 ? 1 : length <= 32 ? 2 : length <= 64 ? 4 : length <= 128 ? 8 : length <= 512 ? 16 : 32;
}

// A row is one longer than its numbers, so that neither rows nor columns meet in a bank.
template <class T>
struct SumTile {
  T values[group_threads][tile_sums + 1];
};

// The lanes that have an orientation together.
struct Group {
  uint32_t size, lane;
};

// Shared memory of a block with `room` numbers for each orientation: the tile, and totals of up to `groups` orientations; or, as
// lanes by themselves need no tile, totals in all of it. Blocks of small groups have fewer threads.
template <class T, int room, int groups = group_threads / 4>
class GroupMemory {
 public:
  static uint32_t threads(uint32_t group) {
    return group == 1 ? singles : std::min<uint32_t>(group * groups, group_threads);
  }
  __device__ __forceinline__ SumTile<T>& tile() { return *reinterpret_cast<SumTile<T>*>(bytes_); }
  // Of an orientation of the block.
  __device__ __forceinline__ double* totals(Group group, uint32_t orientation) {
    return reinterpret_cast<double*>(bytes_ + (group.size == 1 ? 0 : sizeof(SumTile<T>))) + orientation * room;
  }
  // Of this thread's orientation.
  __device__ __forceinline__ double* totals(Group group) { return totals(group, threadIdx.x / group.size); }

 private:
  static constexpr int total = room * int{sizeof(double)};
  static constexpr int size = std::max(int{sizeof(SumTile<T>)} + groups * total, warp_threads* total);
  static constexpr uint32_t singles = std::min(size / total / warp_threads * warp_threads, group_threads);
  static_assert(groups * 2 % warp_threads == 0 && size <= 48 * 1024);
  alignas(16) unsigned char bytes_[size];
};

// What a block of threads writes of its `count` orientations, from orientation `first` on: together, as their rows of an output are
// one run of memory.
struct BlockRows {
  const double* totals;  // of the first, and those of the others `room` later each
  uint32_t room;
  int64_t first;
  uint32_t count;

  // Rows of value(totals of an orientation, i) for i below `length`, in whole sectors wherever the first begins.
  template <class T, class Value>
  __device__ __forceinline__ void store(T* rows, const Divisor& length, bool accumulate, const Value& value) const {
    constexpr uint32_t sector = 32 / sizeof(T);
    T* out = rows + first * length.value();
    const uint32_t ahead = static_cast<uint32_t>(reinterpret_cast<uintptr_t>(out) / sizeof(T)) % sector;
    const uint32_t end = ahead + count * length.value();
    for (uint32_t place = threadIdx.x < ahead ? threadIdx.x + blockDim.x : threadIdx.x; place < end;
         place += blockDim.x) {
      const uint32_t at = place - ahead, row = length.quotient(at);
      core::store(out + at, value(totals + row * room, at - row * length.value()), accumulate);
    }
  }
};

// For all lanes of a warp, before the first sums.
template <int count>
__device__ __forceinline__ void clear_group_sums(Group group, double* total) {
  for (uint32_t i = group.lane; i < count; i += group.size) total[i] = 0;
  __syncwarp();
}

// Adds the group's sums of `count` numbers to total[0 ... count). For all lanes of a warp.
template <int count, class T>
__device__ __forceinline__ void add_group_sums(SumTile<T>& tile, Group group, const T (&values)[count], double* total) {
  if (group.size == 1) {
#pragma unroll
    for (int i = 0; i < count; ++i) total[i] += static_cast<double>(values[i]);
    return;
  }
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
      double sum = static_cast<double>(begin[i]);
      for (uint32_t lane = 1; lane < group.size; ++lane) sum += static_cast<double>(begin[lane * (tile_sums + 1) + i]);
      total[start + i] += sum;
    }
    __syncwarp();
  }
}

// Sums add(index) over index = at, at + size ... below last, of each lane, into total[0 ... count); add() grows `values`. For all
// lanes of a warp.
template <int count, class T, class Index, class Add>
__device__ __forceinline__ void sum_group(SumTile<T>& tile, Group group, Index at, Index last, T (&values)[count],
                                          double* total, const Add& add) {
  clear_group_sums<count>(group, total);
  do {
#pragma unroll
    for (T& value : values) value = 0;
#pragma unroll 1
    for (int term = 0; term < most_terms<T> && at < last; ++term, at += group.size) add(at);
    add_group_sums(tile, group, values, total);
  } while (__any_sync(~0u, at < last));
}

}  // namespace braggrad::cuda
