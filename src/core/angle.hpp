// The angle of a unit vector, and wrapping. The only place with a polynomial or a trigonometric inverse.
#pragma once

#include "core/angle_coefficients.hpp"
#include "core/arithmetic.hpp"

namespace braggrad::core {

// Largest number of the type that does not exceed pi: answers stay inside [-pi, pi] in every precision.
template <class T>
inline constexpr T pi_inside = static_cast<T>(pi);
template <>
inline constexpr float pi_inside<float> = 0x1.921fb4p+1f;

// asin(v) on the reduced interval, v + v t q(t) with t = v^2.
BRG_CORE float reduced_arcsine(float v) {
  constexpr float c0 = asin_f32[0], c1 = asin_f32[1], c2 = asin_f32[2], c3 = asin_f32[3];
  constexpr float c4 = asin_f32[4], c5 = asin_f32[5], c6 = asin_f32[6], c7 = asin_f32[7];
  const float t = v * v;
  float q = mul_add(c7, t, c6);
  q = mul_add(q, t, c5);
  q = mul_add(q, t, c4);
  q = mul_add(q, t, c3);
  q = mul_add(q, t, c2);
  q = mul_add(q, t, c1);
  q = mul_add(q, t, c0);
  return mul_add(v * t, q, v);
}

BRG_CORE double reduced_arcsine(double v) {
  constexpr double c0 = asin_f64[0], c1 = asin_f64[1], c2 = asin_f64[2], c3 = asin_f64[3], c4 = asin_f64[4];
  constexpr double c5 = asin_f64[5], c6 = asin_f64[6], c7 = asin_f64[7], c8 = asin_f64[8], c9 = asin_f64[9];
  const double t = v * v, t2 = t * t, t4 = t2 * t2;
  const double low = mul_add(mul_add(c3, t, c2), t2, mul_add(c1, t, c0));
  const double middle = mul_add(mul_add(c7, t, c6), t2, mul_add(c5, t, c4));
  const double high = mul_add(mul_add(c9, t, c8), t4, middle);
  return mul_add(v * t, mul_add(high, t4, low), v);
}

// Angle in [0, pi/4] of a unit vector (high, low), high >= low >= 0. In float64 the vector is turned by pi/8 first,
// which halves the interval of the polynomial.
BRG_CORE float octant_angle(float low, float) { return reduced_arcsine(low); }
BRG_CORE double octant_angle(double low, double high) {
  constexpr double sin_pi_8 = 0.38268343236508977173, cos_pi_8 = 0.92387953251128675613;
  constexpr double pi_8 = 0.39269908169872415481;
  return pi_8 + reduced_arcsine(mul_add(low, cos_pi_8, -(high * sin_pi_8)));
}

// atan2(y, x) of a unit vector, in [-pi, pi]; no division. An error e of the norm moves the angle by at most e.
template <class V>
BRG_CORE V unit_angle(V y, V x) {
  const V ay = absolute(y), ax = absolute(x);
  V angle = octant_angle(minimum(ay, ax), maximum(ay, ax));
  angle = select(ay > ax, V(pi / 2) - angle, angle);
  angle = select(x < V(0), V(pi) - angle, angle);
  angle = minimum(maximum(angle, V(0)), pi_inside<V>);
  return with_sign_of(angle, y);
}

// atan2(y, x) of any finite vector; 0 for the zero vector.
template <class V>
BRG_CORE V vector_angle(V y, V x) {
  const V scale = maximum(absolute(y), absolute(x));
  const V safe = select(scale > V(0), scale, V(1));
  const V ys = y / safe, xs = x / safe;
  const V norm = square_root(mul_add(ys, ys, xs * xs));
  return select(scale > V(0), unit_angle(ys / select(scale > V(0), norm, V(1)), xs / select(scale > V(0), norm, V(1))),
                V(0));
}

// Angle modulo 2 pi in [-pi, pi].
template <class V>
BRG_CORE V wrap(V angle) {
  const V turns = nearest_integer(angle * V(1 / two_pi));
  // 2 pi in two parts: the first has few enough bits for an exact product with a small number of turns.
  constexpr V first = sizeof(V) == 8 ? V(0x1.921fb5444p+2) : V(0x1.92p+2);
  constexpr V rest = V(sizeof(V) == 8 ? 0x1.68c234c4c6629p-37 : 0x1.fb54442d1846ap-10);
  const V wrapped = mul_add(-turns, rest, mul_add(-turns, first, angle));
  return minimum(maximum(wrapped, -pi_inside<V>), pi_inside<V>);
}

}  // namespace braggrad::core
