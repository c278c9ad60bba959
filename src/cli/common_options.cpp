// Options that predict and refine share.
#include "common_options.hpp"

#include <cmath>

#include "failure.hpp"
#include "units.hpp"

namespace braggrad::cli {

const char* const frame_text =
    "Frame: right-handed; the sample turns about +z, right-handed; the beam runs along +x, tilted by chi towards +z:\n"
    "  k_in = k (cos chi, 0, sin chi),   G_lab = Rz(omega) UB hkl.\n"
    "  chi = -wedge of ImageD11 (with its chi 0), -chi of HEXRD.\n"
    "  Root 1 enters the Ewald sphere as omega grows (eta < 0), root 2 leaves it (eta > 0).\n"
    "  eta = atan2(-y, z) of the diffracted beam, seen along the beam; 90 degrees - eta is HEXRD's.\n"
    "Units: energy keV, wavelength and edges Angstrom, UB 1/Angstrom without 2 pi (--two-pi: with),\n"
    "  angles degrees (--radians: rad in the files, options stay in degrees).\n"
    "Exit codes: 0 done, 1 fault, 2 input refused, 3 not converged (the best so far is written).";

void add_common_options(CLI::App& app, CommonOptions& options) {
  app.add_option("--start", options.start, "Grains: grain_id,UB11,UB12,...,UB33 (csv, other columns allowed)")
      ->required();
  app.add_option("--energy", options.energy, "Photon energy, keV");
  app.add_option("--wavelength", options.wavelength, "Wavelength in place of the energy, Angstrom");
  app.add_option("--chi", options.chi, "Tilt of the beam towards the axis, degrees")->capture_default_str();
  app.add_option(
      "--cell", options.cell,
      "Lattice of all grains: a,b,c,alpha,beta,gamma, or a cubic edge (Angstrom, degrees). The orientation is "
      "the rotation nearest to UB B^-1. Without it each grain keeps the lattice of its UB");
  app.add_option("--grain-column", options.grain_column, "Column that names the grain [grain_id]");
  app.add_flag("--two-pi", options.two_pi, "UB in the files includes 2 pi");
  app.add_flag("--radians", options.radians, "Angles in files are in rad");
  app.add_option("--backend", options.session.backend, "auto, cpu or cuda")->capture_default_str();
  app.add_option("--threads", options.session.threads, "CPU threads, 0: all cores")->capture_default_str();
  app.footer(frame_text);
}

double wavenumber_of(const CommonOptions& options) {
  if (options.energy && options.wavelength) throw Refusal("--energy and --wavelength are both given: one is enough");
  if (!options.energy && !options.wavelength) throw Refusal("--energy (keV) or --wavelength (Angstrom) is needed");
  auto geometry = zeroed<brg_geometry>();
  const brg_status status = options.energy ? brg_geometry_set_energy(&geometry, *options.energy)
                                           : brg_geometry_set_wavelength(&geometry, *options.wavelength);
  if (status == BRG_SUCCESS) return geometry.wavenumber;
  throw Refusal(std::string(options.energy ? "--energy" : "--wavelength") + " must be finite and above 0");
}

double chi_of(const CommonOptions& options) {
  if (!std::isfinite(options.chi)) throw Refusal("--chi must be finite");
  const double chi = options.chi * degree;
  auto geometry = zeroed<brg_geometry>();
  if (brg_geometry_set_chi(&geometry, chi) != BRG_SUCCESS)
    throw Refusal("--chi puts the beam along the rotation axis: its cosine must not be 0");
  return chi;
}

GrainFormat grain_format_of(const CommonOptions& options) {
  GrainFormat format;
  format.id_column = options.grain_column;
  if (!options.cell.empty()) format.cell = parse_cell(options.cell);
  format.two_pi = options.two_pi;
  return format;
}

}  // namespace braggrad::cli
