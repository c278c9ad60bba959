// The library against the naive baseline: see check.hpp.
#include "check.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "calls.hpp"

namespace bench {
namespace {

// Answers of a call: angles and flags for predict, else loss and dL/dR.
struct Answers {
  std::vector<double> angles, loss, rotation_bar;
  std::vector<uint8_t> observable;
};

template <class T>
Answers answers(Workbench& workbench, const Operation& operation, Shape shape, const Call& call) {
  const Outputs<T> out = outputs<T>(workbench, shape);
  const int64_t pairs = shape.pairs(), rows = shape.orientations;
  std::fill_n(out.rotation_bar, 9 * rows, T(0));
  call.run();
  if (operation.kind == Kind::predict) {
    Answers got{{out.omega1, out.omega1 + pairs}, {}, {}, {out.observable, out.observable + pairs}};
    got.angles.insert(got.angles.end(), out.omega2, out.omega2 + pairs);
    return got;
  }
  Answers got{{}, {}, {out.rotation_bar, out.rotation_bar + 9 * rows}, {}};
  if (operation.kind == Kind::loss) got.loss.assign(out.loss, out.loss + rows);
  return got;
}

// |a - b|; of angles modulo a turn.
double difference(double a, double b, bool angles) {
  return std::fabs(angles ? std::remainder(a - b, 2 * M_PI) : a - b);
}

// Largest or median difference between blocks of `width` numbers, relative to the norm of the block where it is not an angle.
double distance(const std::vector<double>& a, const std::vector<double>& b, size_t width, bool angles, bool median) {
  std::vector<double> distances;
  for (size_t at = 0; at < a.size(); at += width) {
    double error = 0, norm = 0;
    for (size_t i = at; i < at + width; ++i) {
      error = std::hypot(error, difference(a[i], b[i], angles));
      norm = std::hypot(norm, b[i]);
    }
    distances.push_back(angles || error == 0 ? error : error / norm);
  }
  if (distances.empty()) return 0;
  for (const double distance : distances)
    if (std::isnan(distance)) return std::numeric_limits<double>::infinity();
  const auto place =
      median ? distances.begin() + static_cast<std::ptrdiff_t>(distances.size() / 2) : std::prev(distances.end());
  std::nth_element(distances.begin(), place, distances.end());
  return *place;
}

template <class T>
bool agrees(Workbench& workbench, const std::string& level, const std::string& name,
            naive::Adjoint adjoint = naive::Adjoint::chain_rule) {
  constexpr bool is_double = sizeof(T) == 8;
  constexpr double tolerance = is_double ? 1e-9 : 1e-5;
  const Shape shape{500, 200};
  const Operation& operation = find_operation(name);
  const Answers plain =
      answers<T>(workbench, operation, shape, naive_call<T>(workbench, operation, shape, shape.orientations, adjoint));
  const Answers got = answers<T>(workbench, operation, shape,
                                 library_call<T>(workbench, operation, shape, workbench.context(level, 1)));
  const double error = std::max({distance(got.angles, plain.angles, 1, true, !is_double),
                                 distance(got.loss, plain.loss, 1, false, !is_double),
                                 distance(got.rotation_bar, plain.rotation_bar, 9, false, !is_double)});
  int64_t flags = 0;
  for (size_t i = 0; i < plain.observable.size(); ++i) flags += got.observable[i] != plain.observable[i];
  const bool good = error <= tolerance && (!is_double || flags == 0);
  std::fprintf(stderr, "check %-8s %-25s %s  %.1e, %lld flags differ%s\n", level.c_str(), name.c_str(), Api<T>::name,
               error, static_cast<long long>(flags), good ? "" : "  WRONG");
  return good;
}

}  // namespace

bool check_against_naive(Workbench& workbench, const std::vector<std::string>& levels) {
  bool good = agrees<double>(workbench, levels.front(), "predict_vjp", naive::Adjoint::closed) &&
              agrees<double>(workbench, levels.front(), "loss_angle", naive::Adjoint::closed);
  for (const std::string& level : levels)
    for (const char* name : {"predict", "predict_chi0", "predict_friedel", "predict_friedel_tilted", "predict_vjp",
                             "loss_angle", "loss_angle_friedel", "loss_angle_friedel_tilted", "loss_angle_rotation",
                             "loss_angle_all", "loss_angle_per_pair", "loss_angle_csr"}) {
      good = agrees<double>(workbench, level, name) && good;
      good = agrees<float>(workbench, level, name) && good;
    }
  return good;
}

}  // namespace bench
