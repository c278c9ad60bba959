// Which instruction sets this library has code for, and which this machine can run.
#pragma once

#include "cpu/simd/kernels.hpp"

namespace braggrad::cpu {

// The named level (scalar, sse4, avx2, avx512, neon), or the best of this machine where the name is NULL or empty. NULL
// where there is no such level, or the machine lacks it.
const Level* find_level(const char* name) noexcept;

// Names of the levels in the library, and of those that run here, best first: "avx512 avx2 sse4 scalar".
const char* built_levels() noexcept;

}  // namespace braggrad::cpu
