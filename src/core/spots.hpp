// Diffracted beams, and omega windows.
//
// In the frame, with G_lab = Rz(omega) G = (X, Y, Z) / k and the beam (cos chi, 0, sin chi), the direction is
// k_f / k = beam + G_lab. Seen along the beam: x = 1 + cos chi X + sin chi Z, y = Y, z = -sin chi X + cos chi Z, so
// 2 theta = atan2(|(y, z)|, x) and eta = atan2(-y, z) (ImageD11's convention). Beyond 90 degrees this z points away from the axis:
// there y and z have the other sign.
#pragma once

#include "core/item.hpp"

namespace braggrad::core {

template <class T>
struct DiffractedBeam {
  Vec3<T> direction;  // in the frame, unit
  T two_theta, eta;
};

BRG_CORE void sine_cosine(float a, float& s, float& c) {
#if defined(__CUDA_ARCH__)
  sincosf(a, &s, &c);
#else
  s = sinf(a), c = cosf(a);
#endif
}
BRG_CORE void sine_cosine(double a, double& s, double& c) {
#if defined(__CUDA_ARCH__)
  sincos(a, &s, &c);
#else
  s = sin(a), c = cos(a);
#endif
}

// Zeros where an input is not usable.
template <class T>
BRG_CORE DiffractedBeam<T> diffracted_beam(const Beam<T>& beam, Vec3<T> g, T omega) {
  T s, c;
  sine_cosine(is_finite(omega) ? omega : T(0), s, c);
  const T sin_chi = beam.tan_chi * beam.cos_chi;
  const T x_lab = (g.x * c - g.y * s) / beam.wavenumber;
  const T y = (g.x * s + g.y * c) / beam.wavenumber;
  const T z_lab = g.z / beam.wavenumber;
  const T along = T(1) + mul_add(beam.cos_chi, x_lab, sin_chi * z_lab);
  const T z = mul_add(beam.cos_chi, z_lab, -(sin_chi * x_lab));
  const T across = square_root(mul_add(y, y, z * z));
  const T norm = square_root(mul_add(along, along, across * across));
  const bool usable = norm > T(0) && is_finite(norm) && is_finite(omega) && is_finite(beam.half);
  if (!usable) return {{T(0), T(0), T(0)}, T(0), T(0)};
  const T eta = beam.cos_chi < T(0) ? vector_angle(y, -z) : vector_angle(-y, z);
  return {{(beam.cos_chi + x_lab) / norm, y / norm, (sin_chi + z_lab) / norm},
          vector_angle(across, along),
          eta <= -pi_inside<T> ? pi_inside<T> : eta};
}

// Item i, whose vector is `given`: turns it into the frame.
template <class T>
BRG_CORE DiffractedBeam<T> diffracted_beam_of(const BeamProblem<T>& p, int64_t i, const Vec3<T>& given) {
  const Vec3<T> g = p.frame.identity ? given : multiply(convert<T>(p.frame.m), given);
  return diffracted_beam(beam_of(p.frame, p.items.wavenumber, p.items.chi, i), g, p.omega[i]);
}

// store(to, vector) writes the direction to its place.
template <class T, class Store>
BRG_CORE void store_beam(const BeamProblem<T>& p, int64_t i, const DiffractedBeam<T>& beam, const Store& store) {
  if (p.direction)
    store(p.direction + 3 * i,
          p.frame.identity ? beam.direction : multiply_transposed(convert<T>(p.frame.m), beam.direction));
  if (p.two_theta) p.two_theta[i] = beam.two_theta;
  if (p.eta) p.eta[i] = beam.eta;
}

// Is omega inside one of the windows? The limits are compared as they are, so that windows that share a limit share no
// root and lose none. +pi is -pi. No branch depends on omega: the answers of a list follow no pattern.
BRG_CORE bool in_windows(const OmegaWindows& windows, double omega) {
  const double x = omega >= pi ? -pi : omega < -pi ? -pi : omega;
  bool inside = windows.count == 0;
  for (int i = 0; i < windows.count; ++i) {
    const bool after = x >= windows.low[i], before = x < windows.high[i];
    inside |= windows.low[i] < windows.high[i] ? after & before : after | before;
  }
  return inside;
}

}  // namespace braggrad::core
