// Device memory for handles, and the calls that describe the devices of the machine.
#include "kernels/cuda_device.hpp"

#include <unistd.h>

#include <algorithm>
#include <iterator>

#include "kernels/check.hpp"
#include "runtime/cuda.hpp"

namespace braggrad::cuda {

DeviceScope::DeviceScope(const CudaDevice& device) noexcept {
  if (device.is_only()) return;
  status_ = cudaGetDevice(&caller_);
  if (status_ != cudaSuccess || caller_ == device.index()) return;
  status_ = cudaSetDevice(device.index());
  changed_ = status_ == cudaSuccess;
}

DeviceScope::~DeviceScope() {
  if (changed_) ignore(cudaSetDevice(caller_));
}

CudaDevice::CudaDevice(int index, bool is_only) : index_(index), is_only_(is_only), process_(getpid()) {}

void* CudaDevice::allocate(size_t bytes) {
  const DeviceScope scope(*this);
  check(scope.status(), "cudaSetDevice");
  void* memory = nullptr;
  check(cudaMalloc(&memory, bytes), "cudaMalloc");
  return memory;
}

void CudaDevice::release(void* memory) noexcept {
  if (getpid() != process_) return;
  const DeviceScope scope(*this);
  ignore(scope.status());
  ignore(cudaDeviceSynchronize());
  ignore(cudaFree(memory));
}

namespace {

std::string version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

std::string why_no_device(cudaError_t status) {
  int driver = 0;
  ignore(cudaDriverGetVersion(&driver));
  if (driver == 0) return "no CUDA driver is installed";
  if (status == cudaErrorInsufficientDriver)
    return "insufficient driver: it serves CUDA " + version_text(driver) + ", the library was built with CUDA " +
           version_text(CUDART_VERSION);
  if (status == cudaErrorNoDevice) return "the CUDA driver finds no device";
  return std::string("cudaGetDeviceCount: ") + cudaGetErrorName(status) + " (" + cudaGetErrorString(status) + ")";
}

}  // namespace

std::string build_info() { return "CUDA " + version_text(CUDART_VERSION) + ", compute " + BRAGGRAD_CUDA_ARCHITECTURES; }

DeviceCount device_count() {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status == cudaSuccess && count > 0) return {count, ""};
  ignore(status);
  return {0, why_no_device(status == cudaSuccess ? cudaErrorNoDevice : status)};
}

void device_info(int device, brg_device_properties& properties) {
  cudaDeviceProp found{};
  check(cudaGetDeviceProperties(&found, device), "cudaGetDeviceProperties");
  std::copy_n(found.name, std::size(properties.name) - 1, properties.name);
  properties.name[std::size(properties.name) - 1] = '\0';
  properties.backend = BRG_BACKEND_CUDA;
  properties.device = device;
  properties.compute_capability = 10 * found.major + found.minor;
  properties.units = found.multiProcessorCount;
  properties.memory_bytes = static_cast<int64_t>(found.totalGlobalMem);
}

}  // namespace braggrad::cuda
