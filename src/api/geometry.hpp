// A caller's geometry, checked and turned into the frame of the calculation.
#pragma once

#include "braggrad/geometry.h"
#include "core/frame.hpp"

namespace braggrad {

brg_geometry read_geometry(const brg_geometry* geometry);

// `own_wavenumber`: an array of the call replaces the geometry's, which may then be 0.
core::Frame read_frame(const brg_geometry* geometry, bool own_wavenumber);

}  // namespace braggrad
