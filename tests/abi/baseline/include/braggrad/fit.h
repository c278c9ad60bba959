/* Group 12: fused loss, gradient and Gauss-Newton normal equations of each orientation; no omega is stored.
 *
 *     L_b = sum w l(D),  D = wrap(omega - omega_obs),    gradient = sum w l'(D) J,    normal = sum w v J J^T
 *
 *     squares  l = D^2 / 2                  v = 1
 *     chord    l = 1 - cos D                v = 1
 *     Huber    l = D^2 / 2, or delta (|D| - delta/2) beyond delta      v = min(1, delta / |D|)
 *     norm     l = sqrt(D^2 + delta^2) - delta                         v = 1 / sqrt(D^2 + delta^2)
 *
 * Parameters, in this order, those of the mask: rotation vector (3: R <- exp([v]x) R, sample frame), wavenumber, chi,
 * lattice (6: q <- (I + e) q in the crystal frame, symmetric e as 11, 22, 33, 23, 13, 12; an off-diagonal component
 * enters twice). Errors and synchronisation as in solve.h.
 */
#ifndef BRAGGRAD_FIT_H
#define BRAGGRAD_FIT_H

#include "predict.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef int32_t brg_loss;
enum { BRG_LOSS_SQUARES = 0, BRG_LOSS_CHORD = 1, BRG_LOSS_HUBER = 2, BRG_LOSS_NORM = 3 };

enum {
  BRG_FIT_ROTATION = 1u,   /* 3 parameters */
  BRG_FIT_WAVENUMBER = 2u, /* 1 */
  BRG_FIT_CHI = 4u,        /* 1 */
  BRG_FIT_LATTICE = 8u     /* 6 */
};

/* Observed angles, rad, any turn. Dense: omega1 and/or omega2, one target per reflection and root. Or a list per
 * orientation (CSR): offsets, reflection, omega. Not both. A target that is not finite, or a weight that is not finite and > 0,
 * is no target. A target without a root (not observable, or an index or root number out of range) is missing: it adds
 * weight * missing_loss to the loss and no gradient. */
typedef struct brg_omega_targets_f64 {
  uint32_t struct_size, flags; /* no flags */
  brg_loss loss;
  int32_t reserved;    /* 0 */
  double delta;        /* rad, 2^-480 to 2^480 (float32: 2^-60 to 2^60) for Huber and norm, else 0 */
  double missing_loss; /* >= 0, before the weight */
  /* dense */
  int64_t orientation_stride;      /* 0: [N], shared by all orientations; N: [B,N] */
  const double *omega1, *omega2;   /* or NULL: no targets for that root */
  const double *weight1, *weight2; /* or NULL: 1 */
  /* per orientation */
  const int64_t *offsets;    /* [B+1]; entries of orientation b: offsets[b] ... offsets[b+1]-1 */
  const int32_t *reflection; /* [offsets[B]] index into the set */
  const uint8_t *root;       /* [offsets[B]] 1, 2, or 0: the nearer one (a tie is root 1); NULL: all 0 */
  const double *omega;       /* [offsets[B]] */
  const double *weight;      /* [offsets[B]] or NULL: 1 */
} brg_omega_targets_f64;

/* Each array may be NULL. P: number of parameters of the mask. */
typedef struct brg_omega_loss_output_f64 {
  uint32_t struct_size, flags; /* BRG_ACCUMULATE: adds to loss, gradient, normal, rotation_bar and the counts */
  uint32_t parameters;         /* mask of BRG_FIT_*; needed for gradient and normal */
  uint32_t reserved;           /* 0 */
  double *loss;                /* [B] */
  double *gradient;            /* [B,P] */
  double *normal;              /* [B,P(P+1)/2] upper triangle by rows */
  double *rotation_bar;        /* [B,3,3] dL/dR, as in predict.h */
  int32_t *observable;         /* [B] dense: reflections that diffract; list: entries whose reflection does */
  int32_t *matched;            /* [B] targets that contribute */
  int32_t *missing;            /* [B] targets without a root */
  int32_t *grazing;            /* [B] targets left out by the grazing cut, and at the exact tangent */
} brg_omega_loss_output_f64;

BRG_API brg_status brg_omega_loss_f64(brg_context *context, const brg_geometry *geometry,
                                      const brg_reflections *reflections, const brg_orientations_f64 *orientations,
                                      const brg_omega_targets_f64 *targets, const brg_omega_loss_output_f64 *output);

/* float32: the same declarations with float arrays, made by scripts/stamp_twins.py from those above. */

typedef struct brg_omega_targets_f32 {
  uint32_t struct_size, flags;
  brg_loss loss;
  int32_t reserved;
  double delta;
  double missing_loss;
  int64_t orientation_stride;
  const float *omega1, *omega2;
  const float *weight1, *weight2;
  const int64_t *offsets;
  const int32_t *reflection;
  const uint8_t *root;
  const float *omega;
  const float *weight;
} brg_omega_targets_f32;

typedef struct brg_omega_loss_output_f32 {
  uint32_t struct_size, flags;
  uint32_t parameters;
  uint32_t reserved;
  float *loss;
  float *gradient;
  float *normal;
  float *rotation_bar;
  int32_t *observable;
  int32_t *matched;
  int32_t *missing;
  int32_t *grazing;
} brg_omega_loss_output_f32;

BRG_API brg_status brg_omega_loss_f32(brg_context *context, const brg_geometry *geometry,
                                      const brg_reflections *reflections, const brg_orientations_f32 *orientations,
                                      const brg_omega_targets_f32 *targets, const brg_omega_loss_output_f32 *output);

/* End of the float32 declarations. */

#ifdef __cplusplus
}
#endif
#endif
