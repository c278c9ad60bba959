/* Group 13: the conventions of other programs. A convention turns a program's own numbers (wavelength, tilts, vectors)
 * into a geometry in that program's frame and unit, and our two roots into its order, unit, sign and range.
 * docs/conventions.md has a picture of each frame.
 *
 * Vectors are taken as the program has them: neither turned nor scaled. The geometry of brg_convention_geometry is that
 * of the frame they are in, so it serves every call of the interface (predict with the program's own orientation and B,
 * derivatives, fits); brg_convention_angles then gives the program's angles. brg_convention_solve does both for given
 * vectors.
 *
 *     system    unit of vectors      angles   given tilts                         first answer
 *     IceNine   2 pi / Angstrom      rad      chi (beam toward the axis), rad     root 1
 *     HEXRD     1 / Angstrom         rad      chi, rad                            root 2
 *     MIDAS     1 / Angstrom         degrees  wedge, degrees                      root 1 (MIDAS has no fixed order)
 *     ImageD11  1 / Angstrom         degrees  wedge, chi, degrees; omega_sign     root 2; with omega_sign -1 root 1
 *     xfab      |g| = sin(theta)     rad      wedge = w_y or -wedge, chi = w_x    root 2
 *     DIALS     1 / Angstrom         rad      s0, axis, setting, fixed            root 1 (entering)
 */
#ifndef BRAGGRAD_CONVENTION_H
#define BRAGGRAD_CONVENTION_H

#include "solve.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef int32_t brg_system;
enum {
  BRG_SYSTEM_ICENINE = 1,
  BRG_SYSTEM_HEXRD = 2,
  BRG_SYSTEM_MIDAS = 3,
  BRG_SYSTEM_IMAGED11 = 4,
  BRG_SYSTEM_XFAB = 5,
  BRG_SYSTEM_DIALS = 6
};

/* Flags of a convention. */
enum {
  BRG_MIDAS_WEDGE_UNTIL_2026_08 = 1u, /* axis (sin W, 0, cos W); since September 2026 it is (-sin W, 0, cos W) */
  BRG_RANGE_START = 2u,               /* answers are in [range_start, range_start + a turn) */
  BRG_HEXRD_UNWRAPPED = 4u            /* answers of HEXRD are in the turns that its own code leaves them in: below */
};

/* Members that a system does not name in its row above must stay at the values of brg_convention_init. */
typedef struct brg_convention {
  uint32_t struct_size, flags; /* BRG_MIDAS_WEDGE_UNTIL_2026_08, BRG_RANGE_START or BRG_HEXRD_UNWRAPPED */
  brg_system system;
  int32_t omega_sign; /* ImageD11's omegasign, 1 or -1 */
  double wavelength;  /* Angstrom; 0 where `energy`, or an array of the call, gives it. xfab: 0. DIALS: 0 (s0 has it) */
  double energy;      /* keV, or 0. IceNine: with its own 0.506773182 / (Angstrom keV), else CODATA 2018's constant */
  double chi;        /* IceNine, HEXRD: rad. ImageD11: degrees. xfab: w_x, rad: a turn about the beam, moves no angle */
  double wedge;      /* MIDAS, ImageD11: degrees. xfab: w_y of find_omega_general = -wedge of find_omega_wedge, rad */
  double s0[3];      /* DIALS: incident beam vector, |s0| = 1 / wavelength */
  double axis[3];    /* DIALS: rotation axis, unit */
  double setting[9]; /* DIALS: setting rotation by rows; r = setting R(axis, phi) fixed UB h */
  double fixed[9];   /* DIALS: fixed rotation by rows */
  double range_start; /* with BRG_RANGE_START, unit of the answers; else they are in [-pi, pi], [-180, 180] */
} brg_convention;

/* Fills a convention with the system's defaults: no tilt, omega_sign 1, identity rotations; DIALS: axis (1, 0, 0) and
 * the range [0, 2 pi). Errors: INVALID_ARGUMENT (NULL, unknown system), ABI. */
BRG_API brg_status brg_convention_init(brg_convention *convention, size_t struct_size, brg_system system);

/* The geometry in the frame and unit of the system's vectors; `geometry->struct_size` is set by the caller. Its
 * wavenumber is 0 where the convention has neither wavelength nor energy (MIDAS gives Bragg angles: k = |g| / (2 sin
 * theta) for each vector). Members may be changed afterwards, for example the grazing cut. Errors: INVALID_ARGUMENT
 * (names the member), ABI. */
BRG_API brg_status brg_convention_geometry(const brg_convention *convention, brg_geometry *geometry);

/* Our roots [count] as the system's angles: answers->omega1 is its first, omega2 its second, observable is copied. Not
 * observable: 0, for HEXRD NaN. A root that an answer is asked of must be given, and for HEXRD the flag. Answers may
 * be the roots' own arrays. Arrays in the memory of the context. Errors as in solve.h. Asynchronous on CUDA.
 *
 * BRG_HEXRD_UNWRAPPED: ome0 = asin(c) - phase and ome1 = pi - asin(c) - phase, phase in [-pi, pi], as oscill_angles_of_hkls
 * has them before it maps them into a range: ome1 comes after ome0, by a turn at most, and (ome0 + ome1) / 2 is in
 * (-pi/2, 3 pi/2]. Needs both roots, and of brg_convention_solve both answers. Roots that have become equal are taken to be a
 * turn apart, as those of a beam across the axis are. */
BRG_API brg_status brg_convention_angles_f64(brg_context *context, const brg_convention *convention, int64_t count,
                                             const brg_roots_f64 *roots, const brg_roots_f64 *answers);

/* The system's solve: both answers for given vectors items->g [n,3]. items->chi must be NULL; for HEXRD
 * answers->observable must not, nor an answer with BRG_HEXRD_UNWRAPPED. Errors as in solve.h. Asynchronous on CUDA. */
BRG_API brg_status brg_convention_solve_f64(brg_context *context, const brg_convention *convention,
                                            const brg_items_f64 *items, const brg_roots_f64 *answers);

/* float32: the same declarations with float arrays, made by scripts/stamp_twins.py from those above. */

BRG_API brg_status brg_convention_angles_f32(brg_context *context, const brg_convention *convention, int64_t count,
                                             const brg_roots_f32 *roots, const brg_roots_f32 *answers);

BRG_API brg_status brg_convention_solve_f32(brg_context *context, const brg_convention *convention,
                                            const brg_items_f32 *items, const brg_roots_f32 *answers);

/* End of the float32 declarations. */

#ifdef __cplusplus
}
#endif
#endif
