// The angle of a unit vector, the unit vector of an angle, and wrapping. The only place with a polynomial or a trigonometric
// inverse.
#pragma once

#include "core/angle_coefficients.hpp"
#include "core/arithmetic.hpp"

namespace braggrad::core {

// Largest number of the type that does not exceed pi: answers stay inside [-pi, pi] in every precision.
template <class T>
inline constexpr T pi_inside = static_cast<T>(pi);
template <>
inline constexpr float pi_inside<float> = 0x1.921fb4p+1f;

// Coefficient j of the arcsine, sine or cosine.
enum class Series { arcsine, sine, cosine };
template <class V, int j, Series series = Series::arcsine>
BRG_CORE V coefficient() {
  if constexpr (sizeof(Scalar<V>) == 4) {
    constexpr float c = series == Series::arcsine ? asin_f32[j]
                        : series == Series::sine  ? sin_f32[j % 3]
                                                  : cos_f32[j % 3];
    return V(c);
  } else {
    constexpr double c = series == Series::arcsine ? asin_f64[j]
                         : series == Series::sine  ? sin_f64[j % 6]
                                                   : cos_f64[j % 6];
    return V(c);
  }
}

// asin(v) on the reduced interval, v + v t q(t) with t = v^2.
template <class V>
BRG_CORE V reduced_arcsine(V v) {
  const V t = v * v;
  if constexpr (sizeof(Scalar<V>) == 4) {
    V q = mul_add(coefficient<V, 7>(), t, coefficient<V, 6>());
    q = mul_add(q, t, coefficient<V, 5>());
    q = mul_add(q, t, coefficient<V, 4>());
    q = mul_add(q, t, coefficient<V, 3>());
    q = mul_add(q, t, coefficient<V, 2>());
    q = mul_add(q, t, coefficient<V, 1>());
    q = mul_add(q, t, coefficient<V, 0>());
    return mul_add(v * t, q, v);
  } else {
    const V t2 = t * t, t4 = t2 * t2;
    const V c01 = mul_add(coefficient<V, 1>(), t, coefficient<V, 0>()),
            c23 = mul_add(coefficient<V, 3>(), t, coefficient<V, 2>());
    const V c45 = mul_add(coefficient<V, 5>(), t, coefficient<V, 4>()),
            c67 = mul_add(coefficient<V, 7>(), t, coefficient<V, 6>());
    const V c89 = mul_add(coefficient<V, 9>(), t, coefficient<V, 8>());
    const V high = mul_add(c89, t4, mul_add(c67, t2, c45));
    return mul_add(v * t, mul_add(high, t4, mul_add(c23, t2, c01)), v);
  }
}

// Angle in [0, pi/2] of a unit vector with ay, ax >= 0, and in float64 exactly 0 for the zero vector. There the vector is
// turned by pi/8 first, which halves the interval of the polynomial; the result may then be -6e-17 for 0.
template <class V>
BRG_CORE V quadrant_angle(V ay, V ax) {
  const V low = minimum(ay, ax), high = maximum(ay, ax);
  const Mask<V> steep = ay > ax;
  if constexpr (sizeof(Scalar<V>) == 4) {
    const V angle = reduced_arcsine(low);
    return select(steep, V(static_cast<float>(pi / 2)) - angle, angle);
  } else {
    constexpr double sin_pi_8 = 0.38268343236508977173, cos_pi_8 = 0.92387953251128675613;
    const V angle = reduced_arcsine(mul_sub(low, V(cos_pi_8), high * V(sin_pi_8)));
    return select(steep, V(3 * pi / 8) - angle, V(pi / 8) + angle);
  }
}

// atan2(y, x) of a unit vector, in [-pi, pi] to rounding; no division. An error e of the norm moves the angle by at most e.
template <class V>
BRG_CORE V unbounded_angle(V y, V x) {
  using T = Scalar<V>;
  const V angle = quadrant_angle(absolute(y), absolute(x));
  return with_sign_of(select(x < V(T(0)), V(static_cast<T>(pi)) - angle, angle), y);
}

#if defined(__CUDACC__)
// In constant memory the coefficients are operands of the float64 instructions.
[[maybe_unused]] static __constant__ const double asin_f64_device[10] = {
    asin_f64[0], asin_f64[1], asin_f64[2], asin_f64[3], asin_f64[4],
    asin_f64[5], asin_f64[6], asin_f64[7], asin_f64[8], asin_f64[9]};

#endif

#if defined(__CUDA_ARCH__)
// The same on a device: comparisons and signs are made from the high words, as float64 instructions are the scarce ones. Where
// |y| and |x| agree to 2^-20 either will do for the smaller one. With `steep`: |y| > |x|,
//     angle = sign(y) (base +- v (1 + t q(t))),  base = pi/8, 3 pi/8 (steep), 5 pi/8 (steep, x < 0), 7 pi/8 (x < 0)
class DeviceAngle {
 public:
  BRG_CORE DeviceAngle(double y, double x)
      : y_sign_(__double2hiint(y) & sign_bit), x_sign_(__double2hiint(x) & sign_bit) {
    constexpr double sin_pi_8 = 0.38268343236508977173, cos_pi_8 = 0.92387953251128675613;
    constexpr int rest = 0x7fffffff;
    steep_ = (__double2hiint(y) & rest) > (__double2hiint(x) & rest);
    const double low = fabs(steep_ ? x : y), high = fabs(steep_ ? y : x);
    const double v = fma(low, cos_pi_8, -(high * sin_pi_8)), t = v * v;
    double q = asin_f64_device[9];
#pragma unroll
    for (int i = 8; i >= 0; --i) q = fma(q, t, asin_f64_device[i]);
    const double arcsine = fma(v * t, q, v);
    const int turned = (steep_ ? sign_bit : 0) ^ x_sign_ ^ y_sign_;
    part_ = __hiloint2double(__double2hiint(arcsine) ^ turned, __double2loint(arcsine));
  }
  BRG_CORE double angle() const { return base(x_sign_ != 0, y_sign_) + part_; }
  BRG_CORE double opposite() const { return base(x_sign_ == 0, y_sign_ ^ sign_bit) + part_; }  // of (-y, -x)

 private:
  static constexpr int sign_bit = static_cast<int>(0x80000000);

  BRG_CORE double base(bool x_negative, int y_sign) const {
    constexpr double pi_8 = pi / 8;
    const double angle = steep_ ? (x_negative ? 5 * pi_8 : 3 * pi_8) : (x_negative ? 7 * pi_8 : pi_8);
    return __hiloint2double(__double2hiint(angle) | y_sign, __double2loint(angle));
  }

  int y_sign_, x_sign_;
  bool steep_;
  double part_;  // what is added to the base
};

BRG_CORE double unbounded_angle(double y, double x) { return DeviceAngle(y, x).angle(); }

// Within [-pi, pi].
BRG_CORE double inner_angle(double y, double x) { return unbounded_angle(y, x); }
BRG_CORE float inner_angle(float y, float x) {
  const float angle = quadrant_angle(fabsf(y), fabsf(x));
  return copysignf(fminf(x < 0 ? static_cast<float>(pi) - angle : angle, pi_inside<float>), y);
}
#endif

// The same within [-pi, pi]. The zero vector, the mark of a root that is not there, gives 0.
template <class V>
BRG_CORE V unit_angle(V y, V x) {
  using T = Scalar<V>;
  const V ay = absolute(y), ax = absolute(x);
  V angle = quadrant_angle(ay, ax);
  angle = select(x < V(T(0)), V(static_cast<T>(pi)) - angle, angle);
  if constexpr (sizeof(T) == 4)
    angle = minimum(angle, V(pi_inside<T>));
  else
    angle = select(maximum(ay, ax) > V(T(0.5)), angle, V(T(0)));
  return with_sign_of(angle, y);
}

template <class V>
struct OppositeAngles {
  V angle, opposite;
};

#if defined(__CUDA_ARCH__)
BRG_CORE OppositeAngles<double> opposite_unit_angles(double y, double x) {
  const DeviceAngle angle(y, x);
  return {angle.angle(), angle.opposite()};
}
BRG_CORE OppositeAngles<float> opposite_unit_angles(float y, float x) {
  constexpr int sign_bit = static_cast<int>(0x80000000);
  const float near = quadrant_angle(fabsf(y), fabsf(x)), far = fminf(static_cast<float>(pi) - near, pi_inside<float>);
  const int sign = __float_as_int(y);
  const float one = x < 0 ? far : near, other = x < 0 ? near : far;  // at x = 0 they agree
  return {__int_as_float(__float_as_int(one) | (sign & sign_bit)),
          __int_as_float(__float_as_int(other) | (~sign & sign_bit))};
}
#endif

// unit_angle(y, x) and unit_angle(-y, -x).
template <class V>
BRG_CORE OppositeAngles<V> opposite_unit_angles(V y, V x) {
  using T = Scalar<V>;
  const V ay = absolute(y), ax = absolute(x), zero(T(0));
  V near = quadrant_angle(ay, ax), far = V(static_cast<T>(pi)) - near;
  if constexpr (sizeof(T) == 4) {
    far = minimum(far, V(pi_inside<T>));
  } else {
    const Mask<V> root = maximum(ay, ax) > V(T(0.5));
    near = select(root, near, zero), far = select(root, far, zero);
  }
  return {with_sign_of(select(x < zero, far, near), y), with_sign_of(select(x > zero, far, near), -y)};
}

// atan2(y, x) of any finite vector; 0 for the zero vector.
template <class T>
BRG_CORE T vector_angle(T y, T x) {
  const T scale = maximum(absolute(y), absolute(x));
  if (!(scale > T(0))) return T(0);
  const T ys = y / scale, xs = x / scale;
  const T norm = square_root(mul_add(ys, ys, xs * xs));
  return unit_angle(ys / norm, xs / norm);
}

// Angle modulo 2 pi in [-pi, pi], to rounding.
template <class V>
BRG_CORE V turn_back(V angle) {
  using T = Scalar<V>;
  const V turns = nearest_integer(angle * V(static_cast<T>(1 / two_pi)));
  // 2 pi in two parts: the first has few enough bits for an exact product with a small number of turns.
  constexpr T first = static_cast<T>(sizeof(T) == 8 ? 0x1.921fb5444p+2 : 0x1.92p+2);
  constexpr T rest = static_cast<T>(sizeof(T) == 8 ? 0x1.68c234c4c6629p-37 : 0x1.fb54442d1846ap-10);
  return negative_mul_add(turns, V(rest), negative_mul_add(turns, V(first), angle));
}

// Angle modulo 2 pi in [-pi, pi].
template <class V>
BRG_CORE V wrap(V angle) {
  using T = Scalar<V>;
  return minimum(maximum(turn_back(angle), V(-pi_inside<T>)), V(pi_inside<T>));
}

template <class V>
struct SineCosine {
  V sine, cosine;
};

// q(t) of the sine or cosine.
template <Series series, class V>
BRG_CORE V reduced_series(V t) {
  if constexpr (sizeof(Scalar<V>) == 4) {
    const V q = mul_add(coefficient<V, 2, series>(), t, coefficient<V, 1, series>());
    return mul_add(q, t, coefficient<V, 0, series>());
  } else {
    const V t2 = t * t;
    const V c01 = mul_add(coefficient<V, 1, series>(), t, coefficient<V, 0, series>());
    const V c23 = mul_add(coefficient<V, 3, series>(), t, coefficient<V, 2, series>());
    const V c45 = mul_add(coefficient<V, 5, series>(), t, coefficient<V, 4, series>());
    return mul_add(mul_add(c45, t2, c23), t2, c01);
  }
}

// Sine and cosine of an angle in [-pi, pi]: turned back by n quarters, -2 <= n <= 2, within two units in the last place of 1.
template <class V>
BRG_CORE SineCosine<V> sine_cosine(V angle) {
  using T = Scalar<V>;
  const V one(T(1)), n = nearest_integer(angle * V(static_cast<T>(2 / pi)));
  // pi/2 in two parts: the first has few enough bits for exact products.
  constexpr T first = static_cast<T>(sizeof(T) == 8 ? 0x1.921fb5444p+0 : 0x1.92p+0);
  constexpr T rest = static_cast<T>(sizeof(T) == 8 ? 0x1.68c234c4c6629p-39 : 0x1.fb54442d1846ap-12);
  const V r = negative_mul_add(n, V(rest), negative_mul_add(n, V(first), angle)), t = r * r;
  const V sine = mul_add(r * t, reduced_series<Series::sine>(t), r);
  const V cosine = mul_add(t * t, reduced_series<Series::cosine>(t), negative_mul_add(V(T(0.5)), t, one));
  // cos and sin of n quarters: 1, 0, -1 for |n| = 0, 1, 2, and n for |n| = 1, else 0.
  const V size = absolute(n), c = one - size, s = n * (V(T(2)) - size);
  return {mul_add(c, sine, s * cosine), mul_sub(c, cosine, s * sine)};
}

// The same within rough_bound, for decisions that are seldom close.
template <class V>
BRG_CORE SineCosine<V> rough_sine_cosine(V angle) {
  const auto c = [](float value) { return V(static_cast<Scalar<V>>(value)); };
  const V t = angle * angle;
  const V sine = mul_add(mul_add(mul_add(c(rough_sin[3]), t, c(rough_sin[2])), t, c(rough_sin[1])), t, c(rough_sin[0]));
  const V half = mul_add(mul_add(c(rough_cos[4]), t, c(rough_cos[3])), t, c(rough_cos[2]));
  return {angle * sine, mul_add(mul_add(half, t, c(rough_cos[1])), t, c(rough_cos[0]))};
}

// a - b of two angles in [-pi, pi], the short way round.
template <class V>
BRG_CORE V difference_of_angles(V a, V b) {
  return turn_back(a - b);
}

}  // namespace braggrad::core
