/* Group 7: lattices. Host arrays, no context. Angles of a cell are in degrees here, and only here. */
#ifndef BRAGGRAD_CRYSTAL_H
#define BRAGGRAD_CRYSTAL_H

#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Reciprocal basis B [3,3] by rows: its columns are a*, b*, c* with the factor 2 pi, q = B hkl in 1/Angstrom. a* lies
 * along x and b* in the xy plane, so B is upper triangular (Busing and Levy, Acta Cryst. 22, 457, 1967).
 * `cell`: a, b, c in Angstrom, alpha, beta, gamma in degrees. Errors: INVALID_ARGUMENT (no such cell). */
BRG_API brg_status brg_reciprocal_basis(const double cell[6], double basis[9]);

/* All reflections with d >= d_min (to 1e-9 of |q|^2) that the centring allows, without (000).
 *   centring  'P', 'A', 'B', 'C', 'I', 'F', 'R' (obverse: -h + k + l = 3 n)
 *   hkl       int32 [count,3] in host memory, or NULL to be told the count only; `capacity` is its number of rows
 *   count     number of reflections, always written
 * The first half holds those whose first non-zero of (l, k, h) is positive, ordered by |q|^2 (equal to 1e-9), then h,
 * k, l; the second half their Friedel mates in the same order: the mate of item n is item n + count/2.
 * Errors: INVALID_ARGUMENT, CAPACITY (nothing is written to hkl), OUT_OF_MEMORY. */
BRG_API brg_status brg_hkl_enumerate(const double cell[6], char centring, double d_min, int64_t capacity, int32_t *hkl,
                                     int64_t *count);

#ifdef __cplusplus
}
#endif
#endif
