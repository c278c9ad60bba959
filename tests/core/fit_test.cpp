// The rows of J as even and odd parts, and what is made of the sums of tensors, against the row of each root by the chain rule.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <random>

#include "core/fit_tensors.hpp"

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
      const Slant<double> slant = slant_of(setting.beam, pair.g, pair.q2, pair.crossing);
      for (const int root : {1, 2}) {
        const double sign = root == 1 ? 1 : -1;
        const auto j =
            row_of(setting, pair, pair_vjp(setting, pair, from_rotated, root == 1 ? 1.0 : 0.0, root == 2 ? 1.0 : 0.0));
        double expected[fit_parameters] = {turn.x_even + sign * turn.x_odd,
                                           turn.y_even + sign * turn.y_odd,
                                           -1,
                                           sign * slant.wavenumber,
                                           sign * slant.chi,
                                           0,
                                           0,
                                           0,
                                           0,
                                           0,
                                           0};
        const Vec3<double> t = multiply_transposed(
            setting.rotation,
            Vec3<double>{slant.even_x + sign * slant.odd_x, slant.even_y + sign * slant.odd_y, sign * slant.odd_z});
        put_strain(expected + 5, strain_of(Mat3<double>{t.x * q.x, t.x * q.y, t.x * q.z, t.y * q.x, t.y * q.y,
                                                        t.y * q.z, t.z * q.x, t.z * q.y, t.z * q.z}));
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

// Adds the tensors of a pair with slopes and matrix weights of its roots.
void add_tensors(double* sums, const Setting<double>& setting, const Pair<double>& pair, bool from_rotated,
                 const double (&slope)[2], const double (&v)[2]) {
  using At = TensorIndex;
  const Slant<double> t = slant_of(setting.beam, pair.g, pair.q2, pair.crossing);
  const SlantSums<double> w = slant_sums(t, v[0] + v[1], v[0] - v[1]);
  const double g[3] = {pair.g.x, pair.g.y, pair.g.z}, q[3] = {pair.q.x, pair.q.y, pair.q.z};
  const double tt[6] = {w.xx, w.xy, w.xz, w.yy, w.yz, w.zz};
  for (int row = 0, at = At::square; row < 6; ++row)
    for (int i = 0; i < 3; ++i)
      for (int j = i; j < 3; ++j)
        if (row >= 3 || (i != 1 && j != 1)) sums[at++] += tt[row] * g[i] * g[j];
  const double even[3] = {w.x, w.y, w.z}, odd[3] = {w.odd_x, w.odd_y, w.odd_z};
  for (int i = 0, k = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) {
      if (i == 0 && j == 1) continue;
      sums[At::turn + k] += even[i] * g[j], sums[At::chi + k++] += t.chi * odd[i] * g[j];
    }
  const double sum = v[0] + v[1], difference = v[0] - v[1];
  const double scalars[6] = {sum,
                             difference * t.wavenumber,
                             difference * t.chi,
                             sum * t.wavenumber * t.wavenumber,
                             sum * t.wavenumber * t.chi,
                             sum * t.chi * t.chi};
  for (int i = 0; i < 6; ++i) sums[At::scalars + i] += scalars[i];
  sums[At::gradient] += (slope[0] - slope[1]) * t.wavenumber, sums[At::gradient + 1] += (slope[0] - slope[1]) * t.chi;
  for (int i = 0, k = 0; i < 3 && !from_rotated; ++i)
    for (int j = i; j < 3; ++j) sums[At::length + k++] += (slope[0] - slope[1]) * t.length * q[i] * q[j];
}

TEST(FitTensors, ExpandToTheSumsOfAllRows) {
  std::mt19937_64 engine(2);
  std::uniform_real_distribution<double> uniform(-1, 1);
  for (int trial = 0; trial < 200; ++trial) {
    const double chi = trial % 3 ? 0.4 * uniform(engine) : 0, angle = 3 * uniform(engine), tilt = uniform(engine);
    const Mat3<double> about_z = {std::cos(angle), -std::sin(angle), 0, std::sin(angle), std::cos(angle), 0, 0, 0, 1};
    const Mat3<double> about_x = {1, 0, 0, 0, std::cos(tilt), -std::sin(tilt), 0, std::sin(tilt), std::cos(tilt)};
    Setting<double> setting{};
    setting.rotation = multiply(multiply(about_z, about_x), about_z);
    setting.beam = make_beam<double>(26, std::tan(chi), std::cos(chi));
    const bool from_rotated = trial % 2;
    double sums[TensorIndex::count] = {}, gradient[fit_parameters] = {}, normal[fit_normals] = {}, largest = 1;
    Mat3<double> rotation{};
    for (int n = 0; n < 1 + trial % 7; ++n) {
      const Vec3<double> q = {4 * uniform(engine), 4 * uniform(engine), 4 * uniform(engine)};
      const Pair<double> pair = pair_of(setting, q, dot(q, q), from_rotated);
      if (!(absolute(pair.crossing.inverse_s) < 10) || pair.crossing.inverse_s == 0) continue;
      const double slope[2] = {uniform(engine), uniform(engine)};
      const double v[2] = {1 + uniform(engine), n % 2 ? 0 : 1 + uniform(engine)};
      add_tensors(sums, setting, pair, from_rotated, slope, v);
      add_outer(rotation, pair_vjp(setting, pair, from_rotated, slope[0], slope[1]).g, q);
      for (size_t root = 0; root < 2; ++root) {
        const auto j = row_of(setting, pair, pair_vjp(setting, pair, from_rotated, root ? 0.0 : 1.0, root ? 1.0 : 0.0));
        for (int a = 0, k = 0; a < fit_parameters; ++a) {
          const double row = j[static_cast<size_t>(a)];
          gradient[a] += slope[root] * row, largest = std::max(largest, std::fabs(row));
          for (int b = a; b < fit_parameters; ++b) normal[k++] += v[root] * row * j[static_cast<size_t>(b)];
        }
      }
    }
    double own_gradient[fit_parameters], own_normal[fit_normals];
    expand_gradient(sums + TensorIndex::gradient, rotation, setting.rotation, own_gradient);
    expand_normal(sums, setting.rotation, 1.0 / 26, own_normal);
    for (int i = 0; i < fit_parameters; ++i) EXPECT_NEAR(own_gradient[i], gradient[i], 1e-13 * largest) << i;
    for (int i = 0; i < fit_normals; ++i) EXPECT_NEAR(own_normal[i], normal[i], 1e-13 * largest * largest) << i;
  }
}

}  // namespace
