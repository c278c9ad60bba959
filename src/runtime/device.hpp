// Memory of one device. Handles that own device memory (buffers, reflections) hold the device, not a context.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include "braggrad/device.h"

namespace braggrad {

class Device {
 public:
  virtual ~Device() = default;
  virtual brg_backend kind() const noexcept = 0;
  virtual int index() const noexcept = 0;
  // 256-byte aligned; throws Error(BRG_ERROR_OUT_OF_MEMORY).
  virtual void* allocate(size_t bytes) = 0;
  // Waits for the device first.
  virtual void release(void* memory) noexcept = 0;

  bool same_as(const Device& other) const noexcept { return kind() == other.kind() && index() == other.index(); }
};

// Owned memory of a device.
class DeviceMemory {
 public:
  DeviceMemory() = default;
  DeviceMemory(std::shared_ptr<Device> device, size_t bytes)
      : device_(std::move(device)), data_(bytes ? device_->allocate(bytes) : nullptr), bytes_(bytes) {}
  DeviceMemory(DeviceMemory&& other) noexcept { *this = std::move(other); }
  DeviceMemory& operator=(DeviceMemory&& other) noexcept {
    std::swap(device_, other.device_), std::swap(data_, other.data_), std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~DeviceMemory() {
    if (data_) device_->release(data_);
  }

  void* data() const noexcept { return data_; }
  size_t size() const noexcept { return bytes_; }
  const std::shared_ptr<Device>& device() const noexcept { return device_; }

 private:
  std::shared_ptr<Device> device_;
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace braggrad
