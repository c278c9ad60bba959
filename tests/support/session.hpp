// One source for every backend: a context, arrays in its memory, and tests that are skipped where the backend is not.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "support/api.hpp"

#define ASSERT_BRG(call) ASSERT_EQ(call, BRG_SUCCESS) << brg_last_error()
#define EXPECT_BRG(call) EXPECT_EQ(call, BRG_SUCCESS) << brg_last_error()

// Expects a status, and a sentence that contains `text`.
#define EXPECT_FAULT(call, status, text)                                                        \
  do {                                                                                          \
    EXPECT_EQ(call, status) << brg_last_error();                                                \
    EXPECT_NE(std::string(brg_last_error()).find(text), std::string::npos) << brg_last_error(); \
  } while (0)

struct DestroyContext {
  void operator()(brg_context* c) const { EXPECT_EQ(brg_context_destroy(c), BRG_SUCCESS) << brg_last_error(); }
};
struct DestroyReflections {
  void operator()(brg_reflections* r) const { brg_reflections_destroy(r); }
};
struct DestroyBuffer {
  void operator()(brg_buffer* b) const { brg_buffer_destroy(b); }
};
using Context = std::unique_ptr<brg_context, DestroyContext>;
using Reflections = std::unique_ptr<brg_reflections, DestroyReflections>;
using Buffer = std::unique_ptr<brg_buffer, DestroyBuffer>;

inline Context make_context(brg_backend backend, int threads = 0, int64_t max_pairs = 0) {
  auto options = make<brg_context_options>();
  options.backend = backend, options.threads = threads, options.max_pairs_per_launch = max_pairs;
  brg_context* context = nullptr;
  EXPECT_BRG(brg_context_create(&options, &context));
  return Context(context);
}

// Values in the memory of a context. A skew of n elements makes the address as unaligned as the type allows.
template <class T>
class Array {
 public:
  Array() = default;
  Array(brg_context* context, size_t count, size_t skew = 0) : context_(context), count_(count), skew_(skew) {
    brg_buffer* buffer = nullptr;
    EXPECT_BRG(brg_buffer_create(context, (count + skew) * sizeof(T), &buffer));
    buffer_.reset(buffer);
  }
  Array(brg_context* context, const std::vector<T>& values, size_t skew = 0) : Array(context, values.size(), skew) {
    write(values);
  }
  // NULL for an array without a context: not asked for.
  T* data() const { return count_ ? static_cast<T*>(brg_buffer_data(buffer_.get())) + skew_ : nullptr; }
  size_t size() const { return count_; }
  void write(const std::vector<T>& values) {
    EXPECT_BRG(brg_buffer_upload(context_, buffer_.get(), skew_ * sizeof(T), values.data(), values.size() * sizeof(T)));
  }
  std::vector<T> read() const {
    std::vector<T> values(count_);
    if (count_) {
      EXPECT_BRG(brg_buffer_download(context_, buffer_.get(), skew_ * sizeof(T), values.data(), count_ * sizeof(T)));
    }
    return values;
  }

 private:
  brg_context* context_ = nullptr;
  size_t count_ = 0, skew_ = 0;
  Buffer buffer_;
};

template <class T, class From>
std::vector<T> as(const std::vector<From>& values) {
  std::vector<T> out;
  for (const From value : values) out.push_back(static_cast<T>(value));
  return out;
}

inline std::string backend_name(const testing::TestParamInfo<brg_backend>& info) {
  return info.param == BRG_BACKEND_CPU ? "CPU" : "CUDA";
}

class BackendTest : public testing::TestWithParam<brg_backend> {
 protected:
  void SetUp() override {
    if (!brg_backend_available(GetParam())) GTEST_SKIP() << "this machine has no CUDA device";
    context_ = make_context(GetParam());
    ASSERT_NE(context_, nullptr);
  }
  brg_context* context() const { return context_.get(); }
  bool on_cpu() const { return GetParam() == BRG_BACKEND_CPU; }
  void synchronize() const { ASSERT_BRG(brg_context_synchronize(context())); }

  template <class T>
  Array<T> array(const std::vector<T>& values, size_t skew = 0) const {
    return Array<T>(context(), values, skew);
  }
  // An output, full of a value that no answer has.
  template <class T>
  Array<T> output(size_t count, size_t skew = 0) const {
    return Array<T>(context(), std::vector<T>(count, static_cast<T>(77)), skew);
  }

 private:
  Context context_;
};

#define BRG_EVERY_BACKEND(suite) \
  INSTANTIATE_TEST_SUITE_P(Every, suite, testing::Values(BRG_BACKEND_CPU, BRG_BACKEND_CUDA), backend_name)

// Runs body(float) and body(double).
template <class Body>
void for_precisions(const Body& body) {
  {
    SCOPED_TRACE("f32");
    body(float{});
  }
  {
    SCOPED_TRACE("f64");
    body(double{});
  }
}
