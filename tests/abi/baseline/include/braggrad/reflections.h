/* Group 6: sets of reflections, in the memory of a context's device. A set is immutable and shared by all contexts of
 * its device; another device's context gets BRG_ERROR_WRONG_DEVICE. At most 2^31 - 1 reflections. */
#ifndef BRAGGRAD_REFLECTIONS_H
#define BRAGGRAD_REFLECTIONS_H

#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* From Miller indices: q = B hkl and |q|^2, computed in float64 and held in both precisions.
 *   hkl    int32 [count,3], host memory
 *   basis  B [3,3] by rows, 1/Angstrom with 2 pi (brg_reciprocal_basis), host memory
 * Synchronises. Errors: INVALID_ARGUMENT (count < 0, NULL, a basis that is not finite), OUT_OF_MEMORY, CUDA. */
BRG_API brg_status brg_reflections_create(brg_context *context, int64_t count, const int32_t *hkl,
                                          const double basis[9], brg_reflections **reflections);

/* From vectors q [count,3] of the crystal frame, 1/Angstrom with 2 pi, host memory. Has no hkl: calls that need them
 * (a reciprocal basis per orientation, derivatives by the basis) refuse it. Synchronises. Errors as above. */
BRG_API brg_status brg_reflections_create_from_vectors(brg_context *context, int64_t count, const double *q,
                                                       brg_reflections **reflections);

/* A view of q [count,3] in the context's memory (learnable q): no copy, no synchronisation. The caller keeps it alive
 * and may change it between calls; it serves calls of its own precision. Has no hkl. */
BRG_API brg_status brg_reflections_view_f64(brg_context *context, int64_t count, const double *q,
                                            brg_reflections **reflections);
BRG_API brg_status brg_reflections_view_f32(brg_context *context, int64_t count, const float *q,
                                            brg_reflections **reflections);

/* Waits for the device, then frees. NULL is allowed. */
BRG_API brg_status brg_reflections_destroy(brg_reflections *reflections);

/* Number of reflections; 0 for NULL. */
BRG_API int64_t brg_reflections_count(const brg_reflections *reflections);

#ifdef __cplusplus
}
#endif
#endif
