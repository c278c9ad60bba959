// The rows of the peaks with their predictions, as a comma separated table.
#include "numbers.hpp"
#include "output_file.hpp"
#include "report.hpp"
#include "units.hpp"

namespace braggrad::cli {
namespace {

constexpr int decimals = 9;

// ",number", or "," where there is none.
void append(std::string& text, bool is_there, double angle) {
  text += ',';
  if (is_there) append_fixed(text, angle / degree, decimals);
}

}  // namespace

std::vector<std::vector<Residual>> residuals_by_grain(const ReportContext& context) {
  std::vector<std::vector<Residual>> by_grain(context.refinement.model.grains.size());
  for (size_t row = 0; row < context.peaks.size(); ++row)
    by_grain[static_cast<size_t>(context.peaks.grain[row])].push_back(context.refinement.after[row]);
  return by_grain;
}

std::string report_rows(const Session& session, const ReportContext& context) {
  const Refinement& refinement = context.refinement;
  const Directions beams = directions(session, refinement.model, context.peaks, refinement.after);
  std::string text =
      "row,grain_id,h,k,l,omega_obs_deg,root,omega_deg,residual_deg,residual_before_deg,two_theta_deg,eta_deg\n";
  for (size_t row = 0; row < context.peaks.size(); ++row) {
    const Residual &before = refinement.before[row], &after = refinement.after[row];
    text += std::to_string(row + 1) + ',';
    text += csv_field(refinement.model.grains[static_cast<size_t>(context.peaks.grain[row])].id);
    for (const int32_t index : context.peaks.hkl[row]) text += ',' + std::to_string(index);
    append(text, true, context.peaks.omega[row]);
    text += ',' + std::to_string(after.root);
    append(text, after.root != 0, after.omega);
    append(text, after.root != 0, after.distance);
    append(text, before.root != 0, before.distance);
    append(text, after.root != 0, beams.two_theta[row]);
    append(text, after.root != 0, beams.eta[row]);
    text += '\n';
  }
  return text;
}

}  // namespace braggrad::cli
