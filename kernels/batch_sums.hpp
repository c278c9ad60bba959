// The last stage of the sums over a batch: blocks of the batch, whose partial sums are in working memory, in their order.
#pragma once

#include "core/problem.hpp"
#include "kernels/engine.hpp"

namespace braggrad::cuda {

// What a call writes of the batch's sums (core::BatchSums).
template <class T>
struct BatchSumsOutput {
  core::GeometryGradient<T> geometry;
  T* basis;  // of the reflections, or NULL
  bool column_major, accumulate;

  bool wanted() const { return geometry.wanted() || basis; }
};

// Adds `partial` [blocks, BatchSums::count] and writes the total; no blocks are a total of 0.
template <class T>
void store_batch_sums(const Engine& engine, const core::Frame& frame, const double* partial, int64_t blocks,
                      const BatchSumsOutput<T>& out);

// Adds `partial` [blocks, length] to `sum` [length], which starts at 0 with the first blocks, and writes it to `out`
// with the last ones.
template <class T>
struct VectorSum {
  double* sum;
  T* out;
  int64_t length;
  bool accumulate;
};
template <class T>
void add_vectors(const Engine& engine, const VectorSum<T>& vector, const double* partial, int64_t blocks, bool first,
                 bool last);

}  // namespace braggrad::cuda
