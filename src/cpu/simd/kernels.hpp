// The inner loops of the CPU backend, as every instruction set has them.
#pragma once

#include "core/predict.hpp"
#include "core/problem.hpp"

namespace braggrad::cpu {

inline constexpr int64_t fit_target_planes = 6;

template <class T>
struct Kernels {
  // Pairs first ... last - 1 of the batch, orientation by orientation. Pair i is written at i - origin.
  void (*predict)(const core::PredictProblem<T>& problem, int64_t first, int64_t last, int64_t origin);
  // The same for a Friedel list at chi = 0: pairs of opposites first ... last - 1, count/2 to an orientation.
  void (*predict_friedel)(const core::PredictProblem<T>& problem, int64_t first, int64_t last);
  // What orientations first ... last - 1 have of their own is written; their part of q_bar [N,3] and of the sums over the batch
  // (core::BatchSums) is added, or these are NULL.
  void (*predict_vjp)(const core::PredictVjpProblem<T>& problem, core::WantedSums wanted, int64_t first, int64_t last,
                      double* q_bar, double* batch);
  void (*predict_jvp)(const core::PredictJvpProblem<T>& problem, int64_t first, int64_t last);
  // Pairs, and the adjoint as above.
  void (*rotate)(const core::RotateProblem<T>& problem, int64_t first, int64_t last);
  void (*rotate_vjp)(const core::RotateVjpProblem<T>& problem, bool wants_basis, int64_t first, int64_t last,
                     double* q_bar, double* batch);
  void (*rotate_jvp)(const core::RotateJvpProblem<T>& problem, int64_t first, int64_t last);
  // Items first ... last - 1; `partial` gets the sums of a block (core::BatchSums), or is NULL.
  void (*solve)(const core::SolveProblem<T>& problem, int64_t first, int64_t last);
  void (*solve_vjp)(const core::SolveVjpProblem<T>& problem, int64_t first, int64_t last, double* partial);
  void (*solve_jvp)(const core::SolveJvpProblem<T>& problem, int64_t first, int64_t last);
  // Planes of the targets that all orientations share: fit_target_planes of core::reflection_planes_stride(count).
  void (*prepare_targets)(const core::OmegaTargets<T>& targets, int64_t count, T* planes);
  // Orientations first ... last - 1; `shared_targets` NULL where each has targets of its own.
  void (*omega_loss)(const core::OmegaLossProblem<T>& problem, const T* shared_targets, int64_t first, int64_t last);
};

struct Level {
  const char* name;
  Kernels<float> f32;
  Kernels<double> f64;

  const Kernels<float>& of(float) const { return f32; }
  const Kernels<double>& of(double) const { return f64; }
};

}  // namespace braggrad::cpu
