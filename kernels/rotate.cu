// Rotation of a reflection set by many orientations on CUDA, with VJP and JVP.
#include "core/rotate.hpp"
#include "kernels/cuda_operations.hpp"
#include "kernels/orientation_vjp.cuh"
#include "kernels/pairs.cuh"
#include "kernels/settings.cuh"

namespace braggrad::cuda {

using namespace core;

template <class T>
__global__ void __launch_bounds__(block_threads)
    brg_rotate_kernel(const __grid_constant__ RotateProblem<T> p, const __grid_constant__ PairTiles tiles) {
  for_pairs<Setting<T>>(
      tiles, [&](int64_t b) { return make_rotation(p.orientations, b); },
      [&](const Setting<T>& setting, uint32_t n, uint32_t i) {
        store_components(p.g + 3 * int64_t{i},
                         multiply(setting.rotation, load_q(setting, p.orientations, p.reflections, n)));
      });
}

template <class T>
void CudaOperations<T>::rotate(const RotateProblem<T>& p, Scratch& scratch) {
  if (!scratch.ready()) return;
  launch_pairs<Setting<T>>(engine_, "brg_rotate_kernel", brg_rotate_kernel<T>, p.orientations.count,
                           p.reflections.count, p, [](RotateProblem<T>& part, int64_t pairs) { part.g += 3 * pairs; });
}

template <class T>
__global__ void __launch_bounds__(block_threads)
    brg_rotate_jvp_kernel(const __grid_constant__ RotateJvpProblem<T> p, const __grid_constant__ PairTiles tiles) {
  for_pairs<MovingSetting<T>>(
      tiles,
      [&](int64_t b) {
        return MovingSetting<T>{make_rotation(p.orientations, b),
                                make_setting_dot(identity_frame(), p.orientations, p.tangent, b)};
      },
      [&](const MovingSetting<T>& s, uint32_t n, uint32_t i) {
        store_components(p.g + 3 * int64_t{i},
                         rotate_jvp_pair(s.setting, s.change, p.orientations, p.reflections, p.tangent, n));
      });
}

template <class T>
void CudaOperations<T>::rotate_jvp(const RotateJvpProblem<T>& p, Scratch& scratch) {
  if (!scratch.ready()) return;
  launch_pairs<MovingSetting<T>>(engine_, "brg_rotate_jvp_kernel", brg_rotate_jvp_kernel<T>, p.orientations.count,
                                 p.reflections.count, p,
                                 [](RotateJvpProblem<T>& part, int64_t pairs) { part.g += 3 * pairs; });
}

template <class T>
__device__ __forceinline__ Vec3<T> load_g_bar(const RotateVjpProblem<T>& p, int64_t b, int64_t n) {
  return load_vector<T>(p.g_bar + 3 * (b * p.reflections.count + n));
}

template <class T>
__global__ void __launch_bounds__(block_threads) brg_rotate_vjp_kernel(const __grid_constant__ RotateVjpProblem<T> p,
                                                                       Range rows, int64_t per_block, double* partial) {
  const WantedSums wanted = wanted_sums(p.gradient);
  sum_orientations(p, identity_frame(), wanted, rows, per_block, partial,
                   [&](OrientationSums& sums, const Setting<T>& setting, int64_t b, int64_t n) {
                     accumulate_rotation(sums, p, setting, n, load_g_bar(p, b, n), wanted.basis);
                   });
}

template <class T>
__global__ void __launch_bounds__(block_threads)
    brg_rotate_q_bar_kernel(const __grid_constant__ RotateVjpProblem<T> p, Range rows, int64_t tiles, double* block_q) {
  sum_q_bar<T>(p, identity_frame(), rows, tiles, block_q, [&](const Setting<T>& setting, int64_t b, int64_t n) {
    return multiply_transposed(setting.rotation, load_g_bar(p, b, n));
  });
}

template <class T>
void CudaOperations<T>::rotate_vjp(const RotateVjpProblem<T>& p, Scratch& scratch) {
  run_orientation_vjp<T>(engine_, identity_frame(), p, {"brg_rotate_vjp_kernel", brg_rotate_vjp_kernel<T>},
                         {"brg_rotate_q_bar_kernel", brg_rotate_q_bar_kernel<T>}, scratch);
}

template void CudaOperations<BRG_REAL>::rotate(const RotateProblem<BRG_REAL>&, Scratch&);
template void CudaOperations<BRG_REAL>::rotate_vjp(const RotateVjpProblem<BRG_REAL>&, Scratch&);
template void CudaOperations<BRG_REAL>::rotate_jvp(const RotateJvpProblem<BRG_REAL>&, Scratch&);

}  // namespace braggrad::cuda
