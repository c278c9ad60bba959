/* Orientations split over MPI ranks: one context per rank, any number of ranks per GPU, results gathered in order.
 *
 *     mpicc -std=c99 mpi_predict.c $(pkg-config --cflags --libs braggrad) -lm -o mpi_predict
 *     mpirun -n 3 ./mpi_predict 10001
 *
 * What an orientation gets does not depend on the ranks, to the bit: rank 0 computes all of them once more and compares. Sums
 * over ranks (MPI_Reduce) have no such promise, because MPI chooses the order of their terms. */
#include <braggrad/braggrad.h>
#include <math.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(brg_status status) {
  if (!status) return;
  fprintf(stderr, "%s\n", brg_last_error());
  MPI_Abort(MPI_COMM_WORLD, 1);
}

/* Rotation number i of a spiral over all of them, by rows. */
static void orientation(int i, double r[9]) {
  const double a = 0.61803398874989485 * i, b = 0.75487766624669276 * i, c = 0.56984029099805327 * i;
  const double pi = 3.14159265358979324, u = a - floor(a), v = 2 * pi * (b - floor(b)), t = 2 * pi * (c - floor(c));
  const double w = sqrt(1 - u) * sin(v), x = sqrt(1 - u) * cos(v), y = sqrt(u) * sin(t), z = sqrt(u) * cos(t);
  const double m[9] = {1 - 2 * (y * y + z * z), 2 * (x * y - w * z),     2 * (x * z + w * y),
                       2 * (x * y + w * z),     1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
                       2 * (x * z - w * y),     2 * (y * z + w * x),     1 - 2 * (x * x + y * y)};
  memcpy(r, m, sizeof m);
}

/* The first roots of orientations [start, start + count): omega1 [count,N] in host memory. */
static void predict(brg_context *context, const brg_geometry *geometry, const brg_reflections *reflections, int start,
                    int count, double *omega1) {
  const size_t bytes = (size_t)count * (size_t)brg_reflections_count(reflections) * sizeof(double);
  double *r = malloc((size_t)count * 9 * sizeof *r + 1);
  brg_buffer *rotation = NULL, *omega = NULL; /* in the memory of the context, whichever backend it has */
  for (int i = 0; i < count; ++i) orientation(start + i, r + 9 * i);
  check(brg_buffer_create(context, (size_t)count * 9 * sizeof *r, &rotation));
  check(brg_buffer_create(context, bytes, &omega));
  check(brg_buffer_upload(context, rotation, 0, r, (size_t)count * 9 * sizeof *r));
  check(brg_predict_f64(
      context, geometry, reflections,
      &(brg_orientations_f64){
          .struct_size = sizeof(brg_orientations_f64), .count = count, .rotation = brg_buffer_data(rotation)},
      &(brg_roots_f64){.struct_size = sizeof(brg_roots_f64), .omega1 = brg_buffer_data(omega)}));
  check(brg_buffer_download(context, omega, 0, omega1, bytes));
  check(brg_buffer_destroy(omega));
  check(brg_buffer_destroy(rotation));
  free(r);
}

int main(int argc, char **argv) {
  const double cell[6] = {4.0782, 4.0782, 4.0782, 90, 90, 90};
  double basis[9];
  int32_t *hkl, devices = 1;
  int64_t n = 0;
  int rank, ranks, local;
  brg_context *context = NULL;
  brg_context_options options;
  brg_reflections *reflections = NULL;
  brg_geometry geometry;

  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  const int total = argc > 1 ? atoi(argv[1]) : 10001;

  /* Ranks of one machine share its GPUs in turn; without one they share its cores. */
  MPI_Comm machine;
  MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, rank, MPI_INFO_NULL, &machine);
  MPI_Comm_rank(machine, &local);
  MPI_Comm_free(&machine);
  check(BRG_INIT(brg_context_options_init, &options));
  check(brg_device_count(BRG_BACKEND_AUTO, &devices));
  options.device = local % devices;
  check(brg_context_create(&options, &context));

  check(BRG_INIT(brg_geometry_init, &geometry));
  check(brg_geometry_set_energy(&geometry, 50));
  check(brg_reciprocal_basis(cell, basis));
  check(brg_hkl_enumerate(cell, 'F', 0.8, 0, NULL, &n));
  hkl = malloc((size_t)n * 3 * sizeof *hkl);
  check(brg_hkl_enumerate(cell, 'F', 0.8, n, hkl, &n));
  check(brg_reflections_create(context, n, hkl, basis, &reflections));

  /* Rank i has the orientations [total i / ranks, total (i + 1) / ranks). Counts of MPI are ints: they count orientations. */
  int *counts = malloc((size_t)ranks * sizeof *counts), *starts = malloc((size_t)ranks * sizeof *starts);
  for (int i = 0; i < ranks; ++i) {
    starts[i] = (int)((int64_t)total * i / ranks);
    counts[i] = (int)((int64_t)total * (i + 1) / ranks) - starts[i];
  }
  MPI_Datatype row;
  MPI_Type_contiguous((int)n, MPI_DOUBLE, &row);
  MPI_Type_commit(&row);
  double *own = malloc((size_t)counts[rank] * (size_t)n * sizeof *own + 1), *all = NULL;
  if (rank == 0) all = malloc((size_t)total * (size_t)n * sizeof *all + 1);
  predict(context, &geometry, reflections, starts[rank], counts[rank], own);
  MPI_Gatherv(own, counts[rank], row, all, counts, starts, row, 0, MPI_COMM_WORLD);
  MPI_Type_free(&row);

  int differ = 0;
  if (rank == 0) {
    const size_t bytes = (size_t)total * (size_t)n * sizeof *all;
    double *alone = malloc(bytes + 1);
    predict(context, &geometry, reflections, 0, total, alone);
    differ = memcmp(alone, all, bytes) != 0;
    printf("%d ranks, %d orientations of %d reflections: %s\n", ranks, total, (int)n,
           differ ? "DIFFERENT from one rank" : "the bits of one rank");
    free(alone);
  }
  free(all), free(own), free(starts), free(counts), free(hkl);
  check(brg_reflections_destroy(reflections));
  check(brg_context_destroy(context));
  MPI_Finalize();
  return differ;
}
