// Orientations whose sums wait until there is one for every lane: their tensors are expanded together (core/fit_tensors.hpp).
#pragma once

#include <algorithm>

#include "cpu/simd/fit_matrix.hpp"

namespace braggrad::cpu::BRG_LEVEL {

template <class T>
class FitBatch {
 public:
  static constexpr int size = static_cast<int>(lanes<double>);

  // Room for the sums of the next orientation, as ChunkSums has them.
  [[gnu::always_inline]] double* sums() { return rows_[filled_]; }

  // They are those of orientation b in this setting.
  [[gnu::always_inline]] void add(int64_t b, const Setting<T>& setting) {
    core::store_matrix(rows_[filled_] + first_of_rotation, convert<double>(setting.rotation), false, false);
    rows_[filled_][inverse_wavenumber] = static_cast<double>(setting.beam.inverse_wavenumber);
    orientations_[filled_++] = b;
  }

  [[gnu::always_inline]] bool is_full() const { return filled_ == size; }
  [[gnu::always_inline]] bool is_empty() const { return filled_ == 0; }

  // put(b, gradient, normal) gets those of all parameters, by turns of the sample, for each orientation that waits.
  template <class Put>
  [[gnu::noinline]] void expand(const core::Frame& frame, const Put& put) {
    using V = Lanes<double>;
    const bool alone = filled_ == 1;
    V in[columns];
    alone ? spread(in) : turn(in);
    const V *sums = in + FitIndex::tensors, *m = in + FitIndex::rotation, *r = in + first_of_rotation;
    const Mat3<V> rotation = {r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8]};
    V out[outputs];
    V *gradient = out, *normal = out + fit_parameters;
    expand_gradient(sums + TensorIndex::gradient, Mat3<V>{m[0], m[1], m[2], m[3], m[4], m[5], m[6], m[7], m[8]},
                    rotation, gradient);
    expand_normal(sums, rotation, in[inverse_wavenumber], normal);
    turn_to_sample<fit_parameters>(frame, gradient, normal);
    alone ? put_first(out) : turn_back(out);
    for (int j = 0; j < filled_; ++j) put(orientations_[j], rows_[j], rows_[j] + fit_parameters);
    filled_ = 0;
  }

 private:
  // The sums of orientation j on lane j.
  [[gnu::always_inline]] void turn(Lanes<double>* in) {
    for (int j = filled_; j < size; ++j) std::fill_n(rows_[j], columns, 0.0);
    for (int first = 0; first < columns; first += size) {
      unrolled<size>([&](auto j) { in[first + j] = load(rows_[j] + first); });
      transpose(in + first);
    }
  }
  [[gnu::always_inline]] void turn_back(Lanes<double>* out) {
    for (int first = 0; first < outputs; first += size) {
      transpose(out + first);
      unrolled<size>([&](auto j) { store(rows_[j] + first, out[first + j]); });
    }
  }

  // Those of a lone orientation on all lanes, which need no turning.
  [[gnu::always_inline]] void spread(Lanes<double>* in) const {
    for (int i = 0; i < columns; ++i) in[i] = Lanes<double>(rows_[0][i]);
  }
  [[gnu::always_inline]] void put_first(const Lanes<double>* out) {
    for (int i = 0; i < fit_parameters + fit_normals; ++i) rows_[0][i] = first_lane(out[i]);
  }

  static constexpr int in_vectors(int count) { return (count + size - 1) / size * size; }
  static constexpr int first_of_rotation = fit_sum_count<FitMatrix::all>;
  static constexpr int inverse_wavenumber = first_of_rotation + 9;
  static constexpr int columns = in_vectors(inverse_wavenumber + 1);
  static constexpr int outputs = in_vectors(fit_parameters + fit_normals);
  static_assert(outputs <= columns);

  alignas(64) double rows_[size][columns] = {};
  int64_t orientations_[size];
  int filled_ = 0;
};

}  // namespace braggrad::cpu::BRG_LEVEL
