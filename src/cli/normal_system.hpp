// The Gauss-Newton system of many grains that share a few parameters:
//
//     ( A_1           C_1 ) (d_1)     (g_1)          S = sum D_b - C_b^T A_b^-1 C_b      (Schur complement)
//     (      A_2      C_2 ) (d_2) = - (g_2)          S d = -(g - sum C_b^T A_b^-1 g_b)
//     ( C_1^T C_2^T    D  ) ( d )     ( g )          d_b = -A_b^-1 (g_b + C_b d)
//
// A grain without a matched row takes no part. Parameters are scaled to a unit diagonal inside.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "parameters.hpp"

namespace braggrad::cli {

// At most 9 own parameters (3 of the rotation, 6 of the cell) and 2 common ones: no heap.
using OwnMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, 0, 9, 9>;
using OwnVector = Eigen::Matrix<double, Eigen::Dynamic, 1, 0, 9, 1>;
using MixedMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, 0, 9, 2>;
using CommonMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, 0, 2, 2>;
using CommonVector = Eigen::Matrix<double, Eigen::Dynamic, 1, 0, 2, 1>;

struct Step {
  std::vector<OwnVector> own;
  CommonVector common;
};

// Levenberg and Marquardt's factor of each diagonal, 0 and more.
struct Damping {
  std::vector<double> own;
  double common = 0;
};

// (J^T W J)^-1: the blocks of the own parameters of each grain, and of the common ones.
struct Covariance {
  std::vector<OwnMatrix> own;
  CommonMatrix common;
};

class NormalSystem {
 public:
  NormalSystem(const Parameters& parameters, const Model& model, const Evaluation& evaluation);

  Step solve(const Damping& damping) const;

  // Half of g^T H^-1 g: what a step of Gauss and Newton promises to take from the loss. Of each grain, and of the
  // common parameters at the end.
  std::vector<double> promised_decrease() const;

  // A sentence that names the parameters which the data do not tell apart, or none.
  std::optional<std::string> degeneracy(const Model& model) const;

  Covariance covariance() const;

  // Parameters that the data have to determine.
  int64_t parameter_count() const;

 private:
  struct Block {
    OwnMatrix a;
    MixedMatrix c;
    OwnVector g;
    bool used = false;
  };
  const Parameters* parameters_;
  std::vector<Block> blocks_;
  CommonMatrix d_;
  CommonVector g_;
};

}  // namespace braggrad::cli
