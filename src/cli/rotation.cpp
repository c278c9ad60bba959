// Rotations.
#include "rotation.hpp"

#include <cmath>

namespace braggrad::cli {

Matrix3 rotation_of(const Vector3& v) {
  const double angle = v.norm();
  if (angle == 0) return Matrix3::Identity();
  return Eigen::AngleAxisd(angle, v / angle).toRotationMatrix();
}

Vector3 rotation_vector(const Matrix3& r) {
  const Eigen::AngleAxisd turn{Eigen::Matrix3d(r)};
  return turn.angle() * turn.axis();
}

Matrix3 rotation_vector_jacobian(const Vector3& v) {
  const double t2 = v.squaredNorm(), t = std::sqrt(t2);
  Matrix3 cross;
  cross << 0, -v.z(), v.y(), v.z(), 0, -v.x(), -v.y(), v.x(), 0;
  // t cot(t/2) / 2 = t (1 + cos t) / (2 sin t), finite up to t = pi; below 1e-4 its series to 1e-17.
  const double factor = t < 1e-4 ? 1.0 / 12 : (1 - t / (2 * std::tan(t / 2))) / t2;
  return Matrix3::Identity() - cross / 2 + factor * cross * cross;
}

Matrix3 nearest_rotation(const Matrix3& m) {
  const Eigen::JacobiSVD<Eigen::Matrix3d> svd(m, Eigen::ComputeFullU | Eigen::ComputeFullV);
  return svd.matrixU() * svd.matrixV().transpose();
}

}  // namespace braggrad::cli
