// Threads of one context: made at the first use that has work for several, none at all for one thread. Tasks are fixed by the
// caller, so the answer does not depend on who runs them.
//
// Pools of one process do not crowd each other out: a call wakes as many threads as there are cores that no pool uses, so
// callers in parallel (OpenMP regions, Python threads) share the cores, each with a context as it is by default.
#pragma once

#include <cstdint>
#include <memory>

#include "runtime/task.hpp"

namespace braggrad {

// Threads that compute in pools of this process now, callers included.
int busy_threads();

// Where a pool says how many of its threads are at work.
class Place;

class ThreadPool {
 public:
  explicit ThreadPool(int threads);  // 0: as many as usable_cores()
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ~ThreadPool();

  int threads() const noexcept { return threads_; }

  // Runs task(0) ... task(count - 1), the caller's thread included. Rethrows the first exception.
  void run(int64_t count, Task task);

  // After fork() the threads are not there: forget them, with everything that they wait on, without joining.
  void abandon() noexcept;

 private:
  class Crew;
  std::unique_ptr<Place> place_;
  int threads_, most_busy_;     // the second: threads of the whole process
  std::unique_ptr<Crew> crew_;  // made at the first use
};

}  // namespace braggrad
