// Roots as the angles of other programs, on the CPU.
#include "core/convention.hpp"

#include "cpu/cpu_backend.hpp"

namespace braggrad::cpu {

using namespace core;

template <class T>
void CpuOperations<T>::convention_angles(const AnglesProblem<T>& p, Scratch& scratch) {
  if (!scratch.ready()) return;
  engine_.for_ranges(p.count, Engine::pairs_per_task, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) answer_item(p, i);
  });
}

template void CpuOperations<float>::convention_angles(const AnglesProblem<float>&, Scratch&);
template void CpuOperations<double>::convention_angles(const AnglesProblem<double>&, Scratch&);

}  // namespace braggrad::cpu
