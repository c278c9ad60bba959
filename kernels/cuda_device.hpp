// Memory of a CUDA device, and the current device of the calling thread.
#pragma once

#include <cuda_runtime.h>
#include <sys/types.h>

#include "runtime/device.hpp"

namespace braggrad::cuda {

// Makes a device current, and puts the caller's back at the end.
class DeviceScope {
 public:
  explicit DeviceScope(int device) noexcept;
  DeviceScope(const DeviceScope&) = delete;
  DeviceScope& operator=(const DeviceScope&) = delete;
  ~DeviceScope();

  cudaError_t status() const noexcept { return status_; }

 private:
  int caller_ = 0;  // before status_, whose initialisation fills it
  cudaError_t status_;
  bool changed_ = false;
};

// Outlives the contexts of the device: handles hold it.
class CudaDevice final : public Device {
 public:
  explicit CudaDevice(int index);

  brg_backend kind() const noexcept override { return BRG_BACKEND_CUDA; }
  int index() const noexcept override { return index_; }
  void* allocate(size_t bytes) override;
  void release(void* memory) noexcept override;

 private:
  int index_;
  pid_t process_;  // in a child of it the memory is not there
};

}  // namespace braggrad::cuda
