// A caller's geometry, checked and turned into the frame of the calculation.
#pragma once

#include "braggrad/geometry.h"
#include "core/frame.hpp"
#include "runtime/context.hpp"

namespace braggrad {

// 1/Angstrom.
double wavenumber_of_energy(double energy_keV);

brg_geometry read_geometry(const brg_geometry* geometry);

// `own_wavenumber`: an array of the call replaces the geometry's, which may then be 0.
// The context keeps the last one: a caller who repeats a geometry pays for it once.
const core::Frame& read_frame(brg_context& context, const brg_geometry* geometry, bool own_wavenumber);

}  // namespace braggrad
