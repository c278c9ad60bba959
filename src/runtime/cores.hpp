// How many threads are worth having.
#pragma once

#include <string>

namespace braggrad {

// Cores that this process may use: affinity mask and cgroup quota, divided among the MPI ranks of this machine where the
// launcher says how many there are and has not bound them.
int usable_cores();

// Cores that the quotas of the process's control group and of those above it grant (versions 1 and 2); a million where there is
// none. `root` is put before /proc and /sys.
double quota_cores(const std::string& root);

}  // namespace braggrad
