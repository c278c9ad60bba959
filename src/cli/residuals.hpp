// Every row of the peaks against a model: the nearer root, how far it is, and what these distances look like together.
#pragma once

#include <optional>
#include <vector>

#include "model.hpp"
#include "peaks.hpp"
#include "session.hpp"

namespace braggrad::cli {

struct Residual {
  int root = 0;         // 1 or 2, the nearer one (a tie is root 1); 0: no root
  double omega = 0;     // predicted, rad
  double distance = 0;  // predicted - observed, rad, in [-pi, pi]
};

// One for each row, in the order of the rows.
std::vector<Residual> residuals(const Session& session, const Model& model, const Peaks& peaks);

// 2 theta and eta (rad) of the predicted root of each row; 0 for a row without one.
struct Directions {
  std::vector<double> two_theta, eta;
};
Directions directions(const Session& session, const Model& model, const Peaks& peaks,
                      const std::vector<Residual>& residuals);

// |predicted - observed| over the rows that have a root, rad. Percentiles interpolate between order statistics.
struct Statistics {
  int64_t rows = 0, unobservable = 0;
  std::optional<double> median, rms, p95, max;  // none where no row has a root
};
Statistics statistics(const std::vector<Residual>& residuals);

}  // namespace braggrad::cli
