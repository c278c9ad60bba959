/* In place of MIDAS' CalcDiffrSpots: an orientation matrix in, the spots (omega, eta, two theta in degrees) inside the omega
 * ranges out.
 *
 *     cc -std=c99 -O2 midas_calc_diffr_spots.c $(pkg-config --cflags --libs braggrad) -lm
 *
 * Prints how the answers agree with a scalar loop over the formula, and what one orientation costs. */
#include "example.h"

enum { orientations = 2000 };
static const double wavelength = 0.172979, degree = 3.14159265358979324 / 180;
static const double low = -85, high = 92.5; /* one omega range, degrees */

typedef struct {
  int32_t reflection;
  double omega, eta, two_theta; /* degrees */
} Spot;

/* -gx cos + gy sin = |g| sin(theta), as an amplitude and a phase; eta of y and z as MIDAS has it: -sign(y) acos(z / r). */
static int64_t scalar_spots(const double m[9], int64_t n, const int32_t *hkl, Spot *spots) {
  int64_t count = 0;
  for (int64_t i = 0; i < n; ++i) {
    double g[3];
    for (int a = 0; a < 3; ++a)
      g[a] = m[3 * a] * hkl[3 * i] + m[3 * a + 1] * hkl[3 * i + 1] + m[3 * a + 2] * hkl[3 * i + 2];
    const double length = sqrt(g[0] * g[0] + g[1] * g[1] + g[2] * g[2]), sine = length * wavelength / 2;
    const double amplitude = hypot(g[0], g[1]), right = length * sine;
    if (right > amplitude) continue;
    const double s = asin(right / amplitude), phase = atan2(-g[0], g[1]);
    const double roots[2] = {pi - s - phase, s - phase};
    for (int root = 0; root < 2; ++root) {
      const double omega = remainder(roots[root], 2 * pi);
      if (omega / degree < low || omega / degree >= high) continue;
      const double y = g[0] * sin(omega) + g[1] * cos(omega), eta = acos(g[2] / hypot(y, g[2]));
      spots[count++] = (Spot){(int32_t)i, omega / degree, (y > 0 ? -eta : eta) / degree, 2 * asin(sine) / degree};
    }
  }
  return count;
}

/* The spot of another list nearest to number i of one. Both go by reflection, so partners are at most one place apart. */
static double nearest(const Spot *spot, int64_t i, const Spot *others, int64_t count, double *eta) {
  double best = 1e30;
  for (int64_t j = i > 0 ? i - 1 : 0; j < count && j <= i + 1; ++j) {
    if (others[j].reflection != spot->reflection) continue;
    const double d = apart(spot->omega, others[j].omega, 360);
    if (d < best)
      best = d, *eta = fmax(apart(spot->eta, others[j].eta, 360), fabs(spot->two_theta - others[j].two_theta));
  }
  return best;
}

int main(void) {
  const double gold[6] = {4.0782, 4.0782, 4.0782, 90, 90, 90};
  double basis[9];
  int64_t n = 0;
  int32_t *hkl = reflections_of(gold, 'F', 0.8, &n);
  check(brg_reciprocal_basis(gold, basis));
  for (int i = 0; i < 9; ++i) basis[i] /= 2 * pi; /* MIDAS has no 2 pi */

  /* Once for a program. */
  brg_context *context = one_thread();
  brg_reflections *reflections = NULL;
  brg_convention midas;
  brg_geometry geometry = {.struct_size = sizeof geometry};
  check(brg_convention_init(&midas, sizeof midas, BRG_SYSTEM_MIDAS));
  midas.wavelength = wavelength;
  check(brg_convention_geometry(&midas, &geometry));
  check(brg_reflections_create(context, n, hkl, basis, &reflections));

  const size_t most = 2 * (size_t)n;
  Spot *plain = allocate(most * sizeof *plain), *ours = allocate(most * sizeof *ours);
  int32_t *reflection = allocate(most * sizeof *reflection);
  uint8_t *root = allocate(most);
  double *omega = allocate(most * sizeof *omega), *g = allocate(3 * most * sizeof *g),
         *eta = allocate(most * sizeof *eta);
  double *two_theta = allocate(most * sizeof *two_theta), *all_g = allocate(3 * most * sizeof *all_g);
  double scalar = 0, library = 0, largest = 0, largest_eta = 0;
  int64_t spots_found = 0, different = 0;
  for (int b = 0; b < orientations; ++b) {
    double r[9], m[9];
    orientation(b, r);

    double start = seconds();
    for (int i = 0; i < 9; ++i)
      m[i] = r[i / 3 * 3] * basis[i % 3] + r[i / 3 * 3 + 1] * basis[3 + i % 3] + r[i / 3 * 3 + 2] * basis[6 + i % 3];
    const int64_t plain_count = scalar_spots(m, n, hkl, plain);
    scalar += seconds() - start;

    /* The calls: the spots inside the range, their vectors, and where the beams go. */
    start = seconds();
    int64_t count = 0;
    const brg_orientations_f64 one = {.struct_size = sizeof one, .count = 1, .rotation = r};
    const brg_spots_f64 list = {.struct_size = sizeof list,
                                .window_count = 1,
                                .window_low = {low * degree},
                                .window_high = {high * degree},
                                .capacity = (int64_t)most,
                                .reflection = reflection,
                                .root = root,
                                .omega = omega};
    check(brg_predict_spots_f64(context, &geometry, reflections, &one, &list, &count));
    check(brg_rotate_f64(context, reflections, &one,
                         &(brg_vectors_f64){.struct_size = sizeof(brg_vectors_f64), .g = all_g}));
    for (int64_t i = 0; i < count; ++i) memcpy(g + 3 * i, all_g + 3 * reflection[i], 3 * sizeof *g);
    const brg_items_f64 items = {.struct_size = sizeof items, .count = count, .g = g};
    const brg_beams_f64 beams = {.struct_size = sizeof beams, .two_theta = two_theta, .eta = eta};
    check(brg_diffracted_beam_f64(context, &geometry, &items, omega, &beams));
    const brg_roots_f64 angles = {.struct_size = sizeof angles, .omega1 = omega};
    check(brg_convention_angles_f64(context, &midas, count, &angles, &angles)); /* to degrees, in place */
    for (int64_t i = 0; i < count; ++i)
      ours[i] = (Spot){reflection[i], omega[i], eta[i] / degree, two_theta[i] / degree};
    library += seconds() - start;

    spots_found += count;
    different += llabs((long long)(count - plain_count));
    for (int64_t i = 0; i < count; ++i) {
      double eta_apart = 0;
      largest = fmax(largest, nearest(&ours[i], i, plain, plain_count, &eta_apart));
      largest_eta = fmax(largest_eta, eta_apart);
    }
  }
  printf("%d orientations one by one, %d reflections, float64, one thread\n", orientations, (int)n);
  printf("%lld spots, %lld in one list only; largest difference: omega %.1e, eta and two theta %.1e degrees\n",
         (long long)spots_found, (long long)different, largest, largest_eta);
  printf("scalar loop %.2f us an orientation, braggrad %.2f us\n", scalar / orientations * 1e6,
         library / orientations * 1e6);
  free(hkl), free(plain), free(ours), free(reflection), free(root), free(omega), free(g), free(eta), free(two_theta),
      free(all_g);
  check(brg_reflections_destroy(reflections));
  check(brg_context_destroy(context));
  return !(largest < 1e-5 && largest_eta < 1e-5 && different == 0 && spots_found > 10000);
}
