// What limits the threads of a process: affinity, control groups, ranks of MPI.
#include "runtime/cores.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

namespace {

namespace fs = std::filesystem;

// A tree of files that stands for / of a machine.
class Machine {
 public:
  Machine() : root_(fs::temp_directory_path() / ("braggrad-cores-" + std::to_string(getpid()))) {}
  ~Machine() { fs::remove_all(root_); }
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  void write(const std::string& path, const std::string& text) const {
    const fs::path file = root_ / path;
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text << "\n";
  }
  double quota() const { return braggrad::quota_cores(root_.string()); }

 private:
  fs::path root_;
};

TEST(Cores, NoFilesAreNoQuota) {
  const Machine machine;
  EXPECT_GE(machine.quota(), 1e5);
  machine.write("proc/self/cgroup", "0::/");
  machine.write("sys/fs/cgroup/cpu.max", "max 100000");
  EXPECT_GE(machine.quota(), 1e5);
}

TEST(Cores, TheSmallestQuotaOfTheGroupsAboveHolds) {
  const Machine machine;
  machine.write("proc/self/cgroup", "0::/system.slice/job_7.scope/step");
  machine.write("sys/fs/cgroup/system.slice/cpu.max", "800000 100000");
  EXPECT_EQ(machine.quota(), 8);
  machine.write("sys/fs/cgroup/system.slice/job_7.scope/cpu.max", "150000 100000");
  EXPECT_EQ(machine.quota(), 1.5);
  machine.write("sys/fs/cgroup/system.slice/job_7.scope/step/cpu.max", "max 100000");
  EXPECT_EQ(machine.quota(), 1.5);
  machine.write("sys/fs/cgroup/system.slice/job_8.scope/cpu.max", "10000 100000");  // of somebody else
  EXPECT_EQ(machine.quota(), 1.5);
}

TEST(Cores, ThePathOfTheHostDoesNotHideTheMount) {
  const Machine machine;
  machine.write("proc/self/cgroup", "0::/docker/0123456789");
  machine.write("sys/fs/cgroup/cpu.max", "200000 100000");
  EXPECT_EQ(machine.quota(), 2);
}

TEST(Cores, Version1HasTwoFiles) {
  const Machine machine;
  machine.write("proc/self/cgroup", "5:memory:/a\n4:cpuset:/b\n3:cpu,cpuacct:/slurm/job\n1:name=systemd:/c");
  machine.write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1");
  machine.write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000");
  EXPECT_GE(machine.quota(), 1e5);
  machine.write("sys/fs/cgroup/cpu/slurm/cpu.cfs_quota_us", "300000");
  machine.write("sys/fs/cgroup/cpu/slurm/cpu.cfs_period_us", "50000");
  EXPECT_EQ(machine.quota(), 6);
  machine.write("sys/fs/cgroup/cpu/b/cpu.cfs_quota_us", "1000");  // cpuset is another controller
  machine.write("sys/fs/cgroup/cpu/b/cpu.cfs_period_us", "50000");
  EXPECT_EQ(machine.quota(), 6);
}

// A thread's mask is its own, so this leaves the others alone.
TEST(Cores, TheAffinityMaskLimits) {
  int cores = 0;
  std::thread([&] {
    cpu_set_t all, one;
    ASSERT_EQ(sched_getaffinity(0, sizeof all, &all), 0);
    CPU_ZERO(&one);
    for (int core = 0; core < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++core)
      if (CPU_ISSET(core, &all)) CPU_SET(core, &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
    cores = braggrad::usable_cores();
  }).join();
  EXPECT_EQ(cores, 1);
}

class Ranks : public testing::TestWithParam<const char*> {
 protected:
  ~Ranks() override { unsetenv(GetParam()); }
};

TEST_P(Ranks, DivideTheCoresOfTheMachine) {
  const int alone = braggrad::usable_cores(), machine = static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
  for (const int ranks : {1, 2, 3, machine, 1000000}) {
    setenv(GetParam(), std::to_string(ranks).c_str(), 1);
    EXPECT_EQ(braggrad::usable_cores(), ranks == 1 ? alone : std::max(1, std::min(alone, machine / ranks))) << ranks;
  }
  setenv(GetParam(), "nonsense", 1);
  EXPECT_EQ(braggrad::usable_cores(), alone);
}

INSTANTIATE_TEST_SUITE_P(Launchers, Ranks,
                         testing::Values("OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS", "MV2_COMM_WORLD_LOCAL_SIZE"));

}  // namespace
