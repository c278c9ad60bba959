// The uncertainties of braggrad refine against the spread of repeated refinements with fresh noise.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <random>

#include "program.hpp"
#include "simulation.hpp"

namespace {

using Json = nlohmann::json;

// For each quantity: values of the repetitions and the mean of the squared sigmas that went with them.
struct Spread {
  std::vector<double> values;
  double variance_said = 0;

  double ratio() const {
    const double n = static_cast<double>(values.size());
    double mean = 0, variance = 0;
    for (const double value : values) mean += value / n;
    for (const double value : values) variance += (value - mean) * (value - mean) / (n - 1);
    return std::sqrt(variance / (variance_said / n));
  }
};

class Repetitions {
 public:
  void add(const std::string& name, double value, double sigma) {
    spreads_[name].values.push_back(value);
    spreads_[name].variance_said += sigma * sigma;
  }
  void add(const Json& json) {
    for (const auto& [name, parameter] : json["parameters"].items())
      if (!parameter["sigma"].is_null()) add(name, parameter["value"].get<double>(), parameter["sigma"].get<double>());
    for (const auto& grain : json["grains"]) {
      const std::string id = grain["id"].get<std::string>();
      for (size_t i = 0; i < 3; ++i)
        add(id + " rotation " + std::to_string(i), grain["rotation_vector_deg"][i].get<double>(),
            grain["rotation_vector_sigma_deg"][i].get<double>());
      if (grain["cell_sigma"].is_null()) continue;
      for (size_t i = 0; i < 6; ++i)
        if (grain["cell_sigma"][i].get<double>() > 0)
          add(id + " cell " + std::to_string(i), grain["cell"][i].get<double>(), grain["cell_sigma"][i].get<double>());
    }
  }
  // The standard deviation of n values has itself a relative error of 1 / sqrt(2 (n - 1)); four of these are allowed.
  void expect_agreement() const {
    ASSERT_FALSE(spreads_.empty());
    for (const auto& [name, spread] : spreads_) {
      const double n = static_cast<double>(spread.values.size());
      EXPECT_NEAR(spread.ratio(), 1, 4 / std::sqrt(2 * (n - 1))) << name;
    }
  }

 private:
  std::map<std::string, Spread> spreads_;
};

constexpr int repetitions = 48;

// Refines the same grains with fresh noise, again and again.
Repetitions repeat(const std::vector<SimulatedGrain>& grains, const Beam& beam, double outliers,
                   const std::vector<std::string>& further) {
  const Folder folder;
  const std::string start = folder.write("grains.csv", grains_text(grains)), json = folder.path("result.json");
  std::vector<SimulatedSpot> clean;
  for (const auto& grain : grains) {
    const auto spots = well_conditioned(simulate(grain, beam, 3), 0.3);
    clean.insert(clean.end(), spots.begin(), spots.end());
  }
  std::mt19937 random(2024);
  std::uniform_real_distribution<double> chance(0, 1);
  Repetitions result;
  for (int i = 0; i < repetitions; ++i) {
    auto spots = clean;
    add_noise(spots, 0.02, random);
    for (auto& spot : spots)
      if (chance(random) < outliers) spot.omega += chance(random) < 0.5 ? 0.3 : -0.3;
    std::vector<std::string> arguments = {"refine",  "--peaks", folder.write("peaks.csv", peaks_text(spots)),
                                          "--start", start,     "--energy",
                                          "50",      "--json",  json};
    arguments.insert(arguments.end(), further.begin(), further.end());
    const Outcome outcome = run_braggrad(arguments);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    result.add(Json::parse(read_file(json)));
  }
  return result;
}

std::vector<SimulatedGrain> two_grains() {
  return {cubic_grain("one", 4.0782, {1, 2, 3}, 20), cubic_grain("two", 4.0782, {-1, 0.5, 2}, 160)};
}

TEST(Sigma, OfOrientationsEnergyAndChi) {
  repeat(two_grains(), {50.01, 0.05}, 0, {"--cell", "4.0782", "--free", "orientation,energy,chi"}).expect_agreement();
}

TEST(Sigma, OfFullLatticesAndChi) {
  repeat(two_grains(), {50, 0.05}, 0, {"--free", "orientation,cell,chi"}).expect_agreement();
}

TEST(Sigma, OfHuberWithOutliers) {
  repeat(two_grains(), {50.01, 0}, 0.1,
         {"--cell", "4.0782", "--free", "orientation,energy", "--loss", "huber", "--huber-delta", "0.03"})
      .expect_agreement();
}

}  // namespace
