// Vectors of a group of lanes, one a lane: the group reads them side by side, in whole sectors, as a warp does in kernels/rows.cuh.
#pragma once

#include "kernels/group_sums.cuh"

namespace braggrad::cuda {

// Of the first `count` lanes of a group; the others take no part. The vectors pass through the rows of these lanes in the tile of
// the sums: the rows of the others may have sums already. A lane that has an orientation for itself has no tile and reads by
// itself.
template <class T>
class GroupVectors {
 public:
  __device__ __forceinline__ GroupVectors(SumTile<T>& tile, Group group, uint32_t count)
      : tile_(tile.values + (threadIdx.x - group.lane)), group_(group), count_(count) {}

  // What each lane has at its place of a run.
  template <class From>
  __device__ __forceinline__ core::Vec3<T> load(const From* own) const {
    if (group_.size == 1) return core::load_vector<T>(own);
    T *packed = *tile_, *to = packed + group_.lane;
    move_share<3>(count_, own - 2 * group_.lane, [&](int at, From x) { to[at] = static_cast<T>(x); });
    sync();
    const core::Vec3<T> v = core::load_vector<T>(packed + 3 * group_.lane);
    sync();
    return v;
  }

  // Gets row n of a table for each lane, which need not take it.
  template <class From>
  __device__ __forceinline__ void stage_row(const From* table, uint32_t n) const {
    if (group_.size == 1) return;
    sync();  // those who take the last one have taken it
#pragma unroll
    for (int k = 0; k < 3; ++k) {
      const uint32_t i = group_.lane + k * count_, lane = i / 3, row = __shfl_sync(mask(), n, lane, group_.size);
      tile_[lane][i % 3] = static_cast<T>(table[3 * uint64_t{row} + i % 3]);
    }
    sync();
  }
  // The row that stage_row() got for this lane.
  template <class From>
  __device__ __forceinline__ core::Vec3<T> staged_row(const From* table, uint32_t n) const {
    return group_.size == 1 ? core::load_vector<T>(table + 3 * uint64_t{n}) : core::load_vector<T>(tile_[group_.lane]);
  }

 private:
  __device__ __forceinline__ unsigned mask() const {
    return (~0u >> (warp_threads - count_)) << (threadIdx.x % warp_threads - group_.lane);
  }
  __device__ __forceinline__ void sync() const { __syncwarp(mask()); }

  T (*tile_)[tile_sums + 1];
  Group group_;
  uint32_t count_;
};

}  // namespace braggrad::cuda
