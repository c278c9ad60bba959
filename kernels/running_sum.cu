// Running sums by CUB's scan.
#include <cub/device/dispatch/dispatch_scan.cuh>

#include "kernels/running_sum.hpp"

namespace braggrad::cuda {

namespace cub = CUB_NS_QUALIFIER;  // the library's own copy

namespace {

// One tile for all devices: 128 threads with 4 numbers of 8 bytes each (8 of 4 bytes). CUB's own choices spill registers, for
// sums for compute capability 9.0, for other operators for 10.0; this one does for no architecture of the release.
struct Tuning {
  struct MaxPolicy : cub::ChainedPolicy<500, MaxPolicy, MaxPolicy> {
    using ScanPolicyT = cub::AgentScanPolicy<128, 8, int64_t, cub::BLOCK_LOAD_WARP_TRANSPOSE, cub::LOAD_DEFAULT,
                                             cub::BLOCK_STORE_WARP_TRANSPOSE, cub::BLOCK_SCAN_WARP_SCANS>;
  };
};

using Sum = ::cuda::std::plus<>;
using Scan =
    cub::DispatchScan<int64_t*, int64_t*, Sum, cub::NullType, uint64_t, int64_t, cub::ForceInclusive::No, Tuning>;

}  // namespace

void running_sum(const Engine& engine, void* memory, size_t& bytes, int64_t* counts, int64_t count) {
  ignore(cudaPeekAtLastError());  // CUB would take an older error of the program for its own
  // Dispatch() would ask for the version of the kernels' code, to choose a tile by it, and keep a failure for the process's life.
  constexpr int version = 0;  // not looked at
  Scan scan(memory, bytes, counts, counts, static_cast<uint64_t>(count), Sum{}, {}, engine.stream, version);
  const cudaError_t status = scan.Invoke<Tuning::MaxPolicy>();
  if (memory)
    engine.launched("cub::DispatchScan", status);
  else
    check(status, "cub::DispatchScan");
}

}  // namespace braggrad::cuda
