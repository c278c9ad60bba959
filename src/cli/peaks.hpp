// Observed reflections: `h, k, l`, an omega, and with several grains the grain's id.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "grains.hpp"
#include "session.hpp"

namespace braggrad::cli {

struct PeakFormat {
  std::string grain_column;  // empty: grain_id where the file has it
  std::string omega_column;  // empty: omega_obs_deg, or omega_obs_rad with `radians`
  std::string sigma_column;  // empty: all rows weigh the same
  bool radians = false;      // omega and its sigma in the file are in rad
};

// One entry for each row of the file, in its order.
struct Peaks {
  std::vector<Hkl> hkl;
  std::vector<int32_t> grain;  // index into the grains
  std::vector<double> omega;   // rad
  std::vector<double> weight;  // 1 / sigma^2 in 1/rad^2; empty: all 1
  size_t size() const { return hkl.size(); }
  double weight_of(size_t row) const { return weight.empty() ? 1.0 : weight[row]; }
};

Peaks read_peaks(const std::string& path, const PeakFormat& format, std::span<const Grain> grains);

}  // namespace braggrad::cli
