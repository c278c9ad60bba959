// Memory of a CUDA device, and the current device of the calling thread.
#pragma once

#include <cuda_runtime.h>
#include <sys/types.h>

#include "runtime/device.hpp"

namespace braggrad::cuda {

// Outlives the contexts of the device: handles hold it.
class CudaDevice final : public Device {
 public:
  CudaDevice(int index, bool is_only);

  brg_backend kind() const noexcept override { return BRG_BACKEND_CUDA; }
  int index() const noexcept override { return index_; }
  // The machine has no other device, so that this one is always current. A process sees the same devices from its first call
  // of the runtime to its end.
  bool is_only() const noexcept { return is_only_; }
  void* allocate(size_t bytes) override;
  void release(void* memory) noexcept override;

 private:
  int index_;
  bool is_only_;
  pid_t process_;  // in a child of it the memory is not there
};

// Makes a device current, and puts the caller's back at the end. Nothing to do, and no call of the runtime, for an only device.
class DeviceScope {
 public:
  explicit DeviceScope(const CudaDevice& device) noexcept;
  DeviceScope(const DeviceScope&) = delete;
  DeviceScope& operator=(const DeviceScope&) = delete;
  ~DeviceScope();

  cudaError_t status() const noexcept { return status_; }

 private:
  int caller_ = 0;
  cudaError_t status_ = cudaSuccess;
  bool changed_ = false;
};

}  // namespace braggrad::cuda
