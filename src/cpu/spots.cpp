// Diffracted beams and compact spot lists on the CPU.
#include "core/spots.hpp"

#include "core/item.hpp"
#include "cpu/cpu_backend.hpp"

namespace braggrad::cpu {

using namespace core;

template <class T>
void CpuOperations<T>::diffracted_beam(const BeamProblem<T>& p, Scratch& scratch) {
  if (!scratch.ready()) return;
  engine_.for_ranges(p.items.count, Engine::pairs_per_task, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i)
      store_beam(p, i, diffracted_beam_of(p, i, load_vector<T>(p.items.g + 3 * i)), store_components<T>);
  });
}

namespace {

// Calls found(n, root, omega) for every spot of orientation b, in order. The same lanes as predict: the same bits.
template <class T, class Found>
void for_spots(const Kernels<T>& kernels, const SpotsProblem<T>& p, int64_t b, const Found& found) {
  constexpr int64_t part = 256;
  T omega1[part], omega2[part];
  uint8_t observable[part];
  int16_t spots[2 * part];  // 2 i for root 1 of pair i, 2 i + 1 for root 2
  const PredictProblem<T> pairs = {p.frame, p.reflections, p.orientations, {omega1, omega2, observable}};
  const int64_t start = b * p.reflections.count;
  for (int64_t first = 0; first < p.reflections.count; first += part) {
    const int64_t count = std::min(part, p.reflections.count - first);
    kernels.predict(pairs, start + first, start + first + count, start + first);
    // Every root is written down, and the next one over it where it is no spot: no branches, which nobody could predict.
    int64_t n = 0;
    for (int64_t i = 0; i < count; ++i) {
      spots[n] = static_cast<int16_t>(2 * i);
      n += observable[i] & in_windows(p.windows, static_cast<double>(omega1[i]));
      spots[n] = static_cast<int16_t>(2 * i + 1);
      n += observable[i] & in_windows(p.windows, static_cast<double>(omega2[i]));
    }
    for (int64_t j = 0; j < n; ++j) {
      const int i = spots[j] / 2, root = 1 + spots[j] % 2;
      found(first + i, root, root == 1 ? omega1[i] : omega2[i]);
    }
  }
}

}  // namespace

template <class T>
void CpuOperations<T>::predict_spots(const SpotsProblem<T>& p, Scratch& scratch) {
  const int64_t count = p.orientations.count;
  const Slot<int64_t> slot = scratch.reserve<int64_t>(p.offsets ? 0 : count + 1);
  if (!scratch.ready()) return;
  const Kernels<T>& kernels = engine_.level.of(T{});
  int64_t* offsets = p.offsets ? p.offsets : scratch[slot];
  engine_.pool.run(count, [&](int64_t b) {
    int64_t spots = 0;
    for_spots(kernels, p, b, [&](int64_t, int, T) { ++spots; });
    offsets[b + 1] = spots;
  });
  offsets[0] = 0;
  for (int64_t b = 0; b < count; ++b) offsets[b + 1] += offsets[b];
  if (p.capacity > 0 && (p.reflection || p.root || p.omega))
    engine_.pool.run(count, [&](int64_t b) {
      int64_t at = offsets[b];
      for_spots(kernels, p, b, [&](int64_t n, int root, T omega) {
        if (at < p.capacity) {
          if (p.reflection) p.reflection[at] = static_cast<int32_t>(n);
          if (p.root) p.root[at] = static_cast<uint8_t>(root);
          if (p.omega) p.omega[at] = omega;
        }
        ++at;
      });
    });
  if (p.count) *p.count = offsets[count];
}

template void CpuOperations<float>::diffracted_beam(const BeamProblem<float>&, Scratch&);
template void CpuOperations<double>::diffracted_beam(const BeamProblem<double>&, Scratch&);
template void CpuOperations<float>::predict_spots(const SpotsProblem<float>&, Scratch&);
template void CpuOperations<double>::predict_spots(const SpotsProblem<double>&, Scratch&);

}  // namespace braggrad::cpu
