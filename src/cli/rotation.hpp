// Rotations: exponential and logarithm of SO(3), and the rotation nearest to a matrix.
#pragma once

#include "linear.hpp"

namespace braggrad::cli {

// exp([v]x): the right-handed turn by |v| rad about v.
Matrix3 rotation_of(const Vector3& v);

// The v of shortest length with exp([v]x) = R.
Vector3 rotation_vector(const Matrix3& r);

// d v for R <- exp([d]x) R at v = rotation_vector(R), the inverse left Jacobian of SO(3):
//     I - [v]x / 2 + (1 / t^2 - (1 + cos t) / (2 t sin t)) [v]x^2,    t = |v|
Matrix3 rotation_vector_jacobian(const Vector3& v);

// The rotation R that makes |R - M| smallest (Frobenius): U V^T of M = U S V^T. For det M > 0.
Matrix3 nearest_rotation(const Matrix3& m);

}  // namespace braggrad::cli
