/* In place of IceNine's GetObservablePeaks: its structs in, all peaks of many orientations out, in float32.
 *
 *     cc -std=c99 -O2 icenine_get_observable_peaks.c $(pkg-config --cflags --libs braggrad) -lm
 *
 * The list of reciprocal vectors never changes, so it is packed once (timed apart); orientations are used as they lie in memory.
 * Prints how the answers agree with a scalar loop over the formula, and what both cost. */
#include "example.h"

/* IceNine's structs, float32: 12, 36 and 48 bytes. */
typedef struct {
  float v[3];
} SVector3;
typedef struct {
  float m[3][3];
} SMatrix3x3;
typedef struct {
  float before[3];
  SVector3 v;
  float magnitude, between, intensity;
  int32_t h, k, l;
} CRecpVector;
typedef char
    layouts_are_those_of_icenine[sizeof(SVector3) == 12 && sizeof(SMatrix3x3) == 36 && sizeof(CRecpVector) == 48 &&
                                         offsetof(CRecpVector, v) == 12 && offsetof(CRecpVector, magnitude) == 24 &&
                                         offsetof(CRecpVector, intensity) == 32 && offsetof(CRecpVector, h) == 36
                                     ? 1
                                     : -1];

enum { orientations = 2000, repeats = 5 };
static const double chi = 0.001, energy = 50.02099, icenine_kappa = 0.506773182;

/* One reflection in one orientation, by the textbook. */
static int scattering_omegas(const SMatrix3x3 *r, const CRecpVector *g, float k, float tan_chi, float cos_chi,
                             float omega[2], float *tangency) {
  float v[3];
  for (int i = 0; i < 3; ++i) v[i] = r->m[i][0] * g->v.v[0] + r->m[i][1] * g->v.v[1] + r->m[i][2] * g->v.v[2];
  const float c = v[2] * tan_chi + g->magnitude * g->magnitude / (2 * k * cos_chi),
              rho = sqrtf(v[0] * v[0] + v[1] * v[1]);
  *tangency = 1 - fabsf(c) / rho;
  if (!(fabsf(c) <= rho)) return 0;
  const float a = asinf(c / rho), phase = atan2f(v[0], v[1]);
  omega[0] = a + phase;
  omega[1] = (float)pi - a + phase;
  return 1;
}

int main(void) {
  const double cell[6] = {4.0782, 4.0782, 4.0782, 90, 90, 90}, a = 2 * pi / cell[0];
  int64_t n = 0, peaks = 0;
  int32_t *hkl = reflections_of(cell, 'F', 0.8, &n);
  const size_t pairs = (size_t)n * orientations;
  CRecpVector *list = allocate((size_t)n * sizeof *list);
  SMatrix3x3 *rotations = allocate(orientations * sizeof *rotations);
  for (int64_t i = 0; i < n; ++i) {
    CRecpVector g = {.h = hkl[3 * i], .k = hkl[3 * i + 1], .l = hkl[3 * i + 2]};
    for (int j = 0; j < 3; ++j) g.v.v[j] = (float)(a * hkl[3 * i + j]);
    g.magnitude = sqrtf(g.v.v[0] * g.v.v[0] + g.v.v[1] * g.v.v[1] + g.v.v[2] * g.v.v[2]);
    list[i] = g;
  }
  for (int b = 0; b < orientations; ++b) {
    double r[9];
    orientation(b, r);
    for (int i = 0; i < 9; ++i) rotations[b].m[i / 3][i % 3] = (float)r[i];
  }

  /* The scalar loop. */
  float *plain = allocate(2 * pairs * sizeof *plain), *tangency = allocate(pairs * sizeof *tangency);
  uint8_t *seen = allocate(pairs);
  const float k = (float)(icenine_kappa * energy), tan_chi = (float)tan(chi), cos_chi = (float)cos(chi);
  double scalar = 1e30, packing, dense = 1e30, compact = 1e30;
  for (int repeat = 0; repeat < repeats; ++repeat) {
    const double start = seconds();
    for (int b = 0; b < orientations; ++b)
      for (int64_t i = 0; i < n; ++i) {
        const size_t pair = (size_t)(b * n + i);
        seen[pair] =
            (uint8_t)scattering_omegas(&rotations[b], &list[i], k, tan_chi, cos_chi, plain + 2 * pair, tangency + pair);
      }
    scalar = fmin(scalar, seconds() - start);
  }

  /* Once for a program: the context, the geometry, the packed list. */
  brg_context *context = one_thread();
  brg_convention icenine;
  brg_geometry geometry = {.struct_size = sizeof geometry};
  check(brg_convention_init(&icenine, sizeof icenine, BRG_SYSTEM_ICENINE));
  icenine.energy = energy, icenine.chi = chi;
  check(brg_convention_geometry(&icenine, &geometry));
  double start = seconds();
  double *q = allocate((size_t)n * 3 * sizeof *q);
  brg_reflections *reflections = NULL;
  for (int64_t i = 0; i < n; ++i)
    for (int j = 0; j < 3; ++j) q[3 * i + j] = list[i].v.v[j];
  check(brg_reflections_create_from_vectors(context, n, q, &reflections));
  packing = seconds() - start;

  /* Dense: both roots of every pair. */
  float *omega1 = allocate(pairs * sizeof *omega1), *omega2 = allocate(pairs * sizeof *omega2);
  uint8_t *observable = allocate(pairs);
  const brg_orientations_f32 turned = {
      .struct_size = sizeof turned, .count = orientations, .rotation = &rotations[0].m[0][0]};
  const brg_roots_f32 roots = {
      .struct_size = sizeof roots, .omega1 = omega1, .omega2 = omega2, .observable = observable};
  for (int repeat = 0; repeat < repeats; ++repeat) {
    start = seconds();
    check(brg_predict_f32(context, &geometry, reflections, &turned, &roots));
    dense = fmin(dense, seconds() - start);
  }

  /* Compact: the peaks inside the scan, [-pi/2, pi/2), one after the other. */
  int64_t *offsets = allocate((orientations + 1) * sizeof *offsets);
  int32_t *reflection = allocate(2 * pairs * sizeof *reflection);
  uint8_t *root = allocate(2 * pairs);
  float *omega = allocate(2 * pairs * sizeof *omega);
  const brg_spots_f32 spots = {.struct_size = sizeof spots,
                               .window_count = 1,
                               .window_low = {-pi / 2},
                               .window_high = {pi / 2},
                               .capacity = (int64_t)(2 * pairs),
                               .offsets = offsets,
                               .reflection = reflection,
                               .root = root,
                               .omega = omega};
  for (int repeat = 0; repeat < repeats; ++repeat) {
    start = seconds();
    check(brg_predict_spots_f32(context, &geometry, reflections, &turned, &spots, &peaks));
    compact = fmin(compact, seconds() - start);
  }

  /* Agreement. Near the tangent the textbook loses digits, and flags may differ by rounding. */
  double largest = 0;
  size_t flags = 0, near = 0, in_scan = 0, wrong = 0;
  for (size_t i = 0; i < pairs; ++i) {
    if (fabsf(tangency[i]) < 1e-3f) {
      ++near;
    } else if (seen[i] != observable[i]) {
      ++flags;
    } else if (seen[i]) {
      largest = fmax(largest, fmax(apart(plain[2 * i], omega1[i], 2 * pi), apart(plain[2 * i + 1], omega2[i], 2 * pi)));
    }
    if (observable[i])
      in_scan +=
          (size_t)(omega1[i] >= -pi / 2 && omega1[i] < pi / 2) + (size_t)(omega2[i] >= -pi / 2 && omega2[i] < pi / 2);
  }
  for (int b = 0; b < orientations; ++b)
    for (int64_t i = offsets[b]; i < offsets[b + 1]; ++i)
      wrong += omega[i] != (root[i] == 1 ? omega1 : omega2)[b * n + reflection[i]];

  const double ns = 1e9 / (double)pairs;
  printf("%d orientations, %d reflections, float32, one thread\n", orientations, (int)n);
  printf("largest difference %.1e rad, %d flags differ (%d pairs within 1e-3 of the tangent left out)\n", largest,
         (int)flags, (int)near);
  printf("compact: %lld peaks of the scan, %lld expected, %d with another angle\n", (long long)peaks,
         (long long)in_scan, (int)wrong);
  printf("scalar loop %.1f ns a pair; packing %.3f ms once; dense %.2f ns; compact %.2f ns a pair\n", scalar * ns,
         packing * 1e3, dense * ns, compact * ns);
  free(hkl), free(list), free(rotations), free(plain), free(tangency), free(seen), free(q), free(omega1), free(omega2);
  free(observable), free(offsets), free(reflection), free(root), free(omega);
  check(brg_reflections_destroy(reflections));
  check(brg_context_destroy(context));
  return !(largest < 1e-4 && flags == 0 && wrong == 0 && (size_t)peaks == in_scan);
}
