// Group 7: lattices.
#include "core/crystal.hpp"

#include <cmath>
#include <string>

#include "braggrad/crystal.h"
#include "runtime/error.hpp"

namespace braggrad {
namespace {

constexpr int64_t most_reflections = INT32_MAX;

void read_cell(const double* cell, double basis[9]) {
  require(cell != nullptr, "cell is NULL");
  if (core::reciprocal_basis(cell, basis)) return;
  std::string text;
  for (int i = 0; i < 6; ++i) text += (i ? ", " : "") + std::to_string(cell[i]);
  fail(BRG_ERROR_INVALID_ARGUMENT, "cell is no cell (edges > 0 in Angstrom, angles in degrees): " + text);
}

// Reflections in the sphere, roughly: refuses what would take forever before it is tried.
void require_countable(const double cell[6], const double basis[9], double d_min) {
  constexpr double two_pi = 6.283185307179586;
  const double q = two_pi / d_min, sphere = 2.0 / 3.0 * two_pi * q * q * q;
  const double box = 8 * (cell[0] / d_min) * (cell[1] / d_min) * (cell[2] / d_min);
  require(sphere / (basis[0] * basis[4] * basis[8]) < 4.0 * most_reflections && box < 1e13, "d_min is ", d_min,
          ": too many reflections for 32-bit counts");
}

}  // namespace
}  // namespace braggrad

extern "C" {

brg_status brg_reciprocal_basis(const double cell[6], double basis[9]) {
  return braggrad::guarded("brg_reciprocal_basis", [&] {
    braggrad::require(basis != nullptr, "basis is NULL");
    double rows[9];
    braggrad::read_cell(cell, rows);
    for (int i = 0; i < 9; ++i) basis[i] = rows[i];
  });
}

brg_status brg_hkl_enumerate(const double cell[6], char centring, double d_min, int64_t capacity, int32_t* hkl,
                             int64_t* count) {
  using namespace braggrad;
  return guarded("brg_hkl_enumerate", [&] {
    require(count != nullptr, "count is NULL");
    double basis[9];
    read_cell(cell, basis);
    require(core::is_centring(centring), "centring is '", centring, "': it must be one of P, A, B, C, I, F, R");
    require(std::isfinite(d_min) && d_min > 0, "d_min is ", d_min, ": it must be finite and positive");
    require(capacity >= 0, "capacity is ", capacity, ": it must not be negative");
    require_countable(cell, basis, d_min);
    std::vector<core::Miller> half;
    const int64_t found =
        core::enumerate_half(basis, cell, centring, d_min, most_reflections / 2, hkl ? &half : nullptr);
    require(found <= most_reflections / 2, "d_min is ", d_min, ": too many reflections for 32-bit counts");
    *count = 2 * found;
    if (!hkl) return;
    if (*count > capacity)
      fail(BRG_ERROR_CAPACITY,
           "capacity is " + std::to_string(capacity) + ", but there are " + std::to_string(*count) + " reflections");
    for (int64_t i = 0; i < found; ++i) {
      const core::Miller m = half[static_cast<size_t>(i)];
      int32_t *first = hkl + 3 * i, *mate = first + 3 * found;
      first[0] = m.h, first[1] = m.k, first[2] = m.l;
      mate[0] = -m.h, mate[1] = -m.k, mate[2] = -m.l;
    }
  });
}

}  // extern "C"
