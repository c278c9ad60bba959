// Fused loss, gradient and normal equations on the CPU: a few orientations are a task.
#include "core/fit.hpp"

#include "cpu/cpu_backend.hpp"

namespace braggrad::cpu {

using namespace core;

template <class T>
void CpuOperations<T>::omega_loss(const OmegaLossProblem<T>& p, Scratch& scratch) {
  const Kernels<T>& kernels = engine_.level.of(T{});
  const int64_t length = p.reflections.count;
  const bool shared = !p.targets.offsets && p.targets.orientation_stride == 0;
  const Slot<T> slot = scratch.reserve<T>(shared ? fit_target_planes * reflection_planes_stride(length) : 0);
  if (!scratch.ready()) return;
  T* targets = shared ? scratch[slot] : nullptr;
  if (shared) kernels.prepare_targets(p.targets, length, targets);
  const int64_t grain = rows_per_launch(Engine::pairs_per_task, length, 1);
  engine_.pool.run(blocks_of(p.orientations.count, grain), [&](int64_t task) {
    kernels.omega_loss(p, targets, task * grain, std::min((task + 1) * grain, p.orientations.count));
  });
}

template void CpuOperations<float>::omega_loss(const OmegaLossProblem<float>&, Scratch&);
template void CpuOperations<double>::omega_loss(const OmegaLossProblem<double>&, Scratch&);

}  // namespace braggrad::cpu
