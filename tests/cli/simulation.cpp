// Grains and their reflections, simulated.
#include "simulation.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <sstream>

namespace {

constexpr double degree = std::numbers::pi / 180;
constexpr double wavenumber_per_keV = 0.50677307161563958;

using Rows = std::array<std::array<double, 3>, 3>;

Rows rotation(const std::array<double, 3>& axis, double angle) {
  const double length = std::hypot(axis[0], axis[1], axis[2]), c = std::cos(angle * degree),
               s = std::sin(angle * degree);
  const double x = axis[0] / length, y = axis[1] / length, z = axis[2] / length;
  return {{{c + x * x * (1 - c), x * y * (1 - c) - z * s, x * z * (1 - c) + y * s},
           {y * x * (1 - c) + z * s, c + y * y * (1 - c), y * z * (1 - c) - x * s},
           {z * x * (1 - c) - y * s, z * y * (1 - c) + x * s, c + z * z * (1 - c)}}};
}

std::array<double, 3> times(const std::array<double, 9>& m, const std::array<double, 3>& v) {
  std::array<double, 3> result;
  for (size_t i = 0; i < 3; ++i) result[i] = m[3 * i] * v[0] + m[3 * i + 1] * v[1] + m[3 * i + 2] * v[2];
  return result;
}

// Direction of the diffracted beam at omega, seen from the beam.
void add_angles(SimulatedSpot& spot, const std::array<double, 3>& g, double omega, double k, double chi) {
  const double x = std::cos(omega) * g[0] - std::sin(omega) * g[1];
  const double y = std::sin(omega) * g[0] + std::cos(omega) * g[1];
  const double across = -std::sin(chi) * x + std::cos(chi) * g[2];
  const double length = std::hypot(g[0], g[1], g[2]);
  spot.omega = std::remainder(omega, 2 * std::numbers::pi) / degree;
  spot.two_theta = 2 * std::asin(length / (2 * k)) / degree;
  spot.eta = std::atan2(-y, across) / degree;
}

}  // namespace

SimulatedGrain grain_of_edges(const std::string& id, const Rows& edges) {
  SimulatedGrain grain{id, {}};
  double volume = 0;
  for (size_t i = 0; i < 3; ++i) {
    const auto &u = edges[(i + 1) % 3], &v = edges[(i + 2) % 3];
    const std::array<double, 3> cross = {u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2],
                                         u[0] * v[1] - u[1] * v[0]};
    volume = edges[i][0] * cross[0] + edges[i][1] * cross[1] + edges[i][2] * cross[2];
    for (size_t row = 0; row < 3; ++row) grain.ub[3 * row + i] = cross[row] / volume;
  }
  return grain;
}

SimulatedGrain turned(const SimulatedGrain& grain, const std::array<double, 3>& axis, double angle) {
  const Rows r = rotation(axis, angle);
  SimulatedGrain result{grain.id, {}};
  for (size_t i = 0; i < 3; ++i)
    for (size_t j = 0; j < 3; ++j)
      for (size_t m = 0; m < 3; ++m) result.ub[3 * i + j] += r[i][m] * grain.ub[3 * m + j];
  return result;
}

SimulatedGrain cubic_grain(const std::string& id, double a, const std::array<double, 3>& axis, double angle) {
  return turned(grain_of_edges(id, {{{a, 0, 0}, {0, a, 0}, {0, 0, a}}}), axis, angle);
}

std::vector<SimulatedSpot> simulate(const SimulatedGrain& grain, const Beam& beam, int most) {
  std::vector<SimulatedSpot> spots;
  const double k = beam.energy * wavenumber_per_keV, chi = beam.chi * degree;
  for (int h = -most; h <= most; ++h)
    for (int j = -most; j <= most; ++j)
      for (int l = -most; l <= most; ++l) {
        std::array<double, 3> g = times(grain.ub, {double(h), double(j), double(l)});
        for (double& component : g) component *= 2 * std::numbers::pi;
        const double square = g[0] * g[0] + g[1] * g[1] + g[2] * g[2];
        const double a = g[0] * std::cos(chi), b = -g[1] * std::cos(chi), r = std::hypot(a, b);
        const double c = -square / (2 * k) - g[2] * std::sin(chi);
        if (!(std::abs(c) <= r) || r == 0) continue;
        const double middle = std::atan2(b, a), half = std::acos(c / r);
        for (const int root : {1, 2}) {
          SimulatedSpot spot{grain.id, {h, j, l}, root, 0, 0, 0, std::sqrt((r - c) * (r + c) / square)};
          add_angles(spot, g, root == 1 ? middle + half : middle - half, k, chi);
          spots.push_back(spot);
        }
      }
  return spots;
}

std::vector<SimulatedSpot> well_conditioned(const std::vector<SimulatedSpot>& spots, double least) {
  std::vector<SimulatedSpot> kept;
  std::ranges::copy_if(spots, std::back_inserter(kept), [&](const auto& spot) { return spot.conditioning > least; });
  return kept;
}

void add_noise(std::vector<SimulatedSpot>& spots, double sigma, std::mt19937& random) {
  std::normal_distribution<double> noise(0, sigma);
  for (auto& spot : spots) spot.omega += noise(random);
}

std::string peaks_text(const std::vector<SimulatedSpot>& spots) {
  std::ostringstream text;
  text.precision(17);
  text << "grain_id,h,k,l,omega_obs_deg\n";
  for (const auto& spot : spots)
    text << spot.grain << ',' << spot.hkl[0] << ',' << spot.hkl[1] << ',' << spot.hkl[2] << ',' << spot.omega << '\n';
  return text.str();
}

std::string grains_text(const std::vector<SimulatedGrain>& grains) {
  std::ostringstream text;
  text.precision(17);
  text << "grain_id,note,UB11,UB12,UB13,UB21,UB22,UB23,UB31,UB32,UB33\n";
  for (const auto& grain : grains) {
    text << grain.id << ",note of " << grain.id;
    for (const double entry : grain.ub) text << ',' << entry;
    text << '\n';
  }
  return text.str();
}

double misorientation(const std::array<double, 9>& one, const std::array<double, 9>& other) {
  // Frobenius distance of two rotations is 2 sqrt(2) sin(angle / 2).
  double size_one = 0, size_other = 0, distance = 0;
  for (size_t i = 0; i < 9; ++i) size_one += one[i] * one[i], size_other += other[i] * other[i];
  const double scale_one = std::sqrt(3 / size_one), scale_other = std::sqrt(3 / size_other);
  for (size_t i = 0; i < 9; ++i) distance += std::pow(one[i] * scale_one - other[i] * scale_other, 2);
  return 2 * std::asin(std::sqrt(distance / 8)) / degree;
}
