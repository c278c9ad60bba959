// braggrad predict: every observable reflection of every grain, streamed from file to file in chunks of grains.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <memory>

#include "command.hpp"
#include "common_options.hpp"
#include "progress.hpp"
#include "spot_predictor.hpp"
#include "units.hpp"

namespace braggrad::cli {
namespace {

constexpr int64_t pairs_per_chunk = 1 << 19;  // of a grain and a reflection: 60 MB of arrays at most

struct PredictOptions {
  CommonOptions common;
  std::string centring = "P", output = "-", format;
  double d_min = 0;
  std::vector<std::pair<double, double>> omega_ranges;  // degrees
  int64_t chunk = 0;
};

std::vector<OmegaWindow> windows_of(const PredictOptions& options) {
  if (options.omega_ranges.size() > BRG_MAX_OMEGA_WINDOWS)
    throw Refusal("--omega-range is given " + std::to_string(options.omega_ranges.size()) +
                  " times: at most 8 are possible");
  std::vector<OmegaWindow> windows;
  for (const auto& [low, high] : options.omega_ranges) {
    if (!std::isfinite(low) || !std::isfinite(high)) throw Refusal("--omega-range must be finite");
    if (low == high) throw Refusal("--omega-range is empty: its ends are equal");
    windows.push_back({low * degree, high * degree});
  }
  return windows;
}

std::vector<Hkl> reflections_of(const PredictOptions& options, const Cell& cell) {
  if (options.centring.size() != 1 || std::string("PABCIFR").find(options.centring) == std::string::npos)
    throw Refusal("--centring is \"" + options.centring + "\": it must be one of P, A, B, C, I, F, R");
  if (!(std::isfinite(options.d_min) && options.d_min > 0)) throw Refusal("--d-min must be finite and above 0");
  int64_t count = 0;
  const char centring = options.centring[0];
  const brg_status status = brg_hkl_enumerate(cell.data(), centring, options.d_min, 0, nullptr, &count);
  if (status == BRG_ERROR_INVALID_ARGUMENT) throw Refusal(brg_last_error());
  check(status);
  std::vector<Hkl> hkl(static_cast<size_t>(count));
  if (count > 0) check(brg_hkl_enumerate(cell.data(), centring, options.d_min, count, hkl.front().data(), &count));
  return hkl;
}

int64_t chunk_size(const PredictOptions& options, size_t reflections) {
  if (options.chunk > 0) return options.chunk;
  return std::clamp<int64_t>(pairs_per_chunk / static_cast<int64_t>(std::max<size_t>(reflections, 1)), 1, 4096);
}

bool read_chunk(GrainReader& reader, size_t size, std::vector<Grain>& grains) {
  while (grains.size() < size) {
    auto grain = reader.next();
    if (!grain) break;
    grains.push_back(std::move(*grain));
  }
  return !grains.empty();
}

ExitCode run(const PredictOptions& options) {
  const double wavenumber = wavenumber_of(options.common), chi = chi_of(options.common);
  const GrainFormat format = grain_format_of(options.common);
  const std::vector<OmegaWindow> windows = windows_of(options);
  const SpotFormat spot_format = parse_spot_format(options.format, options.output);
  if (options.chunk < 0) throw Refusal("--chunk must be 0 or more");
  if (same_file(options.common.start, options.output)) throw Refusal("--output is the start file, which is still read");
  check_writable(options.output);

  GrainReader reader(options.common.start, format);
  std::vector<Grain> grains;
  if (!read_chunk(reader, 1, grains)) throw Refusal(options.common.start + " has no grains");
  std::vector<Hkl> hkl = reflections_of(options, grains.front().cell);
  const auto chunk = static_cast<size_t>(chunk_size(options, hkl.size()));

  const Session session(options.common.session);
  SpotPredictor predictor(session, make_geometry(wavenumber, chi), std::move(hkl), grains.front().basis, windows);
  SpotWriter writer(options.output, spot_format, options.common.radians);
  Progress progress;
  size_t grains_done = 0, spots = 0;
  while (read_chunk(reader, chunk, grains)) {
    size_t current = grains.size();
    predictor.predict(grains, [&](size_t b, const Spot& spot) {
      if (b != current) writer.begin_grain(grains[current = b].id);
      writer.write(spot);
      ++spots;
    });
    grains_done += grains.size();
    grains.clear();
    progress.show(reader.file().fraction(),
                  std::to_string(grains_done) + " grains, " + std::to_string(spots) + " spots");
  }
  writer.close();
  return exit_success;
}

}  // namespace

Command add_predict(CLI::App& app) {
  auto options = std::make_shared<PredictOptions>();
  app.description(
      "Every observable reflection of every grain, one row for each of its two roots:\n"
      "grain_id,h,k,l,root,omega_deg,two_theta_deg,eta_deg, ordered by grain, d (falling), root. Streams.");
  add_common_options(app, options->common);
  app.add_option("--centring", options->centring, "Lattice centring: P, A, B, C, I, F or R (obverse)")
      ->capture_default_str();
  app.add_option("--d-min", options->d_min, "Smallest lattice spacing, Angstrom")->required();
  app.add_option("--omega-range", options->omega_ranges,
                 "Only omega in [a, b), degrees modulo 360; a > b wraps. Up to 8 times");
  app.add_option("-o,--output", options->output, "Spots; - is the standard output")->capture_default_str();
  app.add_option("--format", options->format, "csv or jsonl [by the ending of the output]");
  app.add_option("--chunk", options->chunk, "Grains at a time, 0: by the number of reflections")->group("");
  return [options] { return run(*options); };
}

}  // namespace braggrad::cli
