// What a refinement found, for people and for programs.
#pragma once

#include <string>

#include "refinement.hpp"

namespace braggrad::cli {

struct ReportContext {
  const Peaks& peaks;
  const Refinement& refinement;
  bool two_pi_in_file = false;
  std::string backend;  // "the CPU"
};

// The table on the terminal.
std::string report_table(const ReportContext& context);

// result.json; degrees, keV, Angstrom. A number that does not exist is null.
std::string report_json(const ReportContext& context);

// One row for each row of the peaks, comma separated: root, prediction, residuals before and after, 2 theta, eta.
std::string report_rows(const Session& session, const ReportContext& context);

// Residuals of the rows of each grain.
std::vector<std::vector<Residual>> residuals_by_grain(const ReportContext& context);

}  // namespace braggrad::cli
