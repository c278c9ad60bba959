// Graphs, streams and devices of CUDA. The tests reach the CUDA runtime that the library is linked to, where that is a
// shared library (under a simulator); elsewhere those that need it are skipped.
#include <dlfcn.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <thread>

#include "support/every_call.hpp"

namespace {

// Functions of the CUDA runtime, by their C signatures.
struct Runtime {
  template <class Function>
  static void find(Function& function, const char* name) {
    function = reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, name));
  }
  Runtime() {
    find(stream_create, "cudaStreamCreateWithFlags"), find(stream_destroy, "cudaStreamDestroy");
    find(stream_synchronize, "cudaStreamSynchronize"), find(begin_capture, "cudaStreamBeginCapture");
    find(end_capture, "cudaStreamEndCapture"), find(instantiate, "cudaGraphInstantiate");
    find(launch, "cudaGraphLaunch"), find(nodes, "cudaGraphGetNodes"), find(graph_destroy, "cudaGraphDestroy");
    find(exec_destroy, "cudaGraphExecDestroy"), find(get_device, "cudaGetDevice"), find(set_device, "cudaSetDevice");
    find(launch_host, "cudaLaunchHostFunc");
  }
  bool found() const { return stream_create && begin_capture && instantiate && nodes && get_device && launch_host; }

  int (*stream_create)(void**, unsigned) = nullptr;
  int (*stream_destroy)(void*) = nullptr, (*stream_synchronize)(void*) = nullptr;
  int (*begin_capture)(void*, int) = nullptr, (*end_capture)(void*, void**) = nullptr;
  int (*instantiate)(void**, void*, unsigned long long) = nullptr;
  int (*launch)(void*, void*) = nullptr, (*nodes)(void*, void**, size_t*) = nullptr;
  int (*graph_destroy)(void*) = nullptr, (*exec_destroy)(void*) = nullptr;
  int (*get_device)(int*) = nullptr, (*set_device)(int) = nullptr;
  int (*launch_host)(void*, void (*)(void*), void*) = nullptr;
};

constexpr unsigned blocking = 0, non_blocking = 1;
constexpr int global_mode = 0;

class Graph : public testing::Test {
 protected:
  void SetUp() override {
    if (!brg_backend_available(BRG_BACKEND_CUDA)) GTEST_SKIP() << "this machine has no CUDA device";
    if (!runtime_.found()) GTEST_SKIP() << "the CUDA runtime is inside the library: no graphs to be had";
    context_ = make_context(BRG_BACKEND_CUDA);
  }
  brg_context* context() const { return context_.get(); }

  // A workspace that is enough for every call, given to the context.
  template <class T>
  Array<unsigned char> give_workspace(EveryCall<T>& every) {
    EXPECT_BRG(brg_context_set_dry_run(context(), 1));
    for (const auto& call : every.calls()) EXPECT_BRG(call.make(context())) << call.name;
    size_t bytes = 0;
    EXPECT_BRG(brg_context_workspace_size(context(), &bytes));
    EXPECT_BRG(brg_context_set_dry_run(context(), 0));
    Array<unsigned char> workspace(context(), bytes);
    EXPECT_BRG(brg_context_set_workspace(context(), workspace.data(), bytes));
    return workspace;
  }

  // The graph of a call on a stream that any work on the legacy default stream would break.
  template <class Call>
  void* capture(void* stream, const Call& call) {
    void* graph = nullptr;
    EXPECT_EQ(runtime_.begin_capture(stream, global_mode), 0);
    EXPECT_BRG(call.make(context())) << call.name;
    EXPECT_EQ(runtime_.end_capture(stream, &graph), 0) << call.name;
    return graph;
  }

  size_t count_nodes(void* graph) const {
    size_t count = 0;
    EXPECT_EQ(runtime_.nodes(graph, nullptr, &count), 0);
    return count;
  }

  Runtime runtime_;

 private:
  Context context_;
};

// Capturing makes nothing; each launch of the graph gives the bits of the call.
TEST_F(Graph, HoldsEveryComputeCallWithTheCallersWorkspace) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    for (const size_t rows : {size_t{1}, size_t{37}}) {
      BatchOptions options;
      options.orientations = rows, options.reflections = 45;
      EveryCall<T> every(context(), options);
      const std::vector<T> expected = every.make_all(context());
      const Array<unsigned char> workspace = give_workspace(every);
      void* stream = nullptr;
      ASSERT_EQ(runtime_.stream_create(&stream, blocking), 0);
      ASSERT_BRG(brg_context_set_stream(context(), stream));
      every.clear();
      std::vector<void*> graphs;
      for (const auto& call : every.calls()) graphs.push_back(capture(stream, call));
      for (const T value : every.answers()) ASSERT_EQ(value, every.untouched) << "nothing has run yet";
      for (int round = 0; round < 2; ++round) {
        every.clear();
        for (void* graph : graphs) {
          void* exec = nullptr;
          ASSERT_EQ(runtime_.instantiate(&exec, graph, 0), 0);
          ASSERT_EQ(runtime_.launch(exec, stream), 0);
          ASSERT_EQ(runtime_.stream_synchronize(stream), 0);
          EXPECT_EQ(runtime_.exec_destroy(exec), 0);
        }
        EXPECT_EQ(every.answers(), expected) << "round " << round;
      }
      for (void* graph : graphs) EXPECT_EQ(runtime_.graph_destroy(graph), 0);
      ASSERT_BRG(brg_context_use_own_stream(context()));
      ASSERT_BRG(brg_context_set_workspace(context(), nullptr, 0));
      ASSERT_EQ(runtime_.stream_destroy(stream), 0);
    }
  });
}

// A call with one orientation is one kernel: one node of a graph. Sums over the batch have a second stage, spots are counted first,
// and the solve of a convention is solve and angles.
TEST_F(Graph, OfASmallCallIsOneKernel) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    for (const size_t length : {size_t{1}, size_t{33}, size_t{1000}}) {
      BatchOptions options;
      options.orientations = 1, options.reflections = length;
      EveryCall<T> every(context(), options);
      const Array<unsigned char> workspace = give_workspace(every);
      void* stream = nullptr;
      ASSERT_EQ(runtime_.stream_create(&stream, non_blocking), 0);
      ASSERT_BRG(brg_context_set_stream(context(), stream));
      for (const auto& call : every.calls()) {
        if (!call.one_step) continue;
        void* graph = capture(stream, call);
        EXPECT_EQ(count_nodes(graph), 1u) << call.name << ", N = " << length;
        EXPECT_EQ(runtime_.graph_destroy(graph), 0);
      }
      ASSERT_BRG(brg_context_use_own_stream(context()));
      ASSERT_BRG(brg_context_set_workspace(context(), nullptr, 0));
      ASSERT_EQ(runtime_.stream_destroy(stream), 0);
    }
  });
}

// A call with one orientation is one call of the runtime, the launch, where the device is the machine's only one: it is current
// whatever the caller does. Elsewhere it is asked which device is current. The simulator of the runtime says what it is called for.
TEST_F(Graph, OfASmallCallNeedsNoOtherCallOfTheRuntime) {
  if (!std::getenv("CUDASIM_VERBOSE")) GTEST_SKIP() << "nobody tells the calls of the runtime";
  int32_t devices = 0;
  ASSERT_BRG(brg_device_count(BRG_BACKEND_CUDA, &devices));
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    for (const size_t length : {size_t{1}, size_t{1000}}) {
      BatchOptions options;
      options.orientations = 1, options.reflections = length;
      EveryCall<T> every(context(), options);
      const Array<unsigned char> workspace = give_workspace(every);
      for (const auto& call : every.calls()) {
        if (!call.one_step) continue;
        testing::internal::CaptureStderr();
        const brg_status status = call.make(context());
        const std::string said = testing::internal::GetCapturedStderr();
        EXPECT_BRG(status) << call.name;
        EXPECT_EQ(said, std::string(devices > 1 ? "cudasim: call: cudaGetDevice\n" : "") +
                            "cudasim: call: cudaLaunchKernelExC\n")
            << call.name << ", N = " << length;
      }
      ASSERT_BRG(brg_context_set_workspace(context(), nullptr, 0));
    }
  });
}

// While a stream that waits for the legacy default stream is captured, any work on that one is an error: there is none.
TEST_F(Graph, OfAnotherStreamIsNotDisturbed) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    EveryCall<T> every(context(), {});
    const std::vector<T> expected = every.make_all(context());
    const Array<unsigned char> workspace = give_workspace(every);
    every.clear();
    void *stream = nullptr, *graph = nullptr;
    ASSERT_EQ(runtime_.stream_create(&stream, blocking), 0);
    ASSERT_EQ(runtime_.begin_capture(stream, global_mode), 0);
    for (const auto& call : every.calls()) EXPECT_BRG(call.make(context())) << call.name;
    ASSERT_EQ(runtime_.end_capture(stream, &graph), 0) << "nothing has touched the legacy default stream";
    EXPECT_EQ(count_nodes(graph), 0u) << "and nothing has joined the captured one";
    EXPECT_BRG(brg_context_synchronize(context()));
    EXPECT_EQ(every.answers(), expected);
    EXPECT_EQ(runtime_.graph_destroy(graph), 0);
    ASSERT_BRG(brg_context_set_workspace(context(), nullptr, 0));
    ASSERT_EQ(runtime_.stream_destroy(stream), 0);
  });
}

// Holds a stream up: work behind pass() does not begin before open(), or a minute has gone.
class Gate {
 public:
  static void pass(void* gate) { static_cast<Gate*>(gate)->wait_inside(); }
  void wait_until_reached() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return reached_; });
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  void wait_inside() {
    std::unique_lock lock(mutex_);
    reached_ = true;
    changed_.notify_all();
    changed_.wait_for(lock, std::chrono::minutes(1), [&] { return open_; });
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  bool reached_ = false, open_ = false;
};

// Two threads, each with a context on a stream of its own. One stream is held up: the calls on it are made and return, nothing
// of them has run, and all work of the other stream completes meanwhile. So neither stream waits for the other, nor any call for
// its stream. The arrays are read through a third context.
TEST_F(Graph, StreamsOfTwoThreadsOverlap) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    BatchOptions options;
    options.orientations = 37;
    EveryCall<T> held(context(), options), free(context(), options);
    const std::vector<T> expected = held.make_all(context());
    void* streams[2] = {};
    Context contexts[2];
    for (int i = 0; i < 2; ++i) {
      contexts[i] = make_context(BRG_BACKEND_CUDA);
      ASSERT_EQ(runtime_.stream_create(&streams[i], non_blocking), 0);
      ASSERT_BRG(brg_context_set_stream(contexts[i].get(), streams[i]));
    }
    EXPECT_EQ(held.make_all(contexts[0].get()), expected) << "and the working memory is there";
    held.clear(), free.clear();

    Gate gate;
    ASSERT_EQ(runtime_.launch_host(streams[0], Gate::pass, &gate), 0);
    std::thread driver([&] { EXPECT_EQ(runtime_.stream_synchronize(streams[0]), 0); });
    gate.wait_until_reached();
    std::thread([&] {
      for (const auto& call : held.calls()) EXPECT_BRG(call.make(contexts[0].get())) << call.name;
    }).join();
    std::thread([&] {
      for (const auto& call : free.calls()) EXPECT_BRG(call.make(contexts[1].get())) << call.name;
      EXPECT_BRG(brg_context_synchronize(contexts[1].get()));
    }).join();
    EXPECT_EQ(free.answers(), expected);
    for (const T value : held.answers()) ASSERT_EQ(value, held.untouched) << "the gate is shut";
    gate.open();
    driver.join();
    EXPECT_BRG(brg_context_synchronize(contexts[0].get()));
    EXPECT_EQ(held.answers(), expected);
    for (int i = 0; i < 2; ++i) {
      ASSERT_BRG(brg_context_use_own_stream(contexts[i].get()));
      EXPECT_EQ(runtime_.stream_destroy(streams[i]), 0);
    }
  });
}

// One context for each device, used by turns: the same bits, and the device that the caller has chosen stays current.
TEST_F(Graph, DevicesWorkByTurns) {
  int32_t devices = 0;
  ASSERT_BRG(brg_device_count(BRG_BACKEND_CUDA, &devices));
  if (devices < 2) GTEST_SKIP() << "this machine has one CUDA device";
  std::vector<Context> contexts;
  for (int32_t device = 0; device < devices; ++device) {
    auto options = make<brg_context_options>();
    options.backend = BRG_BACKEND_CUDA, options.device = device;
    brg_context* made = nullptr;
    ASSERT_BRG(brg_context_create(&options, &made));
    contexts.emplace_back(made);
  }
  std::deque<EveryCall<float>> work;  // they do not move
  for (const Context& own : contexts) work.emplace_back(own.get(), BatchOptions{});
  const std::vector<float> expected = work[0].make_all(contexts[0].get());
  ASSERT_EQ(runtime_.set_device(1), 0);
  for (EveryCall<float>& every : work) every.clear();
  for (size_t i = 0; i < work[0].calls().size(); ++i)
    for (size_t device = 0; device < work.size(); ++device)
      ASSERT_BRG(work[device].calls()[i].make(contexts[device].get())) << work[device].calls()[i].name;
  for (const EveryCall<float>& every : work) EXPECT_EQ(every.answers(), expected);
  int current = -1;
  EXPECT_EQ(runtime_.get_device(&current), 0);
  EXPECT_EQ(current, 1);
  brg_buffer* made = nullptr;
  ASSERT_BRG(brg_buffer_create(contexts[0].get(), 8, &made));
  const Buffer buffer(made);
  double value = 0;
  EXPECT_FAULT(brg_buffer_upload(contexts[1].get(), made, 0, &value, 8), BRG_ERROR_WRONG_DEVICE, "buffer");
  ASSERT_EQ(runtime_.set_device(0), 0);
}

}  // namespace
