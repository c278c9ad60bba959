// Failures of the CUDA runtime. Under a simulator that fails one of its calls (scripts/cudasim_faults.py): a status and a
// sentence, nothing leaks, and the next call works.
#include <cstdio>
#include <cstdlib>

#include "support/every_call.hpp"

namespace {

// For the script, which reads the calls of the runtime between them.
void say(const char* what) { std::fprintf(stderr, "braggrad: %s\n", what); }

class RuntimeFault : public testing::Test {
 protected:
  void SetUp() override {
    const char* rounds = std::getenv("BRAGGRAD_FAULT_ROUNDS");
    if (!rounds) GTEST_SKIP() << "no failure is injected";
    rounds_ = std::atoi(rounds);
    int32_t devices = 0;
    ASSERT_BRG(brg_device_count(BRG_BACKEND_CUDA, &devices));
    options_.backend = BRG_BACKEND_CUDA;
    options_.device = devices - 1;  // the last one: calls switch to it and back
    brg_context* made = nullptr;
    ASSERT_BRG(brg_context_create(&options_, &made));
    keeper_.reset(made);
  }

  bool works(brg_status status) {
    if (status == BRG_SUCCESS) return true;
    ++faults_;
    EXPECT_TRUE(status == BRG_ERROR_CUDA || status == BRG_ERROR_OUT_OF_MEMORY || status == BRG_ERROR_NO_DEVICE)
        << status;
    const std::string text = brg_last_error();
    EXPECT_GT(text.size(), 30u) << text;
    EXPECT_TRUE(status == BRG_ERROR_NO_DEVICE || text.find(".c") != std::string::npos ||
                text.find(".hpp") != std::string::npos)
        << "file and line: " << text;
    return false;
  }

  // Handles, copies and streams of a context.
  bool handles_work(brg_context* c) {
    const int32_t hkl[6] = {1, 0, 0, 1, 2, -1};
    const double basis[9] = {1.5, 0, 0, 0, 1.5, 0, 0, 0, 1.5};
    brg_reflections* set = nullptr;
    brg_buffer* buffer = nullptr;
    double answer = 0;
    const bool good = works(brg_reflections_create(c, 2, hkl, basis, &set)) &&
                      works(brg_buffer_create(c, 4096, &buffer)) && works(brg_buffer_clear(c, buffer)) &&
                      works(brg_buffer_upload(c, buffer, 0, basis, sizeof basis)) &&
                      works(brg_buffer_download(c, buffer, 8, &answer, 8)) &&
                      works(brg_context_set_stream(c, nullptr)) && works(brg_context_use_own_stream(c));
    brg_buffer_destroy(buffer);
    brg_reflections_destroy(set);
    return good;
  }

  // One of these calls fails at most; those after it work.
  template <class T>
  bool calls_work(brg_context* c, const EveryCall<T>& every) {
    bool good = true;
    for (const auto& call : every.calls()) good &= works(call.make(c));
    return good;
  }

  // Everything that calls the runtime. True if all of it worked.
  bool round(const EveryCall<float>& f32, const EveryCall<double>& f64) {
    int32_t devices = 0;
    if (!works(brg_device_count(BRG_BACKEND_CUDA, &devices))) return false;
    auto properties = make<brg_device_properties>();
    if (!works(brg_device_info(BRG_BACKEND_CUDA, 0, &properties))) return false;
    brg_context* c = nullptr;
    if (!works(brg_context_create(&options_, &c))) return false;
    bool good = handles_work(c);
    good &= calls_work(c, f32);
    good &= calls_work(c, f64);
    good &= works(brg_context_synchronize(c));
    return works(brg_context_destroy(c)) && good;
  }

  int rounds_ = 0, faults_ = 0;
  brg_context_options options_ = make<brg_context_options>();
  Context keeper_;  // of the arrays, made before anything fails
};

TEST_F(RuntimeFault, GivesAStatusAndASentenceAndTheNextCallWorks) {
  BatchOptions batch;
  batch.orientations = 9, batch.reflections = 5;  // enough for each kernel
  EveryCall<float> f32(keeper_.get(), batch);
  EveryCall<double> f64(keeper_.get(), batch);
  int spoiled = 0;
  for (int i = 0; i < rounds_; ++i) {
    if (i == rounds_ - 1) f32.clear(), f64.clear();
    say("a round begins");
    spoiled += !round(f32, f64);
    say("a round ends");
  }
  EXPECT_LE(spoiled, rounds_ - 1) << "one failure spoils one round at most";
  EXPECT_LE(faults_, 1);
  const std::vector<float> answers = f32.answers();
  EXPECT_EQ(answers, f32.make_all(keeper_.get()));
  const std::vector<double> others = f64.answers();
  EXPECT_EQ(others, f64.make_all(keeper_.get()));
}

}  // namespace
