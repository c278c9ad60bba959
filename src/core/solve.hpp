// The Bragg-omega equation: roots, their adjoint (VJP) and their directional derivative (JVP), side by side.
//
//     c = gz tan(chi) + Q / (2 k cos(chi)),   rho^2 = gx^2 + gy^2,   s^2 = rho^2 - c^2
//     (sin, cos) omega1 = ( gx s + gy c,  gy s - gx c) / rho^2      dF/domega < 0
//     (sin, cos) omega2 = (-gx s + gy c, -gy s - gx c) / rho^2      dF/domega > 0
//
// in the frame whose x is the beam's part perpendicular to the axis and whose z is the axis (core/frame.hpp). s carries
// the sign of cos(chi), which keeps the meaning of the two roots. Derivatives are those of the implicit function theorem,
// domega/dp = -F_p / F_omega with F_omega = -+ s cos(chi). docs/physics.md.
#pragma once

#include "core/angle.hpp"
#include "core/vector.hpp"

namespace braggrad::core {

// What the beam contributes: constants of a call, of an orientation, or of an item.
template <class V>
struct Beam {
  V tan_chi, cos_chi;
  V wavenumber, inverse_wavenumber, inverse_cos_chi;
  V half;  // 1 / (2 k cos chi); NaN where the values are not usable, which makes every crossing unobservable
};

// A beam at angle chi to the plane perpendicular to the axis. Evaluated in float64 for both precisions.
template <class T>
BRG_CORE Beam<T> make_beam(double wavenumber, double tan_chi, double cos_chi) {
  const bool usable = wavenumber > 0 && is_finite(wavenumber) && is_finite(tan_chi) && absolute(cos_chi) >= 1e-6;
  const double half = usable ? 0.5 / (wavenumber * cos_chi) : Limits<double>::not_a_number;
  return {static_cast<T>(tan_chi),        static_cast<T>(cos_chi),     static_cast<T>(wavenumber),
          static_cast<T>(1 / wavenumber), static_cast<T>(1 / cos_chi), static_cast<T>(half)};
}

// The circle against the Ewald sphere. Every factor that is infinite or meaningless on a lane
// that does not diffract is zero there, so that weights and cotangents of 0 stay 0. On a device only inverse_s is zero, and
// s of a tangent is NaN where derivatives are wanted: its threads pass such lanes by.
template <class V>
struct Crossing {
  V c, s, inverse_s;  // inverse_s = 0 at the tangent too
  V ux, uy;           // (gx, gy) / rho^2
  Mask<V> observable;
};

// False where a length's square is out of range, or is none.
template <class V>
BRG_CORE Mask<V> is_usable_square(V square) {
  using T = Scalar<V>;
#if defined(__CUDA_ARCH__)
  if constexpr (sizeof(T) == 8) {  // by the high word: float64 instructions are the scarce ones
    constexpr unsigned smallest = (1023 + Limits<T>::smallest_exponent) << 20,
                       largest = (1023 + Limits<T>::largest_exponent) << 20;
    return static_cast<unsigned>(__double2hiint(square)) - smallest < largest - smallest;
  }
#endif
  return square >= V(Limits<T>::smallest_square) && square <= V(Limits<T>::largest_square);
}

// The circle of G around the axis.
template <class V>
struct Circle {
  V rho2, vx, vy;  // (vx, vy) = (gx, gy) / rho^2 where it is in range
  Mask<V> in_range;
};

// `derivatives`: the divider is not needed for a root that the hardware takes, and makes the reciprocal.
template <bool derivatives = true, class V>
BRG_CORE Circle<V> circle_of(V gx, V gy) {
  using T = Scalar<V>;
  const V one(T(1)), rho2 = mul_add(gx, gx, gy * gy);
  const Mask<V> in_range = is_usable_square(rho2);
  const V divisor = on_device ? rho2 : select(in_range, rho2, one);
  const V inverse = derivatives && !on_device ? one / divisor : reciprocal(divisor);
  return {rho2, gx * inverse, gy * inverse, in_range};
}

// `derivatives` false: without inverse_s.
template <bool derivatives = true, class V>
BRG_CORE Crossing<V> intersect(const Circle<V>& circle, V c, V cos_chi) {
  using T = Scalar<V>;
  const V zero(T(0)), one(T(1));
  const V s2 = negative_mul_add(c, c, circle.rho2);
  const Mask<V> observable = s2 >= zero && circle.in_range;
#if defined(__CUDA_ARCH__)
  if constexpr (derivatives) {
    const RootPair<V> s = root_pair(s2);
    const V inverse = select(observable && s2 > zero, s.reciprocal, zero);
    return {c, with_sign_of(s.root, cos_chi), with_sign_of(inverse, cos_chi), circle.vx, circle.vy, observable};
  } else {
    return {c, with_sign_of(root_or_zero(s2), cos_chi), zero, circle.vx, circle.vy, observable};
  }
#endif
  const V ux = select(observable, circle.vx, zero), uy = select(observable, circle.vy, zero);
  const V own_c = select(observable, c, zero);
  if constexpr (derivatives) {
    const Mask<V> crossing = observable && s2 > zero;
    const RootPair<V> s = root_pair(select(crossing, s2, one));
    const V side = with_sign_of(one, cos_chi);  // the same on all lanes: a product costs less than the signs of each
    return {own_c,     select(crossing, s.root * side, zero), select(crossing, s.reciprocal * side, zero), ux, uy,
            observable};
  } else {
    const V s = square_root(select(observable, s2, zero));
    return {own_c, with_sign_of(s, cos_chi), zero, ux, uy, observable};
  }
}

// sin and cos of both roots; (0, 0) where there are none.
template <class V>
struct RootVectors {
  V sin1, cos1, sin2, cos2;
};

// Root 1 of a crossing with this s. Root 2 is root 1 of the same crossing with the other sign of s.
template <class V>
BRG_CORE SineCosine<V> root_vector(const Crossing<V>& x, V s) {
  return {mul_add(x.ux, s, x.uy * x.c), mul_sub(x.uy, s, x.ux * x.c)};
}

// Both, each product once: made of two root vectors they cost 2.5 % of predict's instructions.
template <class V>
BRG_CORE RootVectors<V> root_vectors(const Crossing<V>& x) {
  const V uxc = x.ux * x.c, uyc = x.uy * x.c;
  return {mul_add(x.ux, x.s, uyc), mul_sub(x.uy, x.s, uxc), negative_mul_add(x.ux, x.s, uyc),
          negative_mul_sub(x.uy, x.s, uxc)};
}

// The direction t is nearer to root 2 where  t . (root 1 - root 2) = 2 s (ux sin t + uy cos t) < 0. The sum in brackets:
template <class V>
BRG_CORE V side_of(const Crossing<V>& x, const SineCosine<V>& t) {
  return mul_add(x.ux, t.sine, x.uy * t.cosine);
}
template <class V>
BRG_CORE Mask<V> second_is_nearer(const Crossing<V>& x, V side) {
  return side * x.s < V(Scalar<V>(0));
}

template <class V>
struct Roots {
  V omega1, omega2;
};

template <class V>
BRG_CORE Roots<V> roots(const Crossing<V>& x) {
  const RootVectors<V> r = root_vectors(x);
#if defined(__CUDA_ARCH__)
  const V zero(Scalar<V>(0));
  return {select(x.observable, inner_angle(r.sin1, r.cos1), zero),
          select(x.observable, inner_angle(r.sin2, r.cos2), zero)};
#else
  return {unit_angle(r.sin1, r.cos1), unit_angle(r.sin2, r.cos2)};
#endif
}

// True where derivatives and losses count a crossing: it is no tangent, and |F_omega| / k = |s cos chi| / k reaches the cut.
template <class V>
BRG_CORE Mask<V> contributes(const Crossing<V>& x, const Beam<V>& beam, V grazing_cut) {
  return x.inverse_s != V(Scalar<V>(0)) && absolute(x.s * beam.cos_chi) >= grazing_cut * beam.wavenumber;
}

// Cotangents of the inputs for w1 = dL/domega1, w2 = dL/domega2. Q is an input of its own.
template <class V>
struct CrossingBar {
  Vec3<V> g;
  V q2, wavenumber, chi;
};

// The part that changes c, for m = (w1 - w2) / s.
template <class V>
BRG_CORE CrossingBar<V> spread_vjp(const Crossing<V>& x, const Beam<V>& beam, V gz, V q2, V m) {
  const V zero(Scalar<V>(0)), cm = x.c * m, q2_bar = m * beam.half;
  return {{negative_mul_add(x.ux, cm, zero), negative_mul_add(x.uy, cm, zero), beam.tan_chi * m},
          q2_bar,
          -(q2 * q2_bar) * beam.inverse_wavenumber,
          mul_add(x.c, beam.tan_chi, gz) * m};
}

// The other part turns G about the axis, by w1 + w2.
template <class V>
BRG_CORE CrossingBar<V> solve_vjp(const Crossing<V>& x, const Beam<V>& beam, V gz, V q2, V w1, V w2) {
  const V sum = w1 + w2;
  CrossingBar<V> bar = spread_vjp(x, beam, gz, q2, (w1 - w2) * x.inverse_s);
  bar.g.x = mul_add(x.uy, sum, bar.g.x), bar.g.y = negative_mul_add(x.ux, sum, bar.g.y);
  return bar;
}

// Rates of both roots for rates of the inputs.
template <class V>
BRG_CORE Roots<V> solve_jvp(const Crossing<V>& x, const Beam<V>& beam, const Vec3<V>& g, V q2, const Vec3<V>& g_dot,
                            V q2_dot, V wavenumber_dot, V chi_dot) {
  const V longer = negative_mul_add(q2, wavenumber_dot * beam.inverse_wavenumber, q2_dot);
  const V c_dot = mul_add(g_dot.z, beam.tan_chi, mul_add(beam.half, longer, mul_add(x.c, beam.tan_chi, g.z) * chi_dot));
  const V turn = mul_sub(x.uy, g_dot.x, x.ux * g_dot.y);
  const V radial = mul_add(x.ux, g_dot.x, x.uy * g_dot.y);
  const V spread = negative_mul_add(x.c, radial, c_dot) * x.inverse_s;
  return {turn + spread, turn - spread};
}

// Rates of both roots by three free components of the beam d (domega/dd = G_lab / -F_omega) and of the axis e at
// fixed d, in the frame: row r is domega_r / d(component).
template <class V>
struct FrameRates {
  Vec3<V> beam1, beam2, axis1, axis2;
};

template <class V>
BRG_CORE FrameRates<V> frame_rates(const Crossing<V>& x, const Beam<V>& beam, const Vec3<V>& g) {
  using T = Scalar<V>;
  const RootVectors<V> r = root_vectors(x);
  const V cos_chi = beam.cos_chi, sin_chi = beam.tan_chi * beam.cos_chi;
  const V scale = x.inverse_s * beam.inverse_cos_chi;
  const auto axis = [&](V sin_omega, V cos_omega, V factor) -> Vec3<V> {
    const V height = V(T(1)) - cos_omega;
    return factor * Vec3<V>{mul_add(sin_chi * g.y, sin_omega, mul_add(cos_chi, g.z, sin_chi * g.x) * height),
                            mul_add(mul_sub(cos_chi, g.z, sin_chi * g.x), sin_omega, sin_chi * g.y * height),
                            mul_sub(V(T(2)) * sin_chi * g.z, height, cos_chi * g.y * sin_omega)};
  };
  return {scale * Vec3<V>{-x.c, x.s, g.z}, -scale * Vec3<V>{-x.c, -x.s, g.z}, axis(r.sin1, r.cos1, scale),
          axis(r.sin2, r.cos2, -scale)};
}

// Adds the rates by a moving beam and axis, both in the frame.
template <class V>
BRG_CORE void add_frame_rates(Roots<V>& rates, const FrameRates<V>& by, const Vec3<V>& beam_dot,
                              const Vec3<V>& axis_dot) {
  rates.omega1 = rates.omega1 + dot(by.beam1, beam_dot) + dot(by.axis1, axis_dot);
  rates.omega2 = rates.omega2 + dot(by.beam2, beam_dot) + dot(by.axis2, axis_dot);
}

}  // namespace braggrad::core
