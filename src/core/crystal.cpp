// Reciprocal basis (Busing and Levy, Acta Cryst. 22, 457, 1967) and enumeration of reflections.
#include "core/crystal.hpp"

#include <algorithm>
#include <cmath>

namespace braggrad::core {
namespace {

using Real = long double;

constexpr Real pi_exact = 3.14159265358979323846264338327950288L;
constexpr double tolerance = 1e-9;  // of |q|^2

struct SineCosine {
  Real sine, cosine;
};

// Exact where the field's angles are: 90, 60 and 120 degrees.
SineCosine of_degrees(double degrees) {
  const Real radians = degrees * (pi_exact / 180);
  if (degrees == 90) return {1, 0};
  if (degrees == 60) return {sinl(radians), 0.5L};
  if (degrees == 120) return {sinl(radians), -0.5L};
  return {sinl(radians), cosl(radians)};
}

struct Row {
  double q2;
  Miller hkl;
};

bool by_indices(const Row& a, const Row& b) {
  if (a.hkl.h != b.hkl.h) return a.hkl.h < b.hkl.h;
  if (a.hkl.k != b.hkl.k) return a.hkl.k < b.hkl.k;
  return a.hkl.l < b.hkl.l;
}

// By |q|^2, and within what is equal to the tolerance by indices.
void sort_rows(std::vector<Row>& rows) {
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.q2 < b.q2; });
  for (auto first = rows.begin(); first != rows.end();) {
    const double limit = first->q2 * (1 + tolerance);
    const auto last = std::find_if(first, rows.end(), [limit](const Row& row) { return row.q2 > limit; });
    std::sort(first, last, by_indices);
    first = last;
  }
}

bool is_first_of_pair(int h, int k, int l) { return l != 0 ? l > 0 : k != 0 ? k > 0 : h > 0; }

}  // namespace

bool reciprocal_basis(const double cell[6], double basis[9]) {
  for (int i = 0; i < 6; ++i)
    if (!std::isfinite(cell[i]) || cell[i] <= 0 || (i >= 3 && cell[i] >= 180)) return false;
  const SineCosine alpha = of_degrees(cell[3]), beta = of_degrees(cell[4]), gamma = of_degrees(cell[5]);
  const Real volume2 = 1 - alpha.cosine * alpha.cosine - beta.cosine * beta.cosine - gamma.cosine * gamma.cosine +
                       2 * alpha.cosine * beta.cosine * gamma.cosine;
  if (!(volume2 > 1e-12L)) return false;
  const Real volume = sqrtl(volume2);  // of the cell with unit edges
  const Real a = 2 * pi_exact * alpha.sine / (volume * cell[0]);
  const Real b = 2 * pi_exact * beta.sine / (volume * cell[1]);
  const Real c = 2 * pi_exact * gamma.sine / (volume * cell[2]);
  const Real cos_gamma = (alpha.cosine * beta.cosine - gamma.cosine) / (alpha.sine * beta.sine);
  const Real cos_beta = (alpha.cosine * gamma.cosine - beta.cosine) / (alpha.sine * gamma.sine);
  const Real sin_gamma = volume / (alpha.sine * beta.sine), sin_beta = volume / (alpha.sine * gamma.sine);
  const Real rows[9] = {a, b * cos_gamma,         c * cos_beta, 0, b * sin_gamma, -c * sin_beta * alpha.cosine, 0,
                        0, 2 * pi_exact / cell[2]};
  for (int i = 0; i < 9; ++i) {
    basis[i] = static_cast<double>(rows[i]) + 0.0;  // no negative zeros
    if (!std::isfinite(basis[i])) return false;
  }
  return true;
}

bool is_centring(char centring) {
  constexpr char all[] = {'P', 'A', 'B', 'C', 'I', 'F', 'R'};
  return std::find(std::begin(all), std::end(all), centring) != std::end(all);
}

bool is_allowed(char centring, int h, int k, int l) {
  const auto even = [](int n) { return n % 2 == 0; };
  switch (centring) {
    case 'A':
      return even(k + l);
    case 'B':
      return even(h + l);
    case 'C':
      return even(h + k);
    case 'I':
      return even(h + k + l);
    case 'F':
      return even(h + k) && even(k + l);
    case 'R':
      return (-h + k + l) % 3 == 0;
    default:
      return true;
  }
}

int64_t enumerate_half(const double basis[9], const double cell[6], char centring, double d_min, int64_t most,
                       std::vector<Miller>* out) {
  // h = a . q / (2 pi), so |h| <= a / d.
  const auto limit = [&](int edge) { return static_cast<int>(std::floor(cell[edge] / d_min * (1 + tolerance))); };
  const double q_max = 2 * static_cast<double>(pi_exact) / d_min, q2_max = q_max * q_max * (1 + tolerance);
  const int h_max = limit(0), k_max = limit(1), l_max = limit(2);
  std::vector<Row> rows;
  int64_t count = 0;
  for (int l = 0; l <= l_max; ++l)
    for (int k = l > 0 ? -k_max : 0; k <= k_max; ++k)
      for (int h = l > 0 || k > 0 ? -h_max : 1; h <= h_max; ++h) {
        if (!is_first_of_pair(h, k, l) || !is_allowed(centring, h, k, l)) continue;
        const double x = basis[0] * h + basis[1] * k + basis[2] * l, y = basis[4] * k + basis[5] * l, z = basis[8] * l;
        const double q2 = x * x + y * y + z * z;
        if (q2 > q2_max) continue;
        if (++count > most) return count;
        if (out) rows.push_back({q2, {h, k, l}});
      }
  if (!out) return count;
  sort_rows(rows);
  out->reserve(rows.size());
  for (const Row& row : rows) out->push_back(row.hkl);
  return count;
}

}  // namespace braggrad::core
