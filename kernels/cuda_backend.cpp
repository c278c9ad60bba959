// The CUDA backend: stream, working memory and copies of one context.
#include <nvtx3/nvToolsExt.h>

#include <optional>

#include "kernels/cuda_device.hpp"
#include "kernels/cuda_operations.hpp"
#include "runtime/cuda.hpp"

namespace braggrad::cuda {
namespace {

// Working memory in the order of a stream, from a pool of the context's own: it keeps what it once had, and leaves the
// settings of the device's default pool to the program.
class ScratchPool {
 public:
  explicit ScratchPool(int device) : device_(device) {}
  ScratchPool(const ScratchPool&) = delete;
  ScratchPool& operator=(const ScratchPool&) = delete;

  // The pool is made at the first need: a context with the caller's workspace has none.
  void* allocate(size_t bytes, cudaStream_t stream) {
    if (!pool_) create();
    void* memory = nullptr;
    check(cudaMallocFromPoolAsync(&memory, bytes, pool_, stream), "cudaMallocFromPoolAsync");
    return memory;
  }

  // Memory that is in use is given back when the stream has passed.
  void destroy() noexcept {
    if (pool_) ignore(cudaMemPoolDestroy(pool_));
    pool_ = nullptr;
  }

 private:
  void create() {
    cudaMemPoolProps properties{};
    properties.allocType = cudaMemAllocationTypePinned;
    properties.location.type = cudaMemLocationTypeDevice;
    properties.location.id = device_;
    check(cudaMemPoolCreate(&pool_, &properties), "cudaMemPoolCreate");
    uint64_t keep_all = UINT64_MAX;
    const cudaError_t status = cudaMemPoolSetAttribute(pool_, cudaMemPoolAttrReleaseThreshold, &keep_all);
    if (status != cudaSuccess) destroy();
    check(status, "cudaMemPoolSetAttribute");
  }

  int device_;
  cudaMemPool_t pool_ = nullptr;
};

class CudaBackend final : public Backend {
 public:
  CudaBackend(int device, bool is_only, int64_t max_pairs, bool synchronous)
      : device_(std::make_shared<CudaDevice>(device, is_only)),
        engine_(max_pairs, synchronous),
        pool_(device),
        operations_f32_(engine_),
        operations_f64_(engine_) {
    const DeviceScope scope(own_device());
    check(scope.status(), "cudaSetDevice");
    check(cudaStreamCreateWithFlags(&own_stream_, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
    const cudaError_t status = cudaEventCreateWithFlags(&passed_, cudaEventDisableTiming);
    if (status != cudaSuccess) ignore(cudaStreamDestroy(own_stream_));
    check(status, "cudaEventCreateWithFlags");
    engine_.stream = own_stream_;
  }

  ~CudaBackend() override {
    if (abandoned_) return;
    const DeviceScope scope(own_device());
    ignore(scope.status());
    pool_.destroy();
    ignore(cudaEventDestroy(passed_));
    ignore(cudaStreamDestroy(own_stream_));
  }

  const std::shared_ptr<Device>& device() const override { return device_; }
  Operations<float>& operations(float) override { return operations_f32_; }
  Operations<double>& operations(double) override { return operations_f64_; }

  void enter(const char* function) override {
    scope_.emplace(own_device());
    const cudaError_t status = scope_->status();
    if (status != cudaSuccess) scope_.reset();
    check(status, "cudaSetDevice");
    nvtxRangePushA(function);
  }

  void leave() noexcept override {
    nvtxRangePop();
    scope_.reset();
  }

  void* acquire_scratch(size_t bytes) override { return pool_.allocate(bytes, engine_.stream); }

  void release_scratch(void* memory) noexcept override {
    const cudaError_t status = cudaFreeAsync(memory, engine_.stream);
    if (status == cudaSuccess) return;
    ignore(status);
    ignore(cudaStreamSynchronize(engine_.stream));
    ignore(cudaFree(memory));
  }

  // A copy from pageable memory may still read the source when the call returns.
  void upload(void* to, const void* from, size_t bytes) override {
    check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, engine_.stream), "cudaMemcpyAsync");
    check(cudaStreamSynchronize(engine_.stream), "cudaStreamSynchronize");
  }

  void download(void* to, const void* from, size_t bytes) override {
    check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, engine_.stream), "cudaMemcpyAsync");
    check(cudaStreamSynchronize(engine_.stream), "cudaStreamSynchronize");
  }

  void clear(void* memory, size_t bytes) override {
    check(cudaMemsetAsync(memory, 0, bytes, engine_.stream), "cudaMemsetAsync");
  }

  void synchronize() override {
    const DeviceScope scope(own_device());
    check(scope.status(), "cudaSetDevice");
    check(cudaStreamSynchronize(engine_.stream), "cudaStreamSynchronize");
  }

  void set_stream(void* stream) override { change_stream(static_cast<cudaStream_t>(stream)); }
  void use_own_stream() override { change_stream(own_stream_); }
  void abandon() noexcept override { abandoned_ = true; }

 private:
  // What the old stream was given comes before what the new one will be given.
  void change_stream(cudaStream_t next) {
    if (next == engine_.stream) return;
    if (!Engine::is_capturing(engine_.stream) && !Engine::is_capturing(next)) {
      check(cudaEventRecord(passed_, engine_.stream), "cudaEventRecord");
      check(cudaStreamWaitEvent(next, passed_, 0), "cudaStreamWaitEvent");
    }
    engine_.stream = next;
  }

  const CudaDevice& own_device() const { return static_cast<const CudaDevice&>(*device_); }

  std::shared_ptr<Device> device_;  // a CudaDevice
  Engine engine_;
  ScratchPool pool_;
  CudaOperations<float> operations_f32_;
  CudaOperations<double> operations_f64_;
  cudaStream_t own_stream_ = nullptr;
  cudaEvent_t passed_ = nullptr;
  std::optional<DeviceScope> scope_;
  bool abandoned_ = false;
};

}  // namespace

std::unique_ptr<Backend> make_backend(int device, bool is_only, int64_t max_pairs_per_launch, bool synchronous) {
  return std::make_unique<CudaBackend>(device, is_only, max_pairs_per_launch, synchronous);
}

}  // namespace braggrad::cuda
