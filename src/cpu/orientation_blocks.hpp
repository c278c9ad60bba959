// The adjoints of whole batches: per-orientation outputs, and sums over the batch by fixed blocks of orientations.
#pragma once

#include "cpu/cpu_backend.hpp"
#include "cpu/sums.hpp"

namespace braggrad::cpu {

// Runs body(first, last, NULL, NULL) for ranges of orientations: nothing is summed over the batch.
template <class Body>
void run_tasks(Engine& engine, int64_t length, int64_t count, const Body& body) {
  using namespace core;
  const int64_t unit = rows_per_launch(Engine::pairs_per_task, length, 1);
  engine.pool.run(blocks_of(count, unit),
                  [&](int64_t task) { body(task * unit, std::min((task + 1) * unit, count), nullptr, nullptr); });
}

// Runs body(first, last, q_bar, batch) for ranges of orientations and writes the sums over the batch. q_bar is the float64
// [N,3] of the range, `batch` its BatchSums; each is NULL where it is not wanted.
template <class T, class Body>
void run_orientation_blocks(Engine& engine, const core::Frame& frame, const core::Reflections<T>& reflections,
                            int64_t count, const core::OrientationsGradient<T>& out, bool column_major,
                            Scratch& scratch, const Body& body) {
  using namespace core;
  const bool sums = out.geometry.wanted() || out.reflections_basis;
  if (!sums && !out.q) {
    if (scratch.ready()) run_tasks(engine, reflections.count, count, body);
    return;
  }
  constexpr int64_t unit = orientation_block;
  const int64_t vector_length = out.q ? 3 * reflections.count : 0;
  // A launch holds the q_bar of its blocks: at most 2^22 numbers, or one block.
  const int64_t most_blocks = std::max<int64_t>(1, (int64_t{1} << 22) / std::max<int64_t>(vector_length, 1));
  int64_t launch = rows_per_launch(engine.max_pairs, reflections.count, unit);
  if (out.q) launch = std::min(launch, most_blocks * unit);
  launch = std::min(launch, blocks_of(std::max<int64_t>(count, 1), unit) * unit);
  const int64_t blocks = blocks_of(count, unit);
  const Slot<double> partial_slot = scratch.reserve<double>(sums ? blocks * BatchSums::count : 0);
  const Slot<double> block_slot = scratch.reserve<double>(out.q ? launch / unit * vector_length : 0);
  const Slot<double> q_slot = scratch.reserve<double>(vector_length);
  if (!scratch.ready()) return;
  double *partial = scratch[partial_slot], *block_q = scratch[block_slot], *q_bar = scratch[q_slot];
  std::fill_n(q_bar, vector_length, 0.0);

  for (int64_t start = 0; start < count; start += launch) {
    const int64_t stop = std::min(count, start + launch), tasks = blocks_of(stop - start, unit);
    engine.pool.run(tasks, [&](int64_t task) {
      const int64_t first = start + task * unit;
      double* own_q = out.q ? block_q + task * vector_length : nullptr;
      double* batch = sums ? partial + first / unit * BatchSums::count : nullptr;
      if (own_q) std::fill_n(own_q, vector_length, 0.0);
      if (batch) std::fill_n(batch, BatchSums::count, 0.0);
      body(first, std::min(first + unit, stop), own_q, batch);
    });
    if (out.q)
      engine.pool.run(blocks_of(vector_length, Engine::pairs_per_task), [&](int64_t task) {
        const int64_t first = task * Engine::pairs_per_task;
        const int64_t last = std::min(first + Engine::pairs_per_task, vector_length);
        for (int64_t block = 0; block < tasks; ++block)
          for (int64_t i = first; i < last; ++i) q_bar[i] += block_q[block * vector_length + i];
      });
  }

  for (int64_t i = 0; i < vector_length; ++i) store(out.q + i, q_bar[i], out.accumulate);
  if (!sums) return;
  const auto sum = total(partial, blocks);
  store_geometry(frame, out.geometry, out.accumulate, sum.data());
  if (out.reflections_basis)
    store_matrix(out.reflections_basis, load_matrix<double>(sum.data() + BatchSums::basis, false), column_major,
                 out.accumulate);
}

}  // namespace braggrad::cpu
