// Groups 4 and 6: buffers, and sets of reflections.
#include <sys/mman.h>

#include <fstream>
#include <sstream>
#include <string>

#include "support/batch.hpp"

namespace {

// What the kernel says of the mapping that an address is in: the line of VmFlags.
std::string mapping_flags(const void* address) {
  const auto wanted = reinterpret_cast<uintptr_t>(address);
  std::ifstream maps("/proc/self/smaps");
  bool inside = false;
  for (std::string line; std::getline(maps, line);) {
    uintptr_t first = 0, last = 0;
    char dash = 0;
    std::istringstream range(line);
    if (range >> std::hex >> first >> dash >> last && dash == '-') inside = wanted >= first && wanted < last;
    if (inside && line.rfind("VmFlags:", 0) == 0) return line + " ";
  }
  return "";
}

// Whether a mapping that asks for huge pages is described as one that did. Emulators of other processors ignore the wish.
bool wishes_for_huge_pages_show() {
  constexpr size_t bytes = size_t{1} << 22;
  void* const area = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (area == MAP_FAILED) return false;
  const bool shown = madvise(area, bytes, MADV_HUGEPAGE) == 0 && mapping_flags(area).find(" hg ") != std::string::npos;
  munmap(area, bytes);
  return shown;
}

class Memory : public BackendTest {};

TEST_P(Memory, BuffersKeepWhatIsWrittenToThem) {
  brg_buffer* made = nullptr;
  ASSERT_BRG(brg_buffer_create(context(), 1000, &made));
  const Buffer buffer(made);
  EXPECT_EQ(brg_buffer_size(made), 1000u);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(brg_buffer_data(made)) % 256, 0u);
  ASSERT_BRG(brg_buffer_clear(context(), made));
  std::vector<unsigned char> written(300), read(1000, 1);
  for (size_t i = 0; i < written.size(); ++i) written[i] = static_cast<unsigned char>(i * 7 + 1);
  ASSERT_BRG(brg_buffer_upload(context(), made, 501, written.data(), written.size()));
  ASSERT_BRG(brg_buffer_download(context(), made, 0, read.data(), read.size()));
  for (size_t i = 0; i < read.size(); ++i) EXPECT_EQ(read[i], i >= 501 && i < 801 ? written[i - 501] : 0);
  ASSERT_BRG(brg_buffer_download(context(), made, 600, read.data(), 1));
  EXPECT_EQ(read[0], written[99]);
}

TEST_P(Memory, EmptyBuffersAndNothingAtAll) {
  brg_buffer* made = nullptr;
  ASSERT_BRG(brg_buffer_create(context(), 0, &made));
  const Buffer buffer(made);
  EXPECT_EQ(brg_buffer_size(made), 0u);
  EXPECT_EQ(brg_buffer_data(made), nullptr);
  EXPECT_BRG(brg_buffer_clear(context(), made));
  EXPECT_BRG(brg_buffer_upload(context(), made, 0, nullptr, 0));
  EXPECT_BRG(brg_buffer_download(context(), made, 0, nullptr, 0));
  EXPECT_BRG(brg_buffer_destroy(nullptr));
  EXPECT_EQ(brg_buffer_data(nullptr), nullptr);
  EXPECT_EQ(brg_buffer_size(nullptr), 0u);
}

// "hg": huge pages were asked for.
TEST_P(Memory, LargeBuffersAskForHugePages) {
  if (!on_cpu()) GTEST_SKIP() << "the pages of devices are theirs";
  if (!wishes_for_huge_pages_show())
    GTEST_SKIP() << "this machine has no huge pages, or does not say who asked for them";
  for (const size_t bytes : {size_t{1} << 22, size_t{5000001}}) {
    brg_buffer* made = nullptr;
    ASSERT_BRG(brg_buffer_create(context(), bytes, &made));
    const Buffer buffer(made);
    const std::string flags = mapping_flags(brg_buffer_data(made));
    EXPECT_NE(flags.find(" hg "), std::string::npos) << bytes << ": " << flags;
  }
}

TEST_P(Memory, BuffersRefuseWhatIsOutside) {
  brg_buffer* made = nullptr;
  ASSERT_BRG(brg_buffer_create(context(), 100, &made));
  const Buffer buffer(made);
  unsigned char bytes[200] = {};
  EXPECT_FAULT(brg_buffer_upload(context(), made, 0, bytes, 101), BRG_ERROR_INVALID_ARGUMENT,
               "reach beyond the buffer's 100 bytes");
  EXPECT_FAULT(brg_buffer_upload(context(), made, 101, bytes, 0), BRG_ERROR_INVALID_ARGUMENT, "offset 101");
  EXPECT_FAULT(brg_buffer_download(context(), made, SIZE_MAX, bytes, 2), BRG_ERROR_INVALID_ARGUMENT, "offset");
  EXPECT_FAULT(brg_buffer_upload(context(), made, 0, nullptr, 1), BRG_ERROR_INVALID_ARGUMENT, "source is NULL");
  EXPECT_FAULT(brg_buffer_download(context(), made, 0, nullptr, 1), BRG_ERROR_INVALID_ARGUMENT, "destination is NULL");
  EXPECT_FAULT(brg_buffer_clear(context(), nullptr), BRG_ERROR_INVALID_ARGUMENT, "buffer is NULL");
  EXPECT_FAULT(brg_buffer_create(context(), 1, nullptr), BRG_ERROR_INVALID_ARGUMENT, "buffer is NULL");
  EXPECT_FAULT(brg_buffer_create(nullptr, 1, &made), BRG_ERROR_INVALID_ARGUMENT, "context is NULL");
}

TEST_P(Memory, MoreThanThereIsIsAnError) {
  brg_buffer* made = reinterpret_cast<brg_buffer*>(1);
  EXPECT_FAULT(brg_buffer_create(context(), size_t{1} << 60, &made), BRG_ERROR_OUT_OF_MEMORY, "brg_buffer_create");
  EXPECT_EQ(made, nullptr);
  ASSERT_BRG(brg_buffer_create(context(), 16, &made)) << "and the next call works";
  brg_buffer_destroy(made);
}

TEST_P(Memory, HandlesOutliveTheContextThatMadeThem) {
  BatchOptions options;
  options.orientations = 1, options.reflections = 1;
  brg_buffer* made = nullptr;
  Reflections set;
  {
    const Context other = make_context(GetParam());
    ASSERT_BRG(brg_buffer_create(other.get(), 8, &made));
    const double value = 5;
    ASSERT_BRG(brg_buffer_upload(other.get(), made, 0, &value, 8));
    const int32_t hkl[3] = {1, 0, 0};
    brg_reflections* reflections = nullptr;
    ASSERT_BRG(brg_reflections_create(other.get(), 1, hkl, some_basis().data(), &reflections));
    set.reset(reflections);
  }
  const Buffer buffer(made);
  double value = 0;
  ASSERT_BRG(brg_buffer_download(context(), made, 0, &value, 8));
  EXPECT_EQ(value, 5);
  Batch<double> batch(context(), plain_geometry(), options);
  auto g = output<double>(3);
  auto vectors = make<brg_vectors_f64>();
  vectors.g = g.data();
  EXPECT_BRG(brg_rotate_f64(context(), set.get(), &batch.orientations, &vectors));
}

// A set made from hkl, from vectors, and a view of the same q give the same answers; the view follows its array.
TEST_P(Memory, ThreeWaysToTheSameReflections) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    const Batch<T> batch(context(), plain_geometry(), {});
    std::vector<double> q;  // in float64, as brg_reflections_create has it
    for (size_t n = 0; n < batch.length(); ++n)
      for (size_t i = 0; i < 3; ++i)
        q.push_back(batch.basis[3 * i] * batch.hkl[3 * n] + batch.basis[3 * i + 1] * batch.hkl[3 * n + 1] +
                    batch.basis[3 * i + 2] * batch.hkl[3 * n + 2]);
    brg_reflections *made = nullptr, *view = nullptr;
    ASSERT_BRG(brg_reflections_create_from_vectors(context(), static_cast<int64_t>(batch.length()), q.data(), &made));
    const Reflections vectors(made);
    auto q_array = array(as<T>(q));
    ASSERT_BRG(Api<T>::reflections_view(context(), static_cast<int64_t>(batch.length()), q_array.data(), &view));
    const Reflections viewed(view);
    EXPECT_EQ(brg_reflections_count(made), static_cast<int64_t>(batch.length()));
    EXPECT_EQ(brg_reflections_count(view), static_cast<int64_t>(batch.length()));
    const auto angles = [&](const brg_reflections* set) {
      auto o1 = output<T>(batch.pairs());
      auto roots = make<typename Api<T>::Roots>();
      roots.omega1 = o1.data();
      EXPECT_BRG(Api<T>::predict(context(), &batch.geometry, set, &batch.orientations, &roots));
      return o1.read();
    };
    const auto expected = angles(batch.set.get());
    EXPECT_EQ(angles(made), expected);
    const auto through_view = angles(view);
    for (size_t i = 0; i < expected.size(); ++i) {
      if (expected[i] != 0 && through_view[i] != 0 &&
          batch.exact(i / batch.length(), i % batch.length()).margin > 0.01L) {
        EXPECT_NEAR(std::remainder(through_view[i] - expected[i], 2 * M_PI), 0,
                    1000 * std::numeric_limits<T>::epsilon());
      }
    }
    q_array.write(std::vector<T>(q.size(), 0));
    EXPECT_EQ(angles(view), std::vector<T>(batch.pairs(), 0));
  });
}

TEST_P(Memory, ReflectionsNameTheArgumentThatIsWrong) {
  brg_reflections* made = reinterpret_cast<brg_reflections*>(1);
  const int32_t hkl[3] = {1, 0, 0};
  const auto basis = some_basis();
  EXPECT_FAULT(brg_reflections_create(context(), -1, hkl, basis.data(), &made), BRG_ERROR_INVALID_ARGUMENT,
               "count is -1");
  EXPECT_EQ(made, nullptr);
  EXPECT_FAULT(brg_reflections_create(context(), int64_t{1} << 31, hkl, basis.data(), &made),
               BRG_ERROR_INVALID_ARGUMENT, "count");
  EXPECT_FAULT(brg_reflections_create(context(), 1, nullptr, basis.data(), &made), BRG_ERROR_INVALID_ARGUMENT,
               "hkl is NULL");
  EXPECT_FAULT(brg_reflections_create(context(), 1, hkl, nullptr, &made), BRG_ERROR_INVALID_ARGUMENT, "basis is NULL");
  auto bad = basis;
  bad[5] = std::nan("");
  EXPECT_FAULT(brg_reflections_create(context(), 1, hkl, bad.data(), &made), BRG_ERROR_INVALID_ARGUMENT, "basis[5]");
  EXPECT_FAULT(brg_reflections_create(context(), 1, hkl, basis.data(), nullptr), BRG_ERROR_INVALID_ARGUMENT,
               "reflections is NULL");
  EXPECT_FAULT(brg_reflections_create_from_vectors(context(), 1, nullptr, &made), BRG_ERROR_INVALID_ARGUMENT,
               "q is NULL");
  EXPECT_FAULT(brg_reflections_view_f64(context(), 1, nullptr, &made), BRG_ERROR_INVALID_ARGUMENT, "q is NULL");
  EXPECT_FAULT(brg_reflections_view_f32(nullptr, 1, nullptr, &made), BRG_ERROR_INVALID_ARGUMENT, "context is NULL");
  EXPECT_BRG(brg_reflections_destroy(nullptr));
  EXPECT_EQ(brg_reflections_count(nullptr), 0);
  ASSERT_BRG(brg_reflections_create(context(), 0, nullptr, basis.data(), &made));
  EXPECT_EQ(brg_reflections_count(made), 0);
  EXPECT_BRG(brg_reflections_destroy(made));
}

// Only where this process has both kinds of device.
TEST_P(Memory, HandlesOfAnotherDeviceAreRefused) {
  if (on_cpu() || !brg_backend_available(BRG_BACKEND_CUDA)) GTEST_SKIP() << "needs a CUDA device beside the CPU";
  const Context cpu = make_context(BRG_BACKEND_CPU);
  const Batch<double> here(context(), plain_geometry(), {}), there(cpu.get(), plain_geometry(), {});
  auto roots = make<brg_roots_f64>();
  EXPECT_FAULT(brg_predict_f64(context(), &here.geometry, there.set.get(), &here.orientations, &roots),
               BRG_ERROR_WRONG_DEVICE, "reflections belongs to another device");
  brg_buffer* made = nullptr;
  ASSERT_BRG(brg_buffer_create(cpu.get(), 8, &made));
  const Buffer buffer(made);
  double value = 0;
  EXPECT_FAULT(brg_buffer_upload(context(), made, 0, &value, 8), BRG_ERROR_WRONG_DEVICE, "buffer");
  EXPECT_FAULT(brg_buffer_download(context(), made, 0, &value, 8), BRG_ERROR_WRONG_DEVICE, "buffer");
}

BRG_EVERY_BACKEND(Memory);

}  // namespace
