// Rotate and solve, fused, on the CPU, with VJP and JVP.
#include "cpu/cpu_backend.hpp"
#include "cpu/orientation_blocks.hpp"

namespace braggrad::cpu {

using namespace core;

template <class T>
void CpuOperations<T>::predict(const PredictProblem<T>& p, Scratch& scratch) {
  if (!scratch.ready()) return;
  const Kernels<T>& kernels = engine_.level.of(T{});
  const int64_t pairs = p.orientations.count * p.reflections.count;
  if (opposites_share(p.frame, p.orientations, p.reflections))
    engine_.for_ranges(pairs / 2, Engine::pairs_per_task / 2,
                       [&](int64_t first, int64_t last) { kernels.predict_friedel(p, first, last); });
  else
    engine_.for_ranges(pairs, Engine::pairs_per_task,
                       [&](int64_t first, int64_t last) { kernels.predict(p, first, last, 0); });
}

template <class T>
void CpuOperations<T>::predict_jvp(const PredictJvpProblem<T>& p, Scratch& scratch) {
  if (!scratch.ready()) return;
  const Kernels<T>& kernels = engine_.level.of(T{});
  engine_.for_ranges(p.orientations.count * p.reflections.count, Engine::pairs_per_task,
                     [&](int64_t first, int64_t last) { kernels.predict_jvp(p, first, last); });
}

template <class T>
void CpuOperations<T>::predict_vjp(const PredictVjpProblem<T>& p, Scratch& scratch) {
  const Kernels<T>& kernels = engine_.level.of(T{});
  const OrientationsGradient<T>& out = p.gradient;
  const WantedSums wanted = wanted_sums(out);
  run_orientation_blocks(engine_, p.frame, p.reflections, p.orientations.count, out, p.orientations.column_major,
                         scratch, [&](int64_t first, int64_t last, double* q_bar, double* batch) {
                           kernels.predict_vjp(p, wanted, first, last, q_bar, batch);
                         });
}

template void CpuOperations<float>::predict(const PredictProblem<float>&, Scratch&);
template void CpuOperations<double>::predict(const PredictProblem<double>&, Scratch&);
template void CpuOperations<float>::predict_vjp(const PredictVjpProblem<float>&, Scratch&);
template void CpuOperations<double>::predict_vjp(const PredictVjpProblem<double>&, Scratch&);
template void CpuOperations<float>::predict_jvp(const PredictJvpProblem<float>&, Scratch&);
template void CpuOperations<double>::predict_jvp(const PredictJvpProblem<double>&, Scratch&);

}  // namespace braggrad::cpu
