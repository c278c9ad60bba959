// What the operations share: the stream, and how kernels are launched on it.
#pragma once

#include <algorithm>

#include "core/partition.hpp"
#include "kernels/check.hpp"

namespace braggrad::cuda {

inline constexpr int block_threads = 256;
inline constexpr int warp_threads = 32;
inline constexpr int block_warps = block_threads / warp_threads;

// Part of a batch that one launch does: items, pairs or orientations [start, stop).
struct Range {
  int64_t start, stop;
};

class Engine {
 public:
  Engine(int64_t max_pairs, bool synchronous)
      : max_pairs_(std::min(max_pairs, most_pairs)), synchronous_(synchronous) {}

  cudaStream_t stream = nullptr;

  int64_t max_pairs() const { return max_pairs_; }

  // Launches `blocks` blocks of `threads` threads. `call` is the kernel's name.
  template <class... Parameters, class... Arguments>
  void launch_blocks(const Call& call, void (*kernel)(Parameters...), int64_t blocks, uint32_t threads,
                     const Arguments&... arguments) const {
    cudaLaunchConfig_t config{};
    config.gridDim = dim3(static_cast<unsigned>(blocks));
    config.blockDim = dim3(threads);
    config.stream = stream;
    launched(call, cudaLaunchKernelEx(&config, kernel, arguments...));
  }
  template <class... Parameters, class... Arguments>
  void launch(const Call& call, void (*kernel)(Parameters...), int64_t blocks, const Arguments&... arguments) const {
    launch_blocks(call, kernel, blocks, block_threads, arguments...);
  }

  // body(range) for the ranges of [0, count), each `per_launch` long but the last.
  template <class Body>
  static void for_ranges(int64_t count, int64_t per_launch, const Body& body) {
    for (int64_t start = 0; start < count; start += per_launch) body(Range{start, std::min(count, start + per_launch)});
  }

  // Runs kernel(problem, range, arguments...) on [0, count): at most `per_launch` of them in a launch, `per_block` in a
  // block of threads.
  template <class Kernel, class Problem, class... Arguments>
  void launch_ranges(const Call& call, Kernel* kernel, int64_t count, int64_t per_launch, int64_t per_block,
                     const Problem& problem, const Arguments&... arguments) const {
    for_ranges(count, per_launch, [&](Range range) {
      launch(call, kernel, core::blocks_of(range.stop - range.start, per_block), problem, range, arguments...);
    });
  }

  // One thread per item.
  template <class Kernel, class Problem, class... Arguments>
  void launch_flat(const Call& call, Kernel* kernel, int64_t count, const Problem& problem,
                   const Arguments&... arguments) const {
    launch_ranges(call, kernel, count, max_pairs_, block_threads, problem, arguments...);
  }

  // After a launch, ours or a library's.
  void launched(const Call& call, cudaError_t status) const {
    check(status, call);
    if (synchronous_ && !is_capturing(stream)) check(cudaStreamSynchronize(stream), call);
  }

  // The legacy default stream cannot even be asked while a stream that it would wait for is captured.
  static bool is_capturing(cudaStream_t stream) {
    cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
    const cudaError_t error = cudaStreamIsCapturing(stream, &status);
    if (error == cudaErrorStreamCaptureImplicit) {
      ignore(error);
      return true;
    }
    check(error, "cudaStreamIsCapturing");
    return status != cudaStreamCaptureStatusNone;
  }

 private:
  // Keeps every grid below its limit of 2^31 - 1 blocks, down to one warp per pair.
  static constexpr int64_t most_pairs = int64_t{1} << 33;

  int64_t max_pairs_;
  bool synchronous_;
};

}  // namespace braggrad::cuda
