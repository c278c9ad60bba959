// Diffracted beams and compact spot lists on CUDA: count, offsets by a scan, write.
#include "core/predict.hpp"
#include "core/spots.hpp"
#include "kernels/cuda_operations.hpp"
#include "kernels/pairs.cuh"
#include "kernels/rows.cuh"
#include "kernels/running_sum.hpp"

namespace braggrad::cuda {

using namespace core;

template <class T>
__global__ void __launch_bounds__(block_threads, 1)  // as many registers as it needs
    brg_diffracted_beam_kernel(const __grid_constant__ BeamProblem<T> p, Range items) {
  __shared__ typename WarpVectors<T>::Memory memory;
  const WarpVectors<T> vectors(memory);
  const int64_t i = flat_index(items);
  if (i >= items.stop) return;
  const Lanes lanes = Lanes::of(items.stop - i);
  const Vec3<T> given = vectors.load(lanes, p.items.g + 3 * i);
  store_beam(p, i, diffracted_beam_of(p, i, given), [&](T* to, const Vec3<T>& v) { vectors.store(lanes, to, v); });
}

template <class T>
void CudaOperations<T>::diffracted_beam(const BeamProblem<T>& p, Scratch& scratch) {
  if (!scratch.ready()) return;
  engine_.launch_flat("brg_diffracted_beam_kernel", brg_diffracted_beam_kernel<T>, p.items.count, p);
}

// One warp per orientation. For 32 reflections at a time found(reflection, roots, with1, with2), in all lanes: bit i of with1
// or with2 is set where the first or second root of lane i is a spot.
template <class T, class Found>
__device__ __forceinline__ void for_spots(const SpotsProblem<T>& p, int64_t b, const Found& found) {
  __shared__ typename WarpVectors<T>::Memory memory;
  const WarpVectors<T> vectors(memory);
  const Setting<T> setting = make_setting(p.frame, p.orientations, b);
  const unsigned lane = threadIdx.x % warp_threads;
  for (int64_t first = 0; first < p.reflections.count; first += warp_threads) {
    const int64_t n = first + lane;
    Roots<T> omega{};
    bool has1 = false, has2 = false;
    if (n < p.reflections.count) {
      const Lanes lanes = Lanes::of(p.reflections.count - n);
      const auto load = [&](const auto* table) { return vectors.load(lanes, table + 3 * n); };
      const Crossing<T> crossing = load_pair<false>(setting, p.orientations, p.reflections, n, load).crossing;
      omega = roots(crossing);
      has1 = crossing.observable && in_windows(p.windows, static_cast<double>(omega.omega1));
      has2 = crossing.observable && in_windows(p.windows, static_cast<double>(omega.omega2));
    }
    found(n, omega, __ballot_sync(~0u, has1), __ballot_sync(~0u, has2));
  }
}

// The orientation of a warp.
__device__ __forceinline__ int64_t warp_row(Range rows) {
  return rows.start + int64_t{blockIdx.x} * block_warps + threadIdx.x / warp_threads;
}

// offsets[b + 1] becomes the number of spots of orientation b.
template <class T>
__global__ void __launch_bounds__(block_threads)
    brg_count_spots_kernel(const __grid_constant__ SpotsProblem<T> p, Range rows, int64_t* offsets) {
  const int64_t b = warp_row(rows);
  if (b >= rows.stop) return;
  int64_t spots = 0;
  for_spots(p, b, [&](int64_t, Roots<T>, unsigned with1, unsigned with2) { spots += __popc(with1) + __popc(with2); });
  if (threadIdx.x % warp_threads == 0) offsets[b + 1] = spots;
}

// The spots of a warp's orientation on their way into the list. Their run begins and ends anywhere; a line of it, whole sectors
// of all three arrays, is written when it is complete.
template <class T>
class SpotLines {
 public:
  // For what waits for the end of its line, and both roots of 32 reflections more.
  static constexpr uint32_t line = warp_threads, room = 4 * line;
  struct Memory {
    T omega[block_warps][room];
    uint32_t which[block_warps][room];
  };

  __device__ __forceinline__ SpotLines(Memory& memory, const SpotsProblem<T>& p, int64_t first)
      : p_(p),
        omega_(memory.omega[threadIdx.x / warp_threads]),
        which_(memory.which[threadIdx.x / warp_threads]),
        line_(first / line * line),
        begin_(static_cast<uint32_t>(first % line)),
        end_(begin_) {}

  // A spot, `later` places behind those that have been counted.
  __device__ __forceinline__ void put(uint32_t later, int64_t n, uint32_t root, T omega) {
    const uint32_t i = (ring_ + end_ + later) % room;
    omega_[i] = omega, which_[i] = 2 * static_cast<uint32_t>(n) + root - 1;
  }

  // Counts the spots that have been put, and writes the lines that they complete. For all lanes.
  __device__ __forceinline__ void count(uint32_t spots) {
    __syncwarp();
    for (end_ += spots; end_ >= line; end_ -= line) {
      store();
      line_ += line, ring_ += line, begin_ = 0;
    }
    __syncwarp();
  }

  // Writes the line, as far as there is one. For all lanes.
  __device__ __forceinline__ void store() const {
    const uint32_t place = threadIdx.x % warp_threads, i = (ring_ + place) % room;
    const int64_t at = line_ + place;
    if (place < begin_ || place >= end_ || at >= p_.capacity) return;
    if (p_.reflection) p_.reflection[at] = static_cast<int32_t>(which_[i] / 2);
    if (p_.root) p_.root[at] = static_cast<uint8_t>(which_[i] % 2 + 1);
    if (p_.omega) p_.omega[at] = omega_[i];
  }

 private:
  const SpotsProblem<T>& p_;
  T* omega_;
  uint32_t* which_;
  int64_t line_;          // its first place in the list
  uint32_t begin_, end_;  // counted from there: its places that are this orientation's, as far as they are known
  uint32_t ring_ = 0;     // where it begins in shared memory
};

template <class T>
__global__ void __launch_bounds__(block_threads)
    brg_write_spots_kernel(const __grid_constant__ SpotsProblem<T> p, Range rows, const int64_t* offsets) {
  __shared__ typename SpotLines<T>::Memory memory;
  const int64_t b = warp_row(rows);
  if (b >= rows.stop || offsets[b] >= p.capacity) return;
  SpotLines<T> lines(memory, p, offsets[b]);
  const unsigned own = 1u << threadIdx.x % warp_threads, before = own - 1;
  for_spots(p, b, [&](int64_t n, Roots<T> omega, unsigned with1, unsigned with2) {
    const uint32_t later = __popc(with1 & before) + __popc(with2 & before), first = with1 & own ? 1 : 0;
    if (first) lines.put(later, n, 1, omega.omega1);
    if (with2 & own) lines.put(later + first, n, 2, omega.omega2);
    lines.count(__popc(with1) + __popc(with2));
  });
  lines.store();
}

template <class T>
void CudaOperations<T>::predict_spots(const SpotsProblem<T>& p, Scratch& scratch) {
  const int64_t count = p.orientations.count;
  size_t scan_bytes = 0;
  if (count > 0) running_sum(engine_, nullptr, scan_bytes, nullptr, count);
  const Slot<int64_t> offsets_slot = scratch.reserve<int64_t>(p.offsets ? 0 : count + 1);
  const Slot<char> scan_slot = scratch.reserve<char>(static_cast<int64_t>(scan_bytes));
  if (!scratch.ready()) return;
  int64_t* offsets = p.offsets ? p.offsets : scratch[offsets_slot];

  const int64_t per_launch = rows_per_launch(engine_.max_pairs(), p.reflections.count, block_warps);
  check(cudaMemsetAsync(offsets, 0, sizeof *offsets, engine_.stream), "cudaMemsetAsync");
  engine_.launch_ranges("brg_count_spots_kernel", brg_count_spots_kernel<T>, count, per_launch, block_warps, p,
                        offsets);
  if (count > 0) running_sum(engine_, scratch[scan_slot], scan_bytes, offsets + 1, count);
  if (p.capacity > 0 && (p.reflection || p.root || p.omega))
    engine_.launch_ranges("brg_write_spots_kernel", brg_write_spots_kernel<T>, count, per_launch, block_warps, p,
                          offsets);
  if (!p.count) return;
  check(cudaMemcpyAsync(p.count, offsets + count, sizeof *offsets, cudaMemcpyDeviceToHost, engine_.stream),
        "cudaMemcpyAsync");
  check(cudaStreamSynchronize(engine_.stream), "cudaStreamSynchronize");
}

template void CudaOperations<BRG_REAL>::diffracted_beam(const BeamProblem<BRG_REAL>&, Scratch&);
template void CudaOperations<BRG_REAL>::predict_spots(const SpotsProblem<BRG_REAL>&, Scratch&);

}  // namespace braggrad::cuda
