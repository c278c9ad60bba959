// Group 3: contexts.
#include <cstdlib>

#include "api/call.hpp"
#include "cpu/cpu_backend.hpp"
#include "cpu/levels.hpp"
#include "runtime/choice.hpp"
#include "runtime/cuda.hpp"
#include "runtime/struct_reader.hpp"

namespace braggrad {
namespace {

constexpr int64_t default_max_pairs = int64_t{1} << 30;

brg_context_options read_options(const brg_context_options* given) {
  if (!given) return {};
  const brg_context_options o = read_struct(given, "options");
  require(o.threads >= 0 && o.threads <= 4096, "options.threads is ", o.threads, ": it must be 0 (all cores) to 4096");
  require(o.reserved == 0, "options.reserved is not 0");
  require(o.max_pairs_per_launch >= 0, "options.max_pairs_per_launch is ", o.max_pairs_per_launch,
          ": it must not be negative");
  return o;
}

CallLog open_log() {
  const char* path = std::getenv("BRAGGRAD_LOG");
  return path && *path ? CallLog(path) : CallLog();
}

bool wants_synchronous() {
  const char* value = std::getenv("BRAGGRAD_SYNC");
  return value && *value && std::string(value) != "0";
}

const cpu::Level& chosen_level() {
  const char* name = std::getenv("BRAGGRAD_SIMD");
  const cpu::Level* level = cpu::find_level(name);
  require(level != nullptr, "the environment's BRAGGRAD_SIMD is \"", (name ? name : ""), "\": this library has ",
          cpu::built_levels(), ", and this machine not all of them");
  return *level;
}

}  // namespace
}  // namespace braggrad

using braggrad::called;

extern "C" {

brg_status brg_context_options_init(brg_context_options* options, size_t struct_size) {
  return braggrad::guarded("brg_context_options_init", [&] {
    brg_context_options defaults{};
    defaults.max_pairs_per_launch = braggrad::default_max_pairs;
    braggrad::init_struct(options, struct_size, defaults, "options");
  });
}

brg_status brg_context_create(const brg_context_options* options, brg_context** context) {
  return braggrad::guarded("brg_context_create", [&] {
    braggrad::require(context != nullptr, "context is NULL");
    *context = nullptr;
    const brg_context_options o = braggrad::read_options(options);
    const braggrad::BackendChoice choice = braggrad::choose_backend(o.backend, o.device);
    const int64_t max_pairs = o.max_pairs_per_launch ? o.max_pairs_per_launch : braggrad::default_max_pairs;
    braggrad::CallLog log = braggrad::open_log();
    std::unique_ptr<braggrad::Backend> backend =
        choice.backend == BRG_BACKEND_CUDA
            ? braggrad::cuda::make_backend(choice.device, choice.is_only, max_pairs, braggrad::wants_synchronous())
            : braggrad::cpu::make_cpu_backend(o.threads, max_pairs, braggrad::chosen_level());
    log.write("brg_context_create", "");
    *context = std::make_unique<brg_context>(choice.backend, std::move(backend), std::move(log)).release();
  });
}

brg_status brg_context_destroy(brg_context* context) {
  const std::unique_ptr<brg_context> owned(context);
  return braggrad::guarded("brg_context_destroy", [&] {
    if (!context || !context->in_own_process()) return;
    context->log().write("brg_context_destroy", "");
    context->backend().synchronize();
  });
}

brg_status brg_context_set_stream(brg_context* context, void* stream) {
  return called("brg_context_set_stream", context, [&] { context->backend().set_stream(stream); });
}

brg_status brg_context_use_own_stream(brg_context* context) {
  return called("brg_context_use_own_stream", context, [&] { context->backend().use_own_stream(); });
}

brg_status brg_context_synchronize(brg_context* context) {
  return called("brg_context_synchronize", context, [&] { context->backend().synchronize(); });
}

brg_backend brg_context_backend(const brg_context* context) { return context ? context->kind() : BRG_BACKEND_AUTO; }

brg_status brg_context_set_workspace(brg_context* context, void* workspace, size_t bytes) {
  return called("brg_context_set_workspace", context, [&] { context->set_workspace(workspace, bytes); });
}

brg_status brg_context_workspace_size(const brg_context* context, size_t* bytes) {
  return called("brg_context_workspace_size", context, [&] {
    braggrad::require(bytes != nullptr, "bytes is NULL");
    *bytes = context->workspace_size();
  });
}

brg_status brg_context_set_dry_run(brg_context* context, int32_t on) {
  return called("brg_context_set_dry_run", context, [&] {
    braggrad::require(on == 0 || on == 1, "on is ", on, ": it must be 0 or 1");
    context->set_dry_run(on != 0);
  });
}

}  // extern "C"
