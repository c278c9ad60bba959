// The rule behind BRG_BACKEND_AUTO.
#include "runtime/choice.hpp"

#include <cstdlib>
#include <string>

#include "runtime/cuda.hpp"
#include "runtime/error.hpp"

namespace braggrad {
namespace {

BackendChoice cuda_device(int device) {
  const cuda::DeviceCount found = cuda::device_count();
  if (found.count == 0) fail(BRG_ERROR_NO_DEVICE, "no CUDA device: " + found.reason);
  if (device >= found.count)
    fail(BRG_ERROR_NO_DEVICE,
         "device is " + std::to_string(device) + ", but there are " + std::to_string(found.count) + " CUDA devices");
  return {BRG_BACKEND_CUDA, device, found.count == 1};
}

// cuda:N
int device_number(const std::string& text) {
  const std::string digits = text.size() > 5 && text.compare(0, 5, "cuda:") == 0 ? text.substr(5) : "";
  require(!digits.empty() && digits.size() < 5 && digits.find_first_not_of("0123456789") == std::string::npos,
          "the environment's BRAGGRAD_BACKEND is \"", text, "\": it must be cpu, cuda or cuda:N");
  return std::stoi(digits);
}

}  // namespace

BackendChoice choose_backend(brg_backend asked, int device) {
  require(asked >= BRG_BACKEND_AUTO && asked <= BRG_BACKEND_CUDA, "backend is ", asked,
          ": it must be one of BRG_BACKEND_*");
  require(device >= 0, "device is ", device, ": it must not be negative");
  if (asked == BRG_BACKEND_CUDA) return cuda_device(device);
  if (asked == BRG_BACKEND_CPU) {
    if (device > 0) fail(BRG_ERROR_NO_DEVICE, "device is " + std::to_string(device) + ": the CPU has device 0 only");
    return {BRG_BACKEND_CPU, 0};
  }
  const char* wish = std::getenv("BRAGGRAD_BACKEND");
  const std::string text = wish ? wish : "";
  if (text.empty()) return cuda::device_count().count ? cuda_device(device) : BackendChoice{BRG_BACKEND_CPU, 0};
  if (text == "cpu") return {BRG_BACKEND_CPU, 0};
  return cuda_device(text == "cuda" ? device : device_number(text));
}

}  // namespace braggrad
