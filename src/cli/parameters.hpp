// The parameters of a refinement: their order, their units, and the step from one model to another.
//
// Own parameters of each grain: rotation vector (rad, sample frame, R <- exp([v]x) R) and the free parameters of its
// cell (ln of an edge, an angle in rad). Common ones: ln k, chi (rad). All are of the order of an angle in rad.
#pragma once

#include <string>
#include <vector>

#include "lattice_freedom.hpp"
#include "model.hpp"
#include "objective.hpp"

namespace braggrad::cli {

class Parameters {
 public:
  Parameters(const Freedom& freedom, const LatticeFreedom& lattice);

  uint32_t mask() const { return mask_; }  // of BRG_FIT_*, for the library
  Eigen::Index own() const { return own_; }
  Eigen::Index common() const { return common_; }
  const Freedom& freedom() const { return freedom_; }
  const LatticeFreedom& lattice() const { return lattice_; }

  // Names for the user: of the own parameters, then of the common ones.
  const std::vector<std::string>& names() const { return names_; }

  // [P of the library, own + common]: derivative of the library's parameters by ours.
  Matrix transform(const Model& model, size_t grain) const;

  // Moves a grain by its own parameters. The lattice is that of the moved cell, exactly, and the rotation the nearest
  // to exp([v]x) R (I + e) B B'^-1. False where the step leads to no cell.
  bool move(Grain& grain, const Vector& step) const;

  // Moves energy and chi. False where the step leads to no geometry.
  bool move_common(Model& model, const Vector& step) const;

  // First common parameter that is chi, or the count.
  Eigen::Index energy_index() const { return 0; }
  Eigen::Index chi_index() const { return freedom_.energy ? 1 : 0; }
  Eigen::Index rotation_size() const { return freedom_.orientation ? 3 : 0; }

 private:
  Freedom freedom_;
  LatticeFreedom lattice_;
  uint32_t mask_ = 0;
  Eigen::Index own_ = 0, common_ = 0;
  std::vector<std::string> names_;
};

}  // namespace braggrad::cli
