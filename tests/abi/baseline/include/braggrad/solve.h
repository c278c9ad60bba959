/* Group 9: the roots of given scattering vectors, one reflection per item.
 *
 *     c = gz tan(chi) + Q / (2 k cos(chi)),    rho^2 = gx^2 + gy^2,    s^2 = (rho - c)(rho + c)
 *     omega1 = atan2(gx s + gy c,  gy s - gx c),    omega2 = atan2(gy c - gx s, -(gy s + gx c)),    observable: |c| <= rho
 *
 * in the frame whose x is the beam's part perpendicular to the axis and whose z is the axis. Angles in rad, in
 * [-pi, pi]. An item that does not diffract, lies on the axis (rho^2 below 2^-900, in float32 2^-120) or has a value that is not
 * finite (or k <= 0, |cos chi| < 1e-6) has observable = 0, omega = 0 and derivatives 0, and never touches its
 * neighbours. Promised accuracy: |d omega| <= 4 eps (|G|/rho)(rho/s)(1 + |gz tan(chi)|/rho) + 2 eps pi.
 *
 * Errors of all calls: INVALID_ARGUMENT (names the argument), ABI, OUT_OF_MEMORY, WORKSPACE, CUDA, FORKED.
 * Asynchronous on CUDA. Source: docs/physics.md.
 */
#ifndef BRAGGRAD_SOLVE_H
#define BRAGGRAD_SOLVE_H

#include "geometry.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct brg_items_f64 {
  uint32_t struct_size, flags; /* no flags */
  int64_t count;               /* n >= 0 */
  const double *g;             /* [n,3] scattering vectors in the sample frame at omega = 0, 1/Angstrom */
  const double *g_magnitude;   /* [n] |g|, or NULL: computed from g, and then derivatives by g include it */
  const double *wavenumber;    /* [n] 1/Angstrom, or NULL: the geometry's */
  const double *chi;           /* [n] rad, or NULL: the geometry's; replaces the angle of the beam to the axis */
} brg_items_f64;

typedef struct brg_roots_f64 {
  uint32_t struct_size, flags; /* no flags */
  double *omega1, *omega2;     /* [n] or [B,N], rad, or NULL */
  uint8_t *observable;         /* [n] or [B,N], 0 or 1, or NULL */
} brg_roots_f64;

typedef struct brg_root_cotangents_f64 {
  uint32_t struct_size, flags;   /* no flags */
  const double *omega1, *omega2; /* [n] or [B,N] dL/domega, or NULL: 0. Values at unobservable items are ignored */
} brg_root_cotangents_f64;

/* dL/d(input). The sums over the batch are for the geometry's own values: 0 where an array replaces them. */
typedef struct brg_items_gradient_f64 {
  uint32_t struct_size, flags; /* BRG_ACCUMULATE */
  double *g;                   /* [n,3]; at fixed |g| if items->g_magnitude is given, else including it. Or NULL */
  double *g_magnitude;         /* [n] or NULL; 0 if items->g_magnitude is NULL */
  double *wavenumber;          /* [n] or NULL */
  double *chi;                 /* [n] or NULL */
  double *geometry_wavenumber; /* [1] or NULL, sum over the batch (summed in float64) */
  double *geometry_chi;        /* [1] or NULL */
  double *geometry_beam;       /* [3] or NULL; three free components of d, nothing normalised */
  double *geometry_axis;       /* [3] or NULL; three free components of the axis at fixed d */
} brg_items_gradient_f64;

/* A direction in the space of the inputs; NULL and 0 are no change. */
typedef struct brg_items_tangent_f64 {
  uint32_t struct_size, flags; /* no flags */
  const double *g;             /* [n,3] */
  const double *g_magnitude;   /* [n]; ignored if items->g_magnitude is NULL */
  const double *wavenumber;    /* [n]; ignored if items->wavenumber is NULL */
  const double *chi;           /* [n]; ignored if items->chi is NULL */
  double geometry_wavenumber;  /* ignored where items->wavenumber replaces it */
  double geometry_chi;         /* ignored where items->chi replaces it */
  double geometry_beam[3];
  double geometry_axis[3];
} brg_items_tangent_f64;

/* Both roots and the flag of each item. */
BRG_API brg_status brg_solve_f64(brg_context *context, const brg_geometry *geometry, const brg_items_f64 *items,
                                 const brg_roots_f64 *roots);

/* Adjoint: dL/d(inputs) of L = sum of omega_bar . omega. Sum over the batch in a fixed order. */
BRG_API brg_status brg_solve_vjp_f64(brg_context *context, const brg_geometry *geometry, const brg_items_f64 *items,
                                     const brg_root_cotangents_f64 *cotangents, const brg_items_gradient_f64 *gradient);

/* Directional derivative: `roots_dot` gets domega1, domega2 along `tangent`, and the flag. */
BRG_API brg_status brg_solve_jvp_f64(brg_context *context, const brg_geometry *geometry, const brg_items_f64 *items,
                                     const brg_items_tangent_f64 *tangent, const brg_roots_f64 *roots_dot);

/* float32: the same declarations with float arrays, made by scripts/stamp_twins.py from those above. */

typedef struct brg_items_f32 {
  uint32_t struct_size, flags;
  int64_t count;
  const float *g;
  const float *g_magnitude;
  const float *wavenumber;
  const float *chi;
} brg_items_f32;

typedef struct brg_roots_f32 {
  uint32_t struct_size, flags;
  float *omega1, *omega2;
  uint8_t *observable;
} brg_roots_f32;

typedef struct brg_root_cotangents_f32 {
  uint32_t struct_size, flags;
  const float *omega1, *omega2;
} brg_root_cotangents_f32;

typedef struct brg_items_gradient_f32 {
  uint32_t struct_size, flags;
  float *g;
  float *g_magnitude;
  float *wavenumber;
  float *chi;
  float *geometry_wavenumber;
  float *geometry_chi;
  float *geometry_beam;
  float *geometry_axis;
} brg_items_gradient_f32;

typedef struct brg_items_tangent_f32 {
  uint32_t struct_size, flags;
  const float *g;
  const float *g_magnitude;
  const float *wavenumber;
  const float *chi;
  double geometry_wavenumber;
  double geometry_chi;
  double geometry_beam[3];
  double geometry_axis[3];
} brg_items_tangent_f32;

BRG_API brg_status brg_solve_f32(brg_context *context, const brg_geometry *geometry, const brg_items_f32 *items,
                                 const brg_roots_f32 *roots);

BRG_API brg_status brg_solve_vjp_f32(brg_context *context, const brg_geometry *geometry, const brg_items_f32 *items,
                                     const brg_root_cotangents_f32 *cotangents, const brg_items_gradient_f32 *gradient);

BRG_API brg_status brg_solve_jvp_f32(brg_context *context, const brg_geometry *geometry, const brg_items_f32 *items,
                                     const brg_items_tangent_f32 *tangent, const brg_roots_f32 *roots_dot);

/* End of the float32 declarations. */

#ifdef __cplusplus
}
#endif
#endif
