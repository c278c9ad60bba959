// A refinement from its start to its uncertainties, without files.
//
// sigma^2 = reduced chi^2 (J^T W J)^-1. For a loss l with the residual function psi = l', reduced chi^2 is
//     sum w psi(D)^2 / (n - p) / mean(psi')^2,
// which is sum w D^2 / (n - p) for squares (Huber, Robust Statistics, 1981, section 7.6).
#pragma once

#include <optional>

#include "fit.hpp"
#include "residuals.hpp"

namespace braggrad::cli {

struct RefinementOptions {
  Freedom freedom;
  LatticeFreedom lattice;
  Loss loss;  // Huber's delta 0: 1.345 robust standard deviations of the residuals, found along the way
  int max_iterations = 100;
};

struct GrainUncertainty {
  std::optional<Vector3> rotation_vector;  // of the vector that rotation_vector() gives, rad
  std::optional<Cell> cell;                // Angstrom, degrees
};

struct Refinement {
  Model start, model;
  std::vector<Residual> before, after;  // of each row
  Loss loss;                            // with the delta that was used
  int iterations = 0;
  bool converged = true;
  std::optional<double> energy_sigma;  // keV; none where it was held or nothing is left over
  std::optional<double> chi_sigma;     // rad
  std::vector<GrainUncertainty> uncertainties;
  std::vector<size_t> left_out;  // grains without a row that has a root: not refined
};

// Refuses a system that the rows do not determine, and names what they don't tell apart.
Refinement refine(const Session& session, const Peaks& peaks, const Model& start, const RefinementOptions& options);

}  // namespace braggrad::cli
