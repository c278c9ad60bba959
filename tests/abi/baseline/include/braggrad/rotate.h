/* Group 8: rotation of a reflection set by many orientations, G[B,N,3] = R_b q_n, or R_b B_b hkl_n where each orientation has
 * a reciprocal basis of its own. Sample frame, 1/Angstrom. Errors and synchronisation as in solve.h. */
#ifndef BRAGGRAD_ROTATE_H
#define BRAGGRAD_ROTATE_H

#include "predict.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct brg_vectors_f64 {
  uint32_t struct_size, flags; /* no flags */
  double *g;                   /* [B,N,3] */
} brg_vectors_f64;

typedef struct brg_vector_cotangents_f64 {
  uint32_t struct_size, flags; /* no flags */
  const double *g;             /* [B,N,3] dL/dG */
} brg_vector_cotangents_f64;

/* G = R q. Of `orientations`, wavenumber and chi must be NULL, and BRG_MAGNITUDE_FROM_ROTATED has no meaning. */
BRG_API brg_status brg_rotate_f64(brg_context *context, const brg_reflections *reflections,
                                  const brg_orientations_f64 *orientations, const brg_vectors_f64 *vectors);

/* Adjoint: rotation, rotation_vector, reciprocal_basis, q, reflections_basis of `gradient`; its wavenumber, chi and
 * geometry members must be NULL. */
BRG_API brg_status brg_rotate_vjp_f64(brg_context *context, const brg_reflections *reflections,
                                      const brg_orientations_f64 *orientations,
                                      const brg_vector_cotangents_f64 *cotangents,
                                      const brg_orientations_gradient_f64 *gradient);

/* Directional derivative; of `tangent`, wavenumber, chi and the geometry's members must be NULL or 0. */
BRG_API brg_status brg_rotate_jvp_f64(brg_context *context, const brg_reflections *reflections,
                                      const brg_orientations_f64 *orientations,
                                      const brg_orientations_tangent_f64 *tangent, const brg_vectors_f64 *vectors_dot);

/* float32: the same declarations with float arrays, made by scripts/stamp_twins.py from those above. */

typedef struct brg_vectors_f32 {
  uint32_t struct_size, flags;
  float *g;
} brg_vectors_f32;

typedef struct brg_vector_cotangents_f32 {
  uint32_t struct_size, flags;
  const float *g;
} brg_vector_cotangents_f32;

BRG_API brg_status brg_rotate_f32(brg_context *context, const brg_reflections *reflections,
                                  const brg_orientations_f32 *orientations, const brg_vectors_f32 *vectors);

BRG_API brg_status brg_rotate_vjp_f32(brg_context *context, const brg_reflections *reflections,
                                      const brg_orientations_f32 *orientations,
                                      const brg_vector_cotangents_f32 *cotangents,
                                      const brg_orientations_gradient_f32 *gradient);

BRG_API brg_status brg_rotate_jvp_f32(brg_context *context, const brg_reflections *reflections,
                                      const brg_orientations_f32 *orientations,
                                      const brg_orientations_tangent_f32 *tangent, const brg_vectors_f32 *vectors_dot);

/* End of the float32 declarations. */

#ifdef __cplusplus
}
#endif
#endif
