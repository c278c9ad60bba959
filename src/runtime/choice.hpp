// Which backend and device a context gets: what is asked for, BRAGGRAD_BACKEND, and what the machine has.
#pragma once

#include "braggrad/device.h"

namespace braggrad {

struct BackendChoice {
  brg_backend backend;  // CPU or CUDA
  int device;
  bool is_only = false;  // of CUDA: the machine has no other device
};

// Throws NO_DEVICE where CUDA is asked for and cannot be had, INVALID_ARGUMENT for an unknown backend or a
// BRAGGRAD_BACKEND that is none of cpu, cuda, cuda:N.
BackendChoice choose_backend(brg_backend asked, int device);

}  // namespace braggrad
