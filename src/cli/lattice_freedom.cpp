// What of a cell may change in a fit.
#include "lattice_freedom.hpp"

#include <cmath>

#include "units.hpp"

namespace braggrad::cli {
namespace {

bool is_edge(int parameter) { return parameter < 3; }

// d(ln edges, angles in rad) / d(strain).
Eigen::Matrix<double, 6, 6> cell_per_strain(const Cell& cell) {
  const Matrix3 edges = two_pi * reciprocal_basis(cell).inverse().transpose();
  Eigen::Matrix<double, 6, 6> derivative;
  for (int component = 0; component < 6; ++component) {
    const Matrix3 strain = strain_matrix(Vector::Unit(6, component));
    const Matrix3 metric = edges.transpose() * edges, change = edges.transpose() * strain * edges;
    Vector3 stretch;
    for (int i = 0; i < 3; ++i) stretch(i) = change(i, i) / metric(i, i);
    for (int i = 0; i < 3; ++i) {
      const int j = (i + 1) % 3, k = (i + 2) % 3;
      const double product = std::sqrt(metric(j, j) * metric(k, k)), cosine = metric(j, k) / product;
      const double cosine_change = -2 * change(j, k) / product + cosine * (stretch(j) + stretch(k));
      derivative(i, component) = -stretch(i);
      derivative(3 + i, component) = -cosine_change / std::sqrt((1 - cosine) * (1 + cosine));
    }
  }
  return derivative;
}

}  // namespace

Matrix3 strain_matrix(const Vector& strain) {
  Matrix3 m;
  m << strain(0), strain(5), strain(4), strain(5), strain(1), strain(3), strain(4), strain(3), strain(2);
  return m;
}

LatticeFreedom::LatticeFreedom(std::vector<std::vector<int>> groups) : groups_(std::move(groups)) {
  static constexpr const char* names[] = {"a", "b", "c", "alpha", "beta", "gamma"};
  for (const auto& group : groups_) {
    std::string name = is_edge(group[0]) ? "cell edge " : "cell angle ";
    for (const int parameter : group) name += std::string(parameter == group[0] ? "" : " = ") + names[parameter];
    names_.push_back(name);
  }
}

LatticeFreedom LatticeFreedom::full() { return LatticeFreedom({{0}, {1}, {2}, {3}, {4}, {5}}); }

LatticeFreedom LatticeFreedom::keeping_symmetry_of(const Cell& cell) {
  std::vector<std::vector<int>> groups;
  for (int i = 0; i < 3; ++i) {
    bool tied = false;
    for (auto& group : groups) {
      if (cell[static_cast<size_t>(group[0])] != cell[static_cast<size_t>(i)]) continue;
      group.push_back(i);
      tied = true;
      break;
    }
    if (!tied) groups.push_back({i});
  }
  const auto fixed = [](double angle) { return angle == 90 || angle == 120; };
  const bool rhombohedral = groups.size() == 1 && cell[3] == cell[4] && cell[4] == cell[5];
  if (rhombohedral) {
    if (!fixed(cell[3])) groups.push_back({3, 4, 5});
  } else {
    for (int i = 3; i < 6; ++i)
      if (!fixed(cell[static_cast<size_t>(i)])) groups.push_back({i});
  }
  return LatticeFreedom(groups);
}

Matrix LatticeFreedom::members() const {
  Matrix m = Matrix::Zero(6, size());
  for (Eigen::Index group = 0; group < size(); ++group)
    for (const int parameter : groups_[static_cast<size_t>(group)]) m(parameter, group) = 1;
  return m;
}

Matrix LatticeFreedom::strain_per_parameter(const Cell& cell) const {
  if (size() == 0) return Matrix(6, 0);
  return cell_per_strain(cell).partialPivLu().solve(members());
}

Cell LatticeFreedom::moved(Cell cell, const Vector& change) const {
  for (Eigen::Index group = 0; group < size(); ++group)
    for (const int parameter : groups_[static_cast<size_t>(group)]) {
      double& value = cell[static_cast<size_t>(parameter)];
      value = is_edge(parameter) ? value * std::exp(change(group)) : value + change(group) / degree;
    }
  return cell;
}

Matrix LatticeFreedom::cell_covariance(const Cell& cell, const Matrix& covariance) const {
  Matrix unit = members();
  for (int i = 0; i < 6; ++i) unit.row(i) *= is_edge(i) ? cell[static_cast<size_t>(i)] : 1 / degree;
  return unit * covariance * unit.transpose();
}

}  // namespace braggrad::cli
