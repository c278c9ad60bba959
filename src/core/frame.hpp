// One frame for every geometry. With beam d and axis e,
//
//     A = d - (d.e) e,   lambda = +-|A|,   M = (A / lambda, e x d / lambda, e),   tan(chi) = (d.e) / lambda
//
// lambda is negative for a chi beyond 90 degrees: x points where the beam does at chi = 0, whatever chi is, so that chi and
// derivatives by it mean what they mean to the caller.
//
// the equation d . R(e, omega) G + Q / (2k) = 0 is that of core/solve.hpp for M G: no second family of formulas. Nothing
// is normalised beyond lambda, so the identity holds for d and e as they are given.
#pragma once

#include "core/solve.hpp"

namespace braggrad::core {

struct Frame {
  Mat3<double> m;
  bool identity;  // M is exactly the identity
  double tan_chi, cos_chi;
  double wavenumber;  // 0: an array replaces it
  double grazing_cut;
};

// `beam` is the direction at which chi applies (include/braggrad/geometry.h). In extended precision, on the host.
inline Frame make_frame(const double beam[3], const double axis[3], double chi, double wavenumber, double grazing_cut) {
  using Real = long double;
  const Real cos_tilt = chi == 0 ? 1 : cosl(chi), sin_tilt = chi == 0 ? 0 : sinl(chi);
  Real d[3], e[3], a[3], b[3];
  for (int i = 0; i < 3; ++i) e[i] = axis[i], d[i] = cos_tilt * beam[i] + sin_tilt * e[i];
  const Real along = d[0] * e[0] + d[1] * e[1] + d[2] * e[2];
  for (int i = 0; i < 3; ++i) a[i] = d[i] - along * e[i];
  const Real lambda = copysignl(sqrtl(a[0] * a[0] + a[1] * a[1] + a[2] * a[2]), cos_tilt);
  for (int i = 0; i < 3; ++i) {
    const int j = (i + 1) % 3, k = (i + 2) % 3;
    b[i] = (e[j] * d[k] - e[k] * d[j]) / lambda;
    a[i] /= lambda;
  }
  const auto rounded = [](Real v) { return static_cast<double>(v); };
  Frame frame;
  frame.m = {rounded(a[0]), rounded(a[1]), rounded(a[2]), rounded(b[0]), rounded(b[1]),
             rounded(b[2]), axis[0],       axis[1],       axis[2]};
  const Mat3<double>& m = frame.m;
  frame.identity =
      m.xx == 1 && m.yy == 1 && m.zz == 1 && m.xy == 0 && m.xz == 0 && m.yx == 0 && m.yz == 0 && m.zx == 0 && m.zy == 0;
  frame.tan_chi = rounded(along / lambda);
  frame.cos_chi = rounded(lambda);
  frame.wavenumber = wavenumber;
  frame.grazing_cut = grazing_cut;
  return frame;
}

// The beam of an item or orientation: an own wavenumber or chi replaces the geometry's.
template <class T>
BRG_CORE Beam<T> beam_of(const Frame& frame, const T* wavenumber, const T* chi, int64_t index) {
  const double k = wavenumber ? static_cast<double>(wavenumber[index]) : frame.wavenumber;
  if (!chi) return make_beam<T>(k, frame.tan_chi, frame.cos_chi);
  const double angle = static_cast<double>(chi[index]);
  if (!is_finite(angle)) return make_beam<T>(k, angle, angle);
  const SineCosine<double> tilt = sine_cosine(wrap(angle));
  return make_beam<T>(k, tilt.sine / tilt.cosine, tilt.cosine);
}

}  // namespace braggrad::core
