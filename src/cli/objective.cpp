// Loss, gradient and normal matrix of each grain.
#include "objective.hpp"

#include <algorithm>
#include <map>
#include <numbers>
#include <numeric>

#include "failure.hpp"

namespace braggrad::cli {
namespace {

// Each hkl once, and the place of each row's.
struct DistinctHkl {
  std::vector<Hkl> hkl;
  std::vector<int32_t> of_row;
};

DistinctHkl distinct(const Peaks& peaks) {
  DistinctHkl result;
  std::map<Hkl, int32_t> place;
  for (const Hkl& hkl : peaks.hkl) {
    const auto [found, is_new] = place.try_emplace(hkl, static_cast<int32_t>(result.hkl.size()));
    if (is_new) result.hkl.push_back(hkl);
    result.of_row.push_back(found->second);
  }
  return result;
}

size_t count_parameters(uint32_t mask) {
  return (mask & BRG_FIT_ROTATION ? 3u : 0u) + (mask & BRG_FIT_WAVENUMBER ? 1u : 0u) + (mask & BRG_FIT_CHI ? 1u : 0u) +
         (mask & BRG_FIT_LATTICE ? 6u : 0u);
}

}  // namespace

double Loss::missing() const {
  constexpr double pi = std::numbers::pi;
  if (kind == BRG_LOSS_CHORD) return 2;
  if (kind == BRG_LOSS_HUBER && delta < pi) return delta * (pi - delta / 2);
  return pi * pi / 2;
}

Loss parse_loss(const std::string& name) {
  if (name == "squares") return {BRG_LOSS_SQUARES, 0};
  if (name == "chord") return {BRG_LOSS_CHORD, 0};
  if (name == "huber") return {BRG_LOSS_HUBER, 0};
  throw Refusal("--loss is \"" + name + "\": it must be squares, huber or chord");
}

Objective::Objective(const Session& session, const Peaks& peaks, const Model& start)
    : session_(&session),
      grains_(start.grains.size()),
      set_(session, distinct(peaks).hkl, start.grains.front().basis),
      offsets_(session),
      reflection_(session),
      omega_(session),
      weight_(session),
      rotation_(session),
      basis_(session),
      loss_(session),
      gradient_(session),
      normal_(session),
      matched_(session),
      missing_(session),
      weight_sum_(start.grains.size(), 0.0) {
  const std::vector<int32_t> reflection_of_row = distinct(peaks).of_row;
  std::vector<int64_t> offsets(grains_ + 1, 0);
  for (const int32_t grain : peaks.grain) ++offsets[static_cast<size_t>(grain) + 1];
  std::partial_sum(offsets.begin(), offsets.end(), offsets.begin());

  std::vector<int64_t> next(offsets.begin(), offsets.end() - 1);
  std::vector<int32_t> reflection(peaks.size());
  std::vector<double> omega(peaks.size()), weight(peaks.weight.size());
  for (size_t row = 0; row < peaks.size(); ++row) {
    const auto entry = static_cast<size_t>(next[static_cast<size_t>(peaks.grain[row])]++);
    reflection[entry] = reflection_of_row[row];
    omega[entry] = peaks.omega[row];
    weight_sum_[static_cast<size_t>(peaks.grain[row])] += peaks.weight_of(row);
    if (!weight.empty()) weight[entry] = peaks.weight[row];
  }
  offsets_.upload(offsets);
  reflection_.upload(reflection);
  omega_.upload(omega);
  weight_.upload(weight);
  loss_.resize(grains_);
  matched_.resize(grains_);
  missing_.resize(grains_);
}

void Objective::upload_model(const Model& model) {
  rotations_.clear(), bases_.clear();
  for (const Grain& grain : model.grains) {
    rotations_.insert(rotations_.end(), grain.rotation.data(), grain.rotation.data() + 9);
    bases_.insert(bases_.end(), grain.basis.data(), grain.basis.data() + 9);
  }
  rotation_.upload(rotations_);
  basis_.upload(bases_);
}

Evaluation Objective::evaluate(const Model& model, const Loss& loss, uint32_t mask) {
  upload_model(model);
  const brg_geometry geometry = make_geometry(model.wavenumber, model.chi);

  auto orientations = zeroed<brg_orientations_f64>();
  orientations.count = static_cast<int64_t>(grains_);
  orientations.rotation = rotation_.data();
  orientations.reciprocal_basis = basis_.data();

  auto targets = zeroed<brg_omega_targets_f64>();
  targets.loss = loss.kind;
  targets.delta = loss.delta;
  targets.missing_loss = loss.missing();
  targets.offsets = offsets_.data();
  targets.reflection = reflection_.data();
  targets.omega = omega_.data();
  targets.weight = weight_.data();

  Evaluation evaluation;
  evaluation.parameters = count_parameters(mask);
  gradient_.resize(grains_ * evaluation.parameters);
  normal_.resize(grains_ * evaluation.parameters * (evaluation.parameters + 1) / 2);
  auto output = zeroed<brg_omega_loss_output_f64>();
  output.parameters = mask;
  output.loss = loss_.data();
  output.gradient = gradient_.data();
  output.normal = normal_.data();
  output.matched = matched_.data();
  output.missing = missing_.data();
  check(brg_omega_loss_f64(session_->context(), &geometry, set_.get(), &orientations, &targets, &output));

  loss_.download(evaluation.loss);
  gradient_.download(evaluation.gradient);
  normal_.download(evaluation.normal);
  matched_.download(evaluation.matched);
  missing_.download(evaluation.missing);

  evaluation.matched_loss = evaluation.loss;
  if (std::ranges::any_of(evaluation.missing, [](int32_t count) { return count > 0; })) {
    targets.missing_loss = 0;
    auto loss_only = zeroed<brg_omega_loss_output_f64>();
    loss_only.loss = loss_.data();
    check(brg_omega_loss_f64(session_->context(), &geometry, set_.get(), &orientations, &targets, &loss_only));
    loss_.download(evaluation.matched_loss);
  }
  return evaluation;
}

}  // namespace braggrad::cli
