// The last stage of the sums over a batch on the CPU: blocks in their order.
#pragma once

#include <array>

#include "core/batch.hpp"

namespace braggrad::cpu {

inline std::array<double, core::BatchSums::count> total(const double* partial, int64_t blocks) {
  std::array<double, core::BatchSums::count> sum{};
  for (int64_t block = 0; block < blocks; ++block)
    for (int i = 0; i < core::BatchSums::count; ++i) sum[i] += partial[block * core::BatchSums::count + i];
  return sum;
}

}  // namespace braggrad::cpu
