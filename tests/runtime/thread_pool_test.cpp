// The pool itself: every task once, failures, callers in parallel, fork.
#include "runtime/thread_pool.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "runtime/cores.hpp"

namespace {

using braggrad::ThreadPool;
using namespace std::chrono_literals;

TEST(ThreadPool, RunsEveryTaskOnce) {
  for (const int threads : {1, 2, 3, 7, 0}) {
    ThreadPool pool(threads);
    for (const int64_t count : {0, 1, 2, 5, 128, 1000, 100000}) {
      std::vector<std::atomic<int>> times(static_cast<size_t>(count));
      pool.run(count, [&](int64_t i) { times[static_cast<size_t>(i)]++; });
      EXPECT_TRUE(std::all_of(times.begin(), times.end(), [](const auto& n) { return n == 1; })) << threads << count;
    }
  }
}

TEST(ThreadPool, UsesAsManyThreadsAsAskedFor) {
  ThreadPool pool(5);
  std::atomic<int> inside{0};
  // Nobody leaves before all five are here.
  pool.run(5, [&](int64_t) {
    ++inside;
    const auto end = std::chrono::steady_clock::now() + 10s;
    while (inside < 5 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  });
  EXPECT_EQ(inside, 5);
}

TEST(ThreadPool, PassesOnTheFirstFailureAndGoesOn) {
  for (const int threads : {1, 4}) {
    ThreadPool pool(threads);
    EXPECT_THROW(pool.run(100, [](int64_t i) { i == 37 ? throw std::runtime_error("37") : void(); }),
                 std::runtime_error);
    EXPECT_EQ(braggrad::busy_threads(), 0);
    std::atomic<int64_t> sum{0};
    pool.run(100, [&](int64_t i) { sum += i; });
    EXPECT_EQ(sum, 4950);
  }
}

// OpenMP regions and Python threads: each caller has a pool with the default number of threads. A caller always works itself;
// helpers come only while a core is free, and stay for one call.
TEST(ThreadPool, CallersInParallelShareTheCores) {
  const int cores = braggrad::usable_cores(), callers = 2 * cores + 1;
  std::atomic<int> started{0}, at_work{0}, most{0};
  std::vector<std::thread> threads;
  for (int caller = 0; caller < callers; ++caller)
    threads.emplace_back([&] {
      ThreadPool pool(0);
      ++started;
      while (started < callers) std::this_thread::yield();
      for (int repeat = 0; repeat < 20; ++repeat)
        pool.run(50, [&](int64_t) {
          const int now = ++at_work;
          for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
          }
          std::this_thread::sleep_for(50us);
          --at_work;
        });
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(most, callers + cores - 1) << "each of them alone would have used " << cores << " threads";
  EXPECT_EQ(braggrad::busy_threads(), 0);
}

// Threads are made by the first call that has work for several; none by other calls, and none ever for one thread.
TEST(ThreadPool, MakesItsThreadsAtTheFirstUse) {
  const auto threads_of_the_process = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/task"), std::filesystem::directory_iterator());
  };
  const auto before = threads_of_the_process();
  ThreadPool several(4), one(1);
  for (const int64_t count : {0, 1}) several.run(count, [](int64_t) {});
  one.run(100, [](int64_t) {});
  EXPECT_EQ(threads_of_the_process(), before);
  several.run(2, [](int64_t) {});
  EXPECT_EQ(threads_of_the_process(), before + 3);
  several.run(100, [](int64_t) {});
  EXPECT_EQ(threads_of_the_process(), before + 3);
}

// While as many callers as there are cores are at work, a call gets no helper; afterwards it does. A caller whose work is one
// task is at work too.
class CoresInUse : public testing::TestWithParam<int64_t> {};

TEST_P(CoresInUse, LendNoHelpers) {
  const int cores = braggrad::usable_cores();
  if (cores < 2) GTEST_SKIP() << "needs two cores";
  std::atomic<int> waiting{0};
  std::atomic<bool> leave{false};
  std::vector<std::thread> others;
  for (int i = 0; i < cores - 1; ++i)
    others.emplace_back([&] {
      ThreadPool pool(1);
      pool.run(GetParam(), [&](int64_t task) {
        if (task == 0) ++waiting;
        while (!leave) std::this_thread::yield();
      });
    });
  while (waiting < cores - 1) std::this_thread::yield();
  const auto threads_of_a_call = [](ThreadPool& pool) {
    std::mutex mutex;
    std::set<std::thread::id> ids;
    pool.run(200, [&](int64_t) {
      std::this_thread::sleep_for(100us);
      const std::lock_guard<std::mutex> lock(mutex);
      ids.insert(std::this_thread::get_id());
    });
    return ids.size();
  };
  ThreadPool pool(0);
  EXPECT_EQ(threads_of_a_call(pool), 1u);
  leave = true;
  for (std::thread& thread : others) thread.join();
  EXPECT_EQ(threads_of_a_call(pool), static_cast<size_t>(cores));
}

INSTANTIATE_TEST_SUITE_P(Tasks, CoresInUse, testing::Values(1, 2));

// A child counts its own threads only, whatever its parent was doing.
TEST(ThreadPool, AForkedChildStartsFromNothing) {
  ThreadPool pool(3);
  std::atomic<int64_t> sum{0};
  pool.run(100, [&](int64_t i) { sum += i; });
  std::atomic<bool> inside{false}, leave{false};
  std::thread other([&] {
    ThreadPool own(1);
    own.run(2, [&](int64_t) {
      inside = true;
      while (!leave) std::this_thread::yield();
    });
  });
  while (!inside) std::this_thread::yield();
  EXPECT_GT(braggrad::busy_threads(), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (braggrad::busy_threads() != 0) _exit(1);
    ThreadPool own(3);
    std::atomic<int64_t> again{0};
    own.run(100, [&](int64_t i) { again += i; });
    _exit(again == 4950 ? 0 : 2);
  }
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  leave = true;
  other.join();
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
