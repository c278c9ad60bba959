/* A program as it was written for braggrad 0.1.0: compiled against the headers of that release, it must link with, and get the
 * same answers from, every library of the same SONAME. Uses every function of 0.1.0. */
#include <braggrad/braggrad.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const double pi = 3.14159265358979323846;
static int failures = 0;

static void check(int ok, const char *what) {
  if (ok) return;
  ++failures;
  printf("failed: %s (%s)\n", what, brg_last_error());
}
static int is_near(double a, double b, double bound) { return fabs(a - b) <= bound; }

/* |q| = 1.2 along y at k = 1: sin(omega1) = 0.6, omega2 = pi - omega1; d omega1 / dk = -|q|^2 / (2 k^2 s), s = 0.96. */
static const double q[3] = {0, 1.2, 0}, identity[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
static const float q32[3] = {0, 1.2f, 0}, identity32[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
static const double angle = 0.64350110879328438680; /* asin 0.6 */

#define FAMILY(T, suffix, vector, eye, eps)                                                                            \
  static void family_##suffix(brg_context *context, const brg_geometry *geometry, const brg_reflections *set,          \
                              const brg_reflections *of_hkl) {                                                         \
    T omega1 = 7, omega2 = 7, one = 1, dk = 7, beam[3], theta = 7, g[3] = {7, 7, 7}, loss = 7, gradient[3], normal[6]; \
    uint8_t observable = 7, root = 7;                                                                                  \
    int32_t matched = 7, reflection = 7;                                                                               \
    int64_t offsets[2] = {7, 7}, count = 7;                                                                            \
    brg_items_##suffix items = {.struct_size = sizeof items, .count = 1, .g = vector};                                 \
    brg_roots_##suffix roots = {                                                                                       \
        .struct_size = sizeof roots, .omega1 = &omega1, .omega2 = &omega2, .observable = &observable};                 \
    brg_root_cotangents_##suffix bars = {.struct_size = sizeof bars, .omega1 = &one};                                  \
    brg_items_gradient_##suffix item_gradient = {.struct_size = sizeof item_gradient, .geometry_wavenumber = &dk};     \
    brg_items_tangent_##suffix item_tangent = {.struct_size = sizeof item_tangent, .geometry_wavenumber = 1};          \
    brg_orientations_##suffix orientations = {.struct_size = sizeof orientations, .count = 1, .rotation = eye};        \
    brg_orientations_gradient_##suffix gradient_out = {.struct_size = sizeof gradient_out,                             \
                                                       .geometry_wavenumber = &dk};                                    \
    brg_orientations_gradient_##suffix rotation_out = {.struct_size = sizeof rotation_out, .q = g};                    \
    brg_orientations_tangent_##suffix tangent = {.struct_size = sizeof tangent, .geometry_wavenumber = 1};             \
    brg_orientations_tangent_##suffix q_tangent = {.struct_size = sizeof q_tangent, .q = vector};                      \
    brg_vectors_##suffix vectors = {.struct_size = sizeof vectors, .g = g};                                            \
    brg_vector_cotangents_##suffix g_bars = {.struct_size = sizeof g_bars, .g = vector};                               \
    brg_beams_##suffix beams = {.struct_size = sizeof beams, .direction = beam, .two_theta = &theta};                  \
    brg_spots_##suffix spots = {.struct_size = sizeof spots,                                                           \
                                .window_count = 1,                                                                     \
                                .window_low = {0},                                                                     \
                                .window_high = {1},                                                                    \
                                .capacity = 1,                                                                         \
                                .offsets = offsets,                                                                    \
                                .reflection = &reflection,                                                             \
                                .root = &root,                                                                         \
                                .omega = &omega1};                                                                     \
    T target = (T)(angle - 0.01);                                                                                      \
    brg_omega_targets_##suffix targets = {.struct_size = sizeof targets, .omega1 = &target};                           \
    brg_omega_loss_output_##suffix output = {.struct_size = sizeof output,                                             \
                                             .parameters = BRG_FIT_ROTATION,                                           \
                                             .loss = &loss,                                                            \
                                             .gradient = gradient,                                                     \
                                             .normal = normal,                                                         \
                                             .matched = &matched};                                                     \
    brg_reflections *view = NULL;                                                                                      \
    const double slope = -1.44 / (2 * 0.96);                                                                           \
                                                                                                                       \
    check(!brg_solve_##suffix(context, geometry, &items, &roots) && observable == 1 && is_near(omega1, angle, eps) &&  \
              is_near(omega2, pi - angle, eps),                                                                        \
          "solve_" #suffix);                                                                                           \
    check(!brg_solve_vjp_##suffix(context, geometry, &items, &bars, &item_gradient) && is_near(dk, slope, eps),        \
          "solve_vjp_" #suffix);                                                                                       \
    check(!brg_solve_jvp_##suffix(context, geometry, &items, &item_tangent, &roots) && is_near(omega1, slope, eps),    \
          "solve_jvp_" #suffix);                                                                                       \
    check(!brg_predict_##suffix(context, geometry, set, &orientations, &roots) && is_near(omega1, angle, eps),         \
          "predict_" #suffix);                                                                                         \
    check(!brg_predict_##suffix(context, geometry, of_hkl, &orientations, &roots) && is_near(omega2, pi - angle, eps), \
          "predict_" #suffix " of hkl");                                                                               \
    check(!brg_predict_vjp_##suffix(context, geometry, set, &orientations, &bars, &gradient_out) &&                    \
              is_near(dk, slope, eps),                                                                                 \
          "predict_vjp_" #suffix);                                                                                     \
    check(!brg_predict_jvp_##suffix(context, geometry, set, &orientations, &tangent, &roots) &&                        \
              is_near(omega1, slope, eps),                                                                             \
          "predict_jvp_" #suffix);                                                                                     \
    check(!brg_rotate_##suffix(context, set, &orientations, &vectors) && is_near(g[1], 1.2, eps), "rotate_" #suffix);  \
    check(!brg_rotate_vjp_##suffix(context, set, &orientations, &g_bars, &rotation_out) && is_near(g[1], 1.2, eps),    \
          "rotate_vjp_" #suffix);                                                                                      \
    check(!brg_rotate_jvp_##suffix(context, set, &orientations, &q_tangent, &vectors) && is_near(g[1], 1.2, eps),      \
          "rotate_jvp_" #suffix);                                                                                      \
    omega1 = (T)angle;                                                                                                 \
    check(!brg_diffracted_beam_##suffix(context, geometry, &items, &omega1, &beams) &&                                 \
              is_near(theta, 2 * angle, 4 * eps) && is_near(beam[0], 0.28, 4 * eps),                                   \
          "diffracted_beam_" #suffix);                                                                                 \
    check(!brg_predict_spots_##suffix(context, geometry, set, &orientations, &spots, &count) && count == 1 &&          \
              root == 1 && reflection == 0 && offsets[1] == 1 && is_near(omega1, angle, eps),                          \
          "predict_spots_" #suffix);                                                                                   \
    check(!brg_omega_loss_##suffix(context, geometry, set, &orientations, &targets, &output) && matched == 1 &&        \
              is_near(loss, 5e-5, 0.05 * eps) && is_near(gradient[2], -0.01, 2 * eps) &&                               \
              is_near(normal[5], 1, 8 * eps),                                                                          \
          "omega_loss_" #suffix);                                                                                      \
    brg_convention icenine, hexrd;                                                                                     \
    check(!brg_convention_init(&icenine, sizeof icenine, BRG_SYSTEM_ICENINE) &&                                        \
              !brg_convention_init(&hexrd, sizeof hexrd, BRG_SYSTEM_HEXRD),                                            \
          "convention_init");                                                                                          \
    icenine.wavelength = 2 * pi;                                                                                       \
    check(!brg_convention_solve_##suffix(context, &icenine, &items, &roots) && is_near(omega2, pi - angle, eps),       \
          "convention_solve_" #suffix);                                                                                \
    check(!brg_convention_angles_##suffix(context, &hexrd, 1, &roots, &roots) && is_near(omega1, pi - angle, eps),     \
          "convention_angles_" #suffix);                                                                               \
    check(!brg_reflections_view_##suffix(context, 1, vector, &view) && brg_reflections_count(view) == 1 &&             \
              !brg_reflections_destroy(view),                                                                          \
          "reflections_view_" #suffix);                                                                                \
  }

FAMILY(double, f64, q, identity, 1e-15)
FAMILY(float, f32, q32, identity32, 5e-7)

int main(void) {
  const double cell[6] = {4, 4, 4, 90, 90, 90}, basis[9] = {1.2, 0, 0, 0, 1.2, 0, 0, 0, 1.2};
  const int32_t hkl[3] = {0, 1, 0};
  int32_t devices = 0, many[3 * 26];
  int64_t count = 0;
  size_t workspace = 7;
  double cell_basis[9], there = 5, back = 0;
  brg_context *context = NULL;
  brg_buffer *buffer = NULL;
  brg_reflections *set = NULL, *of_hkl = NULL;
  brg_geometry geometry;
  brg_convention convention;
  brg_context_options options;
  brg_device_properties device = {.struct_size = sizeof device};

  check(brg_abi_version() == BRG_ABI_VERSION, "ABI version");
  check(strchr(brg_version(), '.') && brg_build_info()[0], "version");
  check(!strcmp(brg_status_name(BRG_ERROR_CAPACITY), "BRG_ERROR_CAPACITY"), "names of statuses");
  check(brg_backend_available(BRG_BACKEND_CPU) == 1, "the CPU is there");
  check(!brg_device_count(BRG_BACKEND_CPU, &devices) && devices == 1, "device count");
  check(!brg_device_info(BRG_BACKEND_CPU, 0, &device) && device.units > 0 && device.name[0], "device properties");

  check(!BRG_INIT(brg_context_options_init, &options) && options.struct_size == sizeof options, "options");
  options.backend = BRG_BACKEND_CPU;
  check(!brg_context_create(&options, &context) && brg_context_backend(context) == BRG_BACKEND_CPU, "context");
  check(!brg_context_set_stream(context, NULL) && !brg_context_use_own_stream(context), "streams");
  check(!brg_context_set_dry_run(context, 1) && !brg_context_workspace_size(context, &workspace) && workspace == 0 &&
            !brg_context_set_dry_run(context, 0) && !brg_context_set_workspace(context, NULL, 0),
        "workspace");

  check(!brg_buffer_create(context, sizeof there, &buffer) && brg_buffer_size(buffer) == sizeof there &&
            brg_buffer_data(buffer) && !brg_buffer_upload(context, buffer, 0, &there, sizeof there) &&
            !brg_buffer_download(context, buffer, 0, &back, sizeof back) && back == 5 &&
            !brg_buffer_clear(context, buffer) && !brg_buffer_destroy(buffer),
        "buffers");

  check(!BRG_INIT(brg_geometry_init, &geometry) && geometry.beam[0] == 1 && geometry.axis[2] == 1, "geometry");
  check(!brg_geometry_set_energy(&geometry, 10) && is_near(geometry.wavenumber, 5.0677307161563958, 1e-14), "energy");
  check(!brg_geometry_set_chi(&geometry, 0.1) && geometry.chi == 0.1 && !brg_geometry_set_chi(&geometry, 0), "chi");
  check(!brg_geometry_set_wavelength(&geometry, 2 * pi) && !brg_geometry_check(&geometry), "wavelength");
  check(!brg_convention_init(&convention, sizeof convention, BRG_SYSTEM_XFAB) &&
            !brg_convention_geometry(&convention, &geometry) && geometry.wavenumber == 0.5,
        "geometry of a convention");
  geometry.wavenumber = 1;

  check(!brg_reciprocal_basis(cell, cell_basis) && is_near(cell_basis[0], pi / 2, 1e-15), "reciprocal basis");
  check(!brg_hkl_enumerate(cell, 'F', 1.4, 26, many, &count) && count == 26, "enumeration");
  check(brg_hkl_enumerate(cell, 'F', 1.4, 25, many, &count) == BRG_ERROR_CAPACITY, "enumeration of too many");
  check(!brg_reflections_create_from_vectors(context, 1, q, &set), "reflections of vectors");
  check(!brg_reflections_create(context, 1, hkl, basis, &of_hkl), "reflections of hkl");

  family_f64(context, &geometry, set, of_hkl);
  family_f32(context, &geometry, set, of_hkl);

  check(!brg_context_synchronize(context), "synchronize");
  check(!brg_reflections_destroy(set) && !brg_reflections_destroy(of_hkl) && !brg_context_destroy(context), "destroy");
  printf("built for braggrad %d.%d.%d, runs with %s\n", BRG_VERSION_MAJOR, BRG_VERSION_MINOR, BRG_VERSION_PATCH,
         brg_version());
  return failures != 0;
}
