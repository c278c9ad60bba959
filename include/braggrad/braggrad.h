/* braggrad: at which rotation angles omega do the reflections of a crystal diffract, and how do the angles change with
 * orientation, lattice, beam and axis. C99, no CUDA type. Conventions: types.h (structs, arrays, faults), context.h
 * (synchronisation, streams), geometry.h (frame and equation). Lengths in Angstrom, angles in rad. */
#ifndef BRAGGRAD_H
#define BRAGGRAD_H

#include "buffer.h"
#include "context.h"
#include "convention.h"
#include "crystal.h"
#include "device.h"
#include "fit.h"
#include "geometry.h"
#include "library.h"
#include "predict.h"
#include "reflections.h"
#include "rotate.h"
#include "solve.h"
#include "spots.h"
#include "types.h"

#endif
