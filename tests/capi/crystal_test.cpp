// Lattices against the metric tensor, and enumerations against a brute-force search.
#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "support/session.hpp"

namespace {

using Cell = std::array<double, 6>;
const Cell cubic = {4.0782, 4.0782, 4.0782, 90, 90, 90}, hexagonal = {4.7602, 4.7602, 12.9933, 90, 90, 120},
           triclinic = {4.1, 5.7, 7.9, 71, 98, 114}, flat = {30, 3, 3, 90, 95, 90};

double cosine(double degrees) { return std::cos(degrees * M_PI / 180); }

// a_i . a_j of the direct lattice.
std::array<double, 9> metric(const Cell& c) {
  const double ab = c[0] * c[1] * cosine(c[5]), ac = c[0] * c[2] * cosine(c[4]), bc = c[1] * c[2] * cosine(c[3]);
  return {c[0] * c[0], ab, ac, ab, c[1] * c[1], bc, ac, bc, c[2] * c[2]};
}

// B^T B is the reciprocal metric: metric * B^T B = 4 pi^2.
TEST(Crystal, ReciprocalBasisInvertsTheMetric) {
  for (const Cell& cell : {cubic, hexagonal, triclinic, flat}) {
    double b[9];
    ASSERT_BRG(brg_reciprocal_basis(cell.data(), b));
    EXPECT_EQ(b[3], 0);
    EXPECT_EQ(b[6], 0);
    EXPECT_EQ(b[7], 0);
    for (const int diagonal : {0, 4, 8}) EXPECT_GT(b[diagonal], 0);
    const auto g = metric(cell);
    for (int i = 0; i < 3; ++i)
      for (int j = 0; j < 3; ++j) {
        double sum = 0;
        for (int k = 0; k < 3; ++k)
          for (int row = 0; row < 3; ++row) sum += g[3 * i + k] * b[3 * row + k] * b[3 * row + j];
        EXPECT_NEAR(sum / (4 * M_PI * M_PI), i == j, 1e-13 * cell[i] / cell[j] * 20);
      }
  }
  double b[9];
  ASSERT_BRG(brg_reciprocal_basis(cubic.data(), b));
  for (int i = 0; i < 9; ++i) EXPECT_DOUBLE_EQ(b[i], i % 4 ? 0 : 2 * M_PI / 4.0782) << "exact zeros at 90 degrees";
}

TEST(Crystal, RefusesWhatIsNoCell) {
  double b[9] = {7, 7, 7, 7, 7, 7, 7, 7, 7};
  for (const Cell& cell : {Cell{0, 1, 1, 90, 90, 90}, Cell{1, -1, 1, 90, 90, 90}, Cell{1, 1, NAN, 90, 90, 90},
                           Cell{1, 1, 1, 0, 90, 90}, Cell{1, 1, 1, 90, 180, 90}, Cell{1, 1, 1, 60, 60, 120},
                           Cell{1, 1, 1, 30, 30, 170}, Cell{1, 1, HUGE_VAL, 90, 90, 90}})
    EXPECT_FAULT(brg_reciprocal_basis(cell.data(), b), BRG_ERROR_INVALID_ARGUMENT, "cell is no cell");
  EXPECT_EQ(b[0], 7);
  EXPECT_FAULT(brg_reciprocal_basis(nullptr, b), BRG_ERROR_INVALID_ARGUMENT, "cell is NULL");
  EXPECT_FAULT(brg_reciprocal_basis(cubic.data(), nullptr), BRG_ERROR_INVALID_ARGUMENT, "basis is NULL");
}

bool allowed(char centring, int h, int k, int l) {
  switch (centring) {
    case 'A':
      return (k + l) % 2 == 0;
    case 'B':
      return (h + l) % 2 == 0;
    case 'C':
      return (h + k) % 2 == 0;
    case 'I':
      return (h + k + l) % 2 == 0;
    case 'F':
      return (h + k) % 2 == 0 && (h + l) % 2 == 0 && (k + l) % 2 == 0;
    case 'R':
      return (-h + k + l) % 3 == 0;
    default:
      return true;
  }
}

using Index = std::array<int32_t, 3>;

double q2_of(const Cell& cell, const Index& m) {
  double b[9];
  brg_reciprocal_basis(cell.data(), b);
  double sum = 0;
  for (int i = 0; i < 3; ++i) {
    const double q = b[3 * i] * m[0] + b[3 * i + 1] * m[1] + b[3 * i + 2] * m[2];
    sum += q * q;
  }
  return sum;
}

std::vector<Index> enumerate(const Cell& cell, char centring, double d_min) {
  int64_t count = -1;
  EXPECT_BRG(brg_hkl_enumerate(cell.data(), centring, d_min, 0, nullptr, &count));
  std::vector<Index> hkl(static_cast<size_t>(count));
  int64_t again = -1;
  EXPECT_BRG(brg_hkl_enumerate(cell.data(), centring, d_min, count, hkl.empty() ? nullptr : hkl[0].data(), &again));
  EXPECT_EQ(again, count);
  return hkl;
}

TEST(Crystal, EnumeratesEveryReflectionOnceInTheOrderPromised) {
  for (const Cell& cell : {cubic, hexagonal, triclinic, flat})
    for (const char centring : {'P', 'A', 'B', 'C', 'I', 'F', 'R'}) {
      SCOPED_TRACE(std::string(1, centring) + " " + std::to_string(cell[0]));
      const double d_min = 1.1, q2_max = std::pow(2 * M_PI / d_min, 2);
      const std::vector<Index> hkl = enumerate(cell, centring, d_min);
      std::map<Index, int> seen;
      for (const Index& m : hkl) ++seen[m];
      size_t expected = 0;
      const int box = 40;
      for (int h = -box; h <= box; ++h)
        for (int k = -12; k <= 12; ++k)
          for (int l = -15; l <= 15; ++l) {
            const Index m = {h, k, l};
            if ((h == 0 && k == 0 && l == 0) || !allowed(centring, h, k, l) || q2_of(cell, m) > q2_max) continue;
            ++expected;
            ASSERT_EQ(seen[m], 1) << h << " " << k << " " << l;
          }
      ASSERT_EQ(hkl.size(), expected);
      const size_t half = hkl.size() / 2;
      for (size_t n = 0; n < half; ++n) {
        const Index& m = hkl[n];
        EXPECT_GT(m[2] ? m[2] : m[1] ? m[1] : m[0], 0);
        EXPECT_EQ(hkl[n + half], (Index{-m[0], -m[1], -m[2]}));
        if (n == 0) continue;
        const double before = q2_of(cell, hkl[n - 1]), here = q2_of(cell, m);
        EXPECT_GE(here, before * (1 - 1e-8));
        EXPECT_TRUE(std::fabs(here - before) > 1e-12 * here || hkl[n - 1] < m) << n;
      }
    }
}

TEST(Crystal, TheShellAtDMinIsIncluded) {
  for (const int edge : {1, 2, 3, 7}) {
    const auto hkl = enumerate({4.0782, 4.0782, 4.0782, 90, 90, 90}, 'P', 4.0782 / edge);
    EXPECT_NE(std::find(hkl.begin(), hkl.end(), Index{edge, 0, 0}), hkl.end());
  }
  EXPECT_EQ(enumerate(cubic, 'F', 2.3).size(), 8u) << "{111}";
  EXPECT_EQ(enumerate(cubic, 'F', 2.0).size(), 14u) << "{111} and {200}";
  EXPECT_EQ(enumerate(cubic, 'P', 5).size(), 0u);
}

TEST(Crystal, NamesTheArgumentThatIsWrong) {
  int64_t count = -1;
  std::vector<int32_t> hkl(300, 77);
  EXPECT_FAULT(brg_hkl_enumerate(cubic.data(), 'X', 1, 0, nullptr, &count), BRG_ERROR_INVALID_ARGUMENT,
               "centring is 'X'");
  EXPECT_FAULT(brg_hkl_enumerate(nullptr, 'P', 1, 0, nullptr, &count), BRG_ERROR_INVALID_ARGUMENT, "cell is NULL");
  EXPECT_FAULT(brg_hkl_enumerate(cubic.data(), 'P', 1, 0, nullptr, nullptr), BRG_ERROR_INVALID_ARGUMENT,
               "count is NULL");
  EXPECT_FAULT(brg_hkl_enumerate(cubic.data(), 'P', 1, -1, hkl.data(), &count), BRG_ERROR_INVALID_ARGUMENT,
               "capacity is -1");
  for (const double bad : {0.0, -1.0, std::nan(""), HUGE_VAL})
    EXPECT_FAULT(brg_hkl_enumerate(cubic.data(), 'P', bad, 0, nullptr, &count), BRG_ERROR_INVALID_ARGUMENT, "d_min");
  EXPECT_FAULT(brg_hkl_enumerate(cubic.data(), 'P', 1e-4, 0, nullptr, &count), BRG_ERROR_INVALID_ARGUMENT,
               "too many reflections");
  EXPECT_EQ(count, -1);
  EXPECT_FAULT(brg_hkl_enumerate(cubic.data(), 'F', 2, 13, hkl.data(), &count), BRG_ERROR_CAPACITY,
               "there are 14 reflections");
  EXPECT_EQ(count, 14);
  EXPECT_EQ(hkl[0], 77);
}

}  // namespace
