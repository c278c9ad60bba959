// Threads of one context: made at the first use that has work for several, none at all for one thread. Tasks are fixed by the
// caller, so the answer does not depend on who runs them.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace braggrad {

// Cores that this process may use: affinity mask and cgroup quota.
int usable_cores();

class ThreadPool {
 public:
  explicit ThreadPool(int threads) : threads_(threads) {}
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ~ThreadPool();

  int threads() const noexcept { return threads_; }

  // Runs task(0) ... task(count - 1), the caller's thread included. Rethrows the first exception.
  void run(int64_t count, const std::function<void(int64_t)>& task);

  // After fork() the threads are not there: forget them without joining.
  void abandon() noexcept;

 private:
  void start();
  void serve();
  void work();

  int threads_;
  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable wake_, done_;
  uint64_t generation_ = 0;
  int busy_ = 0;
  bool stop_ = false;
  const std::function<void(int64_t)>* task_ = nullptr;
  int64_t count_ = 0;
  std::atomic<int64_t> next_{0};
  std::exception_ptr failure_;
};

}  // namespace braggrad
