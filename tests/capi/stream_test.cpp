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

}  // namespace
