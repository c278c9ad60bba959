// The CPU backend: each operation has a file of its own in this folder.
#pragma once

#include "core/partition.hpp"
#include "cpu/levels.hpp"
#include "runtime/backend.hpp"
#include "runtime/thread_pool.hpp"

namespace braggrad::cpu {

// What the operations share.
struct Engine {
  ThreadPool pool;
  int64_t max_pairs;
  const Level& level;  // the inner loops of the instruction set

  // Splits [0, count) at multiples of `grain` into tasks, and runs body(first, last) on each, in launches of at most max_pairs items.
  template <class Body>
  void for_ranges(int64_t count, int64_t grain, const Body& body) {
    for (int64_t start = 0; start < count; start += max_pairs) {
      const int64_t stop = std::min(count, start + max_pairs);
      pool.run(core::blocks_of(stop - start, grain), [&](int64_t task) {
        const int64_t first = start + task * grain;
        body(first, std::min(first + grain, stop));
      });
    }
  }

  static constexpr int64_t pairs_per_task = 4096;
};

template <class T>
class CpuOperations final : public Operations<T> {
 public:
  explicit CpuOperations(Engine& engine) : engine_(engine) {}
  void rotate(const core::RotateProblem<T>& problem, Scratch& scratch) override;
  void rotate_vjp(const core::RotateVjpProblem<T>& problem, Scratch& scratch) override;
  void rotate_jvp(const core::RotateJvpProblem<T>& problem, Scratch& scratch) override;
  void solve(const core::SolveProblem<T>& problem, Scratch& scratch) override;
  void solve_vjp(const core::SolveVjpProblem<T>& problem, Scratch& scratch) override;
  void solve_jvp(const core::SolveJvpProblem<T>& problem, Scratch& scratch) override;
  void predict(const core::PredictProblem<T>& problem, Scratch& scratch) override;
  void predict_vjp(const core::PredictVjpProblem<T>& problem, Scratch& scratch) override;
  void predict_jvp(const core::PredictJvpProblem<T>& problem, Scratch& scratch) override;
  void diffracted_beam(const core::BeamProblem<T>& problem, Scratch& scratch) override;
  void predict_spots(const core::SpotsProblem<T>& problem, Scratch& scratch) override;
  void omega_loss(const core::OmegaLossProblem<T>& problem, Scratch& scratch) override;
  void convention_angles(const core::AnglesProblem<T>& problem, Scratch& scratch) override;

 private:
  Engine& engine_;
};

std::unique_ptr<Backend> make_cpu_backend(int threads, int64_t max_pairs_per_launch, const Level& level);
std::shared_ptr<Device> cpu_device();

}  // namespace braggrad::cpu
