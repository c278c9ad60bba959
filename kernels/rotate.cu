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
  __shared__ typename WarpVectors<T>::Memory memory;
  const WarpVectors<T> vectors(memory);
  for_pairs<Setting<T>>(
      tiles, OrientationRows<T>{p.orientations}, [&](const Orientations<T>& one) { return make_rotation(one, 0); },
      [&](const Setting<T>& setting, uint32_t n, uint32_t i) {
        const Lanes lanes = lanes_of(tiles, i);
        const auto load = [&](const auto* table) { return vectors.load_row(lanes, table, n); };
        vectors.store(lanes, p.g + 3 * int64_t{i},
                      multiply(setting.rotation, load_q(setting, p.orientations, p.reflections, load)));
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
  __shared__ typename WarpVectors<T>::Memory memory;
  const WarpVectors<T> vectors(memory);
  for_pairs<MovingSetting<T>>(
      tiles, MovingRows<T>{{p.orientations}, p.tangent},
      [&](const auto& one) {
        return MovingSetting<T>{make_rotation(one.orientations, 0),
                                make_setting_dot(identity_frame(), one.orientations, one.tangent, 0)};
      },
      [&](const MovingSetting<T>& s, uint32_t n, uint32_t i) {
        const Lanes lanes = lanes_of(tiles, i);
        const auto load = [&](const auto* table) { return vectors.load_row(lanes, table, n); };
        vectors.store(lanes, p.g + 3 * int64_t{i},
                      rotate_jvp_pair(s.setting, s.change, p.orientations, p.reflections, p.tangent, load));
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
__device__ __forceinline__ const T* g_bar_of(const RotateVjpProblem<T>& p, int64_t b, int64_t n) {
  return p.g_bar + 3 * (b * p.reflections.count + n);
}

template <class T>
__global__ void __launch_bounds__(block_threads) brg_rotate_vjp_kernel(const __grid_constant__ RotateVjpProblem<T> p,
                                                                       Range rows, int64_t per_block, double* partial) {
  __shared__ typename WarpVectors<T>::Memory memory;
  const WarpVectors<T> vectors(memory);
  const WantedSums wanted = wanted_sums(p.gradient);
  sum_orientations(p, identity_frame(), wanted, rows, per_block, partial,
                   [&](OrientationSums& sums, const Setting<T>& setting, int64_t b, int64_t n) {
                     const Lanes lanes = Lanes::of(p.reflections.count - n);
                     const auto load = [&](const auto* table) { return vectors.load(lanes, table + 3 * n); };
                     accumulate_rotation(sums, p, setting, vectors.load(lanes, g_bar_of(p, b, n)), wanted.basis, load);
                   });
}

template <class T>
__global__ void __launch_bounds__(block_threads)
    brg_rotate_q_bar_kernel(const __grid_constant__ RotateVjpProblem<T> p, Range rows, int64_t tiles, double* block_q) {
  __shared__ typename WarpVectors<T>::Memory memory;
  const WarpVectors<T> vectors(memory);
  sum_q_bar<T>(p, identity_frame(), rows, tiles, block_q, [&](Lanes lanes, int64_t n) {
    return [&p, &vectors, lanes, n](const Setting<T>& setting, int64_t b) {
      return multiply_transposed(setting.rotation, vectors.load(lanes, g_bar_of(p, b, n)));
    };
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
