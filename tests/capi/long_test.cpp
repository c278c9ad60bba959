// More than 2^31 pairs in one call. Takes minutes on the CPU: only with BRAGGRAD_LONG_TESTS=1.
#include <cstdlib>

#include "support/batch.hpp"

namespace {

class Long : public BackendTest {
  void SetUp() override {
    if (!std::getenv("BRAGGRAD_LONG_TESTS")) GTEST_SKIP() << "takes minutes and 2.2 GB: set BRAGGRAD_LONG_TESTS=1";
    BackendTest::SetUp();
    if (IsSkipped() || on_cpu()) return;
    auto device = make<brg_device_properties>();
    ASSERT_BRG(brg_device_info(BRG_BACKEND_CUDA, 0, &device));
    if (device.memory_bytes < enough_memory) GTEST_SKIP() << device.name << " has too little memory, or is simulated";
  }
  // More than a simulated device has, which would take days.
  static constexpr int64_t enough_memory = 5'000'000'000;
};

// Orientations repeat with a period of 41, so every row has to equal the one 41 before, up to the last beyond 2^31.
TEST_P(Long, MoreThanTwoToThe31Pairs) {
  const size_t period = 41, length = 1000, rows = (size_t{1} << 31) / length + 3 * period;
  BatchOptions options;
  options.orientations = period, options.reflections = length;
  const Batch<float> few(context(), plain_geometry(), options);
  ASSERT_GT(rows * length, size_t{1} << 31);

  std::vector<float> rotation;
  for (size_t b = 0; b < rows; ++b)
    rotation.insert(rotation.end(), few.rotation.begin() + static_cast<long>(b % period * 9),
                    few.rotation.begin() + static_cast<long>(b % period * 9 + 9));
  auto rotation_array = array(rotation);
  Array<uint8_t> observable(context(), rows * length);
  auto orientations = make<brg_orientations_f32>();
  orientations.count = static_cast<int64_t>(rows), orientations.rotation = rotation_array.data();
  auto roots = make<brg_roots_f32>();
  roots.observable = observable.data();
  ASSERT_BRG(brg_predict_f32(context(), &few.geometry, few.set.get(), &orientations, &roots));

  const std::vector<uint8_t> flags = observable.read();
  size_t diffracting = 0, wrong = 0;
  for (size_t at = 0; at < flags.size(); ++at) {
    diffracting += flags[at];
    wrong += at >= period * length && flags[at] != flags[at - period * length];
  }
  EXPECT_EQ(wrong, 0u);
  EXPECT_GT(diffracting, rows * length / 3);
  for (size_t b = 0; b < period; ++b)
    for (size_t n = 0; n < length; ++n) {
      const oracle::Crossing x = few.exact(b, n);
      ASSERT_TRUE(std::fabs(x.margin) < 1e-3 || flags[b * length + n] == x.observable) << b << " " << n;
    }
}

BRG_EVERY_BACKEND(Long);

}  // namespace
