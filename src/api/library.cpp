// Group 1: the library itself.
#include "braggrad/library.h"

#include <string>

#include "cpu/levels.hpp"
#include "runtime/cuda.hpp"
#include "runtime/error.hpp"

#define BRG_TEXT_OF(x) #x
#define BRG_TEXT(x) BRG_TEXT_OF(x)

#if defined(__clang__)
#define BRG_COMPILER "clang " __clang_version__
#else
#define BRG_COMPILER "gcc " __VERSION__
#endif

extern "C" {

const char* brg_version(void) {
  return BRG_TEXT(BRG_VERSION_MAJOR) "." BRG_TEXT(BRG_VERSION_MINOR) "." BRG_TEXT(BRG_VERSION_PATCH);
}

uint32_t brg_abi_version(void) { return BRG_ABI_VERSION; }

const char* brg_build_info(void) {
  try {
    static const std::string text = "braggrad " + std::string(brg_version()) + ", " + BRG_COMPILER + ", " +
                                    braggrad::cuda::build_info() + ", SIMD " +
                                    braggrad::cpu::find_level(nullptr)->name + " of " + braggrad::cpu::built_levels();
    return text.c_str();
  } catch (...) {
    return "braggrad";  // out of memory
  }
}

const char* brg_status_name(brg_status status) {
  static constexpr const char* names[] = {
      "BRG_SUCCESS",         "BRG_ERROR_INVALID_ARGUMENT", "BRG_ERROR_ABI",
      "BRG_ERROR_NO_DEVICE", "BRG_ERROR_WRONG_DEVICE",     "BRG_ERROR_OUT_OF_MEMORY",
      "BRG_ERROR_WORKSPACE", "BRG_ERROR_CAPACITY",         "BRG_ERROR_CUDA",
      "BRG_ERROR_FORKED",    "BRG_ERROR_INTERNAL"};
  return status >= 0 && status <= BRG_ERROR_INTERNAL ? names[status] : "unknown status";
}

const char* brg_last_error(void) { return braggrad::last_error(); }

}  // extern "C"
