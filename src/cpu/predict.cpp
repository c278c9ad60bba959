// Rotate and solve, fused, on the CPU, with VJP and JVP.
#include "cpu/cpu_backend.hpp"
#include "cpu/orientation_blocks.hpp"

namespace braggrad::cpu {

using namespace core;

template <class T>
void CpuOperations<T>::predict(const PredictProblem<T>& p, Scratch& scratch) {
  if (!scratch.ready()) return;
  const bool angles = p.roots.omega1 || p.roots.omega2;
  const int64_t length = p.reflections.count;
  engine_.for_pairs(p.orientations.count, length, [&](int64_t b, int64_t first, int64_t last) {
    const Setting<T> setting = make_setting(p.frame, p.orientations, b);
    for (int64_t n = first; n < last; ++n) {
      const Crossing<T> crossing = load_pair(setting, p.orientations, p.reflections, n).crossing;
      store_roots(p.roots, b * length + n, angles ? roots(crossing) : Roots<T>{}, crossing.observable);
    }
  });
}

template <class T>
void CpuOperations<T>::predict_jvp(const PredictJvpProblem<T>& p, Scratch& scratch) {
  if (!scratch.ready()) return;
  const bool moves_frame = p.tangent.geometry.moves_frame();
  const int64_t length = p.reflections.count;
  engine_.for_pairs(p.orientations.count, length, [&](int64_t b, int64_t first, int64_t last) {
    const Setting<T> setting = make_setting(p.frame, p.orientations, b);
    const SettingDot<T> change = make_setting_dot(p.frame, p.orientations, p.tangent, b);
    for (int64_t n = first; n < last; ++n) {
      const Pair<T> pair = load_pair(setting, p.orientations, p.reflections, n);
      Roots<T> rates{};
      if (contributes(pair.crossing, setting.beam, static_cast<T>(p.frame.grazing_cut)))
        rates = pair_jvp(setting, change, pair, load_q_dot(change, p.reflections, p.tangent, n),
                         p.orientations.magnitude_from_rotated, moves_frame);
      store_roots(p.roots, b * length + n, rates, pair.crossing.observable);
    }
  });
}

namespace {

// One orientation: its sums, and its part of q_bar (float64 [N,3], or NULL).
template <class T>
OrientationSums orientation_vjp(const PredictVjpProblem<T>& p, WantedSums wanted, int64_t b, double* q_bar) {
  OrientationSums sums;
  const Setting<T> setting = make_setting(p.frame, p.orientations, b);
  const int64_t length = p.reflections.count;
  for (int64_t n = 0; n < length; ++n) {
    const Pair<T> pair = load_pair(setting, p.orientations, p.reflections, n);
    if (!contributes(pair.crossing, setting.beam, static_cast<T>(p.frame.grazing_cut))) continue;
    const T w1 = p.cotangents.omega1 ? p.cotangents.omega1[b * length + n] : T(0);
    const T w2 = p.cotangents.omega2 ? p.cotangents.omega2[b * length + n] : T(0);
    const CrossingBar<T> bar = pair_vjp(setting, pair, p.orientations.magnitude_from_rotated, w1, w2);
    const Vec3<T> hkl = wanted.basis ? load_hkl(p.reflections, n) : Vec3<T>{};
    accumulate(sums, wanted, setting, pair, bar, hkl, w1, w2);
    if (q_bar) store_vector(q_bar + 3 * n, convert<double>(q_cotangent(setting, pair, bar)), true);
  }
  return sums;
}

}  // namespace

template <class T>
void CpuOperations<T>::predict_vjp(const PredictVjpProblem<T>& p, Scratch& scratch) {
  const OrientationsGradient<T>& out = p.gradient;
  const WantedSums wanted = {out.rotation || out.rotation_vector, out.reciprocal_basis || out.reflections_basis,
                             out.wavenumber || out.chi || out.geometry.wavenumber || out.geometry.chi,
                             out.geometry.beam || out.geometry.axis};
  run_orientation_blocks(engine_, p.frame, p.reflections, p.orientations.count, out, p.orientations.column_major,
                         scratch, [&](int64_t b, double* q_bar) {
                           const OrientationSums sums = orientation_vjp(p, wanted, b, q_bar);
                           store_orientation(p.frame, p.orientations, out, b, sums);
                           return sums;
                         });
}

template void CpuOperations<float>::predict(const PredictProblem<float>&, Scratch&);
template void CpuOperations<double>::predict(const PredictProblem<double>&, Scratch&);
template void CpuOperations<float>::predict_vjp(const PredictVjpProblem<float>&, Scratch&);
template void CpuOperations<double>::predict_vjp(const PredictVjpProblem<double>&, Scratch&);
template void CpuOperations<float>::predict_jvp(const PredictJvpProblem<float>&, Scratch&);
template void CpuOperations<double>::predict_jvp(const PredictJvpProblem<double>&, Scratch&);

}  // namespace braggrad::cpu
