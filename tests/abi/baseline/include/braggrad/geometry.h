/* Group 5: beam and rotation axis.
 *
 * Right-handed laboratory frame. By default the beam runs along +x and the sample turns about +z, right-handed:
 * G_lab = R(axis, omega) G. A reflection diffracts where it lies on the Ewald sphere, |k d + G_lab| = k:
 *
 *     F(omega) = d . R(axis, omega) G + Q / (2 k) = 0,       Q = |G|^2,  k = 2 pi / wavelength,  d = unit beam
 *
 * Root 1 has dF/domega < 0 (G enters the sphere as omega grows), root 2 has dF/domega > 0 (G leaves it).
 * chi is the angle of the beam above the plane perpendicular to the axis: sin chi = d . axis.
 *
 * The struct is in double and serves both families. No function here needs a context.
 */
#ifndef BRAGGRAD_GEOMETRY_H
#define BRAGGRAD_GEOMETRY_H

#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct brg_geometry {
  uint32_t struct_size, flags; /* no flags */
  double wavenumber;  /* k = 2 pi / wavelength, 1/Angstrom, > 0; may be 0 only where a call's array replaces it */
  double beam[3];     /* unit vector, default (1, 0, 0) */
  double axis[3];     /* unit vector, default (0, 0, 1) */
  double chi;         /* tilt of the beam toward the axis, rad. The beam of the calls is
                                * d = cos(chi) beam + sin(chi) axis. Not 0 only for a beam perpendicular to the axis:
                                * an oblique `beam` has its chi in itself */
  double grazing_cut; /* derivatives and losses leave out roots with |F_omega| / k = |s1 . (axis x s0)| / (|s0| |s1|)
                                * below it; 0 <= cut < 1, default 0: only the exact tangent is left out */
} brg_geometry;

/* Defaults: beam +x, axis +z, chi 0, no grazing cut, wavenumber 0 (to be set). Errors: INVALID_ARGUMENT, ABI. */
BRG_API brg_status brg_geometry_init(brg_geometry *geometry, size_t struct_size);

/* Wavenumber of photons of this energy: k = kappa E with CODATA 2018's kappa = 0.50677307161563958 1/(Angstrom keV).
 * Errors: INVALID_ARGUMENT (energy not finite and > 0). */
BRG_API brg_status brg_geometry_set_energy(brg_geometry *geometry, double energy_keV);

/* Wavenumber k = 2 pi / wavelength. Errors: INVALID_ARGUMENT (wavelength not finite and > 0). */
BRG_API brg_status brg_geometry_set_wavelength(brg_geometry *geometry, double wavelength_angstrom);

/* Tilt of the beam toward the axis in rad. Errors: INVALID_ARGUMENT (not finite, |cos chi| < 1e-6). */
BRG_API brg_status brg_geometry_set_chi(brg_geometry *geometry, double chi);

/* What every compute call checks: wavenumber finite and >= 0; beam and axis finite and unit, | |v|^2 - 1 | <= 1e-6
 * (they are used as they are, never normalised); |cos chi| >= 1e-6; 0 <= grazing_cut < 1. The sentence of
 * brg_last_error names the member. Errors: INVALID_ARGUMENT, ABI. */
BRG_API brg_status brg_geometry_check(const brg_geometry *geometry);

#ifdef __cplusplus
}
#endif
#endif
