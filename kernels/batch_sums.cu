// Sums of partial sums. One fixed order of additions, whatever the grid of the kernels that made them.
#include "core/batch.hpp"
#include "kernels/batch_sums.hpp"
#include "kernels/pairs.cuh"

namespace braggrad::cuda {

using namespace core;

namespace {
// Threads of brg_batch_sum_kernel that add: a multiple of the number of sums, so that thread t meets one of them only.
constexpr int slices = block_threads / BatchSums::count, adding_threads = slices * BatchSums::count;
}  // namespace

// One block of threads.
template <class T>
__global__ void __launch_bounds__(block_threads)
    brg_batch_sum_kernel(const __grid_constant__ Frame frame, const double* partial, int64_t blocks,
                         const __grid_constant__ BatchSumsOutput<T> out) {
  __shared__ double sums[adding_threads], total[BatchSums::count];
  if (threadIdx.x < adding_threads) {
    double sum = 0;
    for (int64_t i = threadIdx.x; i < blocks * BatchSums::count; i += adding_threads) sum += partial[i];
    sums[threadIdx.x] = sum;
  }
  __syncthreads();
  if (threadIdx.x < BatchSums::count) {
    double sum = 0;
    for (int slice = 0; slice < slices; ++slice) sum += sums[slice * BatchSums::count + threadIdx.x];
    total[threadIdx.x] = sum;
  }
  __syncthreads();
  if (threadIdx.x > 0) return;
  store_geometry(frame, out.geometry, out.accumulate, total);
  if (out.basis)
    store_matrix(out.basis, load_matrix<double>(total + BatchSums::basis, false), out.column_major, out.accumulate);
}

template <class T>
void store_batch_sums(const Engine& engine, const Frame& frame, const double* partial, int64_t blocks,
                      const BatchSumsOutput<T>& out) {
  engine.launch("brg_batch_sum_kernel", brg_batch_sum_kernel<T>, 1, frame, partial, blocks, out);
}

template <class T>
__global__ void __launch_bounds__(block_threads)
    brg_vector_sum_kernel(const VectorSum<T> vector, Range range, const double* partial, int64_t blocks, bool first,
                          bool last) {
  const int64_t i = flat_index(range);
  if (i >= range.stop) return;
  double sum = first ? 0 : vector.sum[i];
  for (int64_t block = 0; block < blocks; ++block) sum += partial[block * vector.length + i];
  if (last)
    store(vector.out + i, sum, vector.accumulate);
  else
    vector.sum[i] = sum;
}

template <class T>
void add_vectors(const Engine& engine, const VectorSum<T>& vector, const double* partial, int64_t blocks, bool first,
                 bool last) {
  engine.launch_ranges("brg_vector_sum_kernel", brg_vector_sum_kernel<T>, vector.length, vector.length, block_threads,
                       vector, partial, blocks, first, last);
}

template void store_batch_sums(const Engine&, const Frame&, const double*, int64_t, const BatchSumsOutput<float>&);
template void add_vectors(const Engine&, const VectorSum<float>&, const double*, int64_t, bool, bool);
template void store_batch_sums(const Engine&, const Frame&, const double*, int64_t, const BatchSumsOutput<double>&);
template void add_vectors(const Engine&, const VectorSum<double>&, const double*, int64_t, bool, bool);

}  // namespace braggrad::cuda
