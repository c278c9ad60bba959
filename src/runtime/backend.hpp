// What a backend does for a context: operations, and copies in the order of its stream. The CPU implements it in src/cpu, CUDA in kernels.
#pragma once

#include <memory>

#include "core/convention.hpp"
#include "core/problem.hpp"
#include "runtime/device.hpp"
#include "runtime/scratch.hpp"

namespace braggrad {

template <class T>
class Operations {
 public:
  virtual ~Operations() = default;
  virtual void rotate(const core::RotateProblem<T>& problem, Scratch& scratch) = 0;
  virtual void rotate_vjp(const core::RotateVjpProblem<T>& problem, Scratch& scratch) = 0;
  virtual void rotate_jvp(const core::RotateJvpProblem<T>& problem, Scratch& scratch) = 0;
  virtual void solve(const core::SolveProblem<T>& problem, Scratch& scratch) = 0;
  virtual void solve_vjp(const core::SolveVjpProblem<T>& problem, Scratch& scratch) = 0;
  virtual void solve_jvp(const core::SolveJvpProblem<T>& problem, Scratch& scratch) = 0;
  virtual void predict(const core::PredictProblem<T>& problem, Scratch& scratch) = 0;
  virtual void predict_vjp(const core::PredictVjpProblem<T>& problem, Scratch& scratch) = 0;
  virtual void predict_jvp(const core::PredictJvpProblem<T>& problem, Scratch& scratch) = 0;
  virtual void diffracted_beam(const core::BeamProblem<T>& problem, Scratch& scratch) = 0;
  virtual void predict_spots(const core::SpotsProblem<T>& problem, Scratch& scratch) = 0;
  virtual void omega_loss(const core::OmegaLossProblem<T>& problem, Scratch& scratch) = 0;
  virtual void convention_angles(const core::AnglesProblem<T>& problem, Scratch& scratch) = 0;
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual const std::shared_ptr<Device>& device() const = 0;
  virtual Operations<float>& operations(float) = 0;
  virtual Operations<double>& operations(double) = 0;

  // Around each call of the interface: a range in the profiler, and the caller's current device put back afterwards.
  virtual void enter(const char* function) = 0;
  virtual void leave() noexcept = 0;

  // Working memory in the order of the stream.
  virtual void* acquire_scratch(size_t bytes) = 0;
  virtual void release_scratch(void* memory) noexcept = 0;

  virtual void upload(void* to, const void* from_host, size_t bytes) = 0;    // returns when the source may be reused
  virtual void download(void* to_host, const void* from, size_t bytes) = 0;  // returns when done
  virtual void clear(void* memory, size_t bytes) = 0;
  virtual void synchronize() = 0;
  virtual void set_stream(void* stream) = 0;
  virtual void use_own_stream() = 0;
  // In a child of the process that made the backend: let go of threads and device without touching them.
  virtual void abandon() noexcept = 0;
};

}  // namespace braggrad
