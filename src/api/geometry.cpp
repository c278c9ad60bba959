// Group 5: beam and rotation axis.
#include "api/geometry.hpp"

#include <cmath>
#include <cstring>

#include "runtime/error.hpp"
#include "runtime/struct_reader.hpp"

namespace braggrad {
namespace {

double dot(const double a[3], const double b[3]) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

void require_unit(const double v[3], const char* name) {
  const double norm2 = dot(v, v);
  require(std::isfinite(norm2) && std::fabs(norm2 - 1) <= 1e-6, "geometry.", name, " is no unit vector: its square is ",
          norm2);
}

void require_tilt(double chi, const char* name) {
  require(std::isfinite(chi) && std::fabs(std::cos(chi)) >= 1e-6, name, " is ", chi,
          ": it must be finite, and the beam not along the axis");
}

}  // namespace

double wavenumber_of_energy(double energy_keV) {
  // CODATA 2018: 2 pi e / (h c), 1/(Angstrom keV).
  constexpr double wavenumber_per_keV = 0.50677307161563957731;
  return wavenumber_per_keV * energy_keV;
}

brg_geometry read_geometry(const brg_geometry* given) {
  const brg_geometry g = read_struct(given, "geometry");
  require(std::isfinite(g.wavenumber) && g.wavenumber >= 0, "geometry.wavenumber is ", g.wavenumber,
          ": it must be finite and not negative");
  require_unit(g.beam, "beam");
  require_unit(g.axis, "axis");
  require_tilt(g.chi, "geometry.chi");
  const double along = dot(g.beam, g.axis);
  require(std::fabs(along) <= 1 - 5e-13, "geometry.beam and geometry.axis are parallel");
  require(g.chi == 0 || std::fabs(along) <= 1e-6,
          "geometry.chi is not 0 for a beam that is not perpendicular to the axis: tilt either, not both");
  require(std::isfinite(g.grazing_cut) && g.grazing_cut >= 0 && g.grazing_cut < 1, "geometry.grazing_cut is ",
          g.grazing_cut, ": it must be in [0, 1)");
  return g;
}

const core::Frame& read_frame(brg_context& context, const brg_geometry* given, bool own_wavenumber) {
  GeometryMemo& memo = context.geometry_memo();
  const bool known = given && memo.geometry.struct_size == sizeof(brg_geometry) &&
                     std::memcmp(given, &memo.geometry, sizeof(brg_geometry)) == 0;
  if (known && (memo.geometry.wavenumber > 0 || own_wavenumber)) return memo.frame;
  const brg_geometry g = read_geometry(given);
  require(g.wavenumber > 0 || own_wavenumber, "geometry.wavenumber is 0 and no array replaces it");
  memo.frame = core::make_frame(g.beam, g.axis, g.chi, g.wavenumber, g.grazing_cut);
  memo.geometry = g;
  return memo.frame;
}

}  // namespace braggrad

extern "C" {

brg_status brg_geometry_init(brg_geometry* geometry, size_t struct_size) {
  return braggrad::guarded("brg_geometry_init", [&] {
    const brg_geometry defaults = {sizeof(brg_geometry), 0, 0.0, {1, 0, 0}, {0, 0, 1}, 0.0, 0.0};
    braggrad::init_struct(geometry, struct_size, defaults, "geometry");
  });
}

brg_status brg_geometry_set_energy(brg_geometry* geometry, double energy_keV) {
  return braggrad::guarded("brg_geometry_set_energy", [&] {
    braggrad::require(geometry != nullptr, "geometry is NULL");
    braggrad::require(std::isfinite(energy_keV) && energy_keV > 0, "energy_keV is ", energy_keV,
                      ": it must be finite and positive");
    geometry->wavenumber = braggrad::wavenumber_of_energy(energy_keV);
  });
}

brg_status brg_geometry_set_wavelength(brg_geometry* geometry, double wavelength_angstrom) {
  return braggrad::guarded("brg_geometry_set_wavelength", [&] {
    braggrad::require(geometry != nullptr, "geometry is NULL");
    braggrad::require(std::isfinite(wavelength_angstrom) && wavelength_angstrom > 0, "wavelength_angstrom is ",
                      wavelength_angstrom, ": it must be finite and positive");
    geometry->wavenumber = braggrad::core::two_pi / wavelength_angstrom;
  });
}

brg_status brg_geometry_set_chi(brg_geometry* geometry, double chi) {
  return braggrad::guarded("brg_geometry_set_chi", [&] {
    braggrad::require(geometry != nullptr, "geometry is NULL");
    braggrad::require_tilt(chi, "chi");
    geometry->chi = chi;
  });
}

brg_status brg_geometry_check(const brg_geometry* geometry) {
  return braggrad::guarded("brg_geometry_check", [&] { braggrad::read_geometry(geometry); });
}

}  // extern "C"
