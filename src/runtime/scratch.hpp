// Working memory of one call: reserve the pieces, then take them at once from the caller's workspace or the backend.
#pragma once

#include <cstdint>

#include "runtime/error.hpp"

namespace braggrad {

template <class T>
struct Slot {
  size_t offset;
};

// Where working memory comes from.
class ScratchSource {
 public:
  virtual ~ScratchSource() = default;
  // Memory for one call; NULL in a dry run, which has recorded the size.
  virtual void* acquire(size_t bytes) = 0;
  virtual void give_back(void* memory) noexcept = 0;
  virtual bool dry_run() const noexcept = 0;
};

class Scratch {
 public:
  explicit Scratch(ScratchSource& source) : source_(source) {}
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    if (memory_) source_.give_back(memory_);
  }

  template <class T>
  Slot<T> reserve(int64_t count) {
    const size_t limit = SIZE_MAX / 4;
    if (count < 0 || static_cast<size_t>(count) > limit / sizeof(T) - bytes_ / sizeof(T))
      fail(BRG_ERROR_OUT_OF_MEMORY, "the call needs more working memory than there can be");
    const Slot<T> slot{bytes_};
    bytes_ += (static_cast<size_t>(count) * sizeof(T) + 255) / 256 * 256;
    return slot;
  }

  // False in a dry run: there is nothing to do then.
  bool ready() {
    memory_ = static_cast<unsigned char*>(source_.acquire(bytes_));
    return !source_.dry_run();
  }

  template <class T>
  T* operator[](Slot<T> slot) const {
    return reinterpret_cast<T*>(memory_ + slot.offset);
  }

 private:
  ScratchSource& source_;
  unsigned char* memory_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace braggrad
