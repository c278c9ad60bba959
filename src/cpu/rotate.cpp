// Rotation of a reflection set by many orientations on the CPU, with VJP and JVP.
#include "core/rotate.hpp"

#include "cpu/cpu_backend.hpp"
#include "cpu/orientation_blocks.hpp"

namespace braggrad::cpu {

using namespace core;

template <class T>
void CpuOperations<T>::rotate(const RotateProblem<T>& p, Scratch& scratch) {
  if (!scratch.ready()) return;
  const Kernels<T>& kernels = engine_.level.of(T{});
  engine_.for_ranges(p.orientations.count * p.reflections.count, Engine::pairs_per_task,
                     [&](int64_t first, int64_t last) { kernels.rotate(p, first, last); });
}

template <class T>
void CpuOperations<T>::rotate_jvp(const RotateJvpProblem<T>& p, Scratch& scratch) {
  if (!scratch.ready()) return;
  const Kernels<T>& kernels = engine_.level.of(T{});
  engine_.for_ranges(p.orientations.count * p.reflections.count, Engine::pairs_per_task,
                     [&](int64_t first, int64_t last) { kernels.rotate_jvp(p, first, last); });
}

template <class T>
void CpuOperations<T>::rotate_vjp(const RotateVjpProblem<T>& p, Scratch& scratch) {
  const Kernels<T>& kernels = engine_.level.of(T{});
  const OrientationsGradient<T>& out = p.gradient;
  const bool wants_basis = out.reciprocal_basis || out.reflections_basis;
  run_orientation_blocks(engine_, identity_frame(), p.reflections, p.orientations.count, out,
                         p.orientations.column_major, scratch,
                         [&](int64_t first, int64_t last, double* q_bar, double* batch) {
                           kernels.rotate_vjp(p, wants_basis, first, last, q_bar, batch);
                         });
}

template void CpuOperations<float>::rotate(const RotateProblem<float>&, Scratch&);
template void CpuOperations<double>::rotate(const RotateProblem<double>&, Scratch&);
template void CpuOperations<float>::rotate_vjp(const RotateVjpProblem<float>&, Scratch&);
template void CpuOperations<double>::rotate_vjp(const RotateVjpProblem<double>&, Scratch&);
template void CpuOperations<float>::rotate_jvp(const RotateJvpProblem<float>&, Scratch&);
template void CpuOperations<double>::rotate_jvp(const RotateJvpProblem<double>&, Scratch&);

}  // namespace braggrad::cpu
