// More than 2^31 pairs, and ten million orientations, in one call. Takes minutes: only with BRAGGRAD_LONG_TESTS=1.
#include <cstdlib>
#include <cstring>
#include <numeric>

#include "support/batch.hpp"

namespace {

class Long : public BackendTest {
  void SetUp() override {
    if (!std::getenv("BRAGGRAD_LONG_TESTS")) GTEST_SKIP() << "takes minutes and 2.2 GB: set BRAGGRAD_LONG_TESTS=1";
    BackendTest::SetUp();
  }

 protected:
  // Orientations repeat with this period, so every row has to equal the one so far before it.
  static constexpr size_t period = 41;

  Batch<float> few(size_t reflections) const {
    BatchOptions options;
    options.orientations = period, options.reflections = reflections;
    return Batch<float>(context(), plain_geometry(), options);
  }
  static std::vector<float> repeated(const std::vector<float>& rotation, size_t rows) {
    std::vector<float> all;
    all.reserve(9 * rows);
    for (size_t b = 0; b < rows; ++b)
      all.insert(all.end(), rotation.begin() + static_cast<long>(b % period * 9),
                 rotation.begin() + static_cast<long>(b % period * 9 + 9));
    return all;
  }
  // How many values of an array with `each` to a row are not the bits of those of the row one period before.
  template <class T>
  static size_t strangers(const std::vector<T>& values, size_t each) {
    size_t wrong = 0;
    for (size_t at = period * each; at < values.size(); ++at)
      wrong += std::memcmp(&values[at], &values[at - period * each], sizeof(T)) != 0;
    return wrong;
  }
};

TEST_P(Long, MoreThanTwoToThe31Pairs) {
  if (!on_cpu()) {
    constexpr int64_t enough_memory = 5'000'000'000;  // more than a simulated device has, which would take days
    auto device = make<brg_device_properties>();
    ASSERT_BRG(brg_device_info(BRG_BACKEND_CUDA, 0, &device));
    if (device.memory_bytes < enough_memory) GTEST_SKIP() << device.name << " has too little memory, or is simulated";
  }
  const size_t length = 1000, rows = (size_t{1} << 31) / length + 3 * period;
  ASSERT_GT(rows * length, size_t{1} << 31);
  const Batch<float> few = this->few(length);
  auto rotation_array = array(repeated(few.rotation, rows));
  Array<uint8_t> observable(context(), rows * length);
  auto orientations = make<brg_orientations_f32>();
  orientations.count = static_cast<int64_t>(rows), orientations.rotation = rotation_array.data();
  auto roots = make<brg_roots_f32>();
  roots.observable = observable.data();
  ASSERT_BRG(brg_predict_f32(context(), &few.geometry, few.set.get(), &orientations, &roots));

  const std::vector<uint8_t> flags = observable.read();
  EXPECT_EQ(strangers(flags, length), 0u);
  EXPECT_GT(std::accumulate(flags.begin(), flags.end(), size_t{0}), rows * length / 3);
  for (size_t b = 0; b < period; ++b)
    for (size_t n = 0; n < length; ++n) {
      const oracle::Crossing x = few.exact(b, n);
      ASSERT_TRUE(std::fabs(x.margin) < 1e-3 || flags[b * length + n] == x.observable) << b << " " << n;
    }
}

TEST_P(Long, TenMillionOrientations) {
  const size_t rows = 10'000'000, length = 1;
  const Batch<float> few = this->few(length);
  auto rotation_array = array(repeated(few.rotation, rows));
  auto orientations = make<brg_orientations_f32>();
  orientations.count = static_cast<int64_t>(rows), orientations.rotation = rotation_array.data();
  {
    Array<float> omega1(context(), rows * length), omega2(context(), rows * length);
    Array<uint8_t> observable(context(), rows * length);
    auto roots = make<brg_roots_f32>();
    roots.omega1 = omega1.data(), roots.omega2 = omega2.data(), roots.observable = observable.data();
    ASSERT_BRG(brg_predict_f32(context(), &few.geometry, few.set.get(), &orientations, &roots));
    const std::vector<float> first = omega1.read();
    EXPECT_EQ(strangers(first, length) + strangers(omega2.read(), length) + strangers(observable.read(), length), 0u);
    for (size_t b = 0; b < period; ++b) {
      const oracle::Crossing x = few.exact(b, 0);
      if (std::fabs(x.margin) < 1e-2) continue;
      EXPECT_NEAR(first[b], x.observable ? x.omega[0] : 0, 1e-5) << b;
    }
  }
  auto target = array(std::vector<float>(length, 0.3f));
  Array<float> loss(context(), rows), rotation_bar(context(), 9 * rows);
  auto targets = make<brg_omega_targets_f32>();
  targets.omega1 = targets.omega2 = target.data();
  auto out = make<brg_omega_loss_output_f32>();
  out.loss = loss.data(), out.rotation_bar = rotation_bar.data();
  ASSERT_BRG(brg_omega_loss_f32(context(), &few.geometry, few.set.get(), &orientations, &targets, &out));
  const std::vector<float> losses = loss.read();
  EXPECT_EQ(strangers(losses, 1) + strangers(rotation_bar.read(), 9), 0u);
  for (size_t b = 0; b < period; ++b) {
    const oracle::Crossing x = few.exact(b, 0);
    if (std::fabs(x.margin) < 1e-2) continue;
    oracle::Real exact = 0;
    for (const oracle::Real omega : x.omega) exact += std::pow(oracle::wrap(omega - 0.3f), 2) / 2;
    EXPECT_NEAR(losses[b], x.observable ? exact : 0, 1e-5) << b;
  }
}

BRG_EVERY_BACKEND(Long);

}  // namespace
