// An implementation of the Bragg-omega equation that shares nothing with the library: Rodrigues' rotation, acos, and the
// implicit function theorem term by term, in long double.
//
//     F = d . R(e, omega) G + Q / 2k = A cos(omega) + B sin(omega) + C,     omega = atan2(B, A) +- acos(-C / hypot(A, B))
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

namespace oracle {

using Real = long double;
using Vec = std::array<Real, 3>;
using Mat = std::array<Vec, 3>;  // rows

constexpr Real pi = 3.14159265358979323846264338327950288L;

inline Real dot(const Vec& a, const Vec& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }
inline Vec cross(const Vec& a, const Vec& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}
inline Vec scaled(Real f, const Vec& a) { return {f * a[0], f * a[1], f * a[2]}; }
inline Vec plus(const Vec& a, const Vec& b) { return {a[0] + b[0], a[1] + b[1], a[2] + b[2]}; }
inline Vec times(const Mat& m, const Vec& v) { return {dot(m[0], v), dot(m[1], v), dot(m[2], v)}; }
inline Mat transposed(const Mat& m) {
  return {{{m[0][0], m[1][0], m[2][0]}, {m[0][1], m[1][1], m[2][1]}, {m[0][2], m[1][2], m[2][2]}}};
}
inline Real wrap(Real angle) { return std::remainder(angle, 2 * pi); }
inline Vec rotate(const Vec& e, Real omega, const Vec& g) {
  const Real c = std::cos(omega), s = std::sin(omega);
  return plus(plus(scaled(c, g), scaled(s, cross(e, g))), scaled((1 - c) * dot(e, g), e));
}

struct Beam {
  Vec d, e;
  Real k, side;  // of cos(chi): 1 or -1
};

// The beam d = cos(chi) b + sin(chi) e of a geometry; an own chi replaces the angle between beam and axis.
inline Beam make_beam(const double beam[3], const double axis[3], Real chi, Real k, const double* own_chi = nullptr) {
  Vec d{}, e{};
  for (size_t i = 0; i < 3; ++i) e[i] = axis[i], d[i] = std::cos(chi) * beam[i] + std::sin(chi) * e[i];
  Real side = std::cos(chi) < 0 ? -1 : 1;
  if (own_chi) {
    const Vec across = plus(d, scaled(-dot(d, e), e));
    const Real length = side * std::sqrt(dot(across, across));  // across / length: along b, whatever chi is
    d = plus(scaled(std::cos(static_cast<Real>(*own_chi)) / length, across),
             scaled(std::sin(static_cast<Real>(*own_chi)), e));
    side = std::cos(*own_chi) < 0 ? -1 : 1;
  }
  return {d, e, k, side};
}

// domega of one root by each input.
struct Rates {
  Real q2, k, chi;
  Vec g, d, e;
};

struct Crossing {
  bool observable = false;
  Real conditioning = 0;  // (|G| / rho)(rho / s)(1 + |gz tan chi| / rho)
  Real margin = 0;        // (rho - |C / cos chi|) / rho: far from 0 the flag is certain
  Real f_omega = 0;       // |F_omega| / k
  std::array<Real, 2> omega{};
  std::array<Rates, 2> rates{};
};

inline Rates rates_at(const Beam& beam, const Vec& g, Real q2, Real omega) {
  const Vec turned = rotate(beam.e, omega, g);
  const Real f_omega = dot(beam.d, cross(beam.e, turned));
  const Real c = std::cos(omega), s = std::sin(omega);
  const Real sin_chi = dot(beam.d, beam.e);
  const Vec across = plus(beam.d, scaled(-sin_chi, beam.e));
  const Real cos_chi = beam.side * std::sqrt(dot(across, across));
  const Vec by_chi = plus(scaled(cos_chi, beam.e), scaled(-sin_chi / cos_chi, across));
  const Real f = -1 / f_omega;
  Rates r;
  r.q2 = f / (2 * beam.k);
  r.k = -f * q2 / (2 * beam.k * beam.k);
  r.chi = f * dot(by_chi, turned);
  r.g = scaled(f, rotate(beam.e, -omega, beam.d));
  r.d = scaled(f, turned);
  // d/de of  sin (e x G) . d + (1 - cos)(e . G)(e . d)
  r.e = scaled(f, plus(scaled(s, cross(g, beam.d)),
                       scaled(1 - c, plus(scaled(dot(beam.e, beam.d), g), scaled(dot(beam.e, g), beam.d)))));
  return r;
}

inline Crossing solve(const Beam& beam, const Vec& g, Real q2) {
  Crossing x;
  const Real along = dot(beam.d, beam.e), height = dot(beam.e, g);
  const Real a = dot(beam.d, g) - along * height, b = dot(beam.d, cross(beam.e, g));
  const Real c = along * height + q2 / (2 * beam.k), rho = std::hypot(a, b);
  x.margin = rho > 0 ? (rho - std::fabs(c)) / rho : -1;
  if (!(rho > 0) || !(std::fabs(c) <= rho)) return x;
  x.observable = true;
  const Real turn = std::atan2(b, a), spread = std::acos(-c / rho);
  x.omega = {wrap(turn + spread), wrap(turn - spread)};
  const Vec across = plus(beam.d, scaled(-along, beam.e));
  const Real cos_chi = std::sqrt(dot(across, across)), length = std::sqrt(dot(g, g));
  const Real rho_g = rho / cos_chi, s = std::sqrt((rho - c) * (rho + c)) / cos_chi;
  x.conditioning = length / rho_g * (rho_g / s) * (1 + std::fabs(height * along / cos_chi) / rho_g);
  x.f_omega = s * cos_chi / beam.k;
  for (size_t r = 0; r < 2; ++r) x.rates[r] = rates_at(beam, g, q2, x.omega[r]);
  return x;
}

}  // namespace oracle
