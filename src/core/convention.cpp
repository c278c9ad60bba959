// Frames of other programs, in extended precision and rounded once.
#include "core/convention.hpp"

#include <cmath>

namespace braggrad::core {
namespace {

using Real = long double;

constexpr Real pi_exact = 3.14159265358979323846264338327950288L;

double rounded(Real v) { return static_cast<double>(v) + 0.0; }  // no negative zeros

// m^T v
void transposed(const double m[9], const Real v[3], Real out[3]) {
  for (int i = 0; i < 3; ++i) out[i] = m[i] * v[0] + m[3 + i] * v[1] + m[6 + i] * v[2];
}

}  // namespace

ProgramFrame hexrd_frame(double chi) { return {{0, 0, -1}, {0, 1, 0}, -chi}; }

ProgramFrame tilted_frame(double chi) { return {{1, 0, 0}, {0, 0, 1}, chi}; }

ProgramFrame imaged11_frame(double wedge_degrees, double chi_degrees, int sign) {
  const Real wedge = wedge_degrees * (pi_exact / 180), chi = chi_degrees * (pi_exact / 180);
  return {{rounded(cosl(wedge)), rounded(-sinl(chi) * sinl(wedge)), rounded(-cosl(chi) * sinl(wedge))},
          {0, 0, static_cast<double>(sign)},
          0};
}

ProgramFrame dials_frame(const double s0[3], const double axis[3], const double setting[9], const double fixed[9]) {
  const Real length = sqrtl(Real(s0[0]) * s0[0] + Real(s0[1]) * s0[1] + Real(s0[2]) * s0[2]);
  const Real beam[3] = {s0[0] / length, s0[1] / length, s0[2] / length}, turned[3] = {axis[0], axis[1], axis[2]};
  Real unset[3], in_crystal[3], axis_in_crystal[3];
  transposed(setting, beam, unset);
  transposed(fixed, unset, in_crystal);
  transposed(fixed, turned, axis_in_crystal);
  ProgramFrame frame{};
  for (int i = 0; i < 3; ++i) frame.beam[i] = rounded(in_crystal[i]), frame.axis[i] = rounded(axis_in_crystal[i]);
  return frame;
}

}  // namespace braggrad::core
