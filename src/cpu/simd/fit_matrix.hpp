// Sums of omega_loss: loss, sum w l' G_bar q^T, gradient and normal matrix of one orientation.
#pragma once

#include <type_traits>
#include <utility>

#include "core/fit.hpp"
#include "cpu/simd/setting.hpp"
#include "cpu/simd/sums.hpp"

namespace braggrad::cpu::BRG_LEVEL {

// Pairs of a chunk: a kilobyte a plane.
template <class T>
inline constexpr int64_t fit_chunk = static_cast<int64_t>(1024 / sizeof(T));
template <class T>
inline constexpr int64_t fit_room = fit_chunk<T> + most_lanes;

template <class T>
struct alignas(64) Plane {
  T values[fit_room<T>];
};

// Which part of the normal matrix is wanted. The third column of J, the turn about the axis, is exactly -1.
enum class FitMatrix { none, rotation, all };

// The other columns of J as planes.
inline constexpr int fit_columns = fit_parameters - 1;

template <class T>
struct FitRows {
  alignas(64) T column[fit_columns][2 * fit_room<T>];
  alignas(64) T weight[2 * fit_room<T>];
};

BRG_SIMD constexpr int parameter_of(int column) { return column < 2 ? column : column + 1; }

template <class T>
BRG_SIMD void put_row(FitRows<T>& rows, int64_t i, const Jacobian<Lanes<T>>& j, Lanes<T> weight) {
#pragma GCC unroll 16
  for (int column = 0; column < fit_columns; ++column) store(rows.column[column] + i, j.values[parameter_of(column)]);
  store(rows.weight + i, weight);
}

// Sums v J J^T over the rows: columns first ... first + count - 1 with all columns from their own on. put(a, b, sum).
template <class T, int first, int count, class Put>
[[gnu::noinline]] static void add_columns(const FitRows<T>& rows, int64_t size, const Put& put) {
  using V = Lanes<T>;
  V sum[count][fit_columns], turn[count], square;
  for (int64_t i = 0; i < size; i += lanes<T>) {
    const V v = load(rows.weight + i);
    if constexpr (first == 0) square = square + v;
#pragma GCC unroll 16
    for (int a = 0; a < count; ++a) {
      const V weighted = v * load(rows.column[first + a] + i);
      turn[a] = turn[a] - weighted;
#pragma GCC unroll 16
      for (int b = first + a; b < fit_columns; ++b) sum[a][b] = mul_add(weighted, load(rows.column[b] + i), sum[a][b]);
    }
  }
  if constexpr (first == 0) put(2, 2, square);
#pragma GCC unroll 16
  for (int a = 0; a < count; ++a) {
    put(parameter_of(first + a), 2, turn[a]);
#pragma GCC unroll 16
    for (int b = first + a; b < fit_columns; ++b) put(parameter_of(first + a), parameter_of(b), sum[a][b]);
  }
}

// Element of the upper triangle of all parameters.
BRG_SIMD constexpr int normal_index(int a, int b) {
  return a <= b ? triangle_index(a, b, fit_parameters) : triangle_index(b, a, fit_parameters);
}

template <class T, FitMatrix matrix>
struct NormalSum {
  static constexpr int count = 0;
};

template <class T>
struct NormalSum<T, FitMatrix::rotation> {
  static constexpr int count = 6;
  Sum<T> element[count];  // xx, xy, xz, yy, yz, zz
};

template <class T>
struct NormalSum<T, FitMatrix::all> {
  static constexpr int count = fit_normals;
  Sum<T> element[count];

  [[gnu::always_inline]] void add(const FitRows<T>& rows, int64_t size, bool fresh) {
    const auto put = [&](int a, int b, Lanes<T> value) {
      Sum<T>& sum = element[normal_index(a, b)];
      fresh ? sum.set(value) : sum.add(value);
    };
    add_columns<T, 0, 2>(rows, size, put);
    add_columns<T, 2, 3>(rows, size, put);
    add_columns<T, 5, 5>(rows, size, put);
  }
};

// Sums of a chunk, in the precision of the call.
template <class T, FitMatrix matrix>
struct FitPartial {
  using V = Lanes<T>;
  Mat3<V> rotation;
  V others[matrix == FitMatrix::all ? fit_parameters - 3 : 1];  // gradient beyond the rotation
  V xx, xy, xz, yy, yz, zz;

  // slope1, slope2: w l' of both roots.
  [[gnu::always_inline]] void add(const Setting<V>& setting, const Pair<V>& pair, bool from_rotated, V slope1,
                                  V slope2) {
    const CrossingBar<V> bar = pair_vjp(setting, pair, from_rotated, slope1, slope2);
    add_product<T>(rotation, bar.g, pair.q);
    if constexpr (matrix == FitMatrix::all) {
      const Jacobian<V> j = jacobian(setting, pair, bar);
#pragma GCC unroll 16
      for (int i = 3; i < fit_parameters; ++i) others[i - 3] = others[i - 3] + j.values[i];
    }
  }

  // The turns' products. v1, v2: matrix weights of the roots; `single`: root 1 only.
  template <bool single>
  [[gnu::always_inline]] void add_turns(const Setting<V>& setting, const Pair<V>& pair, V v1, V v2) {
    const TurnRows<V> j = turn_rows(setting, pair);
    add_turn(j.x1, j.y1, v1);
    if constexpr (!single) add_turn(j.x2, j.y2, v2);
  }

 private:
  [[gnu::always_inline]] void add_turn(V x, V y, V v) {
    const V vx = v * x, vy = v * y;
    xx = mul_add(vx, x, xx), xy = mul_add(vx, y, xy), yy = mul_add(vy, y, yy);
    xz = xz - vx, yz = yz - vy, zz = zz + v;
  }
};

// Sums of an orientation.
template <class T, FitMatrix matrix>
struct FitTotals {
  static constexpr bool with_parameters = matrix != FitMatrix::none;
  static constexpr int other_count = matrix == FitMatrix::all ? fit_parameters - 3 : 0;

  Sum<T> loss, missing_weight;
  MatrixSum<T> rotation;
  Sum<T> others[other_count + 1];
  NormalSum<T, matrix> normal;
  int32_t observable = 0, matched = 0, missing = 0, grazing = 0;

  // What is empty until the first chunk is set by it, and needs no clearing before.
  [[gnu::always_inline]] void clear() {
    missing_weight = Sum<T>();
    observable = matched = missing = grazing = 0;
  }
  [[gnu::always_inline]] void clear_all() {
    clear();
    loss = Sum<T>(), rotation = MatrixSum<T>();
    for (Sum<T>& sum : others) sum = Sum<T>();
    if constexpr (with_parameters)
      for (Sum<T>& element : normal.element) element = Sum<T>();
  }
  [[gnu::always_inline]] void add_loss(Lanes<T> partial, bool fresh) { fresh ? loss.set(partial) : loss.add(partial); }
  [[gnu::always_inline]] void add(const FitPartial<T, matrix>& partial, bool fresh) {
    const auto put = [fresh](Sum<T>& sum, Lanes<T> value) { fresh ? sum.set(value) : sum.add(value); };
    const Mat3<Lanes<T>>& r = partial.rotation;
    put(rotation.xx, r.xx), put(rotation.xy, r.xy), put(rotation.xz, r.xz);
    put(rotation.yx, r.yx), put(rotation.yy, r.yy), put(rotation.yz, r.yz);
    put(rotation.zx, r.zx), put(rotation.zy, r.zy), put(rotation.zz, r.zz);
    if constexpr (matrix == FitMatrix::rotation) {
      put(normal.element[0], partial.xx), put(normal.element[1], partial.xy), put(normal.element[2], partial.xz);
      put(normal.element[3], partial.yy), put(normal.element[4], partial.yz), put(normal.element[5], partial.zz);
    }
    for (int i = 0; i < other_count; ++i) put(others[i], partial.others[i]);
  }

  [[gnu::noinline]] FitSums<with_parameters> total(double missing_loss, const Setting<T>& setting) const {
    Totals<11 + other_count + NormalSum<T, matrix>::count> totals;
    totals.take(loss), totals.take(missing_weight);
    rotation.give(totals);
    for (int i = 0; i < other_count; ++i) totals.take(others[i]);
    if constexpr (with_parameters)
      for (const Sum<T>& element : normal.element) totals.take(element);
    double sum[totals.room];
    totals.get(sum);

    FitSums<with_parameters> out;
    out.loss = missing_loss > 0 ? sum[0] + missing_loss * sum[1] : sum[0];
    out.rotation = load_matrix<double>(sum + 2, false);
    out.observable = observable, out.matched = matched, out.missing = missing, out.grazing = grazing;
    if constexpr (with_parameters) {
      // sum G x G_bar from sum G_bar q^T.
      const Vec3<double> turn = axial(multiply(out.rotation, transpose(convert<double>(setting.rotation))));
      out.gradient[0] = turn.x, out.gradient[1] = turn.y, out.gradient[2] = turn.z;
      for (int i = 0; i < other_count; ++i) out.gradient[3 + i] = sum[11 + i];
      const double* elements = sum + 11 + other_count;
      if constexpr (matrix == FitMatrix::all) {
        for (int i = 0; i < fit_normals; ++i) out.normal[i] = elements[i];
      } else {
        for (int a = 0, i = 0; a < 3; ++a)
          for (int b = a; b < 3; ++b, ++i) out.normal[normal_index(a, b)] = elements[i];
      }
    }
    return out;
  }
};

}  // namespace braggrad::cpu::BRG_LEVEL
