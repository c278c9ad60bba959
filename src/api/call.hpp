// One call of the interface on a context: checks the context, enters its backend, and writes the line of the log.
#pragma once

#include <string>

#include "runtime/context.hpp"
#include "runtime/error.hpp"

namespace braggrad {

class CallScope {
 public:
  CallScope(Backend& backend, const char* function) : backend_(backend) { backend_.enter(function); }
  CallScope(const CallScope&) = delete;
  CallScope& operator=(const CallScope&) = delete;
  ~CallScope() { backend_.leave(); }

 private:
  Backend& backend_;
};

template <class Body>
brg_status called(const char* function, const brg_context* context, Body&& body) noexcept {
  const brg_status status = guarded(function, [&] {
    require(context != nullptr, "context is NULL");
    context->require_same_process();
    const CallScope scope(context->backend(), function);
    body();
  });
  if (context) context->log().write(function, status == BRG_SUCCESS ? "" : last_error());
  return status;
}

}  // namespace braggrad
