/* Group 10: rotate and solve, fused: both roots of every reflection n in every orientation b, arrays [B,N].
 *
 *     G = R_b q_n   (or R_b B_b hkl_n),   Q = |q_n|^2,   then as in solve.h
 *
 * Errors and synchronisation as in solve.h. A bad value in the arrays of one orientation makes that row not observable.
 */
#ifndef BRAGGRAD_PREDICT_H
#define BRAGGRAD_PREDICT_H

#include "reflections.h"
#include "solve.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct brg_orientations_f64 {
  uint32_t struct_size, flags;    /* BRG_COLUMN_MAJOR (rules all 3x3 arrays of the call), BRG_MAGNITUDE_FROM_ROTATED */
  int64_t count;                  /* B >= 0 */
  const double *rotation;         /* [B,3,3] crystal -> sample, by rows */
  const double *reciprocal_basis; /* [B,3,3] 1/Angstrom with 2 pi, or NULL: the one of the reflections */
  const double *wavenumber;       /* [B] 1/Angstrom, or NULL: the geometry's */
  const double *chi;              /* [B] rad, or NULL: the geometry's */
} brg_orientations_f64;

/* dL/d(input). Sums are made in a fixed order and in float64, in float32 after a few dozen terms, and rounded to the type at the
 * end. */
typedef struct brg_orientations_gradient_f64 {
  uint32_t struct_size, flags; /* BRG_ACCUMULATE */
  /* per orientation */
  double *rotation;         /* [B,3,3], nine free entries; Q fixed unless BRG_MAGNITUDE_FROM_ROTATED. Or NULL */
  double *rotation_vector;  /* [B,3], R <- exp([v]x) R at v = 0 (sample frame, rad). Or NULL */
  double *reciprocal_basis; /* [B,3,3] of the basis that the orientation uses; needs hkl. Or NULL */
  double *wavenumber;       /* [B] or NULL */
  double *chi;              /* [B] or NULL */
  /* summed over the batch */
  double *q;                 /* [N,3] of the set's vectors; not with orientations->reciprocal_basis. Or NULL */
  double *reflections_basis; /* [3,3] of the set's basis; needs hkl, not with orientations->reciprocal_basis. Or NULL */
  double *geometry_wavenumber; /* [1] or NULL; 0 where orientations->wavenumber replaces it */
  double *geometry_chi;        /* [1] or NULL; 0 where orientations->chi replaces it */
  double *geometry_beam;       /* [3] or NULL, as in solve.h */
  double *geometry_axis;       /* [3] or NULL, as in solve.h */
} brg_orientations_gradient_f64;

/* A direction in the space of the inputs; NULL and 0 are no change. */
typedef struct brg_orientations_tangent_f64 {
  uint32_t struct_size, flags;    /* no flags */
  const double *rotation;         /* [B,3,3] */
  const double *rotation_vector;  /* [B,3], added to `rotation`: dR = [v]x R */
  const double *reciprocal_basis; /* [B,3,3] of the basis that the orientation uses; needs hkl */
  const double *wavenumber;       /* [B]; ignored if orientations->wavenumber is NULL */
  const double *chi;              /* [B]; ignored if orientations->chi is NULL */
  const double *q;                /* [N,3]; not with orientations->reciprocal_basis */
  double geometry_wavenumber;     /* ignored where orientations->wavenumber replaces it */
  double geometry_chi;            /* ignored where orientations->chi replaces it */
  double geometry_beam[3];
  double geometry_axis[3];
} brg_orientations_tangent_f64;

/* Both roots and the flag of each pair. */
BRG_API brg_status brg_predict_f64(brg_context *context, const brg_geometry *geometry,
                                   const brg_reflections *reflections, const brg_orientations_f64 *orientations,
                                   const brg_roots_f64 *roots);

/* Adjoint of brg_predict. */
BRG_API brg_status brg_predict_vjp_f64(brg_context *context, const brg_geometry *geometry,
                                       const brg_reflections *reflections, const brg_orientations_f64 *orientations,
                                       const brg_root_cotangents_f64 *cotangents,
                                       const brg_orientations_gradient_f64 *gradient);

/* Directional derivative of brg_predict. */
BRG_API brg_status brg_predict_jvp_f64(brg_context *context, const brg_geometry *geometry,
                                       const brg_reflections *reflections, const brg_orientations_f64 *orientations,
                                       const brg_orientations_tangent_f64 *tangent, const brg_roots_f64 *roots_dot);

/* float32: the same declarations with float arrays, made by scripts/stamp_twins.py from those above. */

typedef struct brg_orientations_f32 {
  uint32_t struct_size, flags;
  int64_t count;
  const float *rotation;
  const float *reciprocal_basis;
  const float *wavenumber;
  const float *chi;
} brg_orientations_f32;

typedef struct brg_orientations_gradient_f32 {
  uint32_t struct_size, flags;
  float *rotation;
  float *rotation_vector;
  float *reciprocal_basis;
  float *wavenumber;
  float *chi;
  float *q;
  float *reflections_basis;
  float *geometry_wavenumber;
  float *geometry_chi;
  float *geometry_beam;
  float *geometry_axis;
} brg_orientations_gradient_f32;

typedef struct brg_orientations_tangent_f32 {
  uint32_t struct_size, flags;
  const float *rotation;
  const float *rotation_vector;
  const float *reciprocal_basis;
  const float *wavenumber;
  const float *chi;
  const float *q;
  double geometry_wavenumber;
  double geometry_chi;
  double geometry_beam[3];
  double geometry_axis[3];
} brg_orientations_tangent_f32;

BRG_API brg_status brg_predict_f32(brg_context *context, const brg_geometry *geometry,
                                   const brg_reflections *reflections, const brg_orientations_f32 *orientations,
                                   const brg_roots_f32 *roots);

BRG_API brg_status brg_predict_vjp_f32(brg_context *context, const brg_geometry *geometry,
                                       const brg_reflections *reflections, const brg_orientations_f32 *orientations,
                                       const brg_root_cotangents_f32 *cotangents,
                                       const brg_orientations_gradient_f32 *gradient);

BRG_API brg_status brg_predict_jvp_f32(brg_context *context, const brg_geometry *geometry,
                                       const brg_reflections *reflections, const brg_orientations_f32 *orientations,
                                       const brg_orientations_tangent_f32 *tangent, const brg_roots_f32 *roots_dot);

/* End of the float32 declarations. */

#ifdef __cplusplus
}
#endif
#endif
