// Faults inside the library are exceptions of one type; every entry point turns them into a status and a sentence.
#pragma once

#include <charconv>
#include <new>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "braggrad/types.h"

namespace braggrad {

class Error : public std::runtime_error {
 public:
  Error(brg_status status, const std::string& message) : std::runtime_error(message), status_(status) {}
  brg_status status() const noexcept { return status_; }

 private:
  brg_status status_;
};

[[noreturn]] inline void fail(brg_status status, const std::string& message) { throw Error(status, message); }

inline void append(std::string& text, const std::string& part) { text += part; }
inline void append(std::string& text, const char* part) { text += part; }
inline void append(std::string& text, char part) { text += part; }
template <class Number, class = std::enable_if_t<std::is_arithmetic_v<Number> || std::is_enum_v<Number>>>
void append(std::string& text, Number part) {
  if constexpr (std::is_floating_point_v<Number>) {
    char digits[32];  // as few as tell it from its neighbours
    text.append(digits, std::to_chars(digits, digits + sizeof digits, part).ptr);
  } else {
    text += std::to_string(part);
  }
}

// The parts of the message are put together where it is needed only: a call that is in order pays nothing for it.
template <class... Parts>
void require(bool condition, const Parts&... parts) {
  if (condition) [[likely]]
    return;
  std::string message;
  (append(message, parts), ...);
  fail(BRG_ERROR_INVALID_ARGUMENT, message);
}

// The thread's last message. Never throws; a message that does not fit into memory is cut.
void set_last_error(const char* function, const char* message) noexcept;
const char* last_error() noexcept;

// Runs the body of an entry point.
template <class Body>
brg_status guarded(const char* function, Body&& body) noexcept {
  try {
    body();
    return BRG_SUCCESS;
  } catch (const Error& error) {
    set_last_error(function, error.what());
    return error.status();
  } catch (const std::bad_alloc&) {
    set_last_error(function, "out of host memory");
    return BRG_ERROR_OUT_OF_MEMORY;
  } catch (const std::exception& error) {
    set_last_error(function, error.what());
    return BRG_ERROR_INTERNAL;
  } catch (...) {
    set_last_error(function, "an unknown fault inside the library");
    return BRG_ERROR_INTERNAL;
  }
}

}  // namespace braggrad
