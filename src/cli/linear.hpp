// Matrices of the program. 3x3 ones are stored by rows, as the C interface takes them.
#pragma once

#include <Eigen/Dense>

namespace braggrad::cli {

using Matrix3 = Eigen::Matrix<double, 3, 3, Eigen::RowMajor>;
using Vector3 = Eigen::Vector3d;
using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;

}  // namespace braggrad::cli
