// The operations on CUDA. Each has a file of its own in this folder, compiled once per precision: for the number BRG_REAL. Small
// ones are compiled once for both.
#pragma once

#include "kernels/engine.hpp"
#include "runtime/backend.hpp"

namespace braggrad::cuda {

template <class T>
class CudaOperations final : public Operations<T> {
 public:
  explicit CudaOperations(const Engine& engine) : engine_(engine) {}
  void rotate(const core::RotateProblem<T>& problem, Scratch& scratch) override;
  void rotate_vjp(const core::RotateVjpProblem<T>& problem, Scratch& scratch) override;
  void rotate_jvp(const core::RotateJvpProblem<T>& problem, Scratch& scratch) override;
  void solve(const core::SolveProblem<T>& problem, Scratch& scratch) override;
  void solve_vjp(const core::SolveVjpProblem<T>& problem, Scratch& scratch) override;
  void solve_jvp(const core::SolveJvpProblem<T>& problem, Scratch& scratch) override;
  void predict(const core::PredictProblem<T>& problem, Scratch& scratch) override;
  void predict_vjp(const core::PredictVjpProblem<T>& problem, Scratch& scratch) override;
  void predict_jvp(const core::PredictJvpProblem<T>& problem, Scratch& scratch) override;
  void diffracted_beam(const core::BeamProblem<T>& problem, Scratch& scratch) override;
  void predict_spots(const core::SpotsProblem<T>& problem, Scratch& scratch) override;
  void omega_loss(const core::OmegaLossProblem<T>& problem, Scratch& scratch) override;
  void convention_angles(const core::AnglesProblem<T>& problem, Scratch& scratch) override;

 private:
  const Engine& engine_;
};

}  // namespace braggrad::cuda
