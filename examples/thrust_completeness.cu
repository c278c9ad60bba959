// What a measurement over a part of a turn sees of each grain, all of it on the device: Thrust makes the orientations, braggrad
// predicts their reflections in the same stream, Thrust counts.
//
//     nvcc -std=c++20 -O2 thrust_completeness.cu $(pkg-config --cflags --libs braggrad)
//
// Prints the counts of the least and the most visible grain, and fails where the CPU backend counts otherwise.
#include <braggrad/braggrad.h>
#include <thrust/device_vector.h>
#include <thrust/execution_policy.h>
#include <thrust/extrema.h>
#include <thrust/host_vector.h>
#include <thrust/iterator/counting_iterator.h>
#include <thrust/tabulate.h>
#include <thrust/transform.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

constexpr int grains = 500, skipped = 77;
constexpr double start = -1.0, stop = 1.0;  // rad: the part of the turn that was measured

void check(brg_status status) {
  if (!status) return;
  std::fprintf(stderr, "%s\n", brg_last_error());
  std::exit(status == BRG_ERROR_NO_DEVICE ? skipped : 1);
}

struct Matrix {
  double elements[9];
};

// Rotation of a grain about an axis of its own, by rows.
struct Orientation {
  __host__ __device__ Matrix operator()(int grain) const {
    const double z = 1 - (2 * grain + 1.0) / grains, r = sqrt(1 - z * z), turn = 2.399963229728653 * grain;
    const double x = r * cos(turn), y = r * sin(turn), s = sin(0.7 * grain), c = cos(0.7 * grain), v = 1 - c;
    return {{x * x * v + c, x * y * v - z * s, x * z * v + y * s, x * y * v + z * s, y * y * v + c, y * z * v - x * s,
             x * z * v - y * s, y * z * v + x * s, z * z * v + c}};
  }
};

struct Roots {
  int64_t reflections;
  const double *omega1, *omega2;
  const uint8_t* observable;

  // Roots of a grain's reflections within the measured part.
  __host__ __device__ int operator()(int64_t grain) const {
    int count = 0;
    for (int64_t i = grain * reflections; i < (grain + 1) * reflections; ++i)
      if (observable[i]) count += (omega1[i] >= start && omega1[i] < stop) + (omega2[i] >= start && omega2[i] < stop);
    return count;
  }
};

brg_context* context_of(brg_backend backend) {
  brg_context* context = nullptr;
  brg_context_options options;
  check(brg_context_options_init(&options, sizeof options));
  options.backend = backend;
  check(brg_context_create(&options, &context));
  return context;
}

// The reflections of gold to 0.6 Angstrom.
brg_reflections* gold_of(brg_context* context) {
  const double cell[6] = {4.0782, 4.0782, 4.0782, 90, 90, 90};
  double basis[9];
  int64_t count = 0;
  check(brg_reciprocal_basis(cell, basis));
  check(brg_hkl_enumerate(cell, 'F', 0.6, 0, nullptr, &count));
  std::vector<int32_t> hkl(3 * static_cast<size_t>(count));
  check(brg_hkl_enumerate(cell, 'F', 0.6, count, hkl.data(), &count));
  brg_reflections* gold = nullptr;
  check(brg_reflections_create(context, count, hkl.data(), basis, &gold));
  return gold;
}

// Both roots of all pairs, in the memory and the stream of the context.
void predict(brg_context* context, const brg_reflections* gold, const double* rotations, double* omega1, double* omega2,
             uint8_t* observable) {
  brg_geometry beam;
  check(brg_geometry_init(&beam, sizeof beam));
  check(brg_geometry_set_energy(&beam, 50.02099));
  brg_orientations_f64 orientations{};
  orientations.struct_size = sizeof orientations, orientations.count = grains, orientations.rotation = rotations;
  brg_roots_f64 roots{};
  roots.struct_size = sizeof roots, roots.omega1 = omega1, roots.omega2 = omega2, roots.observable = observable;
  check(brg_predict_f64(context, &beam, gold, &orientations, &roots));
}

}  // namespace

int main() {
  brg_context *gpu = context_of(BRG_BACKEND_CUDA), *cpu = context_of(BRG_BACKEND_CPU);
  cudaStream_t stream = nullptr;
  if (cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) != cudaSuccess) return 1;
  check(brg_context_set_stream(gpu, stream));
  brg_reflections *gold = gold_of(gpu), *gold_of_cpu = gold_of(cpu);
  const int64_t reflections = brg_reflections_count(gold);
  const size_t pairs = static_cast<size_t>(grains * reflections);
  bool agree = true;
  {
    const auto here = thrust::cuda::par_nosync.on(stream);
    thrust::device_vector<Matrix> rotations(grains);
    thrust::device_vector<double> omega1(pairs), omega2(pairs);
    thrust::device_vector<uint8_t> observable(pairs);
    thrust::device_vector<int> seen(grains);
    cudaDeviceSynchronize();  // the vectors were filled in another stream
    thrust::tabulate(here, rotations.begin(), rotations.end(), Orientation());
    predict(gpu, gold, thrust::raw_pointer_cast(rotations.data())->elements, thrust::raw_pointer_cast(omega1.data()),
            thrust::raw_pointer_cast(omega2.data()), thrust::raw_pointer_cast(observable.data()));
    const Roots roots = {reflections, thrust::raw_pointer_cast(omega1.data()), thrust::raw_pointer_cast(omega2.data()),
                         thrust::raw_pointer_cast(observable.data())};
    const thrust::counting_iterator<int64_t> first(0);
    thrust::transform(here, first, first + grains, seen.begin(), roots);
    check(brg_context_synchronize(gpu));

    const thrust::host_vector<Matrix> same = rotations;
    std::vector<double> own1(pairs), own2(pairs);
    std::vector<uint8_t> own(pairs);
    predict(cpu, gold_of_cpu, same.data()->elements, own1.data(), own2.data(), own.data());
    const thrust::host_vector<int> counts = seen;
    for (int grain = 0; grain < grains; ++grain)
      agree = agree && counts[grain] == Roots{reflections, own1.data(), own2.data(), own.data()}(grain);
    const auto [least, most] = thrust::minmax_element(counts.begin(), counts.end());
    std::printf("%d grains of gold, %lld reflections: %d to %d of their roots within %.1f to %.1f rad; the CPU %s\n",
                grains, static_cast<long long>(reflections), *least, *most, start, stop,
                agree ? "counts the same" : "counts otherwise");
  }
  check(brg_reflections_destroy(gold));
  check(brg_reflections_destroy(gold_of_cpu));
  check(brg_context_destroy(gpu));
  check(brg_context_destroy(cpu));
  cudaStreamDestroy(stream);
  return agree ? 0 : 1;
}
