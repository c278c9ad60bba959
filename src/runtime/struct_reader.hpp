// Reads a caller's versioned struct, which may be of an older or a newer release.
#pragma once

#include <algorithm>
#include <cstring>
#include <string>

#include "runtime/error.hpp"

namespace braggrad {

// A copy of the caller's struct, zero beyond its end. `first_size`: size of the struct in the first release.
template <class S>
S read_struct(const S* given, const char* name, uint32_t allowed_flags = 0, size_t first_size = sizeof(S)) {
  if (given == nullptr) fail(BRG_ERROR_INVALID_ARGUMENT, std::string(name) + " is NULL");
  uint32_t size = 0;
  std::memcpy(&size, given, sizeof size);
  if (size < first_size)
    fail(BRG_ERROR_ABI, std::string(name) + ".struct_size is " + std::to_string(size) + ", at least " +
                            std::to_string(first_size) + " is needed: set it to sizeof of the struct");
  const auto* bytes = reinterpret_cast<const unsigned char*>(given);
  if (size > sizeof(S) && std::any_of(bytes + sizeof(S), bytes + size, [](unsigned char b) { return b != 0; }))
    fail(BRG_ERROR_ABI, std::string(name) + " has members that this version of the library does not know");
  S copy{};
  std::memcpy(&copy, given, std::min<size_t>(size, sizeof(S)));
  require((copy.flags & ~allowed_flags) == 0, name, ".flags has a bit that is not allowed here: ", copy.flags);
  return copy;
}

// Writes as much of the defaults as the caller's struct holds; what the library does not know is set to zero.
template <class S>
void init_struct(S* out, size_t struct_size, const S& defaults, const char* name, size_t first_size = sizeof(S)) {
  require(out != nullptr, name, " is NULL");
  if (struct_size < first_size || struct_size > 65536)
    fail(BRG_ERROR_ABI, "struct_size is " + std::to_string(struct_size) + ": it must be sizeof of the struct");
  std::memset(static_cast<void*>(out), 0, struct_size);
  std::memcpy(static_cast<void*>(out), &defaults, std::min(struct_size, sizeof(S)));
  const auto size = static_cast<uint32_t>(struct_size);
  std::memcpy(static_cast<void*>(out), &size, sizeof size);
}

}  // namespace braggrad
