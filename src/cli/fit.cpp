// Levenberg and Marquardt's descent.
#include "fit.hpp"

#include <algorithm>
#include <numeric>

#include "failure.hpp"

namespace braggrad::cli {
namespace {

constexpr double first_damping = 1e-3, least_damping = 1e-9, most_damping = 1e9;
constexpr double damping_rise = 8, damping_fall = 5;

// Converged where a step promises less than this part of the loss. The promise is half the squared step in units of
// sigma, and the loss of n rows is n / 2: no parameter would move by more than 1e-5 sqrt(n) sigma.
constexpr double small_decrease = 1e-10;
// Where no step helps: rounding if the promise is below this part of the loss.
constexpr double rounding_decrease = 1e-6;
// Residuals below this are rounding, rad.
constexpr double least_residual = 1e-12;

double sum(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0); }

class Descent {
 public:
  Descent(Objective& objective, const Parameters& parameters, const Model& start, const FitOptions& options)
      : objective_(objective), parameters_(parameters), options_(options), model_(start) {
    const size_t grains = model_.grains.size();
    evaluation_ = objective_.evaluate(model_, options_.loss, parameters_.mask());
    damping_ = {std::vector<double>(grains, first_damping), first_damping};
    problems_.assign(shared() ? 1 : grains, {});
  }

  FitResult run() {
    NormalSystem system(parameters_, model_, evaluation_);
    if (const auto sentence = system.degeneracy(model_)) throw Refusal(*sentence);
    int iterations = 0;
    for (;; ++iterations) {
      judge(system);
      if (iterations == options_.max_iterations || std::ranges::none_of(problems_, &Problem::is_moving)) break;
      if (advance(system)) system = NormalSystem(parameters_, model_, evaluation_);
    }
    const bool converged = std::ranges::all_of(problems_, &Problem::has_converged);
    return {std::move(model_), std::move(evaluation_), iterations, converged};
  }

 private:
  enum class State { moving, converged, stuck };

  // What ends by itself: one grain, or with common parameters all of them.
  struct Problem {
    State state = State::moving;
    bool lost_a_row = false;  // the last step that was refused took a root from a row
    bool is_moving() const { return state == State::moving; }
    bool has_converged() const { return state == State::converged; }
  };

  bool shared() const { return parameters_.common() > 0; }

  void judge(const NormalSystem& system) {
    const std::vector<double> promised = system.promised_decrease();
    if (shared()) {
      judge(problems_[0], sum(promised), sum(evaluation_.matched_loss), sum(objective_.weight_sum()), damping_.common);
      return;
    }
    for (size_t b = 0; b < problems_.size(); ++b)
      judge(problems_[b], promised[b], evaluation_.matched_loss[b], objective_.weight_sum()[b], damping_.own[b]);
  }

  // Converged where a step promises nothing, and where none can be taken because a row would lose its root or what is
  // left is rounding.
  static void judge(Problem& problem, double promised, double loss, double weight, double damping) {
    if (!problem.is_moving()) return;
    const double floor = weight * least_residual * least_residual;
    if (promised <= std::max(small_decrease * loss, floor))
      problem.state = State::converged;
    else if (damping > most_damping)
      problem.state = problem.lost_a_row || promised <= rounding_decrease * loss ? State::converged : State::stuck;
  }

  // One trial. True where something moved.
  bool advance(const NormalSystem& system) {
    const Step step = system.solve(damping_);
    Model trial = model_;
    bool valid = parameters_.move_common(trial, step.common);
    std::vector<char> valid_grain(trial.grains.size(), 1);
    for (size_t b = 0; b < trial.grains.size(); ++b) {
      if (!shared() && !problems_[b].is_moving()) continue;
      if (parameters_.move(trial.grains[b], step.own[b])) continue;
      valid_grain[b] = 0;
      trial.grains[b] = model_.grains[b];
      valid = valid && !shared();
    }
    if (!valid) {
      damp_all();
      return false;
    }
    Evaluation evaluation = objective_.evaluate(trial, options_.loss, parameters_.mask());
    return shared() ? accept_all(std::move(trial), std::move(evaluation)) : accept_each(trial, evaluation, valid_grain);
  }

  void damp_all() {
    for (double& damping : damping_.own) damping *= damping_rise;
    damping_.common *= damping_rise;
  }

  bool accept_all(Model trial, Evaluation evaluation) {
    const bool better = sum(evaluation.loss) < sum(evaluation_.loss);
    bool lost_a_row = false;
    for (size_t b = 0; b < trial.grains.size(); ++b) {
      const bool worse = evaluation.loss[b] > evaluation_.loss[b];
      if (!better && worse) damping_.own[b] *= damping_rise;
      if (better && !worse) damping_.own[b] = std::max(damping_.own[b] / damping_fall, least_damping);
      lost_a_row = lost_a_row || evaluation.missing[b] > evaluation_.missing[b];
    }
    problems_[0].lost_a_row = !better && lost_a_row;
    if (!better) {
      damping_.common *= damping_rise;
      return false;
    }
    damping_.common = std::max(damping_.common / damping_fall, least_damping);
    model_ = std::move(trial);
    evaluation_ = std::move(evaluation);
    return true;
  }

  bool accept_each(const Model& trial, const Evaluation& evaluation, const std::vector<char>& valid_grain) {
    bool moved = false;
    const size_t p = evaluation.parameters, entries = p * (p + 1) / 2;
    const auto take = [](auto& to, const auto& from, size_t first, size_t count) {
      std::copy_n(from.begin() + static_cast<std::ptrdiff_t>(first), count,
                  to.begin() + static_cast<std::ptrdiff_t>(first));
    };
    for (size_t b = 0; b < trial.grains.size(); ++b) {
      Problem& problem = problems_[b];
      if (!problem.is_moving()) continue;
      if (!valid_grain[b] || !(evaluation.loss[b] < evaluation_.loss[b])) {
        damping_.own[b] *= damping_rise;
        problem.lost_a_row = evaluation.missing[b] > evaluation_.missing[b];
        continue;
      }
      damping_.own[b] = std::max(damping_.own[b] / damping_fall, least_damping);
      model_.grains[b] = trial.grains[b];
      take(evaluation_.loss, evaluation.loss, b, 1);
      take(evaluation_.matched_loss, evaluation.matched_loss, b, 1);
      take(evaluation_.matched, evaluation.matched, b, 1);
      take(evaluation_.missing, evaluation.missing, b, 1);
      take(evaluation_.gradient, evaluation.gradient, b * p, p);
      take(evaluation_.normal, evaluation.normal, b * entries, entries);
      moved = true;
    }
    return moved;
  }

  Objective& objective_;
  const Parameters& parameters_;
  const FitOptions& options_;
  Model model_;
  Evaluation evaluation_;
  Damping damping_;
  std::vector<Problem> problems_;
};

}  // namespace

FitResult fit(Objective& objective, const Parameters& parameters, const Model& start, const FitOptions& options) {
  return Descent(objective, parameters, start, options).run();
}

}  // namespace braggrad::cli
