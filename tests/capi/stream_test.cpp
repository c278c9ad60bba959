// Streams of the caller. The tests create them through the CUDA runtime that the library is linked to, where that is a shared
// library (under a simulator); elsewhere they are skipped.
#include <dlfcn.h>

#include "support/batch.hpp"

namespace {

using StreamCreate = int (*)(void**, unsigned);
using StreamCall = int (*)(void*);

template <class Function>
Function runtime(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, name));
}

class Stream : public BackendTest {
 protected:
  void SetUp() override {
    BackendTest::SetUp();
    if (IsSkipped()) return;
    if (on_cpu()) return;
    create_ = runtime<StreamCreate>("cudaStreamCreateWithFlags");
    destroy_ = runtime<StreamCall>("cudaStreamDestroy");
    synchronize_ = runtime<StreamCall>("cudaStreamSynchronize");
    if (!create_ || !destroy_ || !synchronize_)
      GTEST_SKIP() << "the CUDA runtime is inside the library: no streams to be had";
  }
  StreamCreate create_ = nullptr;
  StreamCall destroy_ = nullptr, synchronize_ = nullptr;
};

TEST_P(Stream, IsIgnoredOnTheCpu) {
  if (!on_cpu()) GTEST_SKIP() << "for the CPU";
  EXPECT_BRG(brg_context_set_stream(context(), reinterpret_cast<void*>(64)));
  const Batch<double> batch(context(), plain_geometry(), {});
  auto roots = make<brg_roots_f64>();
  EXPECT_BRG(brg_predict_f64(context(), &batch.geometry, batch.set.get(), &batch.orientations, &roots));
  EXPECT_BRG(brg_context_use_own_stream(context()));
}

// Work that depends on itself across changes of the stream: rotate writes what solve reads, back and forth.
TEST_P(Stream, WorkIsOrderedAcrossChangesOfTheStream) {
  if (on_cpu()) GTEST_SKIP() << "for CUDA";
  const Batch<double> batch(context(), plain_geometry(), {});
  const size_t n = batch.pairs();
  auto g = output<double>(3 * n), omega = output<double>(n), expected = output<double>(n);
  auto vectors = make<brg_vectors_f64>();
  vectors.g = g.data();
  auto items = make<brg_items_f64>();
  items.count = static_cast<int64_t>(n), items.g = g.data();
  auto roots = make<brg_roots_f64>();
  roots.omega1 = expected.data();
  ASSERT_BRG(brg_rotate_f64(context(), batch.set.get(), &batch.orientations, &vectors));
  ASSERT_BRG(brg_solve_f64(context(), &batch.geometry, &items, &roots));
  void* streams[2] = {};
  for (void*& stream : streams) ASSERT_EQ(create_(&stream, 1), 0);  // non-blocking
  roots.omega1 = omega.data();
  for (int round = 0; round < 4; ++round) {
    ASSERT_BRG(brg_context_set_stream(context(), streams[0]));
    ASSERT_BRG(brg_rotate_f64(context(), batch.set.get(), &batch.orientations, &vectors));
    ASSERT_BRG(brg_context_set_stream(context(), streams[1]));
    ASSERT_BRG(brg_solve_f64(context(), &batch.geometry, &items, &roots));
  }
  ASSERT_BRG(brg_context_use_own_stream(context()));
  EXPECT_EQ(omega.read(), expected.read());
  ASSERT_BRG(brg_context_synchronize(context()));
  for (void* stream : streams) {
    EXPECT_EQ(synchronize_(stream), 0);
    EXPECT_EQ(destroy_(stream), 0);
  }
}

BRG_EVERY_BACKEND(Stream);

// Under a simulator that fails one call of the runtime (scripts/test_cudasim.sh): a status and a sentence, and the next round works.
TEST(RuntimeFault, GivesAStatusAndASentenceAndTheNextCallWorks) {
  if (!std::getenv("BRAGGRAD_EXPECT_FAULT")) GTEST_SKIP() << "no failure is injected";
  int faults = 0;
  const auto works = [&](brg_status status) {
    if (status == BRG_SUCCESS) return true;
    ++faults;
    EXPECT_TRUE(status == BRG_ERROR_CUDA || status == BRG_ERROR_OUT_OF_MEMORY || status == BRG_ERROR_NO_DEVICE)
        << status;
    const std::string text = brg_last_error();
    EXPECT_GT(text.size(), 30u) << text;
    EXPECT_TRUE(status == BRG_ERROR_NO_DEVICE || text.find(".c") != std::string::npos ||
                text.find(".hpp") != std::string::npos)
        << "file and line: " << text;
    return false;
  };
  auto options = make<brg_context_options>();
  options.backend = BRG_BACKEND_CUDA;
  const int32_t hkl[6] = {1, 0, 0, 1, 2, -1};
  const double basis[9] = {1.5, 0, 0, 0, 1.5, 0, 0, 0, 1.5}, rotation[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
  const brg_geometry geometry = plain_geometry();
  // One round of everything that calls the runtime. True if all of it worked.
  const auto round = [&] {
    int32_t devices = 0;  // the last one is used: the calls switch to it and back
    if (!works(brg_device_count(BRG_BACKEND_CUDA, &devices))) return false;
    options.device = std::max(0, devices - 1);
    auto properties = make<brg_device_properties>();
    if (!works(brg_device_info(BRG_BACKEND_CUDA, 0, &properties))) return false;
    brg_context* c = nullptr;
    if (!works(brg_context_create(&options, &c))) return false;
    brg_reflections* set = nullptr;
    brg_buffer* buffer = nullptr;
    bool good = works(brg_reflections_create(c, 2, hkl, basis, &set)) && works(brg_buffer_create(c, 4096, &buffer)) &&
                works(brg_buffer_clear(c, buffer)) && works(brg_buffer_upload(c, buffer, 0, rotation, sizeof rotation));
    if (good) {
      auto* memory = static_cast<double*>(brg_buffer_data(buffer));
      auto orientations = make<brg_orientations_f64>();
      orientations.count = 1, orientations.rotation = memory;
      auto roots = make<brg_roots_f64>();
      roots.omega1 = memory + 16;
      auto gradient = make<brg_orientations_gradient_f64>();
      gradient.q = memory + 32, gradient.geometry_chi = memory + 48;
      auto cotangents = make<brg_root_cotangents_f64>();
      cotangents.omega1 = memory + 16;
      auto spots = make<brg_spots_f64>();
      int64_t count = 0;
      double answer = 0;
      good = works(brg_predict_f64(c, &geometry, set, &orientations, &roots)) &&
             works(brg_predict_vjp_f64(c, &geometry, set, &orientations, &cotangents, &gradient)) &&
             works(brg_predict_spots_f64(c, &geometry, set, &orientations, &spots, &count)) &&
             works(brg_buffer_download(c, buffer, 128, &answer, 8)) && works(brg_context_set_stream(c, nullptr)) &&
             works(brg_predict_f64(c, &geometry, set, &orientations, &roots)) && works(brg_context_use_own_stream(c)) &&
             works(brg_context_synchronize(c));
      EXPECT_TRUE(!good || count > 0);
    }
    brg_buffer_destroy(buffer);
    brg_reflections_destroy(set);
    return works(brg_context_destroy(c)) && good;
  };
  int spoiled = 0;
  for (int i = 0; i < 6; ++i) spoiled += !round();
  EXPECT_LE(spoiled, 1) << "one failure spoils one round at most";
  EXPECT_LE(faults, 1);
  EXPECT_TRUE(round());
}

}  // namespace
