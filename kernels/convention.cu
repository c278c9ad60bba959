// Roots as the angles of other programs, on CUDA.
#include "core/convention.hpp"
#include "kernels/cuda_operations.hpp"
#include "kernels/pairs.cuh"

namespace braggrad::cuda {

using namespace core;

template <class T>
__global__ void __launch_bounds__(block_threads)
    brg_convention_angles_kernel(const __grid_constant__ AnglesProblem<T> p, Range items) {
  const int64_t i = flat_index(items);
  if (i < items.stop) answer_item(p, i);
}

template <class T>
void CudaOperations<T>::convention_angles(const AnglesProblem<T>& p, Scratch& scratch) {
  if (!scratch.ready()) return;
  engine_.launch_flat("brg_convention_angles_kernel", brg_convention_angles_kernel<T>, p.count, p);
}

template void CudaOperations<float>::convention_angles(const AnglesProblem<float>&, Scratch&);
template void CudaOperations<double>::convention_angles(const AnglesProblem<double>&, Scratch&);

}  // namespace braggrad::cuda
