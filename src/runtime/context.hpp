// A context: a backend, and the process that made it.
#pragma once

#include <memory>

#include "braggrad/context.h"
#include "runtime/backend.hpp"

struct brg_context {
  brg_backend backend_kind;
  std::unique_ptr<braggrad::Backend> backend;
};
