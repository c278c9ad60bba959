// The thread-local text behind brg_last_error: a fixed buffer, so that reporting a fault needs no memory.
#include "runtime/error.hpp"

#include <cstdio>

namespace braggrad {
namespace {
thread_local char text[1024] = "";
}

void set_last_error(const char* function, const char* message) noexcept {
  std::snprintf(text, sizeof text, "%s: %s", function, message);
}

const char* last_error() noexcept { return text; }

}  // namespace braggrad
