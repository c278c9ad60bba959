// Sums of omega_loss over the pairs of one orientation: loss, sum w l' G_bar q^T, gradient and normal matrix.
//
// With the rows of both roots as even +- odd parts (core/fit.hpp) and the matrix weights v1, v2 of the roots,
//
//     v1 J1 J1^T + v2 J2 J2^T = even P^T + odd R^T,   P = S even + D odd,  R = S odd + D even,  S = v1 + v2,  D = v1 - v2
//
// which needs half the products where one of the parts is zero.
#pragma once

#include <type_traits>
#include <utility>

#include "core/fit.hpp"
#include "cpu/simd/setting.hpp"
#include "cpu/simd/sums.hpp"

namespace braggrad::cpu::BRG_LEVEL {

// Which part of the normal matrix is wanted.
enum class FitMatrix { none, rotation, all };

// Pairs of a chunk: as many as the first cache has room for. Float32 sums have at most so many terms before float64 takes over.
template <class T, FitMatrix matrix>
inline constexpr int64_t fit_chunk = matrix == FitMatrix::all ? static_cast<int64_t>(1024 / sizeof(T)) : 256;
inline constexpr int64_t fit_room = 256 + most_lanes;

template <class T>
struct alignas(64) Plane {
  T values[fit_room];
};

// Columns of J as planes: turns about x and y, lattice strain (6), and, odd only, wavenumber and chi.
inline constexpr int turn_columns = 2, strain_columns = 6, odd_columns = 10;
inline constexpr int wavenumber_column = 8, chi_column = 9;

template <class T>
struct FitRows {
  Plane<T> even[turn_columns + strain_columns], odd[odd_columns];
  Plane<T> sum, difference;              // of the roots' matrix weights
  Plane<T> slope_sum, slope_difference;  // of their slopes
};

// Parameter (core/fit.hpp) of a column.
BRG_SIMD constexpr int parameter_of(int column) {
  return column < turn_columns ? column : column < wavenumber_column ? column + 3 : column - 5;
}

BRG_SIMD constexpr int normal_index(int a, int b) {
  return a <= b ? triangle_index(a, b, fit_parameters) : triangle_index(b, a, fit_parameters);
}

// Products of the turns: xx, xy, xz, yy, yz, zz.
template <class V>
struct TurnProducts {
  V xx, xy, xz, yy, yz, zz;

  // x, y: the turns' P and R; sum: S.
  [[gnu::always_inline]] void add(const TurnRows<V>& j, Weighted<V> x, Weighted<V> y, V sum) {
    xx = add_both(x, j.x_even, j.x_odd, xx), xy = add_both(x, j.y_even, j.y_odd, xy);
    yy = add_both(y, j.y_even, j.y_odd, yy);
    xz = xz - x.even, yz = yz - y.even, zz = zz + sum;
  }
  // v1, v2: matrix weights of the roots.
  [[gnu::always_inline]] void add(const TurnRows<V>& j, V v1, V v2) {
    const V sum = v1 + v2, difference = v1 - v2;
    add(j, weighted(sum, difference, j.x_even, j.x_odd), weighted(sum, difference, j.y_even, j.y_odd), sum);
  }
};

// Numbers of the sums of an orientation. What follows `rotation` depends on the matrix: products of the turns, or the normal
// matrix and then the gradient by wavenumber, chi and lattice strain.
struct FitIndex {
  static constexpr int loss = 0, missing_weight = 1, rotation = 2, matrix = 11, gradient = matrix + fit_normals;
};

template <FitMatrix matrix>
inline constexpr int fit_sum_count = matrix == FitMatrix::all        ? FitIndex::gradient + fit_parameters - 3
                                     : matrix == FitMatrix::rotation ? FitIndex::matrix + 6
                                                                     : FitIndex::matrix;

// Products of the columns of a chunk for the normal matrix of all parameters, and with the slopes for the gradient: put(a, b,
// sum) gets element (a, b), put(a, sum) that of the gradient. Three loops, as many sums in each as there are registers.
// Row a of the products of strain columns: with itself, those behind it, and the turn about the axis.
template <class V, int count>
struct StrainProducts {
  V with[count], turn;

  template <class T>
  [[gnu::always_inline]] void add(const FitRows<T>& rows, int64_t i, V s, V d) {
    const Plane<T>*even = rows.even + turn_columns + strain_columns - count,
          *odd = rows.odd + turn_columns + strain_columns - count;
    const Weighted<V> w = weighted(s, d, load(even[0].values + i), load(odd[0].values + i));
    turn = turn - w.even;
    unrolled<count>([&](auto k) { with[k] = add_both(w, load(even[k].values + i), load(odd[k].values + i), with[k]); });
  }
  template <class Put>
  [[gnu::always_inline]] void give(const Put& put) const {
    constexpr int column = turn_columns + strain_columns - count;
    put(2, parameter_of(column), turn);
    unrolled<count>([&](auto k) { put(parameter_of(column), parameter_of(column + k), with[k]); });
  }
};

template <class T, class Put>
[[gnu::noinline]] static void strain_products(const FitRows<T>& rows, int64_t size, const Put& put) {
  using V = Lanes<T>;
  StrainProducts<V, 6> one;
  StrainProducts<V, 5> two;
  StrainProducts<V, 4> three;
  StrainProducts<V, 3> four;
  StrainProducts<V, 2> five;
  StrainProducts<V, 1> six;
  for (int64_t i = 0; i < size; i += lanes<T>) {
    const V s = load(rows.sum.values + i), d = load(rows.difference.values + i);
    one.add(rows, i, s, d), two.add(rows, i, s, d), three.add(rows, i, s, d);
    four.add(rows, i, s, d), five.add(rows, i, s, d), six.add(rows, i, s, d);
  }
  one.give(put), two.give(put), three.give(put), four.give(put), five.give(put), six.give(put);
}

template <class T, class Put>
[[gnu::noinline]] static void turn_and_strain_products(const FitRows<T>& rows, int64_t size, const Put& put) {
  using V = Lanes<T>;
  constexpr int n = strain_columns;
  TurnProducts<V> turns;
  V x_strain[n], y_strain[n], gradient[n];
  for (int64_t i = 0; i < size; i += lanes<T>) {
    const V s = load(rows.sum.values + i), d = load(rows.difference.values + i);
    const TurnRows<V> j = {load(rows.even[0].values + i), load(rows.even[1].values + i), load(rows.odd[0].values + i),
                           load(rows.odd[1].values + i)};
    const Weighted<V> x = weighted(s, d, j.x_even, j.x_odd), y = weighted(s, d, j.y_even, j.y_odd);
    turns.add(j, x, y, s);
    const Weighted<V> slope = {load(rows.slope_sum.values + i), load(rows.slope_difference.values + i)};
    unrolled<n>([&](auto a) {
      const V even = load(rows.even[turn_columns + a].values + i), odd = load(rows.odd[turn_columns + a].values + i);
      x_strain[a] = add_both(x, even, odd, x_strain[a]), y_strain[a] = add_both(y, even, odd, y_strain[a]);
      gradient[a] = add_both(slope, even, odd, gradient[a]);
    });
  }
  put(0, 0, turns.xx), put(0, 1, turns.xy), put(0, 2, turns.xz);
  put(1, 1, turns.yy), put(1, 2, turns.yz), put(2, 2, turns.zz);
  unrolled<n>([&](auto a) {
    constexpr int parameter = parameter_of(turn_columns + a);
    put(0, parameter, x_strain[a]), put(1, parameter, y_strain[a]), put(parameter, gradient[a]);
  });
}

template <class T, class Put>
[[gnu::noinline]] static void scalar_products(const FitRows<T>& rows, int64_t size, const Put& put) {
  using V = Lanes<T>;
  constexpr int n = turn_columns + strain_columns, k = parameter_of(wavenumber_column), c = parameter_of(chi_column);
  V by_wavenumber[n], by_chi[n], turn_k, turn_c, kk, kc, cc, gradient_k, gradient_c;
  for (int64_t i = 0; i < size; i += lanes<T>) {
    const V s = load(rows.sum.values + i), d = load(rows.difference.values + i);
    const V wavenumber = load(rows.odd[wavenumber_column].values + i), chi = load(rows.odd[chi_column].values + i);
    const Weighted<V> wk = {d * wavenumber, s * wavenumber}, wc = {d * chi, s * chi};
    const V slope = load(rows.slope_difference.values + i);
    gradient_k = mul_add(slope, wavenumber, gradient_k), gradient_c = mul_add(slope, chi, gradient_c);
    turn_k = turn_k - wk.even, turn_c = turn_c - wc.even;
    kk = mul_add(wk.odd, wavenumber, kk), kc = mul_add(wk.odd, chi, kc), cc = mul_add(wc.odd, chi, cc);
    unrolled<n>([&](auto a) {
      const V even = load(rows.even[a].values + i), odd = load(rows.odd[a].values + i);
      by_wavenumber[a] = add_both(wk, even, odd, by_wavenumber[a]), by_chi[a] = add_both(wc, even, odd, by_chi[a]);
    });
  }
  put(k, k, kk), put(k, c, kc), put(c, c, cc), put(2, k, turn_k), put(2, c, turn_c);
  put(k, gradient_k), put(c, gradient_c);
  unrolled<n>([&](auto a) { put(parameter_of(a), k, by_wavenumber[a]), put(parameter_of(a), c, by_chi[a]); });
}

// Sums of an orientation.
template <class T, FitMatrix matrix>
struct FitTotals {
  static constexpr bool with_parameters = matrix != FitMatrix::none;

  Sums<fit_sum_count<matrix>> sums;
  int32_t observable = 0, matched = 0, missing = 0, grazing = 0;

  // The totals; gradient and matrix by the turns in the frame.
  [[gnu::always_inline]] FitSums<with_parameters> total(double missing_loss, const Setting<T>& setting) const {
    double sum[decltype(sums)::room];
    sums.totals(sum);
    FitSums<with_parameters> out;
    out.loss = 0.5 * sum[FitIndex::loss];
    if (missing_loss > 0) out.loss += missing_loss * sum[FitIndex::missing_weight];
    out.rotation = load_matrix<double>(sum + FitIndex::rotation, false);
    out.observable = observable, out.matched = matched, out.missing = missing, out.grazing = grazing;
    if constexpr (with_parameters) {
      // sum G x G_bar from sum G_bar q^T.
      const Vec3<double> turn = axial(multiply(out.rotation, transpose(convert<double>(setting.rotation))));
      out.gradient[0] = turn.x, out.gradient[1] = turn.y, out.gradient[2] = turn.z;
      const double* elements = sum + FitIndex::matrix;
      if constexpr (matrix == FitMatrix::all) {
        std::memcpy(out.gradient + 3, sum + FitIndex::gradient, sizeof out.gradient - 3 * sizeof out.gradient[0]);
        std::memcpy(out.normal, elements, sizeof out.normal);
      } else {
        for (int a = 0, i = 0; a < 3; ++a)
          for (int b = a; b < 3; ++b, ++i) out.normal[normal_index(a, b)] = elements[i];
      }
    }
    return out;
  }
};

}  // namespace braggrad::cpu::BRG_LEVEL
