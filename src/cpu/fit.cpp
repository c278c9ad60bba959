// Fused loss, gradient and normal equations on the CPU: one orientation is a task.
#include "core/fit.hpp"

#include "cpu/cpu_backend.hpp"

namespace braggrad::cpu {

using namespace core;

namespace {

template <bool with_parameters, class T>
void fit_orientation(const OmegaLossProblem<T>& p, int64_t b) {
  FitSums<with_parameters> sums;
  const Setting<T> setting = make_setting(p.frame, p.orientations, b);
  if (p.targets.offsets)
    for (int64_t i = p.targets.offsets[b]; i < p.targets.offsets[b + 1]; ++i) add_listed(sums, p, setting, i);
  else
    for (int64_t n = 0; n < p.reflections.count; ++n) add_dense(sums, p, setting, b, n);
  store_fit(p, b, sums);
}

}  // namespace

template <class T>
void CpuOperations<T>::omega_loss(const OmegaLossProblem<T>& p, Scratch& scratch) {
  if (!scratch.ready()) return;
  const bool with_parameters = p.output.gradient || p.output.normal;
  engine_.pool.run(p.orientations.count, [&](int64_t b) {
    if (with_parameters)
      fit_orientation<true>(p, b);
    else
      fit_orientation<false>(p, b);
  });
}

template void CpuOperations<float>::omega_loss(const OmegaLossProblem<float>&, Scratch&);
template void CpuOperations<double>::omega_loss(const OmegaLossProblem<double>&, Scratch&);

}  // namespace braggrad::cpu
