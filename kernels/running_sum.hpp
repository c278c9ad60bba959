// Running sums of counts: where each orientation's spots begin.
#pragma once

#include "kernels/engine.hpp"

namespace braggrad::cuda {

// In place: counts[0 ... count) become their running sums. With memory NULL `bytes` gets the size of the working memory.
void running_sum(const Engine& engine, void* memory, size_t& bytes, int64_t* counts, int64_t count);

}  // namespace braggrad::cuda
