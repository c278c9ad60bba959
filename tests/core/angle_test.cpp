// The angle of a unit vector against atan2 in long double, densely and at the awkward places.
#include "core/angle.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace {

using namespace braggrad::core;

constexpr long double exact_pi = 3.14159265358979323846264338327950288L;

template <class T>
class Angle : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(Angle, Types);

// The exact angle of the rounded vector is the truth. Its norm is 1 to within eps, which may turn it by as much; the polynomial,
// the octants and the last rounding add an eps and one of the angle.
template <class T>
void expect_angle(T sine, T cosine) {
  const T angle = unit_angle(sine, cosine);
  const long double truth = std::atan2(static_cast<long double>(sine), static_cast<long double>(cosine));
  const long double error = std::fabs(std::remainder(static_cast<long double>(angle) - truth, 2 * exact_pi));
  const long double bound = static_cast<long double>(std::numeric_limits<T>::epsilon()) * (2 + std::fabs(truth));
  ASSERT_LE(error, bound) << static_cast<double>(sine) << " " << static_cast<double>(cosine) << " "
                          << static_cast<double>(angle);
  ASSERT_LE(std::fabs(static_cast<long double>(angle)), exact_pi);
}

TYPED_TEST(Angle, IsAccurateAllTheWayRound) {
  using T = TypeParam;
  const int steps = 400000;
  for (int i = -steps; i <= steps; ++i) {
    const long double angle = exact_pi * i / steps;
    expect_angle(static_cast<T>(std::sin(angle)), static_cast<T>(std::cos(angle)));
  }
}

TYPED_TEST(Angle, IsAccurateNextToTheAxesAndDiagonals) {
  using T = TypeParam;
  for (int eighth = -8; eighth <= 8; ++eighth)
    for (int power = 0; power < 140; ++power)
      for (const int sign : {-1, 1}) {
        const long double angle = exact_pi / 4 * eighth + sign * std::pow(2.0L, -power);
        expect_angle(static_cast<T>(std::sin(angle)), static_cast<T>(std::cos(angle)));
      }
}

TYPED_TEST(Angle, KeepsItsSignsAndItsRangeOnTheAxes) {
  using T = TypeParam;
  for (const T sine : {T(0), -T(0), T(1), T(-1)})
    for (const T cosine : {T(0), -T(0), T(1), T(-1)})
      if ((sine == 0) != (cosine == 0)) {
        expect_angle(sine, cosine);
        EXPECT_EQ(std::signbit(unit_angle(sine, cosine)), std::signbit(sine));
      }
}

template <class T>
void expect_sine_cosine(T angle) {
  const SineCosine<T> v = sine_cosine(angle);
  const long double bound = std::numeric_limits<T>::epsilon(), exact = angle;
  ASSERT_LE(std::fabs(v.sine - std::sin(exact)), bound) << static_cast<double>(angle);
  ASSERT_LE(std::fabs(v.cosine - std::cos(exact)), bound) << static_cast<double>(angle);
}

TYPED_TEST(Angle, HasASineAndACosine) {
  using T = TypeParam;
  const int steps = 400000;
  for (int i = -steps; i <= steps; ++i) expect_sine_cosine(static_cast<T>(pi_inside<T> * T(i) / T(steps)));
  for (int eighth = -8; eighth <= 8; ++eighth)
    for (int power = 0; power < 140; ++power)
      for (const int sign : {-1, 1}) {
        const long double angle = exact_pi / 4 * eighth + sign * std::pow(2.0L, -power);
        if (std::fabs(angle) <= static_cast<long double>(pi_inside<T>)) expect_sine_cosine(static_cast<T>(angle));
      }
  EXPECT_EQ(sine_cosine(T(0)).sine, T(0));
  EXPECT_EQ(sine_cosine(T(0)).cosine, T(1));
}

TYPED_TEST(Angle, HasARoughSineAndCosine) {
  using T = TypeParam;
  const int steps = 20000;
  for (int i = -steps; i <= steps; ++i) {
    const T angle = pi_inside<T> * T(i) / T(steps);
    const SineCosine<T> v = rough_sine_cosine(angle);
    ASSERT_LT(std::fabs(v.sine - std::sin(static_cast<long double>(angle))), rough_bound) << i;
    ASSERT_LT(std::fabs(v.cosine - std::cos(static_cast<long double>(angle))), rough_bound) << i;
  }
}

TYPED_TEST(Angle, WrapsAnyTurn) {
  using T = TypeParam;
  const T eps = std::numeric_limits<T>::epsilon();
  for (int turn = -5; turn <= 5; ++turn)
    for (int i = -99; i <= 99; ++i) {
      const T angle = static_cast<T>(exact_pi * i / 100 + 2 * exact_pi * turn);
      const T wrapped = wrap(angle);
      EXPECT_LE(std::fabs(static_cast<long double>(wrapped)), exact_pi);
      EXPECT_LE(
          std::fabs(std::remainder(static_cast<long double>(wrapped) - static_cast<long double>(angle), 2 * exact_pi)),
          4 * eps * (std::fabs(turn) + 1) * static_cast<T>(exact_pi));
    }
}

}  // namespace
