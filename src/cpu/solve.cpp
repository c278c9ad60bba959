// Roots of given scattering vectors on the CPU.
#include "cpu/cpu_backend.hpp"

namespace braggrad::cpu {

template <class T>
void CpuOperations<T>::solve(const core::SolveProblem<T>& problem) {
  const core::RootsOutput<T>& out = problem.roots;
  for (int64_t i = 0; i < problem.items.count; ++i) {
    const core::Item<T> item = core::load_item(problem.frame, problem.items, i);
    const core::Roots<T> roots = core::roots(item.crossing);
    if (out.omega1) out.omega1[i] = roots.omega1;
    if (out.omega2) out.omega2[i] = roots.omega2;
    if (out.observable) out.observable[i] = item.crossing.observable;
  }
}

template void CpuOperations<float>::solve(const core::SolveProblem<float>&);
template void CpuOperations<double>::solve(const core::SolveProblem<double>&);

}  // namespace braggrad::cpu
