// Roots of given scattering vectors on CUDA, with VJP and JVP: one item is a thread.
#include "core/item.hpp"
#include "kernels/batch_sums.hpp"
#include "kernels/cuda_operations.hpp"
#include "kernels/pairs.cuh"
#include "kernels/rows.cuh"
#include "kernels/settings.cuh"
#include "kernels/sums.cuh"

namespace braggrad::cuda {

using namespace core;

template <class T>
__global__ void __launch_bounds__(block_threads)
    brg_solve_kernel(const __grid_constant__ SolveProblem<T> p, Range items, const __grid_constant__ Beams<T> beams) {
  __shared__ typename WarpVectors<T>::Memory memory;
  const int64_t i = flat_index(items);
  if (i >= items.stop) return;
  const Vec3<T> given = WarpVectors<T>(memory).load(Lanes::of(items.stop - i), p.items.g + 3 * i);
  const Crossing<T> crossing = load_item<false>(p.frame, p.items, i, given, beams.beam(p.frame, p.items, i)).crossing;
  store_roots(p.roots, i, p.roots.omega1 || p.roots.omega2 ? roots(crossing) : Roots<T>{}, crossing.observable);
}

template <class T>
void CudaOperations<T>::solve(const SolveProblem<T>& p, Scratch& scratch) {
  if (!scratch.ready()) return;
  engine_.launch_flat("brg_solve_kernel", brg_solve_kernel<T>, p.items.count, p, Beams<T>(p.frame, p.items));
}

template <class T>
__global__ void __launch_bounds__(block_threads)
    brg_solve_jvp_kernel(const __grid_constant__ SolveJvpProblem<T> p, Range items,
                         const __grid_constant__ Beams<T> beams) {
  __shared__ typename WarpVectors<T>::Memory memory;
  const WarpVectors<T> vectors(memory);
  const int64_t i = flat_index(items);
  if (i >= items.stop) return;
  const Lanes lanes = Lanes::of(items.stop - i);
  const Vec3<T> given = vectors.load(lanes, p.items.g + 3 * i);
  const Vec3<T> change = p.tangent.g ? vectors.load(lanes, p.tangent.g + 3 * i) : Vec3<T>{};
  const Item<T> item = load_item(p.frame, p.items, i, given, beams.beam(p.frame, p.items, i));
  store_roots(p.roots, i, item_jvp(p.frame, item, p.items, p.tangent, i, change), item.crossing.observable);
}

template <class T>
void CudaOperations<T>::solve_jvp(const SolveJvpProblem<T>& p, Scratch& scratch) {
  if (!scratch.ready()) return;
  engine_.launch_flat("brg_solve_jvp_kernel", brg_solve_jvp_kernel<T>, p.items.count, p, Beams<T>(p.frame, p.items));
}

// A block of threads does `per_block` items: item_block where sums are wanted, and `partial` has a row for each.
template <class T>
__global__ void __launch_bounds__(block_threads)
    brg_solve_vjp_kernel(const __grid_constant__ SolveVjpProblem<T> p, Range items, int64_t per_block, double* partial,
                         const __grid_constant__ Beams<T> beams) {
  __shared__ BlockSums block;
  __shared__ typename WarpVectors<T>::Memory memory;
  const WarpVectors<T> vectors(memory);
  if (partial) block.clear();
  const bool wants_frame = p.gradient.geometry.beam || p.gradient.geometry.axis;
  const int64_t first = items.start + blockIdx.x * per_block, last = min(first + per_block, items.stop);
  ItemsGradient<T> scalars = p.gradient;
  scalars.g = nullptr;
  OrientationSums sums;
  for (int64_t i = first + threadIdx.x; i < last; i += block_threads) {
    const Lanes lanes = Lanes::of(last - i);
    const Vec3<T> given = vectors.load(lanes, p.items.g + 3 * i);
    const Item<T> item = load_item(p.frame, p.items, i, given, beams.beam(p.frame, p.items, i));
    const T w1 = p.cotangents.omega1 ? p.cotangents.omega1[i] : T(0);
    const T w2 = p.cotangents.omega2 ? p.cotangents.omega2[i] : T(0);
    const ItemBar<T> bar = item_vjp(p.frame, item, p.items, i, w1, w2, wants_frame);
    if (p.gradient.g) vectors.store(lanes, p.gradient.g + 3 * i, bar.g, p.gradient.accumulate);
    store_item(scalars, i, bar);
    if (partial) add_item(sums, bar);
  }
  if (!partial) return;
  sum_over_warp(sums, {.rotation = false, .basis = false, .scalars = true, .frame = wants_frame});
  if (threadIdx.x % warp_threads == 0) block.add(sums);
  block.store(partial + first / item_block * BatchSums::count);
}

template <class T>
void CudaOperations<T>::solve_vjp(const SolveVjpProblem<T>& p, Scratch& scratch) {
  const bool sums = p.gradient.geometry.wanted();
  const int64_t blocks = blocks_of(p.items.count, item_block), per_block = sums ? item_block : block_threads;
  const Slot<double> slot = scratch.reserve<double>(sums ? blocks * BatchSums::count : 0);
  if (!scratch.ready()) return;
  double* partial = sums ? scratch[slot] : nullptr;
  engine_.launch_ranges("brg_solve_vjp_kernel", brg_solve_vjp_kernel<T>, p.items.count,
                        rows_per_launch(engine_.max_pairs(), 1, per_block), per_block, p, per_block, partial,
                        Beams<T>(p.frame, p.items));
  if (sums)
    store_batch_sums<T>(engine_, p.frame, partial, blocks,
                        {p.gradient.geometry, nullptr, false, p.gradient.accumulate});
}

template void CudaOperations<BRG_REAL>::solve(const SolveProblem<BRG_REAL>&, Scratch&);
template void CudaOperations<BRG_REAL>::solve_vjp(const SolveVjpProblem<BRG_REAL>&, Scratch&);
template void CudaOperations<BRG_REAL>::solve_jvp(const SolveJvpProblem<BRG_REAL>&, Scratch&);

}  // namespace braggrad::cuda
