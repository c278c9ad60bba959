// How work and sums are cut. The cuts are absolute positions in the batch, so that neither the number of threads, nor
// the grid, nor the library's own splitting changes a bit of an answer.
#pragma once

#include <algorithm>
#include <cstdint>

namespace braggrad::core {

inline constexpr int64_t orientation_block = 32;  // orientations whose sums are added first
inline constexpr int64_t item_block = 4096;       // items whose sums are added first

constexpr int64_t blocks_of(int64_t count, int64_t size) { return (count + size - 1) / size; }

// Sums over the batch for the geometry's own values and the basis of the reflections.
struct BatchSums {
  static constexpr int wavenumber = 0, chi = 1, beam = 2, axis = 5, basis = 8, count = 17;
};

// Rows (orientations) of one launch, a multiple of `unit`, at least one unit.
constexpr int64_t rows_per_launch(int64_t max_pairs, int64_t row_length, int64_t unit) {
  const int64_t rows = max_pairs / std::max<int64_t>(row_length, 1);
  return std::max<int64_t>(rows / unit, 1) * unit;
}

}  // namespace braggrad::core
