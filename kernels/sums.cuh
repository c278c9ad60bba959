// Sums over a warp and over a block of the batch, always in the same order.
#pragma once

#include <cub/warp/warp_reduce.cuh>

#include "core/batch.hpp"
#include "kernels/engine.hpp"

namespace braggrad::cuda {

namespace cub = CUB_NS_QUALIFIER;  // the library's own copy

// For all lanes of a warp; the total is left in lane 0.
template <class V>
__device__ __forceinline__ void sum_over_warp(V& value) {
  using Reduce = cub::WarpReduce<V>;
  __shared__ typename Reduce::TempStorage storage;  // empty: a full warp sums by shuffles
  value = Reduce(storage).Sum(value);
}

__device__ __forceinline__ void sum_over_warp(core::Vec3<double>& v) {
  sum_over_warp(v.x), sum_over_warp(v.y), sum_over_warp(v.z);
}

__device__ __forceinline__ void sum_over_warp(core::Mat3<double>& m) {
  sum_over_warp(m.xx), sum_over_warp(m.xy), sum_over_warp(m.xz);
  sum_over_warp(m.yx), sum_over_warp(m.yy), sum_over_warp(m.yz);
  sum_over_warp(m.zx), sum_over_warp(m.zy), sum_over_warp(m.zz);
}

__device__ __forceinline__ void sum_over_warp(core::OrientationSums& sums, core::WantedSums wanted) {
  if (wanted.rotation) sum_over_warp(sums.rotation);
  if (wanted.basis) sum_over_warp(sums.basis);
  if (wanted.scalars) sum_over_warp(sums.wavenumber), sum_over_warp(sums.chi);
  if (wanted.frame) sum_over_warp(sums.beam), sum_over_warp(sums.axis);
}

// The partial sums of a block of the batch, in shared memory: each warp adds to a row of its own, then the rows are added in
// their order.
class BlockSums {
 public:
  // For all threads of the block, before the first add().
  __device__ void clear() {
    for (unsigned i = threadIdx.x; i < block_warps * core::BatchSums::count; i += block_threads) rows_[i] = 0;
    __syncthreads();
  }

  // For one lane of a warp.
  __device__ void add(const core::OrientationSums& sums) {
    double values[core::BatchSums::count];
    core::store_partial(values, sums);
    double* row = rows_ + threadIdx.x / warp_threads * core::BatchSums::count;
#pragma unroll
    for (int i = 0; i < core::BatchSums::count; ++i) row[i] += values[i];
  }

  // For all threads of the block, after the last add().
  __device__ void store(double* partial) const {
    __syncthreads();
    if (threadIdx.x >= core::BatchSums::count) return;
    double sum = 0;
    for (int warp = 0; warp < block_warps; ++warp) sum += rows_[warp * core::BatchSums::count + threadIdx.x];
    partial[threadIdx.x] = sum;
  }

 private:
  double rows_[block_warps * core::BatchSums::count];
};

}  // namespace braggrad::cuda
