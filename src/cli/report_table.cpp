// The table on the terminal.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "numbers.hpp"
#include "report.hpp"
#include "rotation.hpp"
#include "units.hpp"

namespace braggrad::cli {
namespace {

constexpr size_t most_grains = 40, most_rows = 20;

template <class... Values>
std::string format(const char* pattern, Values... values) {
  std::string text(static_cast<size_t>(std::snprintf(nullptr, 0, pattern, values...)), ' ');
  std::snprintf(text.data(), text.size() + 1, pattern, values...);
  return text;
}

std::string degrees(const std::optional<double>& angle) {
  return angle ? format("%10.5f", *angle / degree) : format("%10s", "-");
}

std::string statistics_line(const char* name, const Statistics& s) {
  return format("  %-7s%9lld%9lld", name, static_cast<long long>(s.rows), static_cast<long long>(s.unobservable)) +
         degrees(s.median) + degrees(s.rms) + degrees(s.p95) + degrees(s.max) + "\n";
}

// Two digits of sigma, and the value to the same place.
std::string value_line(const char* name, const char* unit, double value, double start, std::optional<double> sigma) {
  if (!sigma) return format("  %-7s%12.6g %s\n", name, value, unit);
  const int decimals = *sigma > 0 ? std::clamp(1 - static_cast<int>(std::floor(std::log10(*sigma))), 0, 12) : 6;
  return format("  %-7s%12s +- %s %s, started from %.6g\n", name, fixed(value, decimals).c_str(),
                fixed(*sigma, decimals).c_str(), unit, start);
}

std::string headline(const ReportContext& context) {
  const Refinement& r = context.refinement;
  const std::string subject =
      format("%zu %s, %zu rows, on %s", r.model.grains.size(), r.model.grains.size() == 1 ? "grain" : "grains",
             context.peaks.size(), context.backend.c_str());
  if (r.iterations == 0 && r.converged) return subject + "\n";
  std::string text =
      subject + format(": %s after %d iterations", r.converged ? "converged" : "NOT CONVERGED", r.iterations);
  if (r.loss.kind == BRG_LOSS_HUBER) text += format(", huber loss with delta %.5f degrees", r.loss.delta / degree);
  return text + "\n";
}

std::string grain_line(const ReportContext& context, size_t b, const Statistics& s) {
  const Refinement& r = context.refinement;
  const Grain &grain = r.model.grains[b], &start = r.start.grains[b];
  const Matrix3 turn = grain.rotation * start.rotation.transpose();
  std::string text = format("  %-10s%6lld%9lld", grain.id.c_str(), static_cast<long long>(s.rows),
                            static_cast<long long>(s.unobservable)) +
                     degrees(s.median) + degrees(s.rms) + degrees(rotation_vector(turn).norm()) + " ";
  for (size_t i = 0; i < 6; ++i) text += format(i < 3 ? " %.5f" : " %.3f", grain.cell[i]);
  return text + "\n";
}

std::string grain_lines(const ReportContext& context) {
  std::string text = "\n  grain       rows  no root    median       rms    turned  cell\n";
  const auto by_grain = residuals_by_grain(context);
  for (size_t b = 0; b < std::min(by_grain.size(), most_grains); ++b)
    text += grain_line(context, b, statistics(by_grain[b]));
  if (by_grain.size() > most_grains) text += format("  and %zu more, see --json\n", by_grain.size() - most_grains);
  return text;
}

std::string rows_without_root(const ReportContext& context) {
  std::string text;
  size_t count = 0;
  for (size_t row = 0; row < context.peaks.size(); ++row) {
    if (context.refinement.after[row].root != 0) continue;
    if (++count > most_rows) continue;
    const Hkl& hkl = context.peaks.hkl[row];
    text += format("  row %zu: grain %s, hkl %d %d %d, observed at %.4f\n", row + 1,
                   context.refinement.model.grains[static_cast<size_t>(context.peaks.grain[row])].id.c_str(), hkl[0],
                   hkl[1], hkl[2], context.peaks.omega[row] / degree);
  }
  if (count == 0) return text;
  if (count > most_rows) text += format("  and %zu more, see --json\n", count - most_rows);
  return "\nrows without a root (never on the Ewald sphere with this model)\n" + text;
}

}  // namespace

std::string report_table(const ReportContext& context) {
  const Refinement& r = context.refinement;
  std::string text = headline(context);
  text += "\n|omega predicted - observed|, degrees, nearer root\n";
  text += "             rows  no root    median       rms       p95       max\n";
  text += statistics_line("before", statistics(r.before));
  text += statistics_line("after", statistics(r.after)) + "\n";
  text += value_line("energy", "keV", energy_of(r.model.wavenumber), energy_of(r.start.wavenumber), r.energy_sigma);
  text += value_line("chi", "degrees", r.model.chi / degree, r.start.chi / degree,
                     r.chi_sigma ? std::optional(*r.chi_sigma / degree) : std::nullopt);
  return text + grain_lines(context) + rows_without_root(context);
}

}  // namespace braggrad::cli
