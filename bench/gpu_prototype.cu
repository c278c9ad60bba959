// Runs one kernel of the prototypes under the simulator, for bench/gpu_counts.py: the yardstick of the library's counts. The
// prototypes are no part of this project: the include path has their gpu.cu. Orientations and reflections are random and of the
// library's sizes; no branch of these kernels depends on them. The grid is a few blocks per multiprocessor, as they want it.
//
//   gpu_prototype forward|angle|angle_per_pair|chord|chord_per_pair|naive f32|f64 ORIENTATIONS REFLECTIONS
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string_view>
#include <vector>

#include "gpu.cu"

namespace {

constexpr int threads = 256, warps = threads / 32, most_blocks = 4 * 132;

void check(cudaError_t status) {
  if (status == cudaSuccess) return;
  std::fprintf(stderr, "%s\n", cudaGetErrorString(status));
  std::exit(1);
}

template <class E>
E* to_device(const std::vector<E>& values) {
  void* memory = nullptr;
  check(cudaMalloc(&memory, values.size() * sizeof(E)));
  check(cudaMemcpy(memory, values.data(), values.size() * sizeof(E), cudaMemcpyHostToDevice));
  return static_cast<E*>(memory);
}

// Uniformly random rotations by rows.
template <class T>
std::vector<T> rotations(int count) {
  std::mt19937_64 engine(1);
  std::normal_distribution<double> normal;
  std::vector<T> rows;
  for (int b = 0; b < count; ++b) {
    double q[4], norm = 0;
    for (double& value : q) value = normal(engine), norm += value * value;
    for (double& value : q) value /= std::sqrt(norm);
    const double w = q[0], x = q[1], y = q[2], z = q[3];
    for (const double value : {1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y), 2 * (x * y + w * z),
                               1 - 2 * (x * x + z * z), 2 * (y * z - w * x), 2 * (x * z - w * y), 2 * (y * z + w * x),
                               1 - 2 * (x * x + y * y)})
      rows.push_back(static_cast<T>(value));
  }
  return rows;
}

template <class T>
int run(std::string_view kernel, int count, int length) {
  using namespace bragg;
  constexpr double k = 26.35, chi = 0.05;  // 52 keV
  std::mt19937_64 engine(2);
  std::uniform_real_distribution<double> uniform(-6, 6), angle(-3.1, 3.1);
  std::vector<Vec4<T>> reflections, targets;
  std::vector<T> weights(static_cast<size_t>(length), T(1));
  const bool per_pair = kernel.ends_with("per_pair"), naive = kernel == "naive";
  for (int n = 0; n < length; ++n) {
    const double x = uniform(engine), y = uniform(engine), z = uniform(engine), square = x * x + y * y + z * z;
    reflections.push_back({T(x), T(y), T(z), T(naive ? square : square / (2 * k * std::cos(chi)))});
  }
  const int rows = per_pair ? count : 1;
  weights.assign(static_cast<size_t>(rows) * length, T(1));
  for (size_t i = 0; i < weights.size(); ++i)
    targets.push_back({T(angle(engine)), T(angle(engine)), T(angle(engine)), T(angle(engine))});
  const T* r = to_device(rotations<T>(count));
  const Vec4<T>* q = to_device(reflections);
  const Vec4<T>* target = to_device(targets);
  const T* weight = to_device(weights);
  const auto pairs = static_cast<size_t>(count) * length;
  T *omega1 = to_device(std::vector<T>(pairs)), *omega2 = to_device(std::vector<T>(pairs));
  uint8_t* observable = to_device(std::vector<uint8_t>(pairs));
  T* out = to_device(std::vector<T>(10 * static_cast<size_t>(count)));
  const int blocks = std::min((count + warps - 1) / warps, most_blocks);
  const T tan_chi = T(std::tan(chi));
  const size_t table = length * sizeof(Vec4<T>), with_targets = table + (per_pair ? 0 : table + length * sizeof(T));
  const auto loss = [&](auto* body) {
    check(cudaFuncSetAttribute(reinterpret_cast<const void*>(body), cudaFuncAttributeMaxDynamicSharedMemorySize,
                               static_cast<int>(with_targets)));
    body<<<blocks, threads, with_targets>>>(count, length, r, q, target, weight, tan_chi, out);
  };
  if (kernel == "forward")
    ForwardKernel<T><<<blocks, threads, table>>>(count, length, r, q, tan_chi, omega1, omega2, observable);
  else if (kernel == "angle")
    loss(LossKernel<T, false, false>);
  else if (kernel == "angle_per_pair")
    loss(LossKernel<T, false, true>);
  else if (kernel == "chord")
    loss(LossKernel<T, true, false>);
  else if (kernel == "chord_per_pair")
    loss(LossKernel<T, true, true>);
  else if (naive)
    NaiveForwardKernel<T><<<static_cast<unsigned>((pairs + threads - 1) / threads), threads>>>(
        count, length, r, q, T(k), T(std::sin(chi)), T(std::cos(chi)), omega1, omega2, observable);
  else
    return 2;
  check(cudaGetLastError());
  check(cudaDeviceSynchronize());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: gpu_prototype KERNEL f32|f64 ORIENTATIONS REFLECTIONS\n");
    return 2;
  }
  const int count = std::atoi(argv[3]), length = std::atoi(argv[4]);
  return std::string_view(argv[2]) == "f64" ? run<double>(argv[1], count, length) : run<float>(argv[1], count, length);
}
