// Google Benchmark of the CUDA backend: every operation, at B = 20000 orientations of N = 200 reflections and for one orientation
// of 1000, beside the clearing of the device's memory. Names are operation/precision/BxN. Calls follow each other in the stream and
// are waited for together; "latency" is one call and its end. scripts/gpu_check.sh compares with the floors of bench/gpu_model.py.
#include <benchmark/benchmark.h>

#include <cstdio>

#include "calls.hpp"

namespace {

using namespace bench;

constexpr int calls_per_wait = 20;
const Shape large{20000, 200}, single{1, 1000};

std::string title(const std::string& operation, const char* precision, Shape shape) {
  return operation + "/" + precision + "/" + std::to_string(shape.orientations) + "x" +
         std::to_string(shape.reflections);
}

// `calls` calls for each wait; made anew for each measurement, from arrays that stay.
template <class T>
void add(Workbench& workbench, const Operation& operation, Shape shape, int calls, const std::string& name) {
  benchmark::RegisterBenchmark(name.c_str(),
                               [=, &workbench, &operation](benchmark::State& state) {
                                 brg_context* context = workbench.context("", 1);
                                 const Call call = library_call<T>(workbench, operation, shape, context);
                                 call.run();
                                 require(brg_context_synchronize(context));
                                 for (auto _ : state) {
                                   for (int i = 0; i < calls; ++i) call.run();
                                   require(brg_context_synchronize(context));
                                 }
                                 const auto pairs = static_cast<double>(call.pairs) * calls;
                                 state.counters["pairs/s"] =
                                     benchmark::Counter(pairs, benchmark::Counter::kIsIterationInvariantRate);
                               })
      ->UseRealTime()
      ->Unit(benchmark::kMicrosecond);
}

template <class T>
void add_all(Workbench& workbench) {
  for (const auto* list : {&operations(), &more_operations()})
    for (const Operation& operation : *list) {
      add<T>(workbench, operation, large, calls_per_wait, title(operation.name, Api<T>::name, large));
      if (operation.name != "predict" && operation.name != "loss_angle") continue;
      const std::string name = title(operation.name, Api<T>::name, single);
      add<T>(workbench, operation, single, calls_per_wait, name);
      add<T>(workbench, operation, single, 1, name + "/latency");
    }
}

// Bytes per second of the memory of the device.
void clear(benchmark::State& state, Workbench& workbench) {
  constexpr size_t bytes = size_t{1} << 30;
  brg_context* context = workbench.context("", 1);
  brg_buffer* buffer = nullptr;
  require(brg_buffer_create(context, bytes, &buffer));
  for (auto _ : state) {
    for (int i = 0; i < calls_per_wait; ++i) require(brg_buffer_clear(context, buffer));
    require(brg_context_synchronize(context));
  }
  state.SetBytesProcessed(state.iterations() * calls_per_wait * static_cast<int64_t>(bytes));
  brg_buffer_destroy(buffer);
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  Workbench workbench(BRG_BACKEND_CUDA);
  std::string why;
  if (!workbench.context("", 1, &why)) {
    std::fprintf(stderr, "%s\n", why.c_str());
    return 1;
  }
  benchmark::AddCustomContext("braggrad_build", brg_build_info());
  benchmark::RegisterBenchmark("clear/1GiB", [&](benchmark::State& state) { clear(state, workbench); })
      ->UseRealTime()
      ->Unit(benchmark::kMicrosecond);
  add_all<double>(workbench);
  add_all<float>(workbench);
  benchmark::RunSpecifiedBenchmarks();
}
