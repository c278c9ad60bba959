// Losses of angles, and their sums over the targets of one orientation.
//
//     D = wrap(omega - target),  L = sum w l(D),  gradient = sum w l'(D) J,  normal = sum w v J J^T
//
// J is domega by rotation vector (3, in the frame), wavenumber, chi, lattice strain (11, 22, 33, 23, 13, 12).
#pragma once

#include "core/predict.hpp"
#include "core/spots.hpp"

namespace braggrad::core {

enum class Loss : int32_t { squares = 0, chord = 1, huber = 2, norm = 3 };

inline constexpr int fit_parameters = 11;
inline constexpr int fit_normals = fit_parameters * (fit_parameters + 1) / 2;

template <class V>
struct Residual {
  V twice_loss, slope, weight;  // 2 l, l', v
};

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
  if (loss == Loss::norm) {
    const V root = square_root(mul_add(difference, difference, delta * delta)), weight = reciprocal(root);
    return {two * square * reciprocal(root + delta), difference * weight, weight};
  }
  return {square, difference, one};
}

// 1 - cos D as half the squared chord, which keeps its digits where D is small.
template <class V>
BRG_CORE Residual<V> chord_residual(V sin_omega, V cos_omega, V sin_target, V cos_target) {
  using T = Scalar<V>;
  const V ds = sin_omega - sin_target, dc = cos_omega - cos_target;
  return {mul_add(ds, ds, dc * dc), mul_sub(sin_omega, cos_target, cos_omega * sin_target), V(T(1))};
}

// The same for the opposite vector, (-sin omega, -cos omega).
template <class V>
BRG_CORE Residual<V> opposite_chord_residual(V sin_omega, V cos_omega, V sin_target, V cos_target) {
  const V ds = sin_omega + sin_target, dc = cos_omega + cos_target;
  return {mul_add(ds, ds, dc * dc), mul_sub(cos_omega, sin_target, sin_omega * cos_target), V(Scalar<V>(1))};
}

// t q^T by the six elements of the lattice strain.
template <class V>
struct Strain {
  V values[6];
};

template <class V>
BRG_CORE Strain<V> strain_of(const Vec3<V>& t, const Vec3<V>& q) {
  return {{t.x * q.x, t.y * q.y, t.z * q.z, mul_add(t.y, q.z, t.z * q.y), mul_add(t.x, q.z, t.z * q.x),
           mul_add(t.x, q.y, t.y * q.x)}};
}

// One row of J.
template <class V>
struct Jacobian {
  V values[fit_parameters];
};

template <class V>
BRG_CORE Jacobian<V> jacobian(const Setting<V>& setting, const Pair<V>& pair, const CrossingBar<V>& bar) {
  const Vec3<V> turn = cross(pair.g, bar.g);
  const Strain<V> e = strain_of(q_cotangent(setting, pair, bar), pair.q);
  return {{turn.x, turn.y, turn.z, bar.wavenumber, bar.chi, e.values[0], e.values[1], e.values[2], e.values[3],
           e.values[4], e.values[5]}};
}

// The rows of both roots side by side, J1 = even + odd and J2 = even - odd: the odd part is proportional to 1/s, so the two
// are the sum and the difference of jacobian() at w = (1, 0) and (0, 1), halved. Here by a turn about x and y of the frame; by
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

// By wavenumber and chi, which have no even part, and by lattice strain: strain_of(t, q) for t of either part.
template <class V>
struct LatticeRows {
  Vec3<V> t_even, t_odd;
  V wavenumber_odd, chi_odd;
};

template <class V>
BRG_CORE LatticeRows<V> lattice_rows(const Setting<V>& setting, const Pair<V>& pair, bool magnitude_from_rotated) {
  const Crossing<V>& k = pair.crossing;
  const Mat3<V>& r = setting.rotation;
  CrossingBar<V> odd = spread_vjp(k, setting.beam, pair.g.z, pair.q2, k.inverse_s);
  take_length(odd, pair.g, magnitude_from_rotated);
  // R^T (uy, -ux, 0)
  return {Vec3<V>{mul_sub(r.xx, k.uy, r.yx * k.ux), mul_sub(r.xy, k.uy, r.yy * k.ux), mul_sub(r.xz, k.uy, r.yz * k.ux)},
          q_cotangent(setting, pair, odd), odd.wavenumber, odd.chi};
}

// Sums over the targets of one orientation, in float64. Without parameters the last two stay empty.
template <bool with_parameters>
struct FitSums {
  double loss = 0;
  Mat3<double> rotation{};  // sum w l' G_bar q^T
  int32_t observable = 0, matched = 0, missing = 0, grazing = 0;
  double gradient[with_parameters ? fit_parameters : 1] = {};
  double normal[with_parameters ? fit_normals : 1] = {};
};

// A target is a finite angle with a finite weight > 0.
template <class T>
BRG_CORE bool is_target(T omega, T weight) {
  return is_finite(omega) && weight > T(0) && is_finite(weight);
}

template <bool with_parameters>
BRG_CORE void add_missing(FitSums<with_parameters>& sums, double missing_loss, double weight) {
  sums.missing += 1;
  sums.loss += missing_loss > 0 ? weight * missing_loss : 0;
}

// The residual of a target at a root (1 or 2), or at the nearer one (0); `root` becomes the one taken.
template <class T>
BRG_CORE Residual<T> match(const OmegaTargets<T>& targets, const Crossing<T>& crossing, T omega, int& root) {
  const RootVectors<T> v = root_vectors(crossing);
  const Loss loss = static_cast<Loss>(targets.loss);
  if (loss == Loss::chord) {
    T s, c;
    sine_cosine(omega, s, c);
    const Residual<T> first = chord_residual(v.sin1, v.cos1, s, c), second = chord_residual(v.sin2, v.cos2, s, c);
    if (root == 0) root = second.twice_loss < first.twice_loss ? 2 : 1;
    return root == 1 ? first : second;
  }
  const T delta = static_cast<T>(targets.delta), target = wrap(omega);
  T first = T(0), second = T(0);
  if (root != 2) first = difference_of_angles(unit_angle(v.sin1, v.cos1), target);
  if (root != 1) second = difference_of_angles(unit_angle(v.sin2, v.cos2), target);
  if (root == 0) root = absolute(second) < absolute(first) ? 2 : 1;
  return angle_residual(loss, delta, root == 1 ? first : second);
}

// Adds one target of an observable pair. root: 1, 2, or 0 for the nearer.
template <class T, bool with_parameters>
BRG_CORE void add_target(FitSums<with_parameters>& sums, const Frame& frame, const OmegaTargets<T>& targets,
                         const Setting<T>& setting, const Pair<T>& pair, bool magnitude_from_rotated, int root, T omega,
                         T weight) {
  if (!contributes(pair.crossing, setting.beam, static_cast<T>(frame.grazing_cut))) {
    sums.grazing += 1;
    return;
  }
  const Residual<T> residual = match(targets, pair.crossing, omega, root);
  sums.matched += 1;
  const double w = static_cast<double>(weight);
  sums.loss = mul_add(0.5 * w, static_cast<double>(residual.twice_loss), sums.loss);
  const CrossingBar<T> bar =
      pair_vjp(setting, pair, magnitude_from_rotated, root == 1 ? T(1) : T(0), root == 1 ? T(0) : T(1));
  const double slope = w * static_cast<double>(residual.slope);
  add_outer(sums.rotation, slope * convert<double>(bar.g), convert<double>(pair.q));
  if constexpr (with_parameters) {
    const Jacobian<T> j = jacobian(setting, pair, bar);
    const double v = w * static_cast<double>(residual.weight);
    int k = 0;
#if defined(__CUDA_ARCH__)
#pragma unroll
#endif
    for (int a = 0; a < fit_parameters; ++a) {
      const double ja = static_cast<double>(j.values[a]);
      sums.gradient[a] = mul_add(slope, ja, sums.gradient[a]);
#if defined(__CUDA_ARCH__)
#pragma unroll
#endif
      for (int b = a; b < fit_parameters; ++b, ++k)
        sums.normal[k] = mul_add(v * ja, static_cast<double>(j.values[b]), sums.normal[k]);
    }
  }
}

// Both dense targets of reflection n in orientation b.
template <class T, bool with_parameters>
BRG_CORE void add_dense(FitSums<with_parameters>& sums, const OmegaLossProblem<T>& p, const Setting<T>& setting,
                        int64_t b, int64_t n) {
  const Pair<T> pair = load_pair(setting, p.orientations, p.reflections, n);
  sums.observable += pair.crossing.observable;
  const int64_t at = b * p.targets.orientation_stride + n;
  for (int root = 1; root <= 2; ++root) {
    const T* omega = root == 1 ? p.targets.omega1 : p.targets.omega2;
    const T* weights = root == 1 ? p.targets.weight1 : p.targets.weight2;
    if (!omega) continue;
    const T weight = weights ? weights[at] : T(1);
    if (!is_target(omega[at], weight)) continue;
    if (!pair.crossing.observable)
      add_missing(sums, p.targets.missing_loss, static_cast<double>(weight));
    else
      add_target(sums, p.frame, p.targets, setting, pair, p.orientations.magnitude_from_rotated, root, omega[at],
                 weight);
  }
}

// Entry i of the target list.
template <class T, bool with_parameters>
BRG_CORE void add_listed(FitSums<with_parameters>& sums, const OmegaLossProblem<T>& p, const Setting<T>& setting,
                         int64_t i) {
  const T omega = p.targets.omega[i], weight = p.targets.weight ? p.targets.weight[i] : T(1);
  if (!is_target(omega, weight)) return;
  const int32_t n = p.targets.reflection[i];
  const int root = p.targets.root ? p.targets.root[i] : 0;
  if (n >= 0 && n < p.reflections.count && root <= 2) {
    const Pair<T> pair = load_pair(setting, p.orientations, p.reflections, n);
    if (pair.crossing.observable) {
      sums.observable += 1;
      add_target(sums, p.frame, p.targets, setting, pair, p.orientations.magnitude_from_rotated, root, omega, weight);
      return;
    }
  }
  add_missing(sums, p.targets.missing_loss, static_cast<double>(weight));
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

// Element (a, b) of the normal matrix with the rotation's rows and columns turned to the sample frame: T^T N T, where
// T is M for the rotation and the identity beyond it.
BRG_CORE double turned_normal(const Frame& frame, const double* normal, int a, int b) {
  if (frame.identity) return normal[triangle_index(a, b, fit_parameters)];
  const double m[3][3] = {
      {frame.m.xx, frame.m.xy, frame.m.xz}, {frame.m.yx, frame.m.yy, frame.m.yz}, {frame.m.zx, frame.m.zy, frame.m.zz}};
  double sum = 0;
  for (int i = a < 3 ? 0 : a; i < (a < 3 ? 3 : a + 1); ++i)
    for (int j = b < 3 ? 0 : b; j < (b < 3 ? 3 : b + 1); ++j) {
      const double left = a < 3 ? m[i][a] : 1, right = b < 3 ? m[j][b] : 1;
      sum +=
          left * normal[i <= j ? triangle_index(i, j, fit_parameters) : triangle_index(j, i, fit_parameters)] * right;
    }
  return sum;
}

BRG_CORE double turned_gradient(const Frame& frame, const double* gradient, int a) {
  if (a >= 3) return gradient[a];
  const Vec3<double> v = multiply_transposed(frame.m, {gradient[0], gradient[1], gradient[2]});
  return a == 0 ? v.x : a == 1 ? v.y : v.z;
}

// Gradient and normal matrix by turns of the sample in place of turns of the frame.
BRG_CORE void turn_to_sample(const Frame& frame, FitSums<true>& sums) {
  if (frame.identity) return;
  const FitSums<true> in_frame = sums;
  for (int a = 0; a < 3; ++a) {
    sums.gradient[a] = turned_gradient(frame, in_frame.gradient, a);
    for (int b = a; b < fit_parameters; ++b)
      sums.normal[triangle_index(a, b, fit_parameters)] = turned_normal(frame, in_frame.normal, a, b);
  }
}

BRG_CORE void store_count(int32_t* out, int64_t b, int32_t value, bool accumulate) {
  if (out) out[b] = value + (accumulate ? out[b] : 0);
}

// Writes the gradient and the normal matrix of one orientation: every step-th element of both, from element `first` on.
template <class T>
BRG_CORE void store_parameters(const OmegaLossProblem<T>& p, int64_t b, const FitSums<true>& sums, int first,
                               int step) {
  const OmegaLossOutput<T>& out = p.output;
  const int count = fit_parameter_count(out.parameters);
  for (int i = 0; i < count; ++i) {
    const int a = fit_parameter(out.parameters, i);
    if (out.gradient && i % step == first)
      store(out.gradient + b * count + i, turned_gradient(p.frame, sums.gradient, a), out.accumulate);
    if (!out.normal) continue;
    for (int j = i; j < count; ++j) {
      const int element = triangle_index(i, j, count);
      if (element % step == first)
        store(out.normal + b * (count * (count + 1) / 2) + element,
              turned_normal(p.frame, sums.normal, a, fit_parameter(out.parameters, j)), out.accumulate);
    }
  }
}

// Writes the other outputs of one orientation.
template <class T, bool with_parameters>
BRG_CORE void store_loss(const OmegaLossProblem<T>& p, int64_t b, const FitSums<with_parameters>& sums) {
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
