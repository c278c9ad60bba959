// Host memory and the threads of the CPU backend.
#include "cpu/cpu_backend.hpp"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <new>

namespace braggrad::cpu {
namespace {

constexpr size_t alignment = 256, huge_page = size_t{1} << 21;

class HostMemory final : public Device {
 public:
  brg_backend kind() const noexcept override { return BRG_BACKEND_CPU; }
  int index() const noexcept override { return 0; }
  void* allocate(size_t bytes) override {
    const size_t unit = bytes < 2 * huge_page ? alignment : huge_page;
    if (bytes > SIZE_MAX - unit) throw std::bad_alloc();
    const size_t whole = (bytes + unit - 1) / unit * unit;
    void* memory = std::aligned_alloc(unit, whole);
    if (!memory) throw std::bad_alloc();
#if defined(MADV_HUGEPAGE)
    // A wish: the system may have no huge pages. Touching small ones costs more than the arithmetic on them.
    if (unit == huge_page) static_cast<void>(madvise(memory, whole, MADV_HUGEPAGE));
#endif
    return memory;
  }
  void release(void* memory) noexcept override { std::free(memory); }
};

class CpuBackend final : public Backend {
 public:
  CpuBackend(int threads, int64_t max_pairs, const Level& level)
      : engine_{ThreadPool(threads), max_pairs, level}, operations_f32_(engine_), operations_f64_(engine_) {}

  const std::shared_ptr<Device>& device() const override { return device_; }
  Operations<float>& operations(float) override { return operations_f32_; }
  Operations<double>& operations(double) override { return operations_f64_; }

  void enter(const char*) override {}
  void leave() noexcept override {}

  // One block is kept between calls: fresh pages cost more than the arithmetic.
  void* acquire_scratch(size_t bytes) override {
    if (scratch_.size() < bytes) {
      scratch_ = DeviceMemory();
      scratch_ = DeviceMemory(device_, bytes);
    }
    return scratch_.data();
  }
  void release_scratch(void*) noexcept override {}

  void upload(void* to, const void* from, size_t bytes) override { std::memcpy(to, from, bytes); }
  void download(void* to, const void* from, size_t bytes) override { std::memcpy(to, from, bytes); }
  void clear(void* memory, size_t bytes) override { std::memset(memory, 0, bytes); }
  void synchronize() override {}
  void set_stream(void*) override {}
  void use_own_stream() override {}
  void abandon() noexcept override { engine_.pool.abandon(); }

 private:
  Engine engine_;
  CpuOperations<float> operations_f32_;
  CpuOperations<double> operations_f64_;
  std::shared_ptr<Device> device_ = cpu_device();
  DeviceMemory scratch_;
};

}  // namespace

std::shared_ptr<Device> cpu_device() { return std::make_shared<HostMemory>(); }

std::unique_ptr<Backend> make_cpu_backend(int threads, int64_t max_pairs_per_launch, const Level& level) {
  return std::make_unique<CpuBackend>(threads, max_pairs_per_launch, level);
}

}  // namespace braggrad::cpu
