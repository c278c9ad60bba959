// Rotate and solve, fused: one orientation with one reflection is a pair.
//
//     q = q_n  (or B_b hkl_n),   G = M R q,   Q = |q|^2  (or |G|^2),   then core/solve.hpp
//
// Chain rule of the adjoint, with G_bar in the frame (M of core/frame.hpp):
//     R_bar = M^T sum G_bar q^T     q_bar = (M R)^T G_bar + 2 Q_bar q     B_bar = sum q_bar hkl^T
//     rotation vector: sum G x G_bar in the sample frame, the axial vector of R_bar R^T
#pragma once

#include "core/problem.hpp"

namespace braggrad::core {

// What is common to the pairs of one orientation.
template <class T>
struct Setting {
  Mat3<T> rotation;  // M R
  Mat3<T> basis;     // own reciprocal basis, where there is one
  Beam<T> beam;
};

// Folded in float64, rounded once.
template <class T>
BRG_CORE Mat3<T> fold(const Frame& frame, const T* matrix, bool column_major) {
  if (frame.identity) return load_matrix<T>(matrix, column_major);
  return convert<T>(multiply(frame.m, load_matrix<double>(matrix, column_major)));
}

template <class T>
BRG_CORE Setting<T> make_setting(const Frame& frame, const Orientations<T>& orientations, int64_t b,
                                 const Beam<T>& beam) {
  return {fold(frame, orientations.rotation + 9 * b, orientations.column_major),
          orientations.reciprocal_basis
              ? load_matrix<T>(orientations.reciprocal_basis + 9 * b, orientations.column_major)
              : Mat3<T>{},
          beam};
}

template <class T>
BRG_CORE Setting<T> make_setting(const Frame& frame, const Orientations<T>& orientations, int64_t b) {
  return make_setting(frame, orientations, b, beam_of(frame, orientations.wavenumber, orientations.chi, b));
}

// q of a reflection in the crystal frame. load(table) is its row of q, hkl or dq.
template <class T, class Load>
BRG_CORE Vec3<T> load_q(const Setting<T>& setting, const Orientations<T>& orientations,
                        const Reflections<T>& reflections, const Load& load) {
  if (orientations.reciprocal_basis) return multiply(setting.basis, load(reflections.hkl));
  return load(reflections.q);
}

template <class T>
struct Pair {
  Vec3<T> q, g;
  T q2;
  Crossing<T> crossing;
};

// The pair of q with |q|^2 = q2, which is not used where Q is taken from the rotated vector.
template <bool derivatives = true, class V>
BRG_CORE Pair<V> pair_of(const Setting<V>& setting, const Vec3<V>& q, V q2, bool magnitude_from_rotated) {
  const Vec3<V> g = multiply(setting.rotation, q);
  const V length2 = magnitude_from_rotated ? dot(g, g) : q2;
  const V c = mul_add(g.z, setting.beam.tan_chi, length2 * setting.beam.half);
  // In place, element by element: where V is a vector, gcc copies structs of them through memory.
  return {Vec3<V>{q.x, q.y, q.z}, Vec3<V>{g.x, g.y, g.z}, length2,
          intersect<derivatives>(circle_of<derivatives>(g.x, g.y), c, setting.beam.cos_chi)};
}

template <bool derivatives = true, class T, class Load>
BRG_CORE Pair<T> load_pair(const Setting<T>& setting, const Orientations<T>& orientations,
                           const Reflections<T>& reflections, int64_t n, const Load& load) {
  const Vec3<T> q = load_q(setting, orientations, reflections, load);
  const bool own_length = orientations.reciprocal_basis || !reflections.q2;
  return pair_of<derivatives>(setting, q, own_length ? dot(q, q) : reflections.q2[n],
                              orientations.magnitude_from_rotated);
}

// True where a reflection and its opposite share their crossing: the roots of -G are those of G half a turn on.
template <class T>
BRG_CORE bool opposites_share(const Frame& frame, const Orientations<T>& orientations,
                              const Reflections<T>& reflections) {
  return reflections.friedel && frame.tan_chi == 0 && !orientations.chi;
}

// Where Q is taken from the rotated vector, G_bar holds Q's dependence on G, and q2 = 0 is left for the crystal frame.
template <class V>
BRG_CORE void take_length(CrossingBar<V>& bar, const Vec3<V>& g, bool magnitude_from_rotated) {
  if (!magnitude_from_rotated) return;
  bar.g = bar.g + (V(Scalar<V>(2)) * bar.q2) * g;
  bar.q2 = V(Scalar<V>(0));
}

// Cotangents of a pair's inputs.
template <class V>
BRG_CORE CrossingBar<V> pair_vjp(const Setting<V>& setting, const Pair<V>& pair, bool magnitude_from_rotated, V w1,
                                 V w2) {
  CrossingBar<V> bar = solve_vjp(pair.crossing, setting.beam, pair.g.z, pair.q2, w1, w2);
  take_length(bar, pair.g, magnitude_from_rotated);
  return bar;
}

template <class V>
BRG_CORE Vec3<V> q_cotangent(const Setting<V>& setting, const Pair<V>& pair, const CrossingBar<V>& bar) {
  return multiply_transposed(setting.rotation, bar.g) + (V(Scalar<V>(2)) * bar.q2) * pair.q;
}

// Sums over the pairs of one orientation, in float64. Beam and axis in the frame.
struct OrientationSums {
  Mat3<double> rotation{}, basis{};
  double wavenumber = 0, chi = 0;
  Vec3<double> beam{}, axis{};
};

// What of the sums is wanted.
struct WantedSums {
  bool rotation, basis, scalars, frame;
};

template <class T>
BRG_CORE WantedSums wanted_sums(const OrientationsGradient<T>& out) {
  return {out.rotation || out.rotation_vector, out.reciprocal_basis || out.reflections_basis,
          out.wavenumber || out.chi || out.geometry.wavenumber || out.geometry.chi,
          out.geometry.beam || out.geometry.axis};
}

template <class T>
BRG_CORE void accumulate(OrientationSums& sums, WantedSums wanted, const Setting<T>& setting, const Pair<T>& pair,
                         const CrossingBar<T>& bar, const Vec3<T>& hkl, T w1, T w2) {
  if (wanted.rotation) add_outer(sums.rotation, bar.g, pair.q);
  if (wanted.basis) add_outer(sums.basis, q_cotangent(setting, pair, bar), hkl);
  if (wanted.scalars) sums.wavenumber += static_cast<double>(bar.wavenumber), sums.chi += static_cast<double>(bar.chi);
  if (wanted.frame) {
    const FrameRates<T> rates = frame_rates(pair.crossing, setting.beam, pair.g);
    sums.beam = sums.beam + convert<double>(w1 * rates.beam1 + w2 * rates.beam2);
    sums.axis = sums.axis + convert<double>(w1 * rates.axis1 + w2 * rates.axis2);
  }
}

// Axial vector of A: the rotation vector's cotangent where A = R_bar R^T.
template <class V>
BRG_CORE Vec3<V> axial(const Mat3<V>& a) {
  return {a.zy - a.yz, a.xz - a.zx, a.yx - a.xy};
}

// R_bar from the sums in the frame.
BRG_CORE Mat3<double> rotation_cotangent(const Frame& frame, const Mat3<double>& sum) {
  return frame.identity ? sum : multiply(transpose(frame.m), sum);
}

// The rotation vector's cotangent from R_bar.
template <class T>
BRG_CORE Vec3<double> rotation_vector_cotangent(const Orientations<T>& orientations, int64_t b,
                                                const Mat3<double>& bar) {
  const Mat3<double> r = load_matrix<double>(orientations.rotation + 9 * b, orientations.column_major);
  const Vec3<double> v = axial(multiply(bar, transpose(r)));
  // A rotation that is not finite makes its row unobservable: its derivatives are 0, not 0 times NaN.
  const bool usable = is_finite(v.x) && is_finite(v.y) && is_finite(v.z);
  const bool nothing = bar.xx == 0 && bar.xy == 0 && bar.xz == 0 && bar.yx == 0 && bar.yy == 0 && bar.yz == 0 &&
                       bar.zx == 0 && bar.zy == 0 && bar.zz == 0;
  return usable || !nothing ? v : Vec3<double>{};
}

// Writes what one orientation has by its rotation.
template <class T>
BRG_CORE void store_rotation(const Frame& frame, const Orientations<T>& orientations,
                             const OrientationsGradient<T>& out, int64_t b, const Mat3<double>& sum) {
  const Mat3<double> bar = rotation_cotangent(frame, sum);
  if (out.rotation) store_matrix(out.rotation + 9 * b, bar, orientations.column_major, out.accumulate);
  if (out.rotation_vector)
    store_vector(out.rotation_vector + 3 * b, rotation_vector_cotangent(orientations, b, bar), out.accumulate);
}

// Writes the outputs of one orientation.
template <class T>
BRG_CORE void store_orientation(const Frame& frame, const Orientations<T>& orientations,
                                const OrientationsGradient<T>& out, int64_t b, const OrientationSums& sums) {
  store_rotation(frame, orientations, out, b, sums.rotation);
  if (out.reciprocal_basis)
    store_matrix(out.reciprocal_basis + 9 * b, sums.basis, orientations.column_major, out.accumulate);
  if (out.wavenumber) store(out.wavenumber + b, sums.wavenumber, out.accumulate);
  if (out.chi) store(out.chi + b, sums.chi, out.accumulate);
}

// What a direction contributes to all pairs of one orientation.
template <class T>
struct SettingDot {
  Mat3<T> rotation;  // M (dR + [v]x R)
  Mat3<T> basis;
  T wavenumber, chi;
  Vec3<T> beam, axis;  // in the frame
};

BRG_CORE Mat3<double> turned(const Vec3<double>& v, const Mat3<double>& r) {
  const Vec3<double> x = cross(v, {r.xx, r.yx, r.zx}), y = cross(v, {r.xy, r.yy, r.zy}),
                     z = cross(v, {r.xz, r.yz, r.zz});
  return {x.x, y.x, z.x, x.y, y.y, z.y, x.z, y.z, z.z};
}

BRG_CORE Mat3<double> sum(const Mat3<double>& a, const Mat3<double>& b) {
  return {a.xx + b.xx, a.xy + b.xy, a.xz + b.xz, a.yx + b.yx, a.yy + b.yy,
          a.yz + b.yz, a.zx + b.zx, a.zy + b.zy, a.zz + b.zz};
}

template <class T>
BRG_CORE SettingDot<T> make_setting_dot(const Frame& frame, const Orientations<T>& orientations,
                                        const OrientationsTangent<T>& tangent, int64_t b) {
  const bool by_columns = orientations.column_major;
  Mat3<double> dot{};
  if (tangent.rotation) dot = load_matrix<double>(tangent.rotation + 9 * b, by_columns);
  if (tangent.rotation_vector)
    dot = sum(dot, turned(load_vector<double>(tangent.rotation_vector + 3 * b),
                          load_matrix<double>(orientations.rotation + 9 * b, by_columns)));
  SettingDot<T> out;
  out.rotation = convert<T>(frame.identity ? dot : multiply(frame.m, dot));
  out.basis = tangent.reciprocal_basis ? load_matrix<T>(tangent.reciprocal_basis + 9 * b, by_columns) : Mat3<T>{};
  out.wavenumber = orientations.wavenumber ? (tangent.wavenumber ? tangent.wavenumber[b] : T(0))
                                           : static_cast<T>(tangent.geometry.wavenumber);
  out.chi = orientations.chi ? (tangent.chi ? tangent.chi[b] : T(0)) : static_cast<T>(tangent.geometry.chi);
  out.beam = convert<T>(multiply(frame.m, tangent.geometry.beam));
  out.axis = convert<T>(multiply(frame.m, tangent.geometry.axis));
  return out;
}

// dq of a reflection.
template <class T, class Load>
BRG_CORE Vec3<T> load_q_dot(const SettingDot<T>& dot, const Reflections<T>& reflections,
                            const OrientationsTangent<T>& tangent, const Load& load) {
  Vec3<T> q_dot{};
  if (tangent.q) q_dot = load(tangent.q);
  if (tangent.reciprocal_basis) q_dot = q_dot + multiply(dot.basis, load(reflections.hkl));
  return q_dot;
}

template <class V>
BRG_CORE Vec3<V> rotate_jvp(const Setting<V>& setting, const SettingDot<V>& dot, const Vec3<V>& q,
                            const Vec3<V>& q_dot) {
  return multiply(setting.rotation, q_dot) + multiply(dot.rotation, q);
}

template <class V>
BRG_CORE Roots<V> pair_jvp(const Setting<V>& setting, const SettingDot<V>& change, const Pair<V>& pair,
                           const Vec3<V>& q_dot, bool magnitude_from_rotated, bool moves_frame) {
  const Vec3<V> g_dot = rotate_jvp(setting, change, pair.q, q_dot);
  const V q2_dot = V(Scalar<V>(2)) * (magnitude_from_rotated ? dot(pair.g, g_dot) : dot(pair.q, q_dot));
  Roots<V> rates =
      solve_jvp(pair.crossing, setting.beam, pair.g, pair.q2, g_dot, q2_dot, change.wavenumber, change.chi);
  if (moves_frame) add_frame_rates(rates, frame_rates(pair.crossing, setting.beam, pair.g), change.beam, change.axis);
  return rates;
}

}  // namespace braggrad::core
