// Conventions of other programs: the beam and the axis in the frame of a program's vectors v, and its angles.
//
// A program turns v into the laboratory by k = S R(axis, omega) F v with fixed rotations S and F, and looks for the angles with
// d . k = -|k|^2 / 2|s0|. Since d . S R(m, omega) F v = (F^T S^T d) . R(F^T m, omega) v, the vectors stay as they are: the frame
// of the calculation is that of v, with the beam F^T S^T d and the axis F^T m. A sign of omega turns the axis around.
#pragma once

#include <cstdint>
#include <limits>

#include "core/arithmetic.hpp"

namespace braggrad::core {

// The beam is cos(chi) beam + sin(chi) axis.
struct ProgramFrame {
  double beam[3], axis[3], chi;
};

// k = Rx(chi) Ry(omega) v, beam -z. Rx(-chi) turns the beam into (0, -sin chi, -cos chi).
ProgramFrame hexrd_frame(double chi);

// k = R(z, omega) v under a beam that is tilted by chi toward z: IceNine; MIDAS, k = Ry(-wedge) Rz(omega) v, with chi = -wedge;
// xfab, k = Rx(wx) Ry(wy) Rz(omega) v, with chi = wy.
ProgramFrame tilted_frame(double chi);

// k = W^T C^T R(z, sign omega) v with W = Ry(wedge), C = Rx(-chi), angles in degrees: the beam C W x.
ProgramFrame imaged11_frame(double wedge_degrees, double chi_degrees, int sign);

// k = setting R(axis, phi) fixed v, 3x3 by rows.
ProgramFrame dials_frame(const double s0[3], const double axis[3], const double setting[9], const double fixed[9]);

// How angles are answered.
struct AngleRule {
  double per_radian;   // unit of the answer
  bool has_start;      // answers are in [start, start + turn)
  double start, turn;  // in the unit of the answer
  double missing;      // not observable
  bool unwrapped;      // HEXRD's own pair, in radians
};

template <class T>
BRG_CORE T answered(T omega, bool observable, const AngleRule& rule) {
  if (!observable) return static_cast<T>(rule.missing);
  double angle = static_cast<double>(omega) * rule.per_radian;
  if (!rule.has_start) return static_cast<T>(angle);
  angle -= floor((angle - rule.start) / rule.turn) * rule.turn;
  // Rounding may reach the end, which is the start, or fall short of it.
  const T rounded = static_cast<T>(angle);
  const double value = static_cast<double>(rounded);
  return value >= rule.start && value < rule.start + rule.turn ? rounded : static_cast<T>(rule.start);
}

// HEXRD's own pair is asin(c) - phase and pi - asin(c) - phase with the phase in [-pi, pi]. So the second comes pi - 2 asin(c) after
// the first, which is in [0, 2 pi], and their middle, pi/2 - phase, is in [-pi/2, 3 pi/2].
template <class T>
BRG_CORE void unwrap(T& first, T& second) {
  const double from = static_cast<double>(first), to = static_cast<double>(second);
  double laps = -floor((to - from) / two_pi);
  // Equal roots are a turn apart: without a tilt c is negative, and asin(c) nears -pi/2 where they meet.
  if (to + laps * two_pi <= from) laps += 1;
  const double middle = (from + to + laps * two_pi) / 2;
  // Rounding at the border must not choose the turn: there the phase is -pi, which is HEXRD's where v_z is +0.
  constexpr double slack = 16 * static_cast<double>(std::numeric_limits<T>::epsilon());
  const double turns = floor((middle + pi / 2 - slack) / two_pi);
  first = static_cast<T>(from - turns * two_pi);
  second = static_cast<T>(to + (laps - turns) * two_pi);
}

// Two roots of each item as a program's answers; NULL: not given, not asked for. An answer may be any of the roots' arrays.
template <class T>
struct AnglesProblem {
  int64_t count;
  AngleRule rule;
  const T *first, *second;
  const uint8_t* observable;
  T *first_answer, *second_answer;
  uint8_t* observable_answer;
};

template <class T>
BRG_CORE void answer_item(const AnglesProblem<T>& p, int64_t i) {
  const bool observable = !p.observable || p.observable[i];
  const bool both = p.rule.unwrapped;
  T first = p.first_answer || both ? p.first[i] : T(0), second = p.second_answer || both ? p.second[i] : T(0);
  if (both && observable) unwrap(first, second);
  if (p.first_answer) p.first_answer[i] = answered(first, observable, p.rule);
  if (p.second_answer) p.second_answer[i] = answered(second, observable, p.rule);
  if (p.observable_answer) p.observable_answer[i] = observable;
}

}  // namespace braggrad::core
