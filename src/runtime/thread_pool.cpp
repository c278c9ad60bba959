// A pool with one shared counter of tasks.
#include "runtime/thread_pool.hpp"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace braggrad {
namespace {

// Cores granted by the cgroup's quota (version 2, then 1); a large number where there is none.
double quota_cores() {
  double period = 0;
  std::string quota;
  if (std::ifstream both("/sys/fs/cgroup/cpu.max"); both >> quota >> period && quota != "max" && period > 0)
    return std::strtod(quota.c_str(), nullptr) / period;
  double limit = 0;
  std::ifstream limits("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"), periods("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  if (limits >> limit && periods >> period && limit > 0 && period > 0) return limit / period;
  return 1e6;
}

}  // namespace

int usable_cores() {
  int cores = static_cast<int>(std::thread::hardware_concurrency());
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) cores = CPU_COUNT(&set);
  return std::max(1, static_cast<int>(std::min<double>(cores, std::ceil(quota_cores()))));
}

// The threads, and what they wait on.
class ThreadPool::Crew {
 public:
  explicit Crew(int workers) {
    try {
      while (static_cast<int>(workers_.size()) < workers) workers_.emplace_back([this] { serve(); });
    } catch (const std::system_error&) {
      // No more threads to be had: fewer do the work.
    }
  }
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;
  ~Crew() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      stop_ = true;
    }
    wake_.notify_all();
    for (std::thread& worker : workers_) worker.join();
  }

  void run(int64_t count, const std::function<void(int64_t)>& task) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      task_ = &task, count_ = count, next_ = 0, failure_ = nullptr;
      busy_ = workers_.size();
      ++generation_;
    }
    wake_.notify_all();
    work();
    std::unique_lock<std::mutex> lock(mutex_);
    done_.wait(lock, [&] { return busy_ == 0; });
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  }

 private:
  void work() {
    try {
      for (int64_t i; (i = next_.fetch_add(1, std::memory_order_relaxed)) < count_;) (*task_)(i);
    } catch (...) {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
    }
  }

  void serve() {
    uint64_t seen = 0;
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      wake_.wait(lock, [&] { return stop_ || generation_ != seen; });
      if (stop_) return;
      seen = generation_;
      lock.unlock();
      work();
      lock.lock();
      if (--busy_ == 0) done_.notify_one();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_, done_;
  uint64_t generation_ = 0;
  size_t busy_ = 0;
  bool stop_ = false;
  const std::function<void(int64_t)>* task_ = nullptr;
  int64_t count_ = 0;
  std::atomic<int64_t> next_{0};
  std::exception_ptr failure_;
  std::vector<std::thread> workers_;
};

ThreadPool::ThreadPool(int threads) : threads_(threads) {}
ThreadPool::~ThreadPool() = default;

void ThreadPool::abandon() noexcept { static_cast<void>(crew_.release()); }

void ThreadPool::run(int64_t count, const std::function<void(int64_t)>& task) {
  if (threads_ <= 1 || count <= 1) {
    for (int64_t i = 0; i < count; ++i) task(i);
    return;
  }
  if (!crew_) crew_ = std::make_unique<Crew>(threads_ - 1);
  crew_->run(count, task);
}

}  // namespace braggrad
