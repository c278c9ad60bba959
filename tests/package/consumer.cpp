// The installed header and library from C++.
#include <braggrad/braggrad.h>

#include <cstdio>

int main() {
  brg_context* context = nullptr;
  brg_context_options options{};
  if (BRG_INIT(brg_context_options_init, &options) != BRG_SUCCESS) return 1;
  options.backend = BRG_BACKEND_CPU;
  if (brg_context_create(&options, &context) != BRG_SUCCESS) return 1;
  std::printf("%s\n", brg_build_info());
  return brg_context_destroy(context);
}
