// The CUDA backend as the interface sees it: kernels/cuda_backend.cu, or src/runtime/no_cuda.cpp in a build without CUDA.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "runtime/backend.hpp"

namespace braggrad::cuda {

// "CUDA 13.0, compute 75 80 86", or "without CUDA".
std::string build_info();

// Devices that can be used. Where there are none `reason` says why. Never throws for a machine without a driver.
struct DeviceCount {
  int count = 0;
  std::string reason;
};
DeviceCount device_count();

// Fills all members but struct_size and flags. `device` is in range.
void device_info(int device, brg_device_properties& properties);

// `is_only`: the machine has no other device. `synchronous`: wait after each kernel and name the one that failed.
std::unique_ptr<Backend> make_backend(int device, bool is_only, int64_t max_pairs_per_launch, bool synchronous);

}  // namespace braggrad::cuda
