/* Group 11: diffracted beams, and compact lists of the spots of many orientations. Errors as in solve.h. */
#ifndef BRAGGRAD_SPOTS_H
#define BRAGGRAD_SPOTS_H

#include "predict.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct brg_beams_f64 {
  uint32_t struct_size, flags; /* no flags */
  double *direction;           /* [n,3] unit vector of the diffracted beam in the laboratory frame, or NULL */
  double *two_theta;           /* [n] angle to the incoming beam, rad, [0, pi], or NULL */
  double *eta;                 /* [n] rad, (-pi, pi], or NULL: atan2(-y, z) of the direction in the frame whose x is the
                                * beam and whose z is the axis made perpendicular to it (ImageD11's; HEXRD's is
                                * pi/2 - eta). Root 1 has eta < 0 */
} brg_beams_f64;

/* Directions k_f / k = d + R(axis, omega) g / k, made unit. `omega` [n] rad. items->g_magnitude is not used. An item with a
 * value that is not finite (or k <= 0, |cos chi| < 1e-6) gives zeros. Asynchronous on CUDA. */
BRG_API brg_status brg_diffracted_beam_f64(brg_context *context, const brg_geometry *geometry,
                                           const brg_items_f64 *items, const double *omega, const brg_beams_f64 *beams);

#define BRG_MAX_OMEGA_WINDOWS 8

typedef struct brg_spots_f64 {
  uint32_t struct_size, flags; /* no flags */
  /* Windows of omega in rad, half-open [low, high) modulo 2 pi; low > high wraps; a width of 2 pi or more takes all.
   * None: the whole turn. A root inside several windows is listed once. */
  int32_t window_count; /* 0 ... BRG_MAX_OMEGA_WINDOWS */
  int32_t reserved;     /* 0 */
  double window_low[8], window_high[8];
  int64_t capacity;    /* rows of the arrays below */
  int64_t *offsets;    /* [B+1] spots of orientation b are rows offsets[b] ... offsets[b+1]-1; or NULL */
  int32_t *reflection; /* [capacity] index into the set, or NULL */
  uint8_t *root;       /* [capacity] 1 or 2, or NULL */
  double *omega;       /* [capacity] rad, or NULL */
} brg_spots_f64;

/* The observable roots inside the windows, ordered by orientation, reflection, root. `count` (host memory) gets the
 * number of spots; the call then waits for the device. NULL: asynchronous, offsets[B] has it. More spots than
 * `capacity`: nothing is written past it, the offsets and the count are complete, and with a count the call answers
 * BRG_ERROR_CAPACITY. A capacity of 0 with NULL arrays asks for the count. */
BRG_API brg_status brg_predict_spots_f64(brg_context *context, const brg_geometry *geometry,
                                         const brg_reflections *reflections, const brg_orientations_f64 *orientations,
                                         const brg_spots_f64 *spots, int64_t *count);

/* float32: the same declarations with float arrays, made by scripts/stamp_twins.py from those above. */

typedef struct brg_beams_f32 {
  uint32_t struct_size, flags;
  float *direction;
  float *two_theta;
  float *eta;
} brg_beams_f32;

BRG_API brg_status brg_diffracted_beam_f32(brg_context *context, const brg_geometry *geometry,
                                           const brg_items_f32 *items, const float *omega, const brg_beams_f32 *beams);

typedef struct brg_spots_f32 {
  uint32_t struct_size, flags;
  int32_t window_count;
  int32_t reserved;
  double window_low[8], window_high[8];
  int64_t capacity;
  int64_t *offsets;
  int32_t *reflection;
  uint8_t *root;
  float *omega;
} brg_spots_f32;

BRG_API brg_status brg_predict_spots_f32(brg_context *context, const brg_geometry *geometry,
                                         const brg_reflections *reflections, const brg_orientations_f32 *orientations,
                                         const brg_spots_f32 *spots, int64_t *count);

/* End of the float32 declarations. */

#ifdef __cplusplus
}
#endif
#endif
