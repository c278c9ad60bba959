// Threads of one context: made at the first use that has work for several, none at all for one thread. Tasks are fixed by the
// caller, so the answer does not depend on who runs them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace braggrad {

// Cores that this process may use: affinity mask and cgroup quota.
int usable_cores();

class ThreadPool {
 public:
  explicit ThreadPool(int threads);
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ~ThreadPool();

  int threads() const noexcept { return threads_; }

  // Runs task(0) ... task(count - 1), the caller's thread included. Rethrows the first exception.
  void run(int64_t count, const std::function<void(int64_t)>& task);

  // After fork() the threads are not there: forget them, with everything that they wait on, without joining.
  void abandon() noexcept;

 private:
  class Crew;
  int threads_;
  std::unique_ptr<Crew> crew_;  // made at the first use
};

}  // namespace braggrad
