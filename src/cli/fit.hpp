// Levenberg and Marquardt's descent on the library's loss and normal equations.
//
// Each grain has a damping of its own. Without common parameters the grains are independent: each accepts and ends by
// itself. With common ones a step is taken or refused by all, and those grains whose loss rose are damped.
#pragma once

#include "normal_system.hpp"

namespace braggrad::cli {

struct FitOptions {
  Loss loss;
  int max_iterations = 100;
};

struct FitResult {
  Model model;
  Evaluation evaluation;  // at the model
  int iterations = 0;
  bool converged = false;
};

// Refuses a start whose rows do not determine the parameters.
FitResult fit(Objective& objective, const Parameters& parameters, const Model& start, const FitOptions& options);

}  // namespace braggrad::cli
