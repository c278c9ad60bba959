// Every row of the peaks against a model.
#include "residuals.hpp"

#include <algorithm>
#include <cmath>

#include "units.hpp"

namespace braggrad::cli {
namespace {

// Scattering vectors of the rows at omega = 0: g = R B hkl.
std::vector<double> scattering_vectors(const Model& model, const Peaks& peaks) {
  std::vector<double> g;
  g.reserve(3 * peaks.size());
  for (size_t row = 0; row < peaks.size(); ++row) {
    const Grain& grain = model.grains[static_cast<size_t>(peaks.grain[row])];
    const Hkl& hkl = peaks.hkl[row];
    const Vector3 vector = grain.rotation * (grain.basis * Vector3(hkl[0], hkl[1], hkl[2]));
    g.insert(g.end(), vector.begin(), vector.end());
  }
  return g;
}

double percentile(const std::vector<double>& sorted, double percent) {
  const double position = static_cast<double>(sorted.size() - 1) * percent / 100;
  const auto below = static_cast<size_t>(position);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (position - static_cast<double>(below));
}

}  // namespace

std::vector<Residual> residuals(const Session& session, const Model& model, const Peaks& peaks) {
  DeviceArray<double> g(session), omega1(session), omega2(session);
  DeviceArray<uint8_t> observable(session);
  g.upload(scattering_vectors(model, peaks));
  omega1.resize(peaks.size()), omega2.resize(peaks.size()), observable.resize(peaks.size());

  const brg_geometry geometry = make_geometry(model.wavenumber, model.chi);
  auto items = zeroed<brg_items_f64>();
  items.count = static_cast<int64_t>(peaks.size());
  items.g = g.data();
  auto roots = zeroed<brg_roots_f64>();
  roots.omega1 = omega1.data(), roots.omega2 = omega2.data(), roots.observable = observable.data();
  check(brg_solve_f64(session.context(), &geometry, &items, &roots));

  const auto first = omega1.download(), second = omega2.download();
  const auto has_root = observable.download();
  std::vector<Residual> result(peaks.size());
  for (size_t row = 0; row < peaks.size(); ++row) {
    if (!has_root[row]) continue;
    const double to_first = std::remainder(first[row] - peaks.omega[row], two_pi);
    const double to_second = std::remainder(second[row] - peaks.omega[row], two_pi);
    result[row] = std::abs(to_first) <= std::abs(to_second) ? Residual{1, first[row], to_first}
                                                            : Residual{2, second[row], to_second};
  }
  return result;
}

Directions directions(const Session& session, const Model& model, const Peaks& peaks,
                      const std::vector<Residual>& residuals) {
  DeviceArray<double> g(session), omega(session), two_theta(session), eta(session);
  std::vector<double> angles;
  for (const Residual& residual : residuals) angles.push_back(residual.omega);
  g.upload(scattering_vectors(model, peaks));
  omega.upload(angles);
  two_theta.resize(peaks.size()), eta.resize(peaks.size());

  const brg_geometry geometry = make_geometry(model.wavenumber, model.chi);
  auto items = zeroed<brg_items_f64>();
  items.count = static_cast<int64_t>(peaks.size());
  items.g = g.data();
  auto beams = zeroed<brg_beams_f64>();
  beams.two_theta = two_theta.data(), beams.eta = eta.data();
  check(brg_diffracted_beam_f64(session.context(), &geometry, &items, omega.data(), &beams));

  Directions result{two_theta.download(), eta.download()};
  for (size_t row = 0; row < peaks.size(); ++row)
    if (residuals[row].root == 0) result.two_theta[row] = result.eta[row] = 0;
  return result;
}

Statistics statistics(const std::vector<Residual>& residuals) {
  Statistics result;
  result.rows = static_cast<int64_t>(residuals.size());
  std::vector<double> sizes;
  double squares = 0;
  for (const Residual& residual : residuals) {
    if (residual.root == 0) {
      ++result.unobservable;
      continue;
    }
    sizes.push_back(std::abs(residual.distance));
    squares += residual.distance * residual.distance;
  }
  if (sizes.empty()) return result;
  std::ranges::sort(sizes);
  result.median = percentile(sizes, 50);
  result.rms = std::sqrt(squares / static_cast<double>(sizes.size()));
  result.p95 = percentile(sizes, 95);
  result.max = sizes.back();
  return result;
}

}  // namespace braggrad::cli
