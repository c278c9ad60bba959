// The CUDA backend of a build without CUDA: no devices, and a sentence that says so.
#include "runtime/cuda.hpp"

namespace braggrad::cuda {
namespace {
constexpr const char* reason = "this build of the library has no CUDA backend";
}

std::string build_info() { return "without CUDA"; }
DeviceCount device_count() { return {0, reason}; }
void device_info(int, brg_device_properties&) { fail(BRG_ERROR_NO_DEVICE, reason); }
std::unique_ptr<Backend> make_backend(int, bool, int64_t, bool) { fail(BRG_ERROR_NO_DEVICE, reason); }

}  // namespace braggrad::cuda
