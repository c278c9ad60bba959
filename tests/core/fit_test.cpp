// The rows of J as even and odd parts, against the row of each root by the chain rule.
#include "core/fit.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <random>

namespace {

using namespace braggrad::core;

// The row of J of a root by the chain rule, from the cotangents of its pair.
std::array<double, fit_parameters> row_of(const Setting<double>& setting, const Pair<double>& pair,
                                          const CrossingBar<double>& bar) {
  const Vec3<double> turn = cross(pair.g, bar.g), t = q_cotangent(setting, pair, bar), &q = pair.q;
  return {turn.x,
          turn.y,
          turn.z,
          bar.wavenumber,
          bar.chi,
          t.x * q.x,
          t.y * q.y,
          t.z * q.z,
          t.y * q.z + t.z * q.y,
          t.x * q.z + t.z * q.x,
          t.x * q.y + t.y * q.x};
}

// The chain rule in double against the parts in the same precision: both err by a few eps of the largest term.
TEST(FitRows, EvenAndOddPartsMakeTheRowsOfBothRoots) {
  std::mt19937_64 engine(1);
  std::uniform_real_distribution<double> uniform(-1, 1);
  int compared = 0;
  for (int trial = 0; trial < 2000; ++trial) {
    const double chi = 0.4 * uniform(engine), angle = 3 * uniform(engine), tilt = uniform(engine);
    Setting<double> setting{};
    const Mat3<double> about_z = {std::cos(angle), -std::sin(angle), 0, std::sin(angle), std::cos(angle), 0, 0, 0, 1};
    const Mat3<double> about_x = {1, 0, 0, 0, std::cos(tilt), -std::sin(tilt), 0, std::sin(tilt), std::cos(tilt)};
    setting.rotation = multiply(about_x, about_z);
    setting.beam = make_beam<double>(26, std::tan(chi), std::cos(chi));
    const Vec3<double> q = {4 * uniform(engine), 4 * uniform(engine), 4 * uniform(engine)};
    for (const bool from_rotated : {false, true}) {
      const Pair<double> pair = pair_of(setting, q, dot(q, q), from_rotated);
      if (!(pair.crossing.inverse_s != 0)) continue;
      const TurnRows<double> turn = turn_rows(setting, pair.g, pair.crossing);
      const LatticeRows<double> lattice = lattice_rows(setting, pair, from_rotated);
      const Strain<double> even = strain_of(lattice.t_even, q), odd = strain_of(lattice.t_odd, q);
      for (const int root : {1, 2}) {
        const double sign = root == 1 ? 1 : -1;
        const auto j =
            row_of(setting, pair, pair_vjp(setting, pair, from_rotated, root == 1 ? 1.0 : 0.0, root == 2 ? 1.0 : 0.0));
        double expected[fit_parameters] = {turn.x_even + sign * turn.x_odd,
                                           turn.y_even + sign * turn.y_odd,
                                           -1,
                                           sign * lattice.wavenumber_odd,
                                           sign * lattice.chi_odd,
                                           0,
                                           0,
                                           0,
                                           0,
                                           0,
                                           0};
        for (int i = 0; i < 6; ++i) expected[5 + i] = even.values[i] + sign * odd.values[i];
        const double scale = 1 + 50 * std::fabs(pair.crossing.inverse_s);
        for (int i = 0; i < fit_parameters; ++i)
          EXPECT_NEAR(j[static_cast<size_t>(i)], expected[i], 1e-15 * scale * (1 + std::fabs(expected[i])))
              << i << " " << root;
      }
      ++compared;
    }
  }
  EXPECT_GT(compared, 2000);
}

}  // namespace
