// Rotate and solve, fused, on CUDA, with VJP and JVP.
#include "core/predict.hpp"
#include "kernels/cuda_operations.hpp"
#include "kernels/orientation_vjp.cuh"
#include "kernels/pairs.cuh"

namespace braggrad::cuda {

using namespace core;

template <class T>
__global__ void __launch_bounds__(block_threads)
    brg_predict_kernel(const __grid_constant__ PredictProblem<T> p, Range pairs) {
  __shared__ Setting<T> settings[shared_rows];
  const PairIndex at = pair_index(pairs, p.reflections.count);
  const Setting<T> setting =
      setting_of(settings, at, [&](int64_t b) { return make_setting(p.frame, p.orientations, b); });
  if (!at.active) return;
  const Crossing<T> crossing = load_pair(setting, p.orientations, p.reflections, at.reflection).crossing;
  const Roots<T> omega = p.roots.omega1 || p.roots.omega2 ? roots(crossing) : Roots<T>{};
  store_roots(p.roots, flat_index(pairs), omega, crossing.observable);
}

template <class T>
void CudaOperations<T>::predict(const PredictProblem<T>& p, Scratch& scratch) {
  if (!scratch.ready()) return;
  engine_.launch_flat("brg_predict_kernel", brg_predict_kernel<T>, p.orientations.count * p.reflections.count, p);
}

template <class T>
__global__ void __launch_bounds__(block_threads)
    brg_predict_jvp_kernel(const __grid_constant__ PredictJvpProblem<T> p, Range pairs) {
  __shared__ Setting<T> settings[shared_rows];
  __shared__ SettingDot<T> changes[shared_rows];
  const PairIndex at = pair_index(pairs, p.reflections.count);
  const Setting<T> setting =
      setting_of(settings, at, [&](int64_t b) { return make_setting(p.frame, p.orientations, b); });
  const SettingDot<T> change =
      setting_of(changes, at, [&](int64_t b) { return make_setting_dot(p.frame, p.orientations, p.tangent, b); });
  if (!at.active) return;
  const Pair<T> pair = load_pair(setting, p.orientations, p.reflections, at.reflection);
  Roots<T> rates{};
  if (contributes(pair.crossing, setting.beam, static_cast<T>(p.frame.grazing_cut)))
    rates = pair_jvp(setting, change, pair, load_q_dot(change, p.reflections, p.tangent, at.reflection),
                     p.orientations.magnitude_from_rotated, core::moves_frame(p.tangent.geometry));
  store_roots(p.roots, flat_index(pairs), rates, pair.crossing.observable);
}

template <class T>
void CudaOperations<T>::predict_jvp(const PredictJvpProblem<T>& p, Scratch& scratch) {
  if (!scratch.ready()) return;
  engine_.launch_flat("brg_predict_jvp_kernel", brg_predict_jvp_kernel<T>, p.orientations.count * p.reflections.count,
                      p);
}

// A pair with the cotangents of its inputs.
template <class T>
struct PairAdjoint {
  Pair<T> pair;
  T w1, w2;
  CrossingBar<T> bar;
  bool contributes;  // else the rest is not to be used
};

template <class T>
__device__ __forceinline__ PairAdjoint<T> load_adjoint(const PredictVjpProblem<T>& p, const Setting<T>& setting,
                                                       int64_t b, int64_t n) {
  PairAdjoint<T> a;
  a.pair = load_pair(setting, p.orientations, p.reflections, n);
  a.contributes = contributes(a.pair.crossing, setting.beam, static_cast<T>(p.frame.grazing_cut));
  if (!a.contributes) return a;
  const int64_t at = b * p.reflections.count + n;
  a.w1 = p.cotangents.omega1 ? p.cotangents.omega1[at] : T(0);
  a.w2 = p.cotangents.omega2 ? p.cotangents.omega2[at] : T(0);
  a.bar = pair_vjp(setting, a.pair, p.orientations.magnitude_from_rotated, a.w1, a.w2);
  return a;
}

template <class T>
__global__ void __launch_bounds__(block_threads)
    brg_predict_vjp_kernel(const __grid_constant__ PredictVjpProblem<T> p, Range rows, int64_t per_block,
                           double* partial) {
  const WantedSums wanted = wanted_sums(p.gradient);
  sum_orientations(p, p.frame, wanted, rows, per_block, partial,
                   [&](OrientationSums& sums, const Setting<T>& setting, int64_t b, int64_t n) {
                     const PairAdjoint<T> a = load_adjoint(p, setting, b, n);
                     if (!a.contributes) return;
                     const Vec3<T> hkl = wanted.basis ? load_hkl(p.reflections, n) : Vec3<T>{};
                     accumulate(sums, wanted, setting, a.pair, a.bar, hkl, a.w1, a.w2);
                   });
}

template <class T>
__global__ void __launch_bounds__(block_threads)
    brg_predict_q_bar_kernel(const __grid_constant__ PredictVjpProblem<T> p, Range rows, int64_t tiles,
                             double* block_q) {
  sum_q_bar<T>(p, p.frame, rows, tiles, block_q, [&](const Setting<T>& setting, int64_t b, int64_t n) {
    const PairAdjoint<T> a = load_adjoint(p, setting, b, n);
    return a.contributes ? q_cotangent(setting, a.pair, a.bar) : Vec3<T>{};
  });
}

template <class T>
void CudaOperations<T>::predict_vjp(const PredictVjpProblem<T>& p, Scratch& scratch) {
  run_orientation_vjp<T>(engine_, p.frame, p, {"brg_predict_vjp_kernel", brg_predict_vjp_kernel<T>},
                         {"brg_predict_q_bar_kernel", brg_predict_q_bar_kernel<T>}, scratch);
}

template void CudaOperations<float>::predict(const PredictProblem<float>&, Scratch&);
template void CudaOperations<double>::predict(const PredictProblem<double>&, Scratch&);
template void CudaOperations<float>::predict_vjp(const PredictVjpProblem<float>&, Scratch&);
template void CudaOperations<double>::predict_vjp(const PredictVjpProblem<double>&, Scratch&);
template void CudaOperations<float>::predict_jvp(const PredictJvpProblem<float>&, Scratch&);
template void CudaOperations<double>::predict_jvp(const PredictJvpProblem<double>&, Scratch&);

}  // namespace braggrad::cuda
