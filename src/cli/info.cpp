// braggrad info: version, build, devices.
#include <cstdio>
#include <string>

#include "command.hpp"
#include "session.hpp"

namespace braggrad::cli {
namespace {

constexpr double gibibyte = 1024.0 * 1024.0 * 1024.0;

void print_device(brg_backend backend, int32_t index) {
  auto device = zeroed<brg_device_properties>();
  check(brg_device_info(backend, index, &device));
  if (backend == BRG_BACKEND_CPU) {
    std::printf("CPU      %s, %d cores, %.1f GiB\n", device.name, device.units,
                static_cast<double>(device.memory_bytes) / gibibyte);
    return;
  }
  std::printf("CUDA %d   %s, compute capability %d.%d, %d multiprocessors, %.1f GiB\n", index, device.name,
              device.compute_capability / 10, device.compute_capability % 10, device.units,
              static_cast<double>(device.memory_bytes) / gibibyte);
}

// The sentence of the library on why there is no CUDA context to be had.
void print_no_cuda() {
  brg_context_options options;
  check(BRG_INIT(brg_context_options_init, &options));
  options.backend = BRG_BACKEND_CUDA;
  brg_context* context = nullptr;
  if (brg_context_create(&options, &context) != BRG_SUCCESS) {
    const std::string sentence = brg_last_error();
    const size_t colon = sentence.find(": ");  // behind the name of the function
    std::printf("CUDA     none (%s)\n", sentence.substr(colon == std::string::npos ? 0 : colon + 2).c_str());
  }
  brg_context_destroy(context);
}

ExitCode run() {
  std::printf("version  %s\nABI      %u\nbuild    %s\n", brg_version(), brg_abi_version(), brg_build_info());
  print_device(BRG_BACKEND_CPU, 0);
  int32_t count = 0;
  if (!brg_backend_available(BRG_BACKEND_CUDA) || brg_device_count(BRG_BACKEND_CUDA, &count) != BRG_SUCCESS) count = 0;
  for (int32_t index = 0; index < count; ++index) print_device(BRG_BACKEND_CUDA, index);
  if (count == 0) print_no_cuda();
  std::printf("default  %s (--backend auto)\n", Session(SessionOptions{}).backend_name().c_str());
  return exit_success;
}

}  // namespace

Command add_info(CLI::App& app) {
  app.description("Version, ABI, build with its SIMD level, and the devices of this machine.");
  return run;
}

}  // namespace braggrad::cli
