/* Predicts one reflection of gold through the installed library, and checks it against Bragg's law. */
#include <braggrad/braggrad.h>
#include <math.h>
#include <stdio.h>

int main(void) {
  const double cell[6] = {4.0782, 4.0782, 4.0782, 90, 90, 90}, identity[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
  const int32_t hkl[3] = {1, 1, 1};
  double basis[9], omega[2];
  uint8_t observable = 0;
  brg_context *context = NULL;
  brg_reflections *reflections = NULL;
  brg_geometry geometry;
  brg_orientations_f64 orientations = {.struct_size = sizeof orientations, .count = 1, .rotation = identity};
  brg_roots_f64 roots = {
      .struct_size = sizeof roots, .omega1 = &omega[0], .omega2 = &omega[1], .observable = &observable};
  brg_context_options options = {.struct_size = sizeof options, .backend = BRG_BACKEND_CPU};

  if (brg_abi_version() != BRG_ABI_VERSION || brg_context_create(&options, &context) ||
      BRG_INIT(brg_geometry_init, &geometry) || brg_geometry_set_energy(&geometry, 50.02099) ||
      brg_reciprocal_basis(cell, basis) || brg_reflections_create(context, 1, hkl, basis, &reflections) ||
      brg_predict_f64(context, &geometry, reflections, &orientations, &roots)) {
    printf("%s\n", brg_last_error());
    return 1;
  }
  /* F(omega) = gx cos - gy sin + Q / 2k = 0 */
  const double g = basis[0], f = g * (cos(omega[0]) - sin(omega[0])) + 3 * g * g / (2 * geometry.wavenumber);
  brg_reflections_destroy(reflections);
  brg_context_destroy(context);
  printf("braggrad %s: omega = %.12f and %.12f rad, residual %.1e\n", brg_version(), omega[0], omega[1], f);
  return !(observable && fabs(f) < 1e-12);
}
