// What a backend does: memory of its device, and the operations on it.
#pragma once

#include "core/problem.hpp"

namespace braggrad {

template <class T>
class Operations {
 public:
  virtual ~Operations() = default;
  virtual void solve(const core::SolveProblem<T>& problem) = 0;
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual Operations<float>& operations(float) = 0;
  virtual Operations<double>& operations(double) = 0;
};

}  // namespace braggrad
