// Sums of omega_loss over the pairs of one orientation: loss, sum w l' G_bar q^T, and what gradient and normal matrix are made of,
// which are the products of the turns of core/fit.hpp, or the tensors of core/fit_tensors.hpp.
#pragma once

#include "core/fit_tensors.hpp"
#include "cpu/simd/setting.hpp"
#include "cpu/simd/sums.hpp"

namespace braggrad::cpu::BRG_LEVEL {

// Which part of the normal matrix is wanted.
enum class FitMatrix { none, rotation, all };

// Planes of a chunk that its loops hand to each other: unit vectors of the roots, later slopes (sin) and matrix weights (cos); and
// crossings, with 1/s = 0 where a pair contributes nothing. The tensors' factors take their place when nobody needs them any more.
struct FitPlane {
  static constexpr int sin1 = 0, sin2 = 1, cos1 = 2, cos2 = 3, c = 4, inverse_s = 5, ux = 6, uy = 7, roots = 8;
  static constexpr int square = 0, turn = 6, chi = 9, g = 12, tensors = 15;
};

template <class T, FitMatrix matrix>
class FitPlanes {
 public:
  [[gnu::always_inline]] T* operator[](int plane) { return values_[plane]; }
  [[gnu::always_inline]] const T* operator[](int plane) const { return values_[plane]; }

 private:
  static constexpr int64_t room = sum_pairs<T> + most_lanes;
  alignas(64) T values_[matrix == FitMatrix::all ? FitPlane::tensors : FitPlane::roots][room];
};

// A crossing of the chunk again, from L1.
template <class T, FitMatrix matrix>
BRG_SIMD Crossing<Lanes<T>> crossing_at(const FitPlanes<T, matrix>& planes, int64_t i) {
  const Lanes<T> zero(T(0));
  return {load(planes[FitPlane::c] + i),         zero,
          load(planes[FitPlane::inverse_s] + i), load(planes[FitPlane::ux] + i),
          load(planes[FitPlane::uy] + i),        zero > zero};
}

// What planes have for each root. `single`: there is root 1 only.
template <class V>
struct Both {
  V first, second;
};
template <bool single, class T, FitMatrix matrix>
BRG_SIMD Both<Lanes<T>> of_roots(const FitPlanes<T, matrix>& planes, int one, int two, int64_t i) {
  return {load(planes[one] + i), single ? Lanes<T>() : load(planes[two] + i)};
}

// Numbers of the sums of an orientation. What follows `rotation` depends on the matrix: products of the turns, or the tensors.
struct FitIndex {
  static constexpr int loss = 0, missing_weight = 1, rotation = 2, turns = 11, tensors = 11;
};

template <FitMatrix matrix>
inline constexpr int fit_sum_count = matrix == FitMatrix::all        ? FitIndex::tensors + TensorIndex::count
                                     : matrix == FitMatrix::rotation ? FitIndex::turns + 6
                                                                     : FitIndex::turns;

}  // namespace braggrad::cpu::BRG_LEVEL
