// Lattices: reciprocal basis of a cell, and the reflections that a centring allows. Host only.
#pragma once

#include <cstdint>
#include <vector>

namespace braggrad::core {

// cell: a, b, c, alpha, beta, gamma (degrees). B by rows with 2 pi, upper triangular; false where there is no such cell.
bool reciprocal_basis(const double cell[6], double basis[9]);

bool is_centring(char centring);
bool is_allowed(char centring, int h, int k, int l);

struct Miller {
  int32_t h, k, l;
};

// One of each Friedel pair with d >= d_min, in the order of include/braggrad/crystal.h; without an output only their
// number, counting stops beyond `most`.
int64_t enumerate_half(const double basis[9], const double cell[6], char centring, double d_min, int64_t most,
                       std::vector<Miller>* out);

}  // namespace braggrad::core
