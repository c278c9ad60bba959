// A pool with one shared counter of tasks.
#include "runtime/thread_pool.hpp"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

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

// MPI processes on this machine, by what Open MPI, MPICH and MVAPICH tell their processes; 1 without MPI.
long local_ranks() {
  for (const char* name : {"OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS", "MV2_COMM_WORLD_LOCAL_SIZE"})
    if (const char* value = std::getenv(name)) return std::max(1L, std::strtol(value, nullptr, 10));
  return 1;
}

// The process's account of its threads at work. It decides who helps, never what comes out.
std::atomic<int> busy{0};

void start_account() {
  // A child of fork() has one thread, whatever its parent was doing.
  static const int registered = pthread_atfork(nullptr, nullptr, [] { busy.store(0); });
  static_cast<void>(registered);
}

// Enters the calling thread, and up to `wanted` others while there are no more than `most` at work.
class Seats {
 public:
  Seats(int wanted, int most) {
    int now = busy.load(std::memory_order_relaxed);
    do helpers_ = std::clamp(most - now - 1, 0, wanted);
    while (!busy.compare_exchange_weak(now, now + 1 + helpers_, std::memory_order_relaxed));
  }
  Seats(const Seats&) = delete;
  Seats& operator=(const Seats&) = delete;
  ~Seats() { busy.fetch_sub(1 + helpers_, std::memory_order_relaxed); }

  int helpers() const noexcept { return helpers_; }

 private:
  int helpers_ = 0;
};

void pause() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

int usable_cores() {
  double cores = std::thread::hardware_concurrency();
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) cores = CPU_COUNT(&set);
  if (const long ranks = local_ranks(); ranks > 1)
    cores =
        std::min(cores, std::floor(static_cast<double>(sysconf(_SC_NPROCESSORS_ONLN)) / static_cast<double>(ranks)));
  return std::max(1, static_cast<int>(std::min(cores, std::ceil(quota_cores()))));
}

int busy_threads() noexcept { return busy.load(std::memory_order_relaxed); }

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

  void run(int64_t count, Task task, int helpers) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      task_ = &task, count_ = count, next_ = 0, failure_ = nullptr;
      // Small enough that nobody waits long for the last one, large enough that nobody waits for the counter.
      share_ = std::max<int64_t>(1, count / (64 * (helpers + 1)));
      seats_ = helpers;
    }
    for (int i = 0; i < helpers; ++i) wake_.notify_one();
    work();
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      seats_ = 0;  // who has not woken yet need not come
    }
    constexpr int patience = 1000;  // some microseconds: the others are at their last tasks
    for (int i = 0; i < patience && active_.load(std::memory_order_acquire) > 0; ++i) pause();
    std::unique_lock<std::mutex> lock(mutex_);
    done_.wait(lock, [&] { return active_ == 0; });
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  }

 private:
  void work() {
    try {
      for (int64_t first; (first = next_.fetch_add(share_, std::memory_order_relaxed)) < count_;)
        for (int64_t i = first, last = std::min(first + share_, count_); i < last; ++i) (*task_)(i);
    } catch (...) {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
    }
  }

  void serve() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      wake_.wait(lock, [&] { return stop_ || seats_ > 0; });
      if (stop_) return;
      --seats_, ++active_;
      lock.unlock();
      work();
      lock.lock();
      if (--active_ == 0) done_.notify_one();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_, done_;
  int seats_ = 0;  // threads that may still join the call
  std::atomic<int> active_{0};
  bool stop_ = false;
  const Task* task_ = nullptr;
  int64_t count_ = 0, share_ = 1;
  std::atomic<int64_t> next_{0};
  std::exception_ptr failure_;
  std::vector<std::thread> workers_;
};

ThreadPool::ThreadPool(int threads) {
  const int cores = threads == 1 ? 1 : usable_cores();
  threads_ = threads > 0 ? threads : cores;
  most_busy_ = std::max(threads_, cores);
  start_account();
}
ThreadPool::~ThreadPool() = default;

void ThreadPool::abandon() noexcept { static_cast<void>(crew_.release()); }

void ThreadPool::run(int64_t count, Task task) {
  if (count <= 1) {
    if (count == 1) task(0);
    return;
  }
  const Seats seats(static_cast<int>(std::min<int64_t>(threads_ - 1, count - 1)), most_busy_);
  if (seats.helpers() == 0) {
    for (int64_t i = 0; i < count; ++i) task(i);
    return;
  }
  if (!crew_) crew_ = std::make_unique<Crew>(threads_ - 1);
  crew_->run(count, task, seats.helpers());
}

}  // namespace braggrad
