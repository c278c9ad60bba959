/* What the drop-in examples share: statuses, a clock, orientations, and how two angles are compared. */
#ifndef BRAGGRAD_EXAMPLE_H
#define BRAGGRAD_EXAMPLE_H

#include <braggrad/braggrad.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const double pi = 3.14159265358979324;

static inline void check(brg_status status) {
  if (!status) return;
  fprintf(stderr, "%s\n", brg_last_error());
  exit(1);
}

static inline void *allocate(size_t bytes) {
  void *memory = malloc(bytes ? bytes : 1);
  if (!memory) fprintf(stderr, "out of memory\n"), exit(1);
  return memory;
}

static inline double seconds(void) { return (double)clock() / CLOCKS_PER_SEC; }

/* Rotation number i of a spiral over all of them, by rows. */
static inline void orientation(int i, double r[9]) {
  const double a = 0.61803398874989485 * i, b = 0.75487766624669276 * i, c = 0.56984029099805327 * i;
  const double u = a - floor(a), v = 2 * pi * (b - floor(b)), t = 2 * pi * (c - floor(c));
  const double w = sqrt(1 - u) * sin(v), x = sqrt(1 - u) * cos(v), y = sqrt(u) * sin(t), z = sqrt(u) * cos(t);
  const double m[9] = {1 - 2 * (y * y + z * z), 2 * (x * y - w * z),     2 * (x * z + w * y),
                       2 * (x * y + w * z),     1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
                       2 * (x * z - w * y),     2 * (y * z + w * x),     1 - 2 * (x * x + y * y)};
  memcpy(r, m, sizeof m);
}

/* |a - b| modulo a turn. */
static inline double apart(double a, double b, double turn) { return fabs(remainder(a - b, turn)); }

/* A context of the CPU with one thread: what a scalar loop is compared with. */
static inline brg_context *one_thread(void) {
  brg_context *context = NULL;
  brg_context_options options;
  check(BRG_INIT(brg_context_options_init, &options));
  options.backend = BRG_BACKEND_CPU;
  options.threads = 1;
  check(brg_context_create(&options, &context));
  return context;
}

/* All reflections of a lattice, [n,3]. */
static inline int32_t *reflections_of(const double cell[6], char centring, double d_min, int64_t *n) {
  check(brg_hkl_enumerate(cell, centring, d_min, 0, NULL, n));
  int32_t *hkl = allocate((size_t)*n * 3 * sizeof *hkl);
  check(brg_hkl_enumerate(cell, centring, d_min, *n, hkl, n));
  return hkl;
}

#endif
