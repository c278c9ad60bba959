// Before anything is timed: do the library and the naive baseline compute the same?
#pragma once

#include <string>
#include <vector>

#include "workbench.hpp"

namespace bench {

// Compares predict, its adjoint and the angle losses at every level with the baseline, float64 to 1e-9, float32 to 1e-5 in the
// median; prints a line per comparison. False where one differs.
bool check_against_naive(Workbench& workbench, const std::vector<std::string>& levels);

}  // namespace bench
