// A pool with one shared counter of tasks.
#include "runtime/thread_pool.hpp"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <limits>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/cores.hpp"

namespace braggrad {
namespace {

// Who is at work in this process. It decides who helps, never what comes out.
//
// Each pool writes to a place of its own, and only who wants help reads the others': short calls of many threads do not hand one
// counter around.
struct Account {
  std::mutex mutex;
  Place* first = nullptr;
};
constinit Account account;

}  // namespace

class alignas(64) Place {
 public:
  Place() {
    static const int registered =
        pthread_atfork([] { account.mutex.lock(); }, [] { account.mutex.unlock(); }, [] { Place::forget_parent(); });
    static_cast<void>(registered);
    const std::lock_guard<std::mutex> lock(account.mutex);
    next_ = account.first, account.first = this;
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() {
    const std::lock_guard<std::mutex> lock(account.mutex);
    Place** at = &account.first;
    while (*at != this) at = &(*at)->next_;
    *at = next_;
  }

  // Threads at work, as far as `enough` of them.
  static int busy(int enough) {
    int sum = 0;
    for (const Place* place = account.first; place && sum < enough; place = place->next_)
      sum += place->at_work_.load(std::memory_order_relaxed);
    return sum;
  }

  void enter_alone() noexcept { at_work_.store(1, std::memory_order_relaxed); }
  void leave() noexcept { at_work_.store(0, std::memory_order_relaxed); }

  // The caller, and up to `wanted` others while there are no more than `most` at work: how many those are.
  int enter(int wanted, int most) {
    const std::lock_guard<std::mutex> lock(account.mutex);
    const int helpers = std::clamp(most - busy(most) - 1, 0, wanted);
    at_work_.store(1 + helpers, std::memory_order_relaxed);
    return helpers;
  }

 private:
  // A child of fork() has one thread, whatever its parent was doing.
  static void forget_parent() {
    for (Place* place = account.first; place; place = place->next_) place->leave();
    account.mutex.unlock();
  }

  std::atomic<int> at_work_{0};
  Place* next_ = nullptr;
};

namespace {

void pause() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

int busy_threads() {
  const std::lock_guard<std::mutex> lock(account.mutex);
  return Place::busy(std::numeric_limits<int>::max());
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

ThreadPool::ThreadPool(int threads) : place_(std::make_unique<Place>()) {
  const int cores = threads == 1 ? 1 : usable_cores();
  threads_ = threads > 0 ? threads : cores;
  most_busy_ = std::max(threads_, cores);
}
ThreadPool::~ThreadPool() = default;

void ThreadPool::abandon() noexcept { static_cast<void>(crew_.release()); }

void ThreadPool::run(int64_t count, Task task) {
  struct Seat {
    Place& place;
    ~Seat() { place.leave(); }
  } const seat{*place_};
  const int wanted = static_cast<int>(std::min<int64_t>(threads_, count) - 1);
  int helpers = 0;
  if (wanted > 0)
    helpers = place_->enter(wanted, most_busy_);
  else
    place_->enter_alone();
  if (helpers == 0) {
    for (int64_t i = 0; i < count; ++i) task(i);
    return;
  }
  if (!crew_) crew_ = std::make_unique<Crew>(threads_ - 1);
  crew_->run(count, task, helpers);
}

}  // namespace braggrad
