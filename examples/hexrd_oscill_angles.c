/* In place of HEXRD's oscill_angles_of_hkls: hkl, its B, one orientation with strain, and its ome0 and ome1 out, in the turns in
 * which it leaves them.
 *
 *     cc -std=c99 -O2 hexrd_oscill_angles.c $(pkg-config --cflags --libs braggrad) -lm
 *
 * Prints how the answers agree with a scalar loop over the formula in HEXRD's frame, and what one orientation costs. */
#include "example.h"

enum { orientations = 2000 };
static const double chi = -0.0009, wavelength = 0.15;
static const double v_inverse[9] = {1.0004, 1e-4, -2e-4, 1e-4, 0.9997, 3e-4, -2e-4, 3e-4, 1.0001}; /* sample frame */

static void multiply(const double a[9], const double b[9], double out[9]) {
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) out[3 * i + j] = a[3 * i] * b[j] + a[3 * i + 1] * b[3 + j] + a[3 * i + 2] * b[6 + j];
}

/* HEXRD's a sin(ome) + b cos(ome) = c, times |v|: asin(c) - phase and pi - asin(c) - phase, as they come. */
static void scalar_solve(const double m[9], int64_t n, const int32_t *hkl, double *ome0, double *ome1) {
  const double sine = sin(chi), cosine = cos(chi);
  for (int64_t i = 0; i < n; ++i) {
    double v[3];
    for (int a = 0; a < 3; ++a)
      v[a] = m[3 * a] * hkl[3 * i] + m[3 * a + 1] * hkl[3 * i + 1] + m[3 * a + 2] * hkl[3 * i + 2];
    const double c = sine * v[1] - wavelength / 2 * (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
    const double a = cosine * v[0], b = -cosine * v[2], amplitude = hypot(a, b);
    if (fabs(c) > amplitude) {
      ome0[i] = ome1[i] = NAN;
      continue;
    }
    const double s = asin(c / amplitude), phase = atan2(b, a);
    ome0[i] = s - phase;
    ome1[i] = pi - s - phase;
  }
}

int main(void) {
  const double ruby[6] = {4.7602, 4.7602, 12.9933, 90, 90, 120};
  double basis[9];
  int64_t n = 0;
  int32_t *hkl = reflections_of(ruby, 'R', 0.8, &n);
  check(brg_reciprocal_basis(ruby, basis));
  for (int i = 0; i < 9; ++i) basis[i] /= 2 * pi; /* HEXRD's B has no 2 pi */

  /* Once for a program. */
  brg_context *context = one_thread();
  brg_reflections *reflections = NULL;
  brg_convention hexrd;
  brg_geometry geometry = {.struct_size = sizeof geometry};
  check(brg_convention_init(&hexrd, sizeof hexrd, BRG_SYSTEM_HEXRD));
  hexrd.wavelength = wavelength, hexrd.chi = chi, hexrd.flags = BRG_HEXRD_UNWRAPPED;
  check(brg_convention_geometry(&hexrd, &geometry));
  check(brg_reflections_create(context, n, hkl, basis, &reflections));

  double *ome0 = allocate((size_t)n * sizeof *ome0), *ome1 = allocate((size_t)n * sizeof *ome1);
  double *plain0 = allocate((size_t)n * sizeof *plain0), *plain1 = allocate((size_t)n * sizeof *plain1);
  uint8_t *observable = allocate((size_t)n);
  double scalar = 0, ours = 0, largest = 0;
  size_t flags = 0, compared = 0, beyond = 0;
  for (int b = 0; b < orientations; ++b) {
    double r[9], strained[9], whole[9];
    orientation(b, r);

    double start = seconds();
    multiply(v_inverse, r, strained);
    multiply(strained, basis, whole);
    scalar_solve(whole, n, hkl, plain0, plain1);
    scalar += seconds() - start;

    /* The call: an orientation with its strain, then HEXRD's order, turns and NaN, in place. */
    start = seconds();
    multiply(v_inverse, r, strained);
    const brg_orientations_f64 one = {.struct_size = sizeof one,
                                      .flags = BRG_MAGNITUDE_FROM_ROTATED, /* of the strained vector */
                                      .count = 1,
                                      .rotation = strained};
    const brg_roots_f64 roots = {.struct_size = sizeof roots, .omega1 = ome1, .omega2 = ome0, .observable = observable};
    const brg_roots_f64 answers = {.struct_size = sizeof answers, .omega1 = ome0, .omega2 = ome1};
    check(brg_predict_f64(context, &geometry, reflections, &one, &roots));
    check(brg_convention_angles_f64(context, &hexrd, n, &roots, &answers));
    ours += seconds() - start;

    for (int64_t i = 0; i < n; ++i) {
      if (isnan(plain0[i]) != isnan(ome0[i])) {
        ++flags;
      } else if (!isnan(ome0[i])) {
        ++compared;
        beyond += fabs(plain0[i]) > pi || fabs(plain1[i]) > pi;
        largest = fmax(largest, fmax(fabs(plain0[i] - ome0[i]), fabs(plain1[i] - ome1[i])));
      }
    }
  }
  printf("%d orientations one by one, %d reflections, float64, one thread\n", orientations, (int)n);
  printf("largest difference of %d pairs of angles %.1e rad (%d beyond [-pi, pi]), %d flags differ\n", (int)compared,
         largest, (int)beyond, (int)flags);
  printf("scalar loop %.2f us an orientation, braggrad %.2f us\n", scalar / orientations * 1e6,
         ours / orientations * 1e6);
  free(hkl), free(ome0), free(ome1), free(plain0), free(plain1), free(observable);
  check(brg_reflections_destroy(reflections));
  check(brg_context_destroy(context));
  return !(largest < 1e-7 && flags == 0 && compared > 1000 && beyond > 1000);
}
