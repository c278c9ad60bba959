// The parameters of a refinement.
#include "parameters.hpp"

#include <cmath>

#include "failure.hpp"
#include "rotation.hpp"

namespace braggrad::cli {

Parameters::Parameters(const Freedom& freedom, const LatticeFreedom& lattice)
    : freedom_(freedom), lattice_(freedom.cell ? lattice : LatticeFreedom()) {
  if (freedom_.orientation) {
    mask_ |= BRG_FIT_ROTATION;
    names_ = {"rotation about x", "rotation about y", "rotation about z"};
  }
  if (lattice_.size() > 0) {
    mask_ |= BRG_FIT_LATTICE;
    names_.insert(names_.end(), lattice_.names().begin(), lattice_.names().end());
  }
  own_ = static_cast<Eigen::Index>(names_.size());
  if (freedom_.energy) {
    mask_ |= BRG_FIT_WAVENUMBER;
    names_.push_back("energy");
  }
  if (freedom_.chi) {
    mask_ |= BRG_FIT_CHI;
    names_.push_back("chi");
  }
  common_ = static_cast<Eigen::Index>(names_.size()) - own_;
}

Matrix Parameters::transform(const Model& model, size_t grain) const {
  const Eigen::Index rotation = rotation_size(), lattice = lattice_.size();
  const Eigen::Index library = rotation + common_ + (lattice > 0 ? 6 : 0);
  Matrix t = Matrix::Zero(library, own_ + common_);
  t.topLeftCorner(rotation, rotation).setIdentity();
  Eigen::Index row = rotation;
  if (freedom_.energy) t(row++, own_ + energy_index()) = model.wavenumber;
  if (freedom_.chi) t(row++, own_ + chi_index()) = 1;
  if (lattice > 0) t.block(row, rotation, 6, lattice) = lattice_.strain_per_parameter(model.grains[grain].cell);
  return t;
}

bool Parameters::move(Grain& grain, const Vector& step) const {
  if (!step.allFinite()) return false;
  Matrix3 ub = grain.rotation * grain.basis;
  if (lattice_.size() > 0) {
    const Vector change = step.tail(lattice_.size());
    const Vector strain = lattice_.strain_per_parameter(grain.cell) * change;
    const Cell cell = lattice_.moved(grain.cell, change);
    Matrix3 basis;
    if (brg_reciprocal_basis(cell.data(), basis.data()) != BRG_SUCCESS) return false;
    const Matrix3 stretch = Matrix3::Identity() + strain_matrix(strain);
    if (!(stretch.determinant() > 0)) return false;
    ub = grain.rotation * stretch * grain.basis;
    grain.cell = cell, grain.basis = basis;
  }
  if (freedom_.orientation) ub = rotation_of(step.head<3>()) * ub;
  grain.rotation = nearest_rotation(ub * grain.basis.inverse());
  return true;
}

bool Parameters::move_common(Model& model, const Vector& step) const {
  if (!step.allFinite()) return false;
  if (freedom_.energy) model.wavenumber *= std::exp(step(energy_index()));
  if (freedom_.chi) model.chi += step(chi_index());
  return std::isfinite(model.wavenumber) && model.wavenumber > 0 && std::abs(std::cos(model.chi)) > 1e-3;
}

}  // namespace braggrad::cli
