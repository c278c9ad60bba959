// Group 2: what the machine has.
#include "braggrad/device.h"

#include <unistd.h>

#include <fstream>

#include "runtime/choice.hpp"
#include "runtime/cores.hpp"
#include "runtime/cuda.hpp"
#include "runtime/error.hpp"
#include "runtime/struct_reader.hpp"

namespace braggrad {
namespace {

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.compare(0, 10, "model name") == 0 && line.find(": ") != std::string::npos)
      return line.substr(line.find(": ") + 2);
  return "CPU";
}

brg_device_properties processor() {
  brg_device_properties p{};
  processor_name().copy(p.name, sizeof p.name - 1);
  p.backend = BRG_BACKEND_CPU;
  p.units = usable_cores();
  p.memory_bytes = static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGE_SIZE);
  return p;
}

}  // namespace
}  // namespace braggrad

extern "C" {

int32_t brg_backend_available(brg_backend backend) {
  if (backend == BRG_BACKEND_CUDA) {
    int32_t count = 0;
    return brg_device_count(backend, &count) == BRG_SUCCESS && count > 0;
  }
  return backend == BRG_BACKEND_AUTO || backend == BRG_BACKEND_CPU;
}

brg_status brg_device_count(brg_backend backend, int32_t* count) {
  return braggrad::guarded("brg_device_count", [&] {
    braggrad::require(count != nullptr, "count is NULL");
    if (backend != BRG_BACKEND_CUDA) backend = braggrad::choose_backend(backend, 0).backend;
    *count = backend == BRG_BACKEND_CUDA ? braggrad::cuda::device_count().count : 1;
  });
}

brg_status brg_device_info(brg_backend backend, int32_t device, brg_device_properties* properties) {
  return braggrad::guarded("brg_device_info", [&] {
    braggrad::require(properties != nullptr, "properties is NULL");
    const uint32_t size = properties->struct_size;
    const braggrad::BackendChoice choice = braggrad::choose_backend(backend, device);
    brg_device_properties found{};
    if (choice.backend == BRG_BACKEND_CUDA)
      braggrad::cuda::device_info(choice.device, found);
    else
      found = braggrad::processor();
    braggrad::init_struct(properties, size, found, "properties");
  });
}

}  // extern "C"
