// Faults of CUDA calls become exceptions, with CUDA's name for the fault, the call, and the place in our source.
#pragma once

#include <cuda_runtime.h>

#include <source_location>
#include <string>

#include "runtime/error.hpp"

namespace braggrad::cuda {

// For calls whose fault cannot be reported. An error that is not sticky must not be taken for that of a later call.
inline void ignore(cudaError_t status) noexcept {
  if (status != cudaSuccess) cudaGetLastError();
}

// The function of CUDA or the kernel that is called, and where: converted in place from its name.
struct Call {
  constexpr Call(const char* name, std::source_location where = std::source_location::current())
      : name(name), where(where) {}
  const char* name;
  std::source_location where;
};

inline void check(cudaError_t status, const Call& call) {
  if (status == cudaSuccess) return;
  ignore(status);
  const std::string path = call.where.file_name(), file = path.substr(path.find_last_of('/') + 1);
  fail(status == cudaErrorMemoryAllocation ? BRG_ERROR_OUT_OF_MEMORY : BRG_ERROR_CUDA,
       std::string(call.name) + ": " + cudaGetErrorName(status) + " (" + cudaGetErrorString(status) + ") at " + file +
           ":" + std::to_string(call.where.line()));
}

}  // namespace braggrad::cuda
