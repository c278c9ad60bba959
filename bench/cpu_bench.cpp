// Google Benchmark of the CPU backend through the C interface: every operation, precision, instruction set and size, the naive
// baseline and the filling of the same outputs, in one process. Names are
//
//   operation/precision/level/threads/BxN      predict/f64/avx2/1t/20000x200
//
// where level is also "naive" or "closed" (the baselines of naive.hpp), and the operation "fill". bench/report.py chooses among them and
// compares; the others run by their names. What does not fit into the machine's memory is skipped with a message.
//
//   cpu_bench --check      compares the library with the baseline at every level, and measures nothing
//   cpu_bench --benchmark_filter='^predict/f64/.*/1t/20000x200$' --benchmark_enable_random_interleaving
//             --benchmark_repetitions=15 --benchmark_min_time=0.02
#include <benchmark/benchmark.h>

#include <cstdio>
#include <string_view>

#include "calls.hpp"
#include "check.hpp"

namespace {

using namespace bench;

constexpr int64_t naive_pairs_per_run = 50000;  // it walks through a large output in steps of some milliseconds

std::string title(const std::string& operation, const char* precision, const std::string& level, int threads,
                  Shape shape) {
  return operation + "/" + precision + "/" + level + "/" + std::to_string(threads) + "t/" +
         std::to_string(shape.orientations) + "x" + std::to_string(shape.reflections);
}

// Registers a call that is made anew for each measurement, from arrays that stay. bytes: of a pair; room: of all its arrays together.
template <class Make>
void add(Workbench& workbench, const std::string& name, int threads, size_t bytes, size_t room, Make make_call) {
  auto* made = benchmark::RegisterBenchmark(name.c_str(), [=, &workbench](benchmark::State& state) {
    if (!workbench.has_room(room)) {
      state.SkipWithError(("needs " + std::to_string(room >> 20) + " MiB, which this machine has not").c_str());
      return;
    }
    const Call call = make_call();
    call.run();
    for (auto _ : state) {
      call.run();
      benchmark::ClobberMemory();
    }
    const auto pairs = static_cast<double>(call.pairs);
    state.counters["pairs/s"] = benchmark::Counter(pairs, benchmark::Counter::kIsIterationInvariantRate);
    if (bytes > 0) state.SetBytesProcessed(state.iterations() * call.pairs * static_cast<int64_t>(bytes));
  });
  made->Unit(benchmark::kMicrosecond);
  if (threads > 1) made->UseRealTime();
}

template <class T>
void add_library(Workbench& workbench, const Operation& operation, const std::string& level, int threads, Shape shape) {
  if (operation.list == List::friedel && shape.reflections % 2 != 0) return;
  brg_context* context = workbench.context(level, threads);
  const size_t bytes = bytes_per_pair(operation, sizeof(T)), room = bytes * static_cast<size_t>(shape.pairs());
  add(workbench, title(operation.name, Api<T>::name, level, threads, shape), threads, bytes, room,
      [=, &workbench, &operation] { return library_call<T>(workbench, operation, shape, context); });
}

template <class T>
void add_naive(Workbench& workbench, const Operation& operation, naive::Adjoint adjoint, Shape shape) {
  const char* level = adjoint == naive::Adjoint::closed ? "closed" : "naive";
  add(workbench, title(operation.name, Api<T>::name, level, 1, shape), 1, 0, 0, [=, &workbench, &operation] {
    return naive_call<T>(workbench, operation, shape, naive_pairs_per_run / shape.reflections, adjoint);
  });
}

template <class T>
void add_fill(Workbench& workbench, int threads, Shape shape) {
  constexpr size_t bytes = 2 * sizeof(T) + 1;
  add(workbench, title("fill", Api<T>::name, "memset", threads, shape), threads, bytes,
      bytes * static_cast<size_t>(shape.pairs()), [=, &workbench] { return fill_call<T>(workbench, shape, threads); });
}

const std::vector<Shape> shapes = {{1, 1}, {1, 10}, {1, 50}, {1, 200}, {1, 1000}, {1000, 200}, {20000, 200}};
const Shape usual{20000, 200}, largest{243129, 458};

template <class T>
void add_all(Workbench& workbench, const std::vector<std::string>& levels) {
  const std::string best = levels.back();
  for (const auto* list : {&operations(), &more_operations()})
    for (const Operation& operation : *list) {
      for (const Shape& shape : shapes)
        for (const std::string& level : levels) add_library<T>(workbench, operation, level, 1, shape);
      add_library<T>(workbench, operation, best, 1, largest);
    }
  for (const char* name : {"predict", "predict_chi0", "predict_vjp", "loss_angle", "loss_angle_per_pair"})
    for (const Shape& shape : shapes) add_naive<T>(workbench, find_operation(name), naive::Adjoint::chain_rule, shape);
  for (const char* name : {"predict_vjp", "loss_angle"})
    add_naive<T>(workbench, find_operation(name), naive::Adjoint::closed, usual);
  for (const char* name : {"predict", "predict_friedel", "predict_vjp", "loss_angle", "loss_chord"})
    add_library<T>(workbench, find_operation(name), best, 2, usual);
  for (const int threads : {1, 2}) add_fill<T>(workbench, threads, usual);

  add_fill<T>(workbench, 1, largest);

  // Scaling: what `shapes` has not.
  for (const char* name : {"predict", "loss_angle"}) {
    const Operation& operation = find_operation(name);
    for (const int64_t count : {1, 10, 100, 1000, 10000, 100000}) {
      if (count != 1 && count != 1000) add_library<T>(workbench, operation, best, 1, {count, 200});
      if (count >= 100 && count != 1000) add_library<T>(workbench, operation, best, 1, {1, count});
    }
  }
}

std::vector<std::string> available_levels(Workbench& workbench) {
  std::vector<std::string> levels;
  for (const char* level : {"scalar", "sse4", "avx2", "avx512"}) {
    std::string why;
    if (workbench.context(level, 1, &why))
      levels.emplace_back(level);
    else
      std::fprintf(stderr, "%s is skipped: %s\n", level, why.c_str());
  }
  return levels;
}

}  // namespace

int main(int argc, char** argv) {
  Workbench workbench;
  const std::vector<std::string> levels = available_levels(workbench);
  if (levels.empty()) return 1;
  if (argc == 2 && std::string_view(argv[1]) == "--check") return check_against_naive(workbench, levels) ? 0 : 1;
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::AddCustomContext("braggrad_version", brg_version());
  benchmark::AddCustomContext("braggrad_build", brg_build_info());
  add_all<double>(workbench, levels);
  add_all<float>(workbench, levels);
  benchmark::RunSpecifiedBenchmarks();
}
