// Fused loss, gradient and normal equations on CUDA: one warp per orientation.
#include <cub/util_type.cuh>

#include "core/fit.hpp"
#include "kernels/cuda_operations.hpp"
#include "kernels/sums.cuh"

namespace braggrad::cuda {

using namespace core;

namespace {

// For all lanes of a warp. `total` gets the sums: they are picked there by computed indices, which registers do not have.
// With parameters there is no register left for the rotation's sums: rotation_bar has a launch without them.
template <bool with_parameters>
__device__ __forceinline__ void sum_over_warp(FitSums<with_parameters>& sums, FitSums<with_parameters>& total) {
  using cuda::sum_over_warp;
  sum_over_warp(sums.loss);
  sum_over_warp(sums.observable), sum_over_warp(sums.matched);
  sum_over_warp(sums.missing), sum_over_warp(sums.grazing);
  if constexpr (!with_parameters) {
    sum_over_warp(sums.rotation);
  } else {
    sums.rotation = {};
#pragma unroll
    for (int i = 0; i < fit_parameters; ++i) sum_over_warp(sums.gradient[i]);
#pragma unroll
    for (int i = 0; i < fit_normals; ++i) sum_over_warp(sums.normal[i]);
  }
  if (threadIdx.x % warp_threads == 0) total = sums;
  __syncwarp();
}

}  // namespace

template <class T, bool with_parameters, bool listed>
__global__ void __launch_bounds__(block_threads)
    brg_omega_loss_kernel(const __grid_constant__ OmegaLossProblem<T> p, Range rows) {
  __shared__ cub::Uninitialized<FitSums<with_parameters>> totals[block_warps];
  __shared__ Setting<T> settings[block_warps];  // not in registers: the sums need them
  const unsigned warp = threadIdx.x / warp_threads, lane = threadIdx.x % warp_threads;
  const int64_t b = rows.start + int64_t{blockIdx.x} * block_warps + warp;
  if (b >= rows.stop) return;
  if (lane == 0) settings[warp] = make_setting(p.frame, p.orientations, b);
  __syncwarp();
  const Setting<T>& setting = settings[warp];
  FitSums<with_parameters> sums;
  if constexpr (listed) {
    const int64_t last = p.targets.offsets[b + 1];
    for (int64_t i = p.targets.offsets[b] + lane; i < last; i += warp_threads) add_listed(sums, p, setting, i);
  } else {
    for (int64_t n = lane; n < p.reflections.count; n += warp_threads) add_dense(sums, p, setting, b, n);
  }
  FitSums<with_parameters>& total = totals[warp].Alias();
  sum_over_warp(sums, total);
  if (lane == 0) store_loss(p, b, total);
  if constexpr (with_parameters) store_parameters(p, b, total, static_cast<int>(lane), warp_threads);
}

namespace {

template <bool with_parameters, class T>
void launch_omega_loss(const Engine& engine, const OmegaLossProblem<T>& p) {
  engine.launch_ranges("brg_omega_loss_kernel",
                       p.targets.offsets ? brg_omega_loss_kernel<T, with_parameters, true>
                                         : brg_omega_loss_kernel<T, with_parameters, false>,
                       p.orientations.count, rows_per_launch(engine.max_pairs(), p.reflections.count, block_warps),
                       block_warps, p);
}

}  // namespace

template <class T>
void CudaOperations<T>::omega_loss(const OmegaLossProblem<T>& p, Scratch& scratch) {
  if (!scratch.ready()) return;
  if (!p.output.gradient && !p.output.normal) return launch_omega_loss<false>(engine_, p);
  OmegaLossProblem<T> part = p;
  part.output.rotation_bar = nullptr;
  launch_omega_loss<true>(engine_, part);
  if (!p.output.rotation_bar) return;
  part.output = {};
  part.output.rotation_bar = p.output.rotation_bar;
  part.output.accumulate = p.output.accumulate;
  launch_omega_loss<false>(engine_, part);
}

template void CudaOperations<float>::omega_loss(const OmegaLossProblem<float>&, Scratch&);
template void CudaOperations<double>::omega_loss(const OmegaLossProblem<double>&, Scratch&);

}  // namespace braggrad::cuda
