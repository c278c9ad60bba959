// The Gauss-Newton system of many grains that share a few parameters.
#include "normal_system.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace braggrad::cli {
namespace {

// Below this eigenvalue of a matrix of unit diagonal its parameters are not told apart: 1e-10 is a condition number
// of 1e5 of the Jacobian; sums of float64 products leave 1e-15.
constexpr double least_eigenvalue = 1e-10;

// Keeps a system that lost rank on the way solvable, far below what changes a step.
constexpr double least_damping = 1e-12;

template <class M>
auto unit_scale(const M& m) {
  return m.diagonal().unaryExpr([](double value) { return value > 0 ? 1 / std::sqrt(value) : 0.0; }).eval();
}

// (M + damping diag M)^-1 x for a symmetric M.
template <class M, class X>
X solved(const M& m, double damping, const X& x) {
  if (m.rows() == 0) return x;
  const auto s = unit_scale(m);
  M scaled = s.asDiagonal() * m * s.asDiagonal();
  scaled.diagonal().array() += std::max(damping, least_damping);
  return s.asDiagonal() * scaled.ldlt().solve(X(s.asDiagonal() * x));
}

template <class M>
M mirrored(const M& upper) {
  return upper.template selfadjointView<Eigen::Upper>();
}

// Eigenvector of the smallest eigenvalue of m with a unit diagonal, if it is degenerate, in scaled parameters.
template <class M>
std::optional<Vector> null_vector(const M& m, const Vector& scale) {
  if (m.rows() == 0) return std::nullopt;
  Matrix scaled = scale.asDiagonal() * m * scale.asDiagonal();
  const Eigen::SelfAdjointEigenSolver<Matrix> eigen(scaled);
  if (eigen.eigenvalues()(0) > least_eigenvalue) return std::nullopt;
  return eigen.eigenvectors().col(0);
}

// Names of the parameters that weigh at least a fifth of the heaviest in a direction.
std::vector<std::string> heaviest(const Vector& direction, const std::vector<std::string>& names) {
  std::vector<std::string> result;
  const double least = direction.size() > 0 ? 0.2 * direction.cwiseAbs().maxCoeff() : 0;
  for (Eigen::Index i = 0; i < direction.size(); ++i)
    if (std::abs(direction(i)) > 0 && std::abs(direction(i)) >= least) result.push_back(names[static_cast<size_t>(i)]);
  return result;
}

// "energy and cell edge a", "energy, cell edge a and cell edge b".
std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? " and " : ", ";
    text += names[i];
  }
  return text;
}

}  // namespace

NormalSystem::NormalSystem(const Parameters& parameters, const Model& model, const Evaluation& evaluation)
    : parameters_(&parameters), blocks_(model.grains.size()) {
  const Eigen::Index own = parameters.own(), common = parameters.common();
  const auto library = static_cast<Eigen::Index>(evaluation.parameters);
  const size_t entries = evaluation.parameters * (evaluation.parameters + 1) / 2;
  d_ = CommonMatrix::Zero(common, common);
  g_ = CommonVector::Zero(common);
  for (size_t b = 0; b < blocks_.size(); ++b) {
    Block& block = blocks_[b];
    block.used = evaluation.matched[b] > 0;
    Matrix normal = Matrix::Zero(library, library);
    const double* entry = evaluation.normal.data() + b * entries;
    for (Eigen::Index i = 0; i < library; ++i)
      for (Eigen::Index j = i; j < library; ++j) normal(i, j) = *entry++;
    const Matrix t = parameters.transform(model, b);
    const Matrix ours = t.transpose() * mirrored(normal) * t;
    const Vector gradient =
        t.transpose() * Eigen::Map<const Vector>(evaluation.gradient.data() + b * evaluation.parameters, library);
    block.a = ours.topLeftCorner(own, own);
    block.c = ours.topRightCorner(own, common);
    block.g = gradient.head(own);
    d_ += ours.bottomRightCorner(common, common);
    g_ += gradient.tail(common);
  }
}

Step NormalSystem::solve(const Damping& damping) const {
  CommonMatrix schur = d_;
  schur.diagonal() *= 1 + damping.common;
  CommonVector right = -g_;
  if (parameters_->common() > 0) {
    for (size_t b = 0; b < blocks_.size(); ++b) {
      const Block& block = blocks_[b];
      if (!block.used) continue;
      const MixedMatrix weighted = solved(block.a, damping.own[b], block.c);
      schur -= weighted.transpose() * block.c;
      right += weighted.transpose() * block.g;
    }
  }
  Step step;
  step.common = solved(schur, 0, right);
  step.own.reserve(blocks_.size());
  for (size_t b = 0; b < blocks_.size(); ++b) {
    const Block& block = blocks_[b];
    OwnVector own = OwnVector::Zero(parameters_->own());
    if (block.used) own = solved(block.a, damping.own[b], OwnVector(-block.g - block.c * step.common));
    step.own.push_back(own);
  }
  return step;
}

std::vector<double> NormalSystem::promised_decrease() const {
  const Step step = solve({std::vector<double>(blocks_.size(), 0.0), 0.0});
  std::vector<double> promised;
  promised.reserve(blocks_.size() + 1);
  for (size_t b = 0; b < blocks_.size(); ++b) promised.push_back(-blocks_[b].g.dot(step.own[b]) / 2);
  promised.push_back(-g_.dot(step.common) / 2);
  return promised;
}

std::optional<std::string> NormalSystem::degeneracy(const Model& model) const {
  const auto& names = parameters_->names();
  for (size_t b = 0; b < blocks_.size(); ++b) {
    if (!blocks_[b].used) continue;
    const auto direction = null_vector(blocks_[b].a, unit_scale(blocks_[b].a));
    if (direction)
      return "the rows of grain " + model.grains[b].id + " do not determine " + listed(heaviest(*direction, names));
  }
  CommonMatrix schur = d_;
  for (const Block& block : blocks_)
    if (block.used) schur -= solved(block.a, 0, block.c).transpose() * block.c;
  const Vector scale = unit_scale(d_);
  const auto common = null_vector(schur, scale);
  if (!common) return std::nullopt;

  // The own parameters follow the common ones along the valley; their parts are summed over the grains.
  const CommonVector change = scale.asDiagonal() * *common;
  Vector weight = Vector::Zero(parameters_->own());
  for (const Block& block : blocks_) {
    if (!block.used) continue;
    const OwnVector own = solved(block.a, 0, OwnVector(block.c * change));
    weight += (own.array().square() * block.a.diagonal().array()).matrix();
  }
  const auto split = names.begin() + parameters_->own();
  std::vector<std::string> culprits = heaviest(*common, {split, names.end()});
  for (const auto& name : heaviest(weight.cwiseSqrt(), {names.begin(), split})) culprits.push_back(name);
  return "the rows do not determine " + listed(culprits) +
         (culprits.size() > 1 ? " at the same time: hold one of them" : "");
}

Covariance NormalSystem::covariance() const {
  CommonMatrix schur = d_;
  for (const Block& block : blocks_)
    if (block.used) schur -= solved(block.a, 0, block.c).transpose() * block.c;
  Covariance result;
  result.common = solved(schur, 0, CommonMatrix(CommonMatrix::Identity(schur.rows(), schur.cols())));
  for (const Block& block : blocks_) {
    const Eigen::Index own = parameters_->own();
    OwnMatrix inverse = OwnMatrix::Zero(own, own);
    if (block.used) {
      inverse = solved(block.a, 0, OwnMatrix(OwnMatrix::Identity(own, own)));
      const MixedMatrix weighted = inverse * block.c;
      inverse += weighted * result.common * weighted.transpose();
    }
    result.own.push_back(inverse);
  }
  return result;
}

int64_t NormalSystem::parameter_count() const {
  const auto used = std::ranges::count_if(blocks_, [](const Block& block) { return block.used; });
  return used * parameters_->own() + parameters_->common();
}

}  // namespace braggrad::cli
