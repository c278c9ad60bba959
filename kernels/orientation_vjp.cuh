// The adjoints of whole batches: one warp per orientation for its own outputs, one thread per reflection for q_bar, and
// sums over the batch by fixed blocks of orientations.
#pragma once

#include "core/predict.hpp"
#include "kernels/batch_sums.hpp"
#include "kernels/settings.cuh"
#include "kernels/sums.cuh"
#include "runtime/scratch.hpp"

namespace braggrad::cuda {

// Sums add(sums, setting, orientation, reflection) over the reflections of each orientation and writes its outputs. A block of
// threads does `per_block` orientations: orientation_block where `partial` is to have a row of sums for each block.
template <class Problem, class Add>
__device__ __forceinline__ void sum_orientations(const Problem& p, const core::Frame& frame, core::WantedSums wanted,
                                                 Range rows, int64_t per_block, double* partial, const Add& add) {
  using namespace core;
  __shared__ BlockSums block;
  if (partial) block.clear();
  const unsigned warp = threadIdx.x / warp_threads, lane = threadIdx.x % warp_threads;
  const int64_t first = rows.start + blockIdx.x * per_block, last = min(first + per_block, rows.stop);
  for (int64_t b = first + warp; b < last; b += block_warps) {
    OrientationSums sums;
    const auto setting = make_setting(frame, p.orientations, b);
    const auto length = static_cast<uint32_t>(p.reflections.count);
    for (uint32_t n = lane; n < length; n += warp_threads) add(sums, setting, b, n);
    __syncwarp();  // of shared memory that add() has used with the lanes of the last reflections alone
    sum_over_warp(sums, wanted);
    if (lane == 0) {
      store_orientation(frame, p.orientations, p.gradient, b, sums);
      if (partial) block.add(sums);
    }
  }
  if (partial) block.store(partial + (rows.start + blockIdx.x * per_block) / orientation_block * BatchSums::count);
}

// Sums q_bar(setting, orientation) with q_bar = cotangent_of(lanes, reflection) over each orientation_block into block_q
// [blocks, N, 3]. A block of threads is one of `tiles` parts of the reflections in one block of orientations.
template <class T, class Problem, class CotangentOf>
__device__ __forceinline__ void sum_q_bar(const Problem& p, const core::Frame& frame, Range rows, int64_t tiles,
                                          double* block_q, const CotangentOf& cotangent_of) {
  using namespace core;
  __shared__ Setting<T> settings[orientation_block];
  __shared__ typename WarpVectors<double>::Memory memory;
  const int64_t block = blockIdx.x / tiles, n = (blockIdx.x - block * tiles) * block_threads + threadIdx.x;
  const int64_t first = rows.start + block * orientation_block;
  const auto count = static_cast<unsigned>(min(orientation_block, rows.stop - first));
  make_settings(settings, OrientationRows<T>{p.orientations}, first, count,
                [&](const Orientations<T>& one) { return make_setting(frame, one, 0); });
  __syncthreads();
  if (n >= p.reflections.count) return;
  const Lanes lanes = Lanes::of(p.reflections.count - n);
  const auto q_bar = cotangent_of(lanes, n);
  Vec3<double> sum{};
  for (unsigned row = 0; row < count; ++row) sum = sum + convert<double>(q_bar(settings[row], first + row));
  WarpVectors<double>(memory).store(lanes, block_q + 3 * (block * p.reflections.count + n), sum);
}

// kernel(problem, rows, per_block or tiles, partial or block_q)
template <class Problem>
struct VjpKernel {
  Call call;
  void (*kernel)(Problem, Range, int64_t, double*);
};

// `sums` calls sum_orientations, `q_bar` calls sum_q_bar. False in a dry run.
template <class T, class Problem>
bool run_orientation_vjp(const Engine& engine, const core::Frame& frame, const Problem& p, VjpKernel<Problem> sums,
                         VjpKernel<Problem> q_bar, Scratch& scratch) {
  using namespace core;
  const OrientationsGradient<T>& out = p.gradient;
  const int64_t count = p.orientations.count, length = p.reflections.count,
                blocks = blocks_of(count, orientation_block);
  const BatchSumsOutput<T> batch = {out.geometry, out.reflections_basis, p.orientations.column_major, out.accumulate};
  const bool own = out.rotation || out.rotation_vector || out.reciprocal_basis || out.wavenumber || out.chi;
  // A launch holds the q_bar of its blocks: at most 2^22 numbers, or one block.
  const int64_t most_blocks = std::max<int64_t>(1, (int64_t{1} << 22) / std::max<int64_t>(3 * length, 1));
  const int64_t q_launch =
      std::min({rows_per_launch(engine.max_pairs(), length, orientation_block), most_blocks * orientation_block,
                std::max<int64_t>(blocks, 1) * orientation_block});
  const Slot<double> partial_slot = scratch.reserve<double>(batch.wanted() ? blocks * BatchSums::count : 0);
  const Slot<double> block_slot = scratch.reserve<double>(out.q ? q_launch / orientation_block * 3 * length : 0);
  const Slot<double> q_slot = scratch.reserve<double>(out.q ? 3 * length : 0);
  if (!scratch.ready()) return false;

  if (own || batch.wanted()) {
    double* partial = batch.wanted() ? scratch[partial_slot] : nullptr;
    const int64_t per_block = partial ? orientation_block : block_warps;
    engine.launch_ranges(sums.call, sums.kernel, count, rows_per_launch(engine.max_pairs(), length, per_block),
                         per_block, p, per_block, partial);
    if (batch.wanted()) store_batch_sums(engine, frame, partial, blocks, batch);  // zeros for no orientations
  }
  if (!out.q) return true;
  const VectorSum<T> q = {scratch[q_slot], out.q, 3 * length, out.accumulate};
  const int64_t tiles = blocks_of(length, block_threads);
  int64_t start = 0;
  do {  // once for no orientations: their sum is 0
    const Range rows = {start, std::min(count, start + q_launch)};
    const int64_t row_blocks = blocks_of(rows.stop - rows.start, orientation_block);
    if (row_blocks * tiles > 0)
      engine.launch(q_bar.call, q_bar.kernel, row_blocks * tiles, p, rows, tiles, scratch[block_slot]);
    add_vectors(engine, q, scratch[block_slot], row_blocks, start == 0, rows.stop == count);
    start = rows.stop;
  } while (start < count);
  return true;
}

}  // namespace braggrad::cuda
