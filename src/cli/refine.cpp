// braggrad refine: fits orientations, cells, energy and tilt to observed angles.
#include <CLI/CLI.hpp>
#include <cmath>
#include <iostream>
#include <memory>

#include "command.hpp"
#include "common_options.hpp"
#include "output_file.hpp"
#include "picture.hpp"
#include "refinement.hpp"
#include "report.hpp"
#include "start_file.hpp"
#include "units.hpp"

namespace braggrad::cli {
namespace {

struct RefineOptions {
  CommonOptions common;
  std::string peaks, omega_column, sigma_column, free = "orientation", loss = "squares";
  std::optional<double> huber_delta;  // degrees
  int max_iterations = 100;
  std::string refined, json, picture, rows;
};

RefinementOptions refinement_options(const RefineOptions& options, const GrainFormat& format) {
  RefinementOptions result;
  result.freedom = parse_freedom(options.free);
  result.lattice = format.cell ? LatticeFreedom::keeping_symmetry_of(*format.cell) : LatticeFreedom::full();
  result.loss = parse_loss(options.loss);
  if (options.huber_delta) {
    if (result.loss.kind != BRG_LOSS_HUBER) throw Refusal("--huber-delta needs --loss huber");
    if (!(std::isfinite(*options.huber_delta) && *options.huber_delta > 0))
      throw Refusal("--huber-delta must be finite and above 0");
    result.loss.delta = *options.huber_delta * degree;
  }
  if (options.max_iterations < 1) throw Refusal("--max-iterations must be 1 or more");
  result.max_iterations = options.max_iterations;
  return result;
}

void write_file(const std::string& path, const std::string& text) {
  OutputFile file(path);
  file.write(text);
  file.close();
}

ExitCode run(const RefineOptions& options) {
  Model start;
  start.wavenumber = wavenumber_of(options.common);
  start.chi = chi_of(options.common);
  const GrainFormat format = grain_format_of(options.common);
  const RefinementOptions refinement = refinement_options(options, format);
  for (const std::string& path : {options.refined, options.json, options.rows, options.picture}) check_writable(path);
  if (!options.picture.empty()) check_picture(options.picture);

  const StartFile start_file = read_start(options.common.start, format);
  start.grains = start_file.grains;
  const PeakFormat peak_format{options.common.grain_column, options.omega_column, options.sigma_column,
                               options.common.radians};
  const Peaks peaks = read_peaks(options.peaks, peak_format, start.grains);

  const Session session(options.common.session);
  const Refinement result = refine(session, peaks, start, refinement);

  const ReportContext context{peaks, result, options.common.two_pi, session.backend_name()};
  if (!options.refined.empty())
    write_file(options.refined, refined_table(start_file, result.model.grains, options.common.two_pi));
  if (!options.json.empty()) write_file(options.json, report_json(context));
  if (!options.rows.empty()) write_file(options.rows, report_rows(session, context));
  if (!options.picture.empty()) draw_picture(options.picture, peaks, result.before, result.after);
  std::cout << report_table(context) << std::flush;
  for (const size_t b : result.left_out)
    std::cerr << "braggrad: grain " << start.grains[b].id << " has no row with a root and is left as it was\n";
  if (result.converged) return exit_success;
  std::cerr << "braggrad: not converged after " << result.iterations << " iterations\n";
  return exit_not_converged;
}

}  // namespace

Command add_refine(CLI::App& app) {
  auto options = std::make_shared<RefineOptions>();
  app.description("Fit orientations, cells, energy and tilt of the beam to observed angles, many grains at once.");
  app.add_option("--peaks", options->peaks, "Observed reflections: h,k,l,omega_obs_deg[,grain_id] (csv)")->required();
  add_common_options(app, options->common);
  app.add_option("--omega-column", options->omega_column, "Column of the observed angle [omega_obs_deg]");
  app.add_option("--sigma-column", options->sigma_column, "Column of its standard deviation: weights 1/sigma^2");
  app.add_option(
         "--free", options->free,
         "none, or a list of orientation, cell, energy, chi. Energy and chi are common to all grains; cell keeps "
         "the symmetry of --cell, and is the full lattice without it")
      ->capture_default_str();
  app.add_option("--loss", options->loss, "squares, huber or chord")->capture_default_str();
  app.add_option(
      "--huber-delta", options->huber_delta,
      "Where huber turns from squares to lines, degrees [1.345 robust standard deviations of the residuals]");
  app.add_option("--max-iterations", options->max_iterations, "Most steps of the fit")->capture_default_str();
  app.add_option("-o,--output", options->refined, "Refined grains: the start file with the new UB (csv)");
  app.add_option("--json", options->json, "Everything that was found");
  app.add_option("--rows", options->rows, "Every row of the peaks with its prediction and residuals (csv)");
  app.add_option("--picture", options->picture, "Residuals before and after, .svg or .png (needs gnuplot)");
  return [options] { return run(*options); };
}

}  // namespace braggrad::cli
