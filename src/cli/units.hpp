// Units: the library has rad and wavenumbers, the user has degrees and keV.
#pragma once

#include <numbers>

#include "braggrad/braggrad.h"
#include "session.hpp"

namespace braggrad::cli {

inline constexpr double two_pi = 2 * std::numbers::pi;
inline constexpr double degree = std::numbers::pi / 180;

// Energy in keV of photons of this wavenumber, with the library's own constant.
inline double energy_of(double wavenumber) {
  auto one_keV = zeroed<brg_geometry>();
  check(brg_geometry_set_energy(&one_keV, 1.0));
  return wavenumber / one_keV.wavenumber;
}

}  // namespace braggrad::cli
