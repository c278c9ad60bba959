// Group 3: contexts.
#include "runtime/context.hpp"

#include "cpu/cpu_backend.hpp"
#include "runtime/error.hpp"
#include "runtime/struct_reader.hpp"

extern "C" {

brg_status brg_context_options_init(brg_context_options* options, size_t struct_size) {
  return braggrad::guarded("brg_context_options_init", [&] {
    brg_context_options defaults{};
    defaults.max_pairs_per_launch = int64_t{1} << 30;
    braggrad::init_struct(options, struct_size, defaults, "options");
  });
}

brg_status brg_context_create(const brg_context_options* options, brg_context** context) {
  return braggrad::guarded("brg_context_create", [&] {
    braggrad::require(context != nullptr, "context is NULL");
    *context = nullptr;
    const brg_context_options o = options ? braggrad::read_struct(options, "options") : brg_context_options{};
    if (o.backend == BRG_BACKEND_CUDA) braggrad::fail(BRG_ERROR_NO_DEVICE, "this build of the library has no CUDA");
    braggrad::require(o.backend == BRG_BACKEND_AUTO || o.backend == BRG_BACKEND_CPU, "options.backend is unknown");
    const int64_t max_pairs = o.max_pairs_per_launch ? o.max_pairs_per_launch : int64_t{1} << 30;
    const int threads = o.threads ? o.threads : braggrad::usable_cores();
    *context = std::make_unique<brg_context>(BRG_BACKEND_CPU, braggrad::cpu::make_cpu_backend(threads, max_pairs),
                                             braggrad::CallLog())
                   .release();
  });
}

brg_status brg_context_destroy(brg_context* context) {
  const std::unique_ptr<brg_context> owned(context);
  return BRG_SUCCESS;
}

brg_backend brg_context_backend(const brg_context* context) { return context ? context->kind() : BRG_BACKEND_AUTO; }

}  // extern "C"
