// The CPU backend: each operation has a file of its own in this folder.
#pragma once

#include "runtime/backend.hpp"

namespace braggrad::cpu {

template <class T>
class CpuOperations final : public Operations<T> {
 public:
  void solve(const core::SolveProblem<T>& problem) override;
};

class CpuBackend final : public Backend {
 public:
  Operations<float>& operations(float) override { return operations_f32_; }
  Operations<double>& operations(double) override { return operations_f64_; }

 private:
  CpuOperations<float> operations_f32_;
  CpuOperations<double> operations_f64_;
};

}  // namespace braggrad::cpu
