// A picture of the residuals before and after, drawn by gnuplot.
#pragma once

#include <string>

#include "peaks.hpp"
#include "residuals.hpp"

namespace braggrad::cli {

// Refuses, before any work is done, a name that does not end in .svg or .png and a machine without gnuplot.
void check_picture(const std::string& path);

// Residuals against the observed omega, and their histogram.
void draw_picture(const std::string& path, const Peaks& peaks, const std::vector<Residual>& before,
                  const std::vector<Residual>& after);

}  // namespace braggrad::cli
