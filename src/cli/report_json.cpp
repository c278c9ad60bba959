// result.json.
#include <nlohmann/json.hpp>

#include "report.hpp"
#include "rotation.hpp"
#include "start_file.hpp"
#include "units.hpp"

namespace braggrad::cli {
namespace {

using Json = nlohmann::ordered_json;

Json number(const std::optional<double>& value, double unit = 1) { return value ? Json(*value / unit) : Json(); }

Json summary(const Statistics& s) {
  return {{"median_deg", number(s.median, degree)},
          {"rms_deg", number(s.rms, degree)},
          {"p95_deg", number(s.p95, degree)},
          {"max_deg", number(s.max, degree)},
          {"unobservable", s.unobservable}};
}

Json grain_report(const ReportContext& context, size_t b, const Statistics& s) {
  const Refinement& refinement = context.refinement;
  const Grain& grain = refinement.model.grains[b];
  const GrainUncertainty& uncertainty = refinement.uncertainties[b];
  const Vector3 vector = rotation_vector(grain.rotation) / degree;
  Json json = {{"id", grain.id},
               {"UB", ub_in_file(grain, context.two_pi_in_file)},
               {"rotation_vector_deg", {vector.x(), vector.y(), vector.z()}},
               {"rotation_vector_sigma_deg", nullptr},
               {"cell", grain.cell},
               {"cell_sigma", nullptr},
               {"rows", s.rows},
               {"unobservable", s.unobservable},
               {"rms_deg", number(s.rms, degree)}};
  if (uncertainty.rotation_vector) {
    const Vector3 sigma = *uncertainty.rotation_vector / degree;
    json["rotation_vector_sigma_deg"] = {sigma.x(), sigma.y(), sigma.z()};
  }
  if (uncertainty.cell) json["cell_sigma"] = *uncertainty.cell;
  return json;
}

Json unobservable_rows(const ReportContext& context) {
  Json list = Json::array();
  for (size_t row = 0; row < context.peaks.size(); ++row) {
    if (context.refinement.after[row].root != 0) continue;
    const Hkl& hkl = context.peaks.hkl[row];
    list.push_back({{"row", row + 1},
                    {"grain_id", context.refinement.model.grains[static_cast<size_t>(context.peaks.grain[row])].id},
                    {"hkl", hkl},
                    {"omega_obs_deg", context.peaks.omega[row] / degree}});
  }
  return list;
}

}  // namespace

std::string report_json(const ReportContext& context) {
  const Refinement& refinement = context.refinement;
  const Statistics after = statistics(refinement.after);
  Json json;
  json["rows"] = after.rows;
  json["unobservable"] = after.unobservable;
  json["unobservable_rows"] = unobservable_rows(context);
  json["before"] = summary(statistics(refinement.before));
  json["after"] = summary(after);
  json["parameters"] = {
      {"energy_keV", {{"value", energy_of(refinement.model.wavenumber)}, {"sigma", number(refinement.energy_sigma)}}},
      {"chi_deg", {{"value", refinement.model.chi / degree}, {"sigma", number(refinement.chi_sigma, degree)}}}};
  json["grains"] = Json::array();
  const auto by_grain = residuals_by_grain(context);
  for (size_t b = 0; b < by_grain.size(); ++b)
    json["grains"].push_back(grain_report(context, b, statistics(by_grain[b])));
  json["iterations"] = refinement.iterations;
  json["converged"] = refinement.converged;
  return json.dump(1) + "\n";
}

}  // namespace braggrad::cli
