// brg_convention_*: every system's own rotation model written out again, and what the systems themselves answered.
#include <functional>
#include <limits>

#include "support/reference_table.hpp"
#include "support/sample.hpp"

namespace {

using Vector = std::array<double, 3>;
using Matrix = std::array<Vector, 3>;

double dot(const Vector& a, const Vector& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

Vector operator*(const Matrix& m, const Vector& v) { return {dot(m[0], v), dot(m[1], v), dot(m[2], v)}; }

Matrix operator*(const Matrix& a, const Matrix& b) {
  Matrix out{};
  for (size_t i = 0; i < 3; ++i)
    for (size_t j = 0; j < 3; ++j)
      for (size_t k = 0; k < 3; ++k) out[i][j] += a[i][k] * b[k][j];
  return out;
}

Matrix transpose(const Matrix& m) {
  Matrix out{};
  for (size_t i = 0; i < 3; ++i)
    for (size_t j = 0; j < 3; ++j) out[i][j] = m[j][i];
  return out;
}

Matrix rx(double a) { return {{{1, 0, 0}, {0, std::cos(a), -std::sin(a)}, {0, std::sin(a), std::cos(a)}}}; }
Matrix ry(double a) { return {{{std::cos(a), 0, std::sin(a)}, {0, 1, 0}, {-std::sin(a), 0, std::cos(a)}}}; }
Matrix rz(double a) { return {{{std::cos(a), -std::sin(a), 0}, {std::sin(a), std::cos(a), 0}, {0, 0, 1}}}; }

// Rotation about a unit vector (Rodrigues).
Matrix about(const Vector& e, double a) {
  const Matrix k = {{{0, -e[2], e[1]}, {e[2], 0, -e[0]}, {-e[1], e[0], 0}}};
  const Matrix k2 = k * k;
  Matrix out{};
  for (size_t i = 0; i < 3; ++i)
    for (size_t j = 0; j < 3; ++j) out[i][j] = (i == j) + std::sin(a) * k[i][j] + (1 - std::cos(a)) * k2[i][j];
  return out;
}

constexpr double degree = M_PI / 180;

// A convention, and what its program does with an angle (in its unit) and a vector, from its documentation and source.
struct System {
  std::string name;
  brg_convention convention;
  Vector s0;                                            // incident wave vector, unit of the vectors
  std::function<Vector(double, const Vector&)> rotate;  // (angle, v) -> scattering vector in the laboratory
  double turn;                                          // a turn in the unit of the angles
  double low;                                           // start of the range of the answers
  bool first_enters;                                    // the first answer is where d . k falls as the angle grows
};

brg_convention init(brg_system system) {
  brg_convention c;
  EXPECT_BRG(brg_convention_init(&c, sizeof c, system));
  return c;
}

std::vector<System> systems() {
  std::vector<System> all;
  brg_convention c = init(BRG_SYSTEM_ICENINE);
  c.energy = 60, c.chi = 0.05;
  const double k = 0.506773182 * 60;
  all.push_back({"IceNine",
                 c,
                 {k * std::cos(0.05), 0, k * std::sin(0.05)},
                 [](double w, const Vector& v) { return rz(w) * v; },
                 2 * M_PI,
                 -M_PI,
                 true});
  c = init(BRG_SYSTEM_HEXRD);
  c.wavelength = 0.21, c.chi = -0.08;
  all.push_back({"HEXRD",
                 c,
                 {0, 0, -1 / 0.21},
                 [](double w, const Vector& v) { return rx(-0.08) * ry(w) * v; },
                 2 * M_PI,
                 -M_PI,
                 false});
  c = init(BRG_SYSTEM_MIDAS);
  c.wavelength = 0.21, c.wedge = 3.5;
  all.push_back({"MIDAS",
                 c,
                 {1 / 0.21, 0, 0},
                 [](double w, const Vector& v) { return ry(-3.5 * degree) * rz(w * degree) * v; },
                 360,
                 -180,
                 true});
  c.flags = BRG_MIDAS_WEDGE_UNTIL_2026_08;
  all.push_back({"MIDAS, old wedge",
                 c,
                 {1 / 0.21, 0, 0},
                 [](double w, const Vector& v) { return ry(3.5 * degree) * rz(w * degree) * v; },
                 360,
                 -180,
                 true});
  for (const int sign : {1, -1}) {
    c = init(BRG_SYSTEM_IMAGED11);
    c.wavelength = 0.21, c.wedge = 4, c.chi = -7, c.omega_sign = sign;
    all.push_back({sign == 1 ? "ImageD11" : "ImageD11, omegasign -1",
                   c,
                   {1 / 0.21, 0, 0},
                   [sign](double w, const Vector& v) {  // g = R(omega) C W k, R the reverse rotation
                     const Matrix wedge = ry(4 * degree), chi = rx(7 * degree);
                     return transpose(wedge) * transpose(chi) * rz(sign * w * degree) * v;
                   },
                   360,
                   -180,
                   sign == -1});
  }
  c.flags = BRG_RANGE_START, c.range_start = 17.5;
  all.push_back({"ImageD11, own range", c, all.back().s0, all.back().rotate, 360, 17.5, true});
  c = init(BRG_SYSTEM_XFAB);
  c.wedge = -0.06, c.chi = 0.3;
  all.push_back({"xfab",
                 c,
                 {0.5, 0, 0},
                 [](double w, const Vector& v) { return rx(0.3) * ry(-0.06) * rz(w) * v; },
                 2 * M_PI,
                 -M_PI,
                 false});
  c = init(BRG_SYSTEM_DIALS);
  const Vector s0 = {0.3, -0.7, 4.4}, axis = {0.36, 0.48, -0.8};
  const Matrix setting = about({0.6, 0, 0.8}, 0.4), fixed = about({0, -0.6, 0.8}, -1.3);
  std::memcpy(c.s0, s0.data(), sizeof c.s0), std::memcpy(c.axis, axis.data(), sizeof c.axis);
  std::memcpy(c.setting, setting.data(), sizeof c.setting), std::memcpy(c.fixed, fixed.data(), sizeof c.fixed);
  all.push_back({"DIALS", c, s0, [=](double w, const Vector& v) { return setting * about(axis, w) * fixed * v; },
                 2 * M_PI, 0, true});
  return all;
}

class Convention : public BackendTest {
 protected:
  template <class T>
  struct Answers {
    Array<T> first, second;
    Array<uint8_t> observable;
    typename Api<T>::Roots roots = make<typename Api<T>::Roots>();
  };
  template <class T>
  Answers<T> answers(size_t n) const {
    Answers<T> a{output<T>(n), output<T>(n), output<uint8_t>(n)};
    a.roots.omega1 = a.first.data(), a.roots.omega2 = a.second.data(), a.roots.observable = a.observable.data();
    return a;
  }
  template <class T>
  brg_status solve(const brg_convention& c, const typename Api<T>::Items& items, const Answers<T>& a) const {
    return Api<T>::convention_solve(context(), &c, &items, &a.roots);
  }
  template <class T>
  brg_status angles(const brg_convention& c, size_t n, const typename Api<T>::Roots& roots,
                    const typename Api<T>::Roots& out) const {
    return Api<T>::convention_angles(context(), &c, static_cast<int64_t>(n), &roots, &out);
  }
};

// Each answer puts the vector onto the Ewald sphere of its own system, on the side that its place says, inside the range.
TEST_P(Convention, AnswersSatisfyTheOwnModelOfEachSystem) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    const double eps = std::numeric_limits<T>::epsilon();
    for (const System& system : systems()) {
      SCOPED_TRACE(system.name);
      Random random(5);
      const double k = std::sqrt(dot(system.s0, system.s0));
      const size_t n = 300;
      std::vector<T> g;
      for (size_t i = 0; i < 3 * n; ++i) g.push_back(static_cast<T>(random.uniform(-0.4, 0.4) * k));
      for (size_t i = 0; i < 3; ++i) g[3 * 7 + i] = 0;  // no reflection
      g[3 * 11] = std::numeric_limits<T>::quiet_NaN();
      for (size_t i = 0; i < 3; ++i) g[3 * 13 + i] = static_cast<T>(3 * system.s0[i]);  // beyond the sphere
      const auto vectors = array(g);
      auto items = make<typename Api<T>::Items>();
      items.count = static_cast<int64_t>(n), items.g = vectors.data();
      const auto out = answers<T>(n);
      ASSERT_BRG(solve<T>(system.convention, items, out));
      const auto first = out.first.read(), second = out.second.read();
      const auto observable = out.observable.read();
      int found = 0;
      for (size_t i = 0; i < n; ++i) {
        if (!observable[i]) {
          if (system.convention.system == BRG_SYSTEM_HEXRD) {
            EXPECT_TRUE(std::isnan(first[i]) && std::isnan(second[i]));
          } else {
            EXPECT_TRUE(first[i] == 0 && second[i] == 0);
          }
          continue;
        }
        ++found;
        const Vector v = {g[3 * i], g[3 * i + 1], g[3 * i + 2]};
        for (const bool is_first : {true, false}) {
          const double angle = is_first ? first[i] : second[i], per_radian = system.turn / (2 * M_PI);
          const auto f = [&](double at) { return dot(system.s0, system.rotate(at, v)) / (k * k); };
          const double slope = (f(angle + 1e-4 * per_radian) - f(angle - 1e-4 * per_radian)) / 2e-4;
          // An error of the angle moves f by the slope, and rounding of v by itself.
          const double q = dot(v, v) / (k * k), bound = 40 * eps * (std::fabs(slope) + std::sqrt(q));
          EXPECT_NEAR(f(angle), -q / 2, bound) << "item " << i;
          if (std::fabs(slope) > 1e-3) {
            EXPECT_EQ(slope < 0, is_first == system.first_enters) << "item " << i;
          }
          EXPECT_GE(angle, system.low * (1 + eps));
          EXPECT_LE(angle, (system.low + system.turn) * (1 + eps));
          if (system.convention.flags & BRG_RANGE_START) {
            EXPECT_GE(angle, system.low);
            EXPECT_LT(angle, system.low + system.turn);
          }
        }
      }
      EXPECT_GT(found, 150);
      EXPECT_LT(found, 298);
      EXPECT_FALSE(observable[7] || observable[11] || observable[13]);
    }
  });
}

// The geometry serves the other calls: predict with the program's own orientation, strain and B, then the program's angles.
TEST_P(Convention, PredictsWithTheOwnMatricesOfHEXRD) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    const double eps = std::numeric_limits<T>::epsilon();
    brg_convention c = init(BRG_SYSTEM_HEXRD);
    c.wavelength = 0.21, c.chi = 0.1;
    auto geometry = make<brg_geometry>();
    ASSERT_BRG(brg_convention_geometry(&c, &geometry));
    const size_t n = 40;
    const std::vector<int32_t> hkl = some_hkl(n);
    std::vector<double> basis = some_basis();
    for (double& value : basis) value /= 2 * M_PI;  // HEXRD's B
    brg_reflections* made = nullptr;
    ASSERT_BRG(brg_reflections_create(context(), n, hkl.data(), basis.data(), &made));
    const Reflections set(made);
    Random random(3);
    const std::vector<T> r = random.rotations<T>(1);
    const Matrix v_inverse = {{{1.001, 2e-4, -1e-4}, {2e-4, 0.999, 3e-4}, {-1e-4, 3e-4, 1.0005}}};
    const Matrix rotation = {{{r[0], r[1], r[2]}, {r[3], r[4], r[5]}, {r[6], r[7], r[8]}}};
    const Matrix strained = v_inverse * rotation;  // V^-1 multiplies in the sample frame
    std::vector<T> flat, g;
    for (const Vector& row : strained)
      for (const double value : row) flat.push_back(static_cast<T>(value));
    for (size_t i = 0; i < n; ++i) {
      Vector q{};
      for (size_t a = 0; a < 3; ++a)
        for (size_t b = 0; b < 3; ++b) q[a] += basis[3 * a + b] * hkl[3 * i + b];
      for (const double value : strained* q) g.push_back(static_cast<T>(value));
    }
    const auto matrices = array(flat), vectors = array(g);
    auto orientations = make<typename Api<T>::Orientations>();
    orientations.count = 1, orientations.rotation = matrices.data();
    orientations.flags = BRG_MAGNITUDE_FROM_ROTATED;  // the strain is in the matrix
    const auto predicted = answers<T>(n), solved = answers<T>(n);
    ASSERT_BRG(Api<T>::predict(context(), &geometry, set.get(), &orientations, &predicted.roots));
    ASSERT_BRG(angles<T>(c, n, predicted.roots, predicted.roots));  // in place
    auto items = make<typename Api<T>::Items>();
    items.count = n, items.g = vectors.data();
    ASSERT_BRG(solve<T>(c, items, solved));
    const auto a1 = predicted.first.read(), b1 = solved.first.read(), a2 = predicted.second.read(),
               b2 = solved.second.read();
    const auto seen = solved.observable.read();
    EXPECT_EQ(predicted.observable.read(), seen);
    int found = 0;
    for (size_t i = 0; i < n; ++i) {
      if (!seen[i]) continue;
      ++found;
      EXPECT_NEAR(std::remainder(a1[i] - b1[i], 2 * M_PI), 0, 2000 * eps);
      EXPECT_NEAR(std::remainder(a2[i] - b2[i], 2 * M_PI), 0, 2000 * eps);
    }
    EXPECT_GT(found, 15);
  });
}

// oscill_angles_of_hkls, as HEXRD computes it for a beam along -z: a sin(ome) + b cos(ome) = c. The pair as it comes out; NaN:
// no solution.
std::array<double, 2> hexrd_pair(const Vector& v, double wavelength, double chi) {
  const double length = std::sqrt(dot(v, v));
  const double a = std::cos(chi) * v[0] / length, b = -std::cos(chi) * v[2] / length;
  const double c = std::sin(chi) * v[1] / length - wavelength / 2 * length;
  const double s = std::asin(c / std::sqrt(a * a + b * b)), phase = std::atan2(b, a);
  return {s - phase, M_PI - s - phase};
}

TEST_P(Convention, LeavesThePairsOfHEXRDInTheirTurns) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    const double eps = std::numeric_limits<T>::epsilon();
    brg_convention c = init(BRG_SYSTEM_HEXRD);
    c.flags = BRG_HEXRD_UNWRAPPED, c.wavelength = 0.25;
    for (const double chi : {0.0, 0.3, -1.2, 2.5}) {
      SCOPED_TRACE(chi);
      c.chi = chi;
      Random random(17);
      const size_t n = 2000;
      std::vector<T> g;
      for (size_t i = 0; i < 3 * n; ++i) g.push_back(static_cast<T>(random.uniform(-3, 3)));
      // In the plane of axis and beam, where the phase is -pi/2 and pi/2; along x, where it is 0, and -pi at the border.
      const T special[5][3] = {{0, 1, 1}, {0, 1, -1}, {1, 1, 0}, {-1, 1, 0}, {-2, 0, 0}};
      for (size_t i = 0; i < 5; ++i) std::copy(special[i], special[i] + 3, g.begin() + static_cast<ptrdiff_t>(3 * i));
      const auto vectors = array(g);
      auto items = make<typename Api<T>::Items>();
      items.count = static_cast<int64_t>(n), items.g = vectors.data();
      const auto out = answers<T>(n), wrapped = answers<T>(n), only = answers<T>(n);
      ASSERT_BRG(solve<T>(c, items, out));
      brg_convention plain = c;
      plain.flags = 0;
      ASSERT_BRG(solve<T>(plain, items, wrapped));
      // One answer alone, from roots: it needs both of them.
      brg_convention ours = init(BRG_SYSTEM_HEXRD);
      ours.wavelength = c.wavelength, ours.chi = chi;
      auto geometry = make<brg_geometry>();
      ASSERT_BRG(brg_convention_geometry(&ours, &geometry));
      const auto roots = answers<T>(n);
      ASSERT_BRG(Api<T>::solve(context(), &geometry, &items, &roots.roots));
      auto second_only = make<typename Api<T>::Roots>();
      second_only.omega2 = only.second.data();
      ASSERT_BRG(angles<T>(c, n, roots.roots, second_only));
      ASSERT_BRG(angles<T>(c, n, roots.roots, roots.roots));  // in place
      const auto first = out.first.read(), second = out.second.read(), alone = only.second.read();
      const auto first_wrapped = wrapped.first.read(), second_wrapped = wrapped.second.read();
      const auto first_in_place = roots.first.read(), second_in_place = roots.second.read();
      int compared = 0, outside = 0;
      for (size_t i = 0; i < n; ++i) {
        SCOPED_TRACE(i);
        const auto pair = hexrd_pair({g[3 * i], g[3 * i + 1], g[3 * i + 2]}, c.wavelength, chi);
        if (!out.observable.read()[i]) {
          EXPECT_TRUE(std::isnan(first[i]) && std::isnan(second[i]) && std::isnan(alone[i]));
          continue;
        }
        EXPECT_EQ(first[i], first_in_place[i]);
        EXPECT_EQ(second[i], second_in_place[i]);
        EXPECT_EQ(second[i], alone[i]);
        EXPECT_NEAR(std::remainder(first[i] - first_wrapped[i], 2 * M_PI), 0, 10 * eps);
        EXPECT_NEAR(std::remainder(second[i] - second_wrapped[i], 2 * M_PI), 0, 10 * eps);
        if (std::cos(chi) < 0 && i == 2) continue;  // at the border, and HEXRD's zero has the other sign
        if (std::isnan(pair[0]) || std::fabs(std::remainder(pair[0] - pair[1], 2 * M_PI)) < 0.05) continue;  // tangent
        ++compared;
        outside += std::fabs(pair[0]) > M_PI || std::fabs(pair[1]) > M_PI;
        EXPECT_NEAR(first[i], pair[0], 400 * eps);
        EXPECT_NEAR(second[i], pair[1], 400 * eps);
      }
      EXPECT_GT(compared, 500);
      EXPECT_GT(outside, 200);
      EXPECT_LT(outside, compared - 200);
    }
    // Where the roots meet: a vector of the length of the sphere's diameter, against the beam at 0.7.
    c.chi = 0;
    const double meets = 2 / c.wavelength * (1 - 4 * eps);
    const auto vector =
        array(std::vector<T>{static_cast<T>(meets * -std::sin(0.7)), 0, static_cast<T>(meets * std::cos(0.7))});
    auto items = make<typename Api<T>::Items>();
    items.count = 1, items.g = vector.data();
    const auto out = answers<T>(1);
    ASSERT_BRG(solve<T>(c, items, out));
    ASSERT_TRUE(out.observable.read()[0]);
    EXPECT_NEAR(out.first.read()[0], 0.7, 40 * std::sqrt(eps));
    EXPECT_NEAR(out.second.read()[0] - out.first.read()[0], 2 * M_PI, 80 * std::sqrt(eps));
  });
}

TEST_P(Convention, KeepsTheEndsOfTheRange) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    const T tiny = std::numeric_limits<T>::min(), half = static_cast<T>(M_PI);
    const T inside = std::nextafter(half, T(0));
    const std::vector<T> omega = {-inside, -1, -tiny, T(0), tiny, 1, inside};
    const std::vector<uint8_t> flag(omega.size(), 1);
    const auto roots_in = array(omega);
    const auto flags_in = array(flag);
    auto roots = make<typename Api<T>::Roots>();
    roots.omega1 = roots_in.data(), roots.observable = flags_in.data();
    brg_convention c = init(BRG_SYSTEM_DIALS);
    c.s0[2] = 1;
    for (const double start : {0.0, -M_PI, 0.5, 100.0, -6.25}) {
      SCOPED_TRACE(start);
      c.range_start = start;
      const auto out = output<T>(omega.size());
      auto answer = make<typename Api<T>::Roots>();
      answer.omega1 = out.data();
      ASSERT_BRG(angles<T>(c, omega.size(), roots, answer));
      const auto values = out.read();
      for (size_t i = 0; i < omega.size(); ++i) {
        EXPECT_GE(static_cast<double>(values[i]), static_cast<double>(static_cast<T>(start)));
        EXPECT_LT(static_cast<double>(values[i]), start + 2 * M_PI);
        EXPECT_NEAR(std::remainder(static_cast<double>(values[i]) - static_cast<double>(omega[i]), 2 * M_PI), 0,
                    100 * std::numeric_limits<T>::epsilon());
      }
    }
  });
}

TEST_P(Convention, WhatIsNotObservableIsZeroWhateverIsAskedFor) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    const auto g = array(std::vector<T>{0, 0, 1, 1, 2, 1});
    auto items = make<typename Api<T>::Items>();
    items.count = 2, items.g = g.data();
    brg_convention c = init(BRG_SYSTEM_MIDAS);
    c.wavelength = 0.2, c.flags = BRG_RANGE_START, c.range_start = 10;
    std::vector<T> answers[2];
    for (const bool with_flags : {false, true}) {
      const auto omega = output<T>(2);
      const auto observable = output<uint8_t>(2);
      auto asked = make<typename Api<T>::Roots>();
      asked.omega1 = omega.data(), asked.observable = with_flags ? observable.data() : nullptr;
      ASSERT_BRG(Api<T>::convention_solve(context(), &c, &items, &asked));
      synchronize();
      answers[with_flags] = omega.read();
    }
    EXPECT_EQ(answers[0], answers[1]);
    EXPECT_EQ(answers[0][0], 0);
    EXPECT_GE(answers[0][1], 10);
  });
}

TEST_P(Convention, NamesWhatIsWrong) {
  const auto g = array(std::vector<double>(3, 1));
  auto items = make<brg_items_f64>();
  items.count = 1, items.g = g.data();
  const auto out = answers<double>(1);
  const auto expect_fault = [&](brg_convention c, const char* text) {
    EXPECT_FAULT(brg_convention_solve_f64(context(), &c, &items, &out.roots), BRG_ERROR_INVALID_ARGUMENT, text);
    EXPECT_EQ(out.first.read()[0], 77) << "outputs are untouched";
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  brg_convention c = init(BRG_SYSTEM_HEXRD);
  expect_fault(c, "geometry.wavenumber is 0 and no array replaces it");
  c.wavelength = -1, expect_fault(c, "convention.wavelength is -1");
  c.wavelength = 0.2, c.energy = 60, expect_fault(c, "a wavelength and an energy");
  c.energy = 0, c.chi = nan, expect_fault(c, "convention.chi is not finite");
  c.chi = M_PI / 2, expect_fault(c, "geometry.chi");
  c.chi = 0, c.wedge = 1, expect_fault(c, "convention.wedge is set");
  c.wedge = 0, c.omega_sign = -1, expect_fault(c, "convention.omega_sign is set");
  c.omega_sign = 1, c.range_start = 1, expect_fault(c, "convention.range_start is set");
  c.range_start = 0, c.s0[1] = 1, expect_fault(c, "convention.s0 is set");
  c.s0[1] = 0, c.flags = 8, expect_fault(c, "convention.flags");
  c.flags = BRG_MIDAS_WEDGE_UNTIL_2026_08, expect_fault(c, "convention.flags is set");
  c.flags = BRG_HEXRD_UNWRAPPED | BRG_RANGE_START, expect_fault(c, "BRG_HEXRD_UNWRAPPED and BRG_RANGE_START: give one");
  c.flags = BRG_HEXRD_UNWRAPPED, c.system = BRG_SYSTEM_ICENINE, expect_fault(c, "convention.flags is set");
  c.flags = 0, c.system = 77, expect_fault(c, "convention.system is 77");
  c = init(BRG_SYSTEM_IMAGED11), c.wavelength = 0.2, c.omega_sign = 0, expect_fault(c, "convention.omega_sign is 0");
  c = init(BRG_SYSTEM_DIALS), expect_fault(c, "convention.s0 has no length");
  c.s0[0] = 3, expect_fault(c, "parallel");
  c.s0[0] = 0, c.s0[2] = 3, c.axis[1] = 1, expect_fault(c, "convention.axis is no unit vector");
  c.axis[1] = 0, c.fixed[8] = -1, expect_fault(c, "convention.fixed is no rotation");
  c.fixed[8] = 1, c.setting[1] = 0.1, expect_fault(c, "convention.setting is no rotation");

  c = init(BRG_SYSTEM_HEXRD), c.wavelength = 0.2;
  auto only_first = make<brg_roots_f64>();
  only_first.omega1 = out.first.data();
  EXPECT_FAULT(brg_convention_solve_f64(context(), &c, &items, &only_first), BRG_ERROR_INVALID_ARGUMENT,
               "answers.observable is NULL");
  EXPECT_FAULT(brg_convention_angles_f64(context(), &c, 1, &only_first, &only_first), BRG_ERROR_INVALID_ARGUMENT,
               "roots.omega2 is NULL, and answers.omega1 comes from it");
  EXPECT_FAULT(brg_convention_angles_f64(context(), &c, -1, &out.roots, &out.roots), BRG_ERROR_INVALID_ARGUMENT,
               "count is -1");
  c.flags = BRG_HEXRD_UNWRAPPED;
  only_first.observable = out.observable.data();
  EXPECT_FAULT(brg_convention_solve_f64(context(), &c, &items, &only_first), BRG_ERROR_INVALID_ARGUMENT,
               "answers.omega2 is NULL: BRG_HEXRD_UNWRAPPED needs both answers");
  auto only_second = only_first;
  std::swap(only_second.omega1, only_second.omega2);
  EXPECT_FAULT(brg_convention_angles_f64(context(), &c, 1, &only_second, &only_first), BRG_ERROR_INVALID_ARGUMENT,
               "roots.omega1 is NULL: BRG_HEXRD_UNWRAPPED needs both roots");
  c.flags = 0;
  items.chi = g.data();
  EXPECT_FAULT(brg_convention_solve_f64(context(), &c, &items, &out.roots), BRG_ERROR_INVALID_ARGUMENT, "items.chi");
  c.struct_size = 8;
  EXPECT_FAULT(brg_convention_solve_f64(context(), &c, &items, &out.roots), BRG_ERROR_ABI, "convention.struct_size");
  EXPECT_FAULT(brg_convention_init(&c, sizeof c, 0), BRG_ERROR_INVALID_ARGUMENT, "system is 0");
  EXPECT_FAULT(brg_convention_init(nullptr, sizeof c, BRG_SYSTEM_XFAB), BRG_ERROR_INVALID_ARGUMENT, "NULL");
  c = init(BRG_SYSTEM_XFAB);
  brg_geometry geometry{};
  EXPECT_FAULT(brg_convention_geometry(&c, &geometry), BRG_ERROR_ABI, "struct_size");
  EXPECT_FAULT(brg_convention_geometry(nullptr, &geometry), BRG_ERROR_INVALID_ARGUMENT, "convention is NULL");
  EXPECT_FAULT(brg_convention_solve_f64(nullptr, &c, &items, &out.roots), BRG_ERROR_INVALID_ARGUMENT,
               "context is NULL");
}

// ---- what the systems themselves answered (docs/conventions.md) ----

class Recorded : public Convention {
 protected:
  // Rows of a table; skips the test where it is not there.
  std::vector<ReferenceRow> table(const char* name) const {
    return read_reference(std::string(BRAGGRAD_SHARED_DATA) + "/peers/" + name);
  }
};

#define BRG_SKIP_WITHOUT(rows) \
  if (rows.empty()) GTEST_SKIP() << "no recorded answers in " << BRAGGRAD_SHARED_DATA << "/peers"

constexpr double recorded_bound = 1e-9;  // rad

TEST_P(Recorded, HEXRD) {
  const auto rows = table("hexrd.csv");
  BRG_SKIP_WITHOUT(rows);
  int compared = 0, beyond = 0;
  for (const ReferenceRow& row : rows) {
    brg_convention c = init(BRG_SYSTEM_HEXRD);
    c.wavelength = row.input<double>("wavelength"), c.chi = row.input<double>("chi_hexrd");
    const auto g = array(std::vector<double>{row.input<double>("gx_hexrd"), row.input<double>("gy_hexrd"),
                                             row.input<double>("gz_hexrd")});
    auto items = make<brg_items_f64>();
    items.count = 1, items.g = g.data();
    const auto out = answers<double>(1);
    ASSERT_BRG(solve<double>(c, items, out));
    const double ome0 = row.input<double>("ome0"), ome1 = row.input<double>("ome1");
    ASSERT_EQ(out.observable.read()[0] == 0, std::isnan(ome0));
    if (std::isnan(ome0)) {
      EXPECT_TRUE(std::isnan(out.first.read()[0]));
      continue;
    }
    ++compared;
    EXPECT_NEAR(std::remainder(out.first.read()[0] - ome0, 2 * M_PI), 0, recorded_bound);
    EXPECT_NEAR(std::remainder(out.second.read()[0] - ome1, 2 * M_PI), 0, recorded_bound);
    // The recorded angles are in one turn; the formula that has their digits says in which turns HEXRD leaves them.
    const auto pair =
        hexrd_pair({row.input<double>("gx_hexrd"), row.input<double>("gy_hexrd"), row.input<double>("gz_hexrd")},
                   c.wavelength, c.chi);
    EXPECT_NEAR(std::remainder(pair[0] - ome0, 2 * M_PI), 0, recorded_bound);
    EXPECT_NEAR(std::remainder(pair[1] - ome1, 2 * M_PI), 0, recorded_bound);
    c.flags = BRG_HEXRD_UNWRAPPED;
    ASSERT_BRG(solve<double>(c, items, out));
    EXPECT_NEAR(out.first.read()[0], pair[0], recorded_bound);
    EXPECT_NEAR(out.second.read()[0], pair[1], recorded_bound);
    beyond += std::fabs(pair[0]) > M_PI || std::fabs(pair[1]) > M_PI;
  }
  EXPECT_GT(compared, 150);
  EXPECT_GT(beyond, 50);
}

TEST_P(Recorded, MIDAS) {
  const auto rows = table("midas.csv");
  BRG_SKIP_WITHOUT(rows);
  const size_t n = rows.size();
  std::vector<double> g, k;
  for (const ReferenceRow& row : rows) {
    const double x = row.input<double>("gx"), y = row.input<double>("gy"), z = row.input<double>("gz");
    g.insert(g.end(), {x, y, z});
    k.push_back(std::sqrt(x * x + y * y + z * z) / (2 * std::sin(row.input<double>("theta_deg") * degree)));
  }
  const auto vectors = array(g), wavenumbers = array(k);
  auto items = make<brg_items_f64>();
  items.count = static_cast<int64_t>(n), items.g = vectors.data(), items.wavenumber = wavenumbers.data();
  const auto out = answers<double>(n);
  ASSERT_BRG(solve<double>(init(BRG_SYSTEM_MIDAS), items, out));
  const auto first = out.first.read(), second = out.second.read();
  const auto observable = out.observable.read();
  int compared = 0;
  for (size_t i = 0; i < n; ++i) {
    SCOPED_TRACE(i);
    const int solutions = std::atoi(rows[i].text("n_solutions").c_str());
    ASSERT_EQ(observable[i] != 0, solutions > 0);
    if (solutions != 2) continue;
    ++compared;
    const double a = rows[i].input<double>("omega_a_deg"), b = rows[i].input<double>("omega_b_deg");
    EXPECT_NEAR(std::remainder(std::min(first[i], second[i]) - a, 360), 0, recorded_bound / degree);
    EXPECT_NEAR(std::remainder(std::max(first[i], second[i]) - b, 360), 0, recorded_bound / degree);
  }
  EXPECT_GT(compared, 150);
}

TEST_P(Recorded, IceNine) {
  const auto rows = table("icenine.csv");
  BRG_SKIP_WITHOUT(rows);
  int compared = 0;
  for (const ReferenceRow& row : rows) {
    brg_convention c = init(BRG_SYSTEM_ICENINE);
    c.energy = row.input<double>("energy_keV"), c.chi = row.input<double>("beam_deflection_chi");
    const double w = row.input<double>("qw"), x = row.input<double>("qx"), y = row.input<double>("qy"),
                 z = row.input<double>("qz");
    const Matrix r = {{{1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)},
                       {2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)},
                       {2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)}}};
    const double a = 2 * M_PI / 4.0782;
    const Vector v = r * Vector{a * row.input<double>("h"), a * row.input<double>("k"), a * row.input<double>("l")};
    const auto g = array(std::vector<double>(v.begin(), v.end()));
    auto items = make<brg_items_f64>();
    items.count = 1, items.g = g.data();
    const auto out = answers<double>(1);
    ASSERT_BRG(solve<double>(c, items, out));
    ASSERT_EQ(out.observable.read()[0], std::atoi(row.text("observable").c_str()));
    if (!out.observable.read()[0]) continue;
    ++compared;
    EXPECT_NEAR(std::remainder(out.first.read()[0] - row.input<double>("omega1"), 2 * M_PI), 0, recorded_bound);
    EXPECT_NEAR(std::remainder(out.second.read()[0] - row.input<double>("omega2"), 2 * M_PI), 0, recorded_bound);
  }
  EXPECT_GT(compared, 150);
}

// The ten reflections in single precision, |G| given apart as IceNine has it.
TEST_P(Recorded, IceNineInSinglePrecision) {
  const auto rows = table("seed_gold.csv");
  BRG_SKIP_WITHOUT(rows);
  brg_convention c = init(BRG_SYSTEM_ICENINE);
  c.energy = 50.02099;
  std::vector<float> g, magnitude;
  for (const ReferenceRow& row : rows) {
    for (const char* name : {"gx", "gy", "gz"}) g.push_back(row.input<float>(name));
    magnitude.push_back(row.input<float>("g_magnitude"));
  }
  const auto vectors = array(g), magnitudes = array(magnitude);
  auto items = make<brg_items_f32>();
  items.count = static_cast<int64_t>(rows.size()), items.g = vectors.data(), items.g_magnitude = magnitudes.data();
  const auto out = answers<float>(rows.size());
  ASSERT_BRG(solve<float>(c, items, out));
  const auto first = out.first.read(), second = out.second.read();
  ASSERT_EQ(rows.size(), 10u);
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_NEAR(first[i], rows[i].input<double>("omega1"), 1e-6);
    EXPECT_NEAR(second[i], rows[i].input<double>("omega2"), 1e-6);
  }
}

BRG_EVERY_BACKEND(Convention);
BRG_EVERY_BACKEND(Recorded);

}  // namespace
