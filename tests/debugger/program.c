/* A program to be stopped in: handles of every kind, seen by the debugger at `stop_here`. */
#include <braggrad/braggrad.h>

static const double cell[6] = {4.0782, 4.0782, 4.0782, 90, 90, 90}, q[3] = {0, 1, 0},
                    identity[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};

int stop_here(brg_context *fresh, brg_context *context, brg_reflections *gold, brg_reflections *vectors,
              brg_reflections *view, brg_buffer *buffer) {
  return fresh && context && gold && vectors && view && buffer;
}

int main(void) {
  const int32_t hkl[6] = {1, 1, 1, 2, 0, 0};
  double basis[9], omega[2];
  brg_context_options options = {.struct_size = sizeof options, .backend = BRG_BACKEND_CPU, .threads = 1};
  brg_context *fresh = 0, *context = 0;
  brg_reflections *gold = 0, *vectors = 0, *view = 0;
  brg_buffer *buffer = 0;
  brg_geometry geometry;
  brg_orientations_f64 orientations = {.struct_size = sizeof orientations, .count = 1, .rotation = identity};
  brg_roots_f64 roots = {.struct_size = sizeof roots, .omega1 = omega};
  int failed = brg_context_create(&options, &fresh) || brg_context_create(&options, &context) ||
               brg_reciprocal_basis(cell, basis) || brg_reflections_create(context, 2, hkl, basis, &gold) ||
               brg_reflections_create_from_vectors(context, 1, q, &vectors) ||
               brg_reflections_view_f64(context, 1, q, &view) || brg_buffer_create(context, 4096, &buffer) ||
               BRG_INIT(brg_geometry_init, &geometry) || brg_geometry_set_energy(&geometry, 50) ||
               brg_geometry_set_chi(&geometry, 0.02) ||
               brg_predict_f64(context, &geometry, gold, &orientations, &roots) ||
               brg_context_set_workspace(context, brg_buffer_data(buffer), 4096);
  if (failed || !stop_here(fresh, context, gold, vectors, view, buffer)) return 1;
  brg_buffer_destroy(buffer), brg_reflections_destroy(view), brg_reflections_destroy(vectors),
      brg_reflections_destroy(gold);
  return brg_context_destroy(context) || brg_context_destroy(fresh);
}
