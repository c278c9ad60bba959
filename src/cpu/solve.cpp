// Roots of given scattering vectors on the CPU, with VJP and JVP.
#include "core/item.hpp"
#include "cpu/cpu_backend.hpp"
#include "cpu/sums.hpp"

namespace braggrad::cpu {

using namespace core;

template <class T>
void CpuOperations<T>::solve(const SolveProblem<T>& p, Scratch& scratch) {
  if (!scratch.ready()) return;
  const Kernels<T>& kernels = engine_.level.of(T{});
  engine_.for_ranges(p.items.count, Engine::pairs_per_task,
                     [&](int64_t first, int64_t last) { kernels.solve(p, first, last); });
}

template <class T>
void CpuOperations<T>::solve_vjp(const SolveVjpProblem<T>& p, Scratch& scratch) {
  const Kernels<T>& kernels = engine_.level.of(T{});
  const bool sums = p.gradient.geometry.wanted();
  const int64_t blocks = blocks_of(p.items.count, item_block);
  const Slot<double> slot = scratch.reserve<double>(sums ? blocks * BatchSums::count : 0);
  if (!scratch.ready()) return;
  double* partial = scratch[slot];
  const int64_t launch = rows_per_launch(engine_.max_pairs, 1, item_block);
  for (int64_t start = 0; start < p.items.count; start += launch) {
    const int64_t stop = std::min(p.items.count, start + launch);
    engine_.pool.run(blocks_of(stop - start, item_block), [&](int64_t task) {
      const int64_t first = start + task * item_block, last = std::min(first + item_block, stop);
      kernels.solve_vjp(p, first, last, sums ? partial + first / item_block * BatchSums::count : nullptr);
    });
  }
  if (sums) store_geometry(p.frame, p.gradient.geometry, p.gradient.accumulate, total(partial, blocks).data());
}

template <class T>
void CpuOperations<T>::solve_jvp(const SolveJvpProblem<T>& p, Scratch& scratch) {
  if (!scratch.ready()) return;
  const Kernels<T>& kernels = engine_.level.of(T{});
  engine_.for_ranges(p.items.count, Engine::pairs_per_task,
                     [&](int64_t first, int64_t last) { kernels.solve_jvp(p, first, last); });
}

template void CpuOperations<float>::solve(const SolveProblem<float>&, Scratch&);
template void CpuOperations<double>::solve(const SolveProblem<double>&, Scratch&);
template void CpuOperations<float>::solve_vjp(const SolveVjpProblem<float>&, Scratch&);
template void CpuOperations<double>::solve_vjp(const SolveVjpProblem<double>&, Scratch&);
template void CpuOperations<float>::solve_jvp(const SolveJvpProblem<float>&, Scratch&);
template void CpuOperations<double>::solve_jvp(const SolveJvpProblem<double>&, Scratch&);

}  // namespace braggrad::cpu
