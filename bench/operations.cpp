// Pairs per second of predict, its adjoint, and the fused loss with its gradient and normal equations, beside a plain scalar
// transcription of the textbook formula and the bandwidth of the same memory, in one process.
//
//   operations_bench [--benchmark_filter=cuda] [--benchmark_format=json]
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "support/api.hpp"

namespace {

void require(brg_status status) {
  if (status == BRG_SUCCESS) return;
  std::fprintf(stderr, "%s\n", brg_last_error());
  std::exit(1);
}

// Arrays in the memory of a context, freed with it.
class Arena {
 public:
  explicit Arena(brg_backend backend) {
    auto options = make<brg_context_options>();
    options.backend = backend;
    require(brg_context_create(&options, &context_));
  }
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() {
    for (brg_buffer* buffer : buffers_) brg_buffer_destroy(buffer);
    brg_context_destroy(context_);
  }
  brg_context* context() const { return context_; }
  template <class T>
  T* array(size_t count) {
    brg_buffer* buffer = nullptr;
    require(brg_buffer_create(context_, count * sizeof(T), &buffer));
    buffers_.push_back(buffer);
    require(brg_buffer_clear(context_, buffer));
    return static_cast<T*>(brg_buffer_data(buffer));
  }
  template <class T>
  T* array(const std::vector<T>& values) {
    T* data = array<T>(values.size());
    require(brg_buffer_upload(context_, buffers_.back(), 0, values.data(), values.size() * sizeof(T)));
    return data;
  }

 private:
  brg_context* context_ = nullptr;
  std::vector<brg_buffer*> buffers_;
};

// B orientations and 200 reflections of gold at 50 keV.
template <class T>
struct Problem {
  static constexpr int64_t length = 200;

  Problem(Arena& arena, int64_t rows) : rows(rows) {
    const double cell[6] = {4.0782, 4.0782, 4.0782, 90, 90, 90};
    double basis[9];
    require(brg_reciprocal_basis(cell, basis));
    int64_t count = 0;
    std::vector<int32_t> hkl(3 * 4096);
    require(brg_hkl_enumerate(cell, 'F', 0.6, 4096, hkl.data(), &count));
    require(brg_reflections_create(arena.context(), length, hkl.data(), basis, &reflections));
    require(BRG_INIT(brg_geometry_init, &geometry));
    require(brg_geometry_set_energy(&geometry, 50.02099));
    std::mt19937 engine(1);
    std::normal_distribution<double> normal;
    for (int64_t b = 0; b < rows; ++b) {
      double q[4], norm = 0;
      for (double& value : q) value = normal(engine), norm += value * value;
      for (double& value : q) value /= std::sqrt(norm);
      const double w = q[0], x = q[1], y = q[2], z = q[3];
      for (const double value : {1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y), 2 * (x * y + w * z),
                                 1 - 2 * (x * x + z * z), 2 * (y * z - w * x), 2 * (x * z - w * y), 2 * (y * z + w * x),
                                 1 - 2 * (x * x + y * y)})
        rotation.push_back(static_cast<T>(value));
    }
    for (int64_t n = 0; n < length; ++n)
      for (int64_t i = 0; i < 3; ++i) q.push_back(static_cast<T>(basis[4 * i] * hkl[static_cast<size_t>(3 * n + i)]));
    orientations.count = rows, orientations.rotation = arena.array(rotation);
  }
  Problem(const Problem&) = delete;
  Problem& operator=(const Problem&) = delete;
  ~Problem() { brg_reflections_destroy(reflections); }

  int64_t rows;
  brg_reflections* reflections = nullptr;
  brg_geometry geometry;
  typename Api<T>::Orientations orientations = make<typename Api<T>::Orientations>();
  std::vector<T> rotation, q;
};

void count_pairs(benchmark::State& state, int64_t pairs, size_t bytes_per_pair) {
  state.counters["pairs/s"] =
      benchmark::Counter(static_cast<double>(pairs), benchmark::Counter::kIsIterationInvariantRate);
  state.SetBytesProcessed(state.iterations() * pairs * static_cast<int64_t>(bytes_per_pair));
}

template <class T>
void predict(benchmark::State& state, brg_backend backend) {
  Arena arena(backend);
  const Problem<T> p(arena, state.range(0));
  const auto pairs = static_cast<size_t>(p.rows * p.length);
  auto roots = make<typename Api<T>::Roots>();
  roots.omega1 = arena.array<T>(pairs), roots.omega2 = arena.array<T>(pairs),
  roots.observable = arena.array<uint8_t>(pairs);
  for (auto _ : state) {
    require(Api<T>::predict(arena.context(), &p.geometry, p.reflections, &p.orientations, &roots));
    require(brg_context_synchronize(arena.context()));
  }
  count_pairs(state, p.rows * p.length, 2 * sizeof(T) + 1);
}

template <class T>
void predict_vjp(benchmark::State& state, brg_backend backend) {
  Arena arena(backend);
  const Problem<T> p(arena, state.range(0));
  const auto pairs = static_cast<size_t>(p.rows * p.length);
  auto cotangents = make<typename Api<T>::RootCotangents>();
  cotangents.omega1 = arena.array<T>(pairs), cotangents.omega2 = arena.array<T>(pairs);
  auto gradient = make<typename Api<T>::OrientationsGradient>();
  gradient.rotation = arena.array<T>(static_cast<size_t>(9 * p.rows));
  for (auto _ : state) {
    require(Api<T>::predict_vjp(arena.context(), &p.geometry, p.reflections, &p.orientations, &cotangents, &gradient));
    require(brg_context_synchronize(arena.context()));
  }
  count_pairs(state, p.rows * p.length, 2 * sizeof(T));
}

template <class T>
void omega_loss(benchmark::State& state, brg_backend backend) {
  Arena arena(backend);
  const Problem<T> p(arena, state.range(0));
  auto targets = make<typename Api<T>::Targets>();
  targets.loss = BRG_LOSS_CHORD;
  targets.omega1 = arena.array(std::vector<T>(static_cast<size_t>(p.length), T(0.3)));
  targets.omega2 = targets.omega1;
  auto output = make<typename Api<T>::LossOutput>();
  output.parameters = BRG_FIT_ROTATION;
  output.loss = arena.array<T>(static_cast<size_t>(p.rows));
  output.gradient = arena.array<T>(static_cast<size_t>(3 * p.rows));
  output.normal = arena.array<T>(static_cast<size_t>(6 * p.rows));
  for (auto _ : state) {
    require(Api<T>::omega_loss(arena.context(), &p.geometry, p.reflections, &p.orientations, &targets, &output));
    require(brg_context_synchronize(arena.context()));
  }
  count_pairs(state, p.rows * p.length, 0);
}

// What a code without a library has: one thread, asin and atan2.
template <class T>
void naive(benchmark::State& state) {
  Arena arena(BRG_BACKEND_CPU);
  const Problem<T> p(arena, state.range(0));
  const auto pairs = static_cast<size_t>(p.rows * p.length);
  std::vector<T> omega1(pairs), omega2(pairs);
  std::vector<uint8_t> observable(pairs);
  const T k = static_cast<T>(p.geometry.wavenumber), pi = static_cast<T>(M_PI);
  for (auto _ : state) {
    size_t at = 0;
    for (int64_t b = 0; b < p.rows; ++b) {
      const T* r = &p.rotation[static_cast<size_t>(9 * b)];
      for (size_t n = 0; n < static_cast<size_t>(p.length); ++n, ++at) {
        const T *q = &p.q[3 * n], gx = r[0] * q[0] + r[1] * q[1] + r[2] * q[2];
        const T gy = r[3] * q[0] + r[4] * q[1] + r[5] * q[2], q2 = q[0] * q[0] + q[1] * q[1] + q[2] * q[2];
        const T sine = q2 / (2 * k * std::sqrt(gx * gx + gy * gy));
        observable[at] = std::fabs(sine) <= 1;
        const T delta = std::atan2(gx, gy), angle = std::asin(sine);
        omega1[at] = observable[at] ? std::remainder(angle + delta, 2 * pi) : 0;
        omega2[at] = observable[at] ? std::remainder(pi - angle + delta, 2 * pi) : 0;
      }
    }
    benchmark::DoNotOptimize(omega1.data());
    benchmark::ClobberMemory();
  }
  count_pairs(state, p.rows * p.length, 2 * sizeof(T) + 1);
}

void fill(benchmark::State& state) {
  std::vector<unsigned char> memory(size_t{1} << 28);
  int value = 0;
  for (auto _ : state) {
    std::memset(memory.data(), ++value, memory.size());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(memory.size()));
}

template <class T>
void add(const std::string& name, brg_backend backend) {
  using Body = void (*)(benchmark::State&, brg_backend);
  const std::pair<const char*, Body> bodies[] = {
      {"predict", predict<T>}, {"predict_vjp", predict_vjp<T>}, {"omega_loss", omega_loss<T>}};
  for (const auto& [operation, body] : bodies)
    benchmark::RegisterBenchmark((name + "/" + operation + "/" + Api<T>::name).c_str(), body, backend)
        ->Arg(1)
        ->Arg(5000)
        ->UseRealTime()
        ->Unit(benchmark::kMicrosecond);
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::RegisterBenchmark("fill 256 MiB", fill)->UseRealTime()->Unit(benchmark::kMillisecond);
  benchmark::RegisterBenchmark("naive/f64", naive<double>)->Arg(5000)->UseRealTime()->Unit(benchmark::kMicrosecond);
  benchmark::RegisterBenchmark("naive/f32", naive<float>)->Arg(5000)->UseRealTime()->Unit(benchmark::kMicrosecond);
  for (const auto& [name, backend] : {std::pair{"cpu", BRG_BACKEND_CPU}, std::pair{"cuda", BRG_BACKEND_CUDA}}) {
    if (!brg_backend_available(backend)) continue;
    add<double>(name, backend);
    add<float>(name, backend);
  }
  benchmark::Initialize(&argc, argv);
  benchmark::AddCustomContext("braggrad", brg_build_info());
  benchmark::RunSpecifiedBenchmarks();
}
