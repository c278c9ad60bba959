// Losses of angles, and their sums over the targets of one orientation.
//
//     D = wrap(omega - target),  L = sum w l(D),  gradient = sum w l'(D) J,  normal = sum w v J J^T
//
// J is domega by rotation vector (3, in the frame), wavenumber, chi, lattice strain (11, 22, 33, 23, 13, 12).
#pragma once

#include "core/predict.hpp"

namespace braggrad::core {

enum class Loss : int32_t { squares = 0, chord = 1, huber = 2, norm = 3 };

inline constexpr int fit_parameters = 11;
inline constexpr int fit_normals = fit_parameters * (fit_parameters + 1) / 2;

template <class V>
struct Residual {
  V twice_loss, slope, weight;  // 2 l, l', v
};

// Huber, or norm.
template <class V>
BRG_CORE Residual<V> angle_residual(Loss loss, V delta, V difference) {
  using T = Scalar<V>;
  const V one(T(1)), two(T(2)), size = absolute(difference);
  const V square = difference * difference;
  if (loss == Loss::huber) {
    const Mask<V> far = size > delta;
    return {select(far, delta * mul_sub(two, size, delta), square),
            select(far, with_sign_of(delta, difference), difference),
            select(far, delta * reciprocal(select(far, size, one)), one)};
  }
  const V root = square_root(mul_add(difference, difference, delta * delta)), weight = reciprocal(root);
  return {two * square * reciprocal(root + delta), difference * weight, weight};
}

// What the targets of a root add up to: twice the loss, of all roots; slope sum w l' and matrix weight sum w v of this one.
template <class V>
BRG_CORE void add_residual(const Residual<V>& r, V w, V& twice_loss, V& slope, V& weight) {
  twice_loss = mul_add(w, r.twice_loss, twice_loss);
  slope = mul_add(w, r.slope, slope), weight = mul_add(w, r.weight, weight);
}

// The same of an angle's difference D. Of squares, 2 l = D l' and v = 1: w l' serves twice.
template <class V>
BRG_CORE void add_angle(Loss loss, V delta, V difference, V w, V& twice_loss, V& slope, V& weight) {
  if (loss != Loss::squares) {
    add_residual(angle_residual(loss, delta, difference), w, twice_loss, slope, weight);
    return;
  }
  const V own = w * difference;
  twice_loss = mul_add(own, difference, twice_loss), slope = slope + own, weight = weight + w;
}

// 1 - cos D as half the squared chord, which keeps its digits where D is small; v = 1.
template <class V>
struct ChordResidual {
  V twice_loss, slope;
};

template <class V>
BRG_CORE ChordResidual<V> chord_residual(V sin_omega, V cos_omega, V sin_target, V cos_target) {
  const V ds = sin_omega - sin_target, dc = cos_omega - cos_target;
  return {mul_add(ds, ds, dc * dc), mul_sub(sin_omega, cos_target, cos_omega * sin_target)};
}

// The same for the opposite vector, (-sin omega, -cos omega).
template <class V>
BRG_CORE ChordResidual<V> opposite_chord_residual(V sin_omega, V cos_omega, V sin_target, V cos_target) {
  const V ds = sin_omega + sin_target, dc = cos_omega + cos_target;
  return {mul_add(ds, ds, dc * dc), mul_sub(cos_omega, sin_target, sin_omega * cos_target)};
}

template <class V>
BRG_CORE void add_chord(const ChordResidual<V>& r, V w, V& twice_loss, V& slope, V& weight) {
  twice_loss = mul_add(w, r.twice_loss, twice_loss), slope = mul_add(w, r.slope, slope), weight = weight + w;
}

// The rows of both roots side by side, J1 = even + odd and J2 = even - odd: the odd part is proportional to 1/s, so the two
// are the sum and the difference of both, halved. Here by a turn about x and y of the frame; by
// a turn about the axis J is -1.
template <class V>
struct TurnRows {
  V x_even, y_even, x_odd, y_odd;
};

template <class V>
BRG_CORE TurnRows<V> turn_rows(const Setting<V>& setting, const Vec3<V>& g, const Crossing<V>& k) {
  const V hx = g.z * k.ux, hy = g.z * k.uy;
  return {hx, hy, mul_add(g.y, setting.beam.tan_chi, hy * k.c) * k.inverse_s,
          -(mul_add(g.x, setting.beam.tan_chi, hx * k.c) * k.inverse_s)};
}

template <class V>
BRG_CORE void add_turns(V* sums, V x, V y, V v) {
  const V vx = v * x, vy = v * y;
  sums[0] = mul_add(vx, x, sums[0]), sums[1] = mul_add(vx, y, sums[1]), sums[3] = mul_add(vy, y, sums[3]);
  sums[2] = sums[2] - vx, sums[4] = sums[4] - vy, sums[5] = sums[5] + v;
}

// Adds v1 J1 J1^T + v2 J2 J2^T to xx, xy, xz, yy, yz, zz. With S = v1 + v2 and D = v1 - v2 for two columns a and b
//     v1 a1 b1 + v2 a2 b2 = (S a_even + D a_odd) b_even + (S a_odd + D a_even) b_odd
// which is an operation less. But it holds more at a time: on lanes it costs 1.5 % of a loss, and each root is added by itself.
template <class V>
BRG_CORE void add_turns(V* sums, const TurnRows<V>& j, V v1, V v2) {
  if constexpr (!on_device) {
    add_turns(sums, j.x_even + j.x_odd, j.y_even + j.y_odd, v1);
    add_turns(sums, j.x_even - j.x_odd, j.y_even - j.y_odd, v2);
    return;
  }
  const V sum = v1 + v2, difference = v1 - v2;
  const V x_even = mul_add(sum, j.x_even, difference * j.x_odd), x_odd = mul_add(sum, j.x_odd, difference * j.x_even);
  const V y_even = mul_add(sum, j.y_even, difference * j.y_odd), y_odd = mul_add(sum, j.y_odd, difference * j.y_even);
  sums[0] = mul_add(j.x_even, x_even, mul_add(j.x_odd, x_odd, sums[0]));
  sums[1] = mul_add(j.y_even, x_even, mul_add(j.y_odd, x_odd, sums[1]));
  sums[3] = mul_add(j.y_even, y_even, mul_add(j.y_odd, y_odd, sums[3]));
  sums[2] = sums[2] - x_even, sums[4] = sums[4] - y_even, sums[5] = sums[5] + sum;
}

// Sums over the targets of one orientation, in float64.
struct FitSums {
  double loss = 0;
  Mat3<double> rotation{};  // sum w l' G_bar q^T
  int32_t observable = 0, matched = 0, missing = 0, grazing = 0;
};

// A target is a finite angle with a finite weight > 0; elsewhere the weight is 0. The angle in [-pi, pi].
template <class V>
struct Target {
  V weight, omega;
};

template <class V>
BRG_CORE Target<V> target_of(V omega, V weight) {
  using T = Scalar<V>;
  const V zero(T(0));
  if constexpr (on_device) {  // most angles need no wrapping
    const V usable = select(weight > zero && weight <= V(Limits<T>::largest), weight, zero);
    if (absolute(omega) <= V(pi_inside<T>)) return {usable, omega};
    return is_finite(omega) ? Target<V>{usable, wrap(omega)} : Target<V>{zero, zero};
  }
  const Mask<V> is_target = is_finite(omega) && is_finite(weight) && weight > zero;
  return {select(is_target, weight, zero), wrap(select(is_target, omega, zero))};
}

// Index of element (a, b), a <= b, of an upper triangle of n rows.
BRG_CORE constexpr int triangle_index(int a, int b, int n) { return a * n - a * (a - 1) / 2 + b - a; }

BRG_CORE int fit_parameter_count(uint32_t mask) {
  return (mask & 1 ? 3 : 0) + (mask & 2 ? 1 : 0) + (mask & 4 ? 1 : 0) + (mask & 8 ? 6 : 0);
}

// Position among all eleven of parameter i of a mask.
BRG_CORE int fit_parameter(uint32_t mask, int i) {
  const int begin[4] = {0, 3, 4, 5}, size[4] = {3, 1, 1, 6};
  for (int group = 0; group < 4; ++group) {
    if (!(mask >> group & 1)) continue;
    if (i < size[group]) return begin[group] + i;
    i -= size[group];
  }
  return 0;
}

// Element (a, b), a <= b, of the normal matrix by turns of the sample: T^T N T, where T is the frame's M for the rotation and the
// identity beyond it. element(i, j), i <= j, is that by turns of the frame.
template <class V, class Element>
BRG_CORE V turned_normal(const Frame& frame, int a, int b, const Element& element) {
  if (frame.identity || a >= 3) return element(a, b);
  const auto turned = [&](int column, V x, V y, V z) {
    const Mat3<double>& m = frame.m;
    const Vec3<double> by = column == 0   ? Vec3<double>{m.xx, m.yx, m.zx}
                            : column == 1 ? Vec3<double>{m.xy, m.yy, m.zy}
                                          : Vec3<double>{m.xz, m.yz, m.zz};
    return mul_add(V(by.x), x, mul_add(V(by.y), y, V(by.z) * z));
  };
  if (b >= 3) return turned(a, element(0, b), element(1, b), element(2, b));
  return turned(a, turned(b, element(0, 0), element(0, 1), element(0, 2)),
                turned(b, element(0, 1), element(1, 1), element(1, 2)),
                turned(b, element(0, 2), element(1, 2), element(2, 2)));
}

// Gradient and normal matrix of n parameters, the rotation first, by turns of the sample in place of turns of the frame.
template <int n, class V>
BRG_CORE void turn_to_sample(const Frame& frame, V* gradient, V* normal) {
  if (frame.identity) return;
  const Mat3<double>& m = frame.m;
  const Vec3<V> turn =
      multiply_transposed(Mat3<V>{V(m.xx), V(m.xy), V(m.xz), V(m.yx), V(m.yy), V(m.yz), V(m.zx), V(m.zy), V(m.zz)},
                          Vec3<V>{gradient[0], gradient[1], gradient[2]});
  gradient[0] = turn.x, gradient[1] = turn.y, gradient[2] = turn.z;
  V in_frame[n * (n + 1) / 2];
  for (int i = 0; i < n * (n + 1) / 2; ++i) in_frame[i] = normal[i];
  const auto element = [&](int a, int b) { return in_frame[triangle_index(a, b, n)]; };
  for (int a = 0; a < 3; ++a)
    for (int b = a; b < n; ++b) normal[triangle_index(a, b, n)] = turned_normal<V>(frame, a, b, element);
}

BRG_CORE void store_count(int32_t* out, int64_t b, int32_t value, bool accumulate) {
  if (out) out[b] = value + (accumulate ? out[b] : 0);
}

// Writes the other outputs of one orientation.
template <class T>
BRG_CORE void store_loss(const OmegaLossProblem<T>& p, int64_t b, const FitSums& sums) {
  const OmegaLossOutput<T>& out = p.output;
  if (out.loss) store(out.loss + b, sums.loss, out.accumulate);
  if (out.rotation_bar)
    store_matrix(out.rotation_bar + 9 * b, rotation_cotangent(p.frame, sums.rotation), p.orientations.column_major,
                 out.accumulate);
  store_count(out.observable, b, sums.observable, out.accumulate);
  store_count(out.matched, b, sums.matched, out.accumulate);
  store_count(out.missing, b, sums.missing, out.accumulate);
  store_count(out.grazing, b, sums.grazing, out.accumulate);
}

}  // namespace braggrad::core
