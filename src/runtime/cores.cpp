// Cores of this process, from the affinity mask, control groups and the launcher of MPI.
#include "runtime/cores.hpp"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <sstream>
#include <thread>

namespace braggrad {
namespace {

constexpr double no_limit = 1e6;

// Version 2: "max 100000" or "150000 100000"; version 1: two files, the quota negative where there is none.
double quota_of(const std::string& folder, bool unified) {
  double period = 0;
  std::string quota;
  if (unified) {
    std::ifstream both(folder + "/cpu.max");
    both >> quota >> period;
  } else {
    std::ifstream limit(folder + "/cpu.cfs_quota_us"), length(folder + "/cpu.cfs_period_us");
    limit >> quota, length >> period;
  }
  const double granted = std::strtod(quota.c_str(), nullptr);  // "max" is no number
  return granted > 0 && period > 0 ? granted / period : no_limit;
}

// The path of a line "hierarchy:controllers:path" of /proc/self/cgroup which has to do with the processor.
std::optional<std::string> group_of(const std::string& line, bool unified) {
  const size_t first = line.find(':'), second = line.find(':', first + 1);
  if (second == std::string::npos) return std::nullopt;
  std::istringstream controllers(line.substr(first + 1, second - first - 1));
  bool found = unified && controllers.str().empty();
  for (std::string name; std::getline(controllers, name, ',');) found = found || (!unified && name == "cpu");
  if (!found) return std::nullopt;
  return line.substr(second + 1);
}

// MPI processes on this machine, by what Open MPI, MPICH and MVAPICH tell their processes; 1 without MPI.
long local_ranks() {
  for (const char* name : {"OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS", "MV2_COMM_WORLD_LOCAL_SIZE"})
    if (const char* value = std::getenv(name)) return std::max(1L, std::strtol(value, nullptr, 10));
  return 1;
}

}  // namespace

double quota_cores(const std::string& root) {
  double cores = no_limit;
  for (const bool unified : {true, false}) {
    const std::string mount = root + (unified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/cpu");
    std::string path;
    std::ifstream groups(root + "/proc/self/cgroup");
    for (std::string line; std::getline(groups, line);)
      if (const auto group = group_of(line, unified)) path = *group;
    // A container may see a path of its host that is not there, but always the mount itself.
    for (;; path.erase(path.find_last_of('/'))) {
      cores = std::min(cores, quota_of(mount + path, unified));
      if (path.find('/') == std::string::npos) break;
    }
  }
  return cores;
}

int usable_cores() {
  double cores = std::thread::hardware_concurrency();
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) cores = CPU_COUNT(&set);
  if (const long ranks = local_ranks(); ranks > 1)
    cores =
        std::min(cores, std::floor(static_cast<double>(sysconf(_SC_NPROCESSORS_ONLN)) / static_cast<double>(ranks)));
  return std::max(1, static_cast<int>(std::min(cores, std::ceil(quota_cores("")))));
}

}  // namespace braggrad
