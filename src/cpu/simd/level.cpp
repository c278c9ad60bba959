// The kernels of one instruction set. Compiled once for each, with its flags (cmake/simd.cmake).
#include "cpu/simd/kernels.hpp"
#include "cpu/simd/rotate.hpp"
#include "cpu/simd/solve.hpp"
#include "cpu/simd/targets.hpp"

namespace braggrad::cpu::BRG_LEVEL {

extern const Level level;

// cpu/simd/fit.cpp
template <class T>
void omega_loss(const OmegaLossProblem<T>& p, const T* shared_targets, int64_t first, int64_t last);

#define BRG_TEXT_OF(x) #x
#define BRG_TEXT(x) BRG_TEXT_OF(x)
template <class T>
static constexpr Kernels<T> kernels = {predict<T>,   predict_friedel<T>, predict_vjp<T>,     predict_jvp<T>,
                                       rotate<T>,    rotate_vjp<T>,      rotate_jvp<T>,      solve<T>,
                                       solve_vjp<T>, solve_jvp<T>,       prepare_targets<T>, omega_loss<T>};

const Level level = {BRG_TEXT(BRG_LEVEL), kernels<float>, kernels<double>};

}  // namespace braggrad::cpu::BRG_LEVEL
