// A refinement from its start to its uncertainties.
#include "refinement.hpp"

#include <algorithm>
#include <cmath>

#include "failure.hpp"
#include "rotation.hpp"
#include "units.hpp"

namespace braggrad::cli {
namespace {

// Huber's delta of 95 % efficiency for normal residuals; 1.4826 makes a median a standard deviation.
double robust_delta(const std::vector<Residual>& residuals) {
  constexpr double least = 1e-8;  // rad
  return std::max(1.345 * 1.4826 * statistics(residuals).median.value_or(0), least);
}

// Sums over the matched rows that make the reduced chi^2.
std::optional<double> reduced_chi2(const Peaks& peaks, const std::vector<Residual>& residuals, const Loss& loss,
                                   int64_t parameters) {
  double squares = 0, slope = 0;
  int64_t rows = 0;
  for (size_t row = 0; row < peaks.size(); ++row) {
    if (residuals[row].root == 0) continue;
    const double d = residuals[row].distance;
    const bool inside = loss.kind != BRG_LOSS_HUBER || std::abs(d) <= loss.delta;
    const double psi = loss.kind == BRG_LOSS_CHORD ? std::sin(d) : inside ? d : std::copysign(loss.delta, d);
    slope += loss.kind == BRG_LOSS_CHORD ? std::cos(d) : inside ? 1 : 0;
    squares += peaks.weight_of(row) * psi * psi;
    ++rows;
  }
  if (rows <= parameters || slope <= 0) return std::nullopt;
  const double mean_slope = slope / static_cast<double>(rows);
  return squares / static_cast<double>(rows - parameters) / (mean_slope * mean_slope);
}

// d(rotation of R, rad in the sample frame) / d(own parameters) by central differences of the step itself: with the
// cell the crystal's frame turns (a* along x), and R with it.
Matrix rotation_per_parameter(const Parameters& parameters, const Grain& grain) {
  constexpr double h = 1e-6;
  Matrix derivative(3, parameters.own());
  for (Eigen::Index i = 0; i < parameters.own(); ++i) {
    Grain ahead = grain, behind = grain;
    parameters.move(ahead, h * Vector::Unit(parameters.own(), i));
    parameters.move(behind, -h * Vector::Unit(parameters.own(), i));
    const Matrix3 turn = ahead.rotation * behind.rotation.transpose();
    derivative.col(i) = rotation_vector(turn) / (2 * h);
  }
  return derivative;
}

GrainUncertainty uncertainty(const Parameters& parameters, const Grain& grain, const OwnMatrix& covariance) {
  GrainUncertainty result;
  if (parameters.freedom().orientation) {
    const Matrix jacobian =
        rotation_vector_jacobian(rotation_vector(grain.rotation)) * rotation_per_parameter(parameters, grain);
    const Matrix3 turned = jacobian * covariance * jacobian.transpose();
    result.rotation_vector = turned.diagonal().cwiseSqrt();
  }
  const Eigen::Index lattice = parameters.lattice().size();
  if (lattice > 0) {
    const Matrix own = covariance.bottomRightCorner(lattice, lattice);
    const Vector sigma = parameters.lattice().cell_covariance(grain.cell, own).diagonal().cwiseSqrt();
    result.cell.emplace();
    std::copy_n(sigma.data(), 6, result.cell->begin());
  }
  return result;
}

void find_uncertainties(Refinement& result, Objective& objective, const Parameters& parameters, const Peaks& peaks) {
  const Evaluation squares = objective.evaluate(result.model, Loss{}, parameters.mask());
  const NormalSystem system(parameters, result.model, squares);
  const auto chi2 = reduced_chi2(peaks, result.after, result.loss, system.parameter_count());
  if (!chi2 || system.degeneracy(result.model)) return;
  const Covariance covariance = system.covariance();
  const auto sigma = [&](Eigen::Index i) { return std::sqrt(*chi2 * covariance.common(i, i)); };
  if (parameters.freedom().energy)
    result.energy_sigma = sigma(parameters.energy_index()) * energy_of(result.model.wavenumber);
  if (parameters.freedom().chi) result.chi_sigma = sigma(parameters.chi_index());
  for (size_t b = 0; b < result.model.grains.size(); ++b)
    if (squares.matched[b] > 0)
      result.uncertainties[b] = uncertainty(parameters, result.model.grains[b], *chi2 * covariance.own[b]);
}

void refuse_too_few_rows(const Parameters& parameters, const NormalSystem& system, const Evaluation& evaluation,
                         const Model& model) {
  int64_t rows = 0;
  for (size_t b = 0; b < model.grains.size(); ++b) {
    rows += evaluation.matched[b];
    if (evaluation.matched[b] > 0 && evaluation.matched[b] < parameters.own())
      throw Refusal("grain " + model.grains[b].id + " has " + std::to_string(evaluation.matched[b]) +
                    " rows with a root for " + std::to_string(parameters.own()) + " parameters of its own (" +
                    parameters.names().front() + " to " +
                    parameters.names()[static_cast<size_t>(parameters.own() - 1)] + ")");
  }
  if (rows == 0) throw Refusal("no row has a root: check the energy, the cell, and whether UB has 2 pi (--two-pi)");
  if (rows < system.parameter_count())
    throw Refusal(std::to_string(rows) + " rows with a root do not determine " +
                  std::to_string(system.parameter_count()) + " parameters");
}

// Fits with Huber's delta from the residuals until delta stays.
FitResult fit_with_own_delta(const Session& session, const Peaks& peaks, Objective& objective,
                             const Parameters& parameters, const Model& start, FitOptions& options) {
  const int budget = options.max_iterations;
  FitResult result{start, {}, 0, false};
  double delta = robust_delta(residuals(session, start, peaks));
  for (bool settled = false; !settled;) {
    options.loss.delta = delta;
    options.max_iterations = budget - result.iterations;
    const int before = result.iterations;
    result = fit(objective, parameters, result.model, options);
    result.iterations += before;
    delta = robust_delta(residuals(session, result.model, peaks));
    settled = std::abs(delta / options.loss.delta - 1) < 0.05 || !result.converged;
  }
  return result;
}

}  // namespace

Refinement refine(const Session& session, const Peaks& peaks, const Model& start, const RefinementOptions& options) {
  Refinement result;
  result.start = result.model = start;
  result.loss = options.loss;
  result.before = residuals(session, start, peaks);
  result.uncertainties.resize(start.grains.size());
  if (!options.freedom.none()) {
    const Parameters parameters(options.freedom, options.lattice);
    if (parameters.own() + parameters.common() == 0)
      throw Refusal("--free cell: the symmetry of --cell leaves nothing of it free");
    Objective objective(session, peaks, start);
    const Evaluation evaluation = objective.evaluate(start, Loss{}, parameters.mask());
    refuse_too_few_rows(parameters, NormalSystem(parameters, start, evaluation), evaluation, start);
    for (size_t b = 0; b < start.grains.size(); ++b)
      if (evaluation.matched[b] == 0) result.left_out.push_back(b);

    FitOptions fit_options{options.loss, options.max_iterations};
    const bool own_delta = options.loss.kind == BRG_LOSS_HUBER && !(options.loss.delta > 0);
    FitResult fitted = own_delta ? fit_with_own_delta(session, peaks, objective, parameters, start, fit_options)
                                 : fit(objective, parameters, start, fit_options);
    result.model = std::move(fitted.model);
    result.loss = fit_options.loss;
    result.iterations = fitted.iterations;
    result.converged = fitted.converged;
    result.after = residuals(session, result.model, peaks);
    find_uncertainties(result, objective, parameters, peaks);
  } else {
    result.after = result.before;
  }
  return result;
}

}  // namespace braggrad::cli
