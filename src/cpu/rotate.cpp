// Rotation of a reflection set by many orientations on the CPU, with VJP and JVP.
#include "core/rotate.hpp"

#include "cpu/cpu_backend.hpp"
#include "cpu/orientation_blocks.hpp"

namespace braggrad::cpu {

using namespace core;

template <class T>
void CpuOperations<T>::rotate(const RotateProblem<T>& p, Scratch& scratch) {
  if (!scratch.ready()) return;
  const int64_t length = p.reflections.count;
  engine_.for_pairs(p.orientations.count, length, [&](int64_t b, int64_t first, int64_t last) {
    const Setting<T> setting = make_rotation(p.orientations, b);
    for (int64_t n = first; n < last; ++n)
      store_components(p.g + 3 * (b * length + n),
                       multiply(setting.rotation, load_q(setting, p.orientations, p.reflections, n)));
  });
}

template <class T>
void CpuOperations<T>::rotate_jvp(const RotateJvpProblem<T>& p, Scratch& scratch) {
  if (!scratch.ready()) return;
  const int64_t length = p.reflections.count;
  engine_.for_pairs(p.orientations.count, length, [&](int64_t b, int64_t first, int64_t last) {
    const Setting<T> setting = make_rotation(p.orientations, b);
    const SettingDot<T> change = make_setting_dot(identity_frame(), p.orientations, p.tangent, b);
    for (int64_t n = first; n < last; ++n)
      store_components(p.g + 3 * (b * length + n),
                       rotate_jvp_pair(setting, change, p.orientations, p.reflections, p.tangent, n));
  });
}

template <class T>
void CpuOperations<T>::rotate_vjp(const RotateVjpProblem<T>& p, Scratch& scratch) {
  const OrientationsGradient<T>& out = p.gradient;
  const bool wants_basis = out.reciprocal_basis || out.reflections_basis;
  const int64_t length = p.reflections.count;
  run_orientation_blocks(engine_, identity_frame(), p.reflections, p.orientations.count, out,
                         p.orientations.column_major, scratch, [&](int64_t b, double* q_bar) {
                           OrientationSums sums;
                           const Setting<T> setting = make_rotation(p.orientations, b);
                           for (int64_t n = 0; n < length; ++n) {
                             const Vec3<T> g_bar = load_vector<T>(p.g_bar + 3 * (b * length + n));
                             const Vec3<T> q_cotangent = accumulate_rotation(sums, p, setting, n, g_bar, wants_basis);
                             if (q_bar) store_vector(q_bar + 3 * n, convert<double>(q_cotangent), true);
                           }
                           store_orientation(identity_frame(), p.orientations, out, b, sums);
                           return sums;
                         });
}

template void CpuOperations<float>::rotate(const RotateProblem<float>&, Scratch&);
template void CpuOperations<double>::rotate(const RotateProblem<double>&, Scratch&);
template void CpuOperations<float>::rotate_vjp(const RotateVjpProblem<float>&, Scratch&);
template void CpuOperations<double>::rotate_vjp(const RotateVjpProblem<double>&, Scratch&);
template void CpuOperations<float>::rotate_jvp(const RotateJvpProblem<float>&, Scratch&);
template void CpuOperations<double>::rotate_jvp(const RotateJvpProblem<double>&, Scratch&);

}  // namespace braggrad::cpu
