// The fits of one instruction set, apart from its other kernels so that both compile at the same time.
#include "cpu/simd/fit.hpp"

namespace braggrad::cpu::BRG_LEVEL {

template void omega_loss(const OmegaLossProblem<float>&, const float*, int64_t, int64_t);
template void omega_loss(const OmegaLossProblem<double>&, const double*, int64_t, int64_t);

}  // namespace braggrad::cpu::BRG_LEVEL
