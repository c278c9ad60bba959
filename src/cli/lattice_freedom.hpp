// What of a cell may change in a fit, and the strains that go with it.
//
// The library differentiates by a symmetric strain e of the crystal frame, q <- (I + e) q. The edges of the direct
// lattice are the columns of A = 2 pi B^-T, so they change by -e A, and a cell of edges a, b, c changes by
//     d ln a = -a^T e a / a^2,      d cos(bc) = -2 b^T e c / (b c) + cos(bc) (b^T e b / b^2 + c^T e c / c^2)
// The inverse of this 6x6 matrix gives the strain for a change of each cell parameter.
#pragma once

#include <string>
#include <vector>

#include "cell.hpp"

namespace braggrad::cli {

class LatticeFreedom {
 public:
  // Nothing changes.
  LatticeFreedom() = default;
  // All six change.
  static LatticeFreedom full();
  // Edges that are equal stay equal, angles of 90 and 120 degrees stay; three equal angles with three equal edges
  // stay equal (rhombohedral).
  static LatticeFreedom keeping_symmetry_of(const Cell& cell);

  Eigen::Index size() const { return static_cast<Eigen::Index>(groups_.size()); }

  // "cell edge a = b", "cell angle beta".
  const std::vector<std::string>& names() const { return names_; }

  // [6, size]: strain (11, 22, 33, 23, 13, 12) for a unit change of each parameter (ln of an edge, an angle in rad).
  Matrix strain_per_parameter(const Cell& cell) const;

  // The cell after a change of the parameters, of any size.
  Cell moved(Cell cell, const Vector& change) const;

  // Covariance of the six cell parameters (Angstrom, degrees) from that of the parameters.
  Matrix cell_covariance(const Cell& cell, const Matrix& covariance) const;

 private:
  explicit LatticeFreedom(std::vector<std::vector<int>> groups);
  Matrix members() const;

  std::vector<std::vector<int>> groups_;  // cell parameters 0 to 5 that change together
  std::vector<std::string> names_;
};

// The symmetric matrix of a strain (11, 22, 33, 23, 13, 12).
Matrix3 strain_matrix(const Vector& strain);

}  // namespace braggrad::cli
