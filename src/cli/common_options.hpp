// Options that predict and refine share: the beam, the lattice, the files' conventions, the backend.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "cell.hpp"
#include "model.hpp"
#include "session.hpp"

namespace braggrad::cli {

struct CommonOptions {
  std::string start;
  std::optional<double> energy, wavelength;  // keV, Angstrom
  double chi = 0;                            // degrees
  std::string cell;
  std::string grain_column;
  bool two_pi = false, radians = false;
  SessionOptions session;
};

void add_common_options(CLI::App& app, CommonOptions& options);

// Wavenumber of --energy or --wavelength. Refuses both, neither, and what is not finite and above 0.
double wavenumber_of(const CommonOptions& options);

// chi in rad. Refuses a beam along the axis.
double chi_of(const CommonOptions& options);

GrainFormat grain_format_of(const CommonOptions& options);

// Units and frames, for the end of --help.
extern const char* const frame_text;

}  // namespace braggrad::cli
