// braggrad predict against the textbook form, and its streaming, formats and windows.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <numbers>
#include <sstream>
#include <tuple>

#include "program.hpp"
#include "simulation.hpp"

namespace {

constexpr double degree = std::numbers::pi / 180;
constexpr double edge = 4.0782;
const Beam beam{50.02099, 0.3};

std::vector<SimulatedGrain> some_grains() {
  return {cubic_grain("a", edge, {1, 2, 3}, 20), cubic_grain("b", edge, {-1, 0.5, 2}, 77),
          cubic_grain("c", edge, {0, 0, 1}, 0), cubic_grain("d", edge, {3, -2, 0.1}, 140),
          cubic_grain("e", edge, {1, 1, 1}, 60)};
}

std::vector<std::string> command(const std::string& start) {
  return {"predict", "--start", start, "--energy", "50.02099", "--chi", "0.3", "--cell", "4.0782", "--d-min", "1.0"};
}

std::vector<std::string> with(std::vector<std::string> arguments, const std::vector<std::string>& further) {
  arguments.insert(arguments.end(), further.begin(), further.end());
  return arguments;
}

using Key = std::tuple<std::string, int, int, int, int>;

Key key_of(const SimulatedSpot& spot) { return {spot.grain, spot.hkl[0], spot.hkl[1], spot.hkl[2], spot.root}; }

// The spots of the textbook form, d >= 1.
std::map<Key, SimulatedSpot> expected() {
  std::map<Key, SimulatedSpot> spots;
  for (const auto& grain : some_grains())
    for (const auto& spot : simulate(grain, beam, 5)) {
      const auto [h, k, l] = spot.hkl;
      if (edge / std::sqrt(h * h + k * k + l * l) >= 1.0) spots[key_of(spot)] = spot;
    }
  return spots;
}

void expect_near_turn(double one, double other, double tolerance, const std::string& what) {
  EXPECT_LE(std::abs(std::remainder(one - other, 360)), tolerance) << what << ": " << one << " and " << other;
}

TEST(Predict, HasEveryRootOfTheTextbookForm) {
  const Folder folder;
  const Outcome outcome = run_braggrad(command(folder.write("g.csv", grains_text(some_grains()))));
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  const Table table = parse_table(outcome.out);
  EXPECT_EQ(table.header,
            (std::vector<std::string>{"grain_id", "h", "k", "l", "root", "omega_deg", "two_theta_deg", "eta_deg"}));
  auto spots = expected();
  ASSERT_EQ(table.rows.size(), spots.size());
  for (const auto& row : table.rows) {
    const Key key{row[0], std::stoi(row[1]), std::stoi(row[2]), std::stoi(row[3]), std::stoi(row[4])};
    ASSERT_TRUE(spots.contains(key)) << row[0] << ' ' << row[1] << ' ' << row[2] << ' ' << row[3];
    const SimulatedSpot& spot = spots[key];
    // The textbook's acos loses digits at the tangent.
    const double tolerance = 2e-9 / std::min(1.0, spot.conditioning);
    expect_near_turn(std::stod(row[5]), spot.omega, tolerance, "omega");
    EXPECT_NEAR(std::stod(row[6]), spot.two_theta, 2e-9);
    expect_near_turn(std::stod(row[7]), spot.eta, tolerance, "eta");
    if (spot.conditioning > 1e-6) {
      EXPECT_EQ(std::stod(row[7]) < 0, std::stoi(row[4]) == 1) << "root 1 has eta < 0";
    }
  }
}

TEST(Predict, IsOrderedByGrainReflectionRoot) {
  const Folder folder;
  const Table table = parse_table(run_braggrad(command(folder.write("g.csv", grains_text(some_grains())))).out);
  ASSERT_GT(table.rows.size(), 100u);
  for (size_t i = 1; i < table.rows.size(); ++i) {
    const auto &before = table.rows[i - 1], &row = table.rows[i];
    EXPECT_LE(before[0], row[0]);
    const bool same = std::equal(row.begin(), row.begin() + 4, before.begin());
    EXPECT_EQ(row[4], same ? "2" : "1");
  }
}

TEST(Predict, ChunksLeaveNoTrace) {
  const Folder folder;
  const auto usual = command(folder.write("g.csv", grains_text(some_grains())));
  const std::string whole = run_braggrad(usual).out;
  for (const std::string chunk : {"1", "2", "3", "4", "5", "6", "100"})
    EXPECT_EQ(run_braggrad(with(usual, {"--chunk", chunk})).out, whole) << chunk;
  EXPECT_EQ(run_braggrad(with(usual, {"--threads", "1"})).out, whole);
}

TEST(Predict, CentringLeavesOutWhatItForbids) {
  const Folder folder;
  const Table table = parse_table(
      run_braggrad(with(command(folder.write("g.csv", grains_text(some_grains()))), {"--centring", "F"})).out);
  size_t count = 0;
  for (const auto& [key, spot] : expected()) {
    const auto [h, k, l] = spot.hkl;
    count += (h + k) % 2 == 0 && (k + l) % 2 == 0;
  }
  EXPECT_EQ(table.rows.size(), count);
}

TEST(Predict, WindowsKeepWhatIsInside) {
  const Folder folder;
  const auto usual = command(folder.write("g.csv", grains_text(some_grains())));
  const Outcome outcome = run_braggrad(with(usual, {"--omega-range", "-10", "20.5", "--omega-range", "170", "-170"}));
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  size_t count = 0;
  for (const auto& [key, spot] : expected())
    count += (spot.omega >= -10 && spot.omega < 20.5) || spot.omega >= 170 || spot.omega < -170;
  const Table table = parse_table(outcome.out);
  EXPECT_EQ(table.rows.size(), count);
  for (size_t i = 0; i < table.rows.size(); ++i) {
    const double omega = table.number(i, "omega_deg");
    EXPECT_TRUE((omega >= -10 && omega < 20.5) || omega >= 170 || omega < -170) << omega;
  }
}

TEST(Predict, JsonLinesHaveTheSameNumbers) {
  const Folder folder;
  auto grains = some_grains();
  grains[1].id = "gr\"ain 2";
  const auto usual = command(folder.write("g.csv", grains_text(some_grains())));
  const Table table = parse_table(run_braggrad(usual).out);
  std::string quoted = grains_text(grains);
  for (size_t at = 0; (at = quoted.find("gr\"ain 2", at)) != std::string::npos; at += 12)
    quoted.replace(at, 8, "\"gr\"\"ain 2\"");
  quoted.replace(quoted.find("note of \"gr\"\"ain 2\""), 19, "note");
  const std::string path = folder.path("spots.jsonl");
  ASSERT_EQ(run_braggrad(with(command(folder.write("q.csv", quoted)), {"-o", path})).code, 0);
  std::istringstream lines(read_file(path));
  std::string line;
  size_t row = 0;
  for (; std::getline(lines, line); ++row) {
    const auto json = nlohmann::json::parse(line);
    ASSERT_LT(row, table.rows.size());
    const std::string id = table.rows[row][0];
    EXPECT_EQ(json["grain_id"], id == "b" ? "gr\"ain 2" : id);
    for (const std::string name : {"h", "k", "l", "root", "omega_deg", "two_theta_deg", "eta_deg"})
      EXPECT_EQ(json[name].get<double>(), table.number(row, name)) << name;
  }
  EXPECT_EQ(row, table.rows.size());
}

TEST(Predict, RadiansOnRequest) {
  const Folder folder;
  const auto usual = command(folder.write("g.csv", grains_text(some_grains())));
  const Table degrees = parse_table(run_braggrad(usual).out),
              rad = parse_table(run_braggrad(with(usual, {"--radians"})).out);
  ASSERT_EQ(degrees.rows.size(), rad.rows.size());
  for (size_t row = 0; row < rad.rows.size(); ++row) {
    EXPECT_NEAR(rad.number(row, "omega_rad"), degrees.number(row, "omega_deg") * degree, 1e-11);
    EXPECT_NEAR(rad.number(row, "two_theta_rad"), degrees.number(row, "two_theta_deg") * degree, 1e-11);
  }
}

TEST(Predict, UbWithTwoPi) {
  const Folder folder;
  auto grains = some_grains();
  const std::string usual = run_braggrad(command(folder.write("g.csv", grains_text(grains)))).out;
  for (auto& grain : grains)
    for (double& entry : grain.ub) entry *= 2 * std::numbers::pi;
  EXPECT_EQ(run_braggrad(with(command(folder.write("h.csv", grains_text(grains))), {"--two-pi"})).out.size(),
            usual.size());
}

// A strained lattice of its own, without --cell.
TEST(Predict, KeepsTheLatticeOfUbWithoutACell) {
  const Folder folder;
  const SimulatedGrain grain =
      turned(grain_of_edges("s", {{{4.8, 0, 0}, {0.1, 7.7, 0}, {-0.2, 0.3, 8.5}}}), {1, 2, -1}, 33);
  const Outcome outcome = run_braggrad({"predict", "--start", folder.write("g.csv", grains_text({grain})),
                                        "--wavelength", "0.2478684", "--d-min", "2.0"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  std::map<Key, SimulatedSpot> spots;
  const double energy = 2 * std::numbers::pi / 0.2478684 / 0.50677307161563958;
  for (const auto& spot : simulate(grain, {energy, 0}, 6)) spots[key_of(spot)] = spot;
  const Table table = parse_table(outcome.out);
  ASSERT_GT(table.rows.size(), 100u);
  for (const auto& row : table.rows) {
    const Key key{row[0], std::stoi(row[1]), std::stoi(row[2]), std::stoi(row[3]), std::stoi(row[4])};
    ASSERT_TRUE(spots.contains(key));
    expect_near_turn(std::stod(row[5]), spots[key].omega, 2e-8 / std::min(1.0, spots[key].conditioning), "omega");
  }
}

TEST(Predict, NothingObservableIsAHeader) {
  const Folder folder;
  const std::string start = folder.write("g.csv", grains_text(some_grains()));
  const Outcome none =
      run_braggrad({"predict", "--start", start, "--energy", "50", "--cell", "4.0782", "--d-min", "99"});
  EXPECT_EQ(none.code, 0) << none.err;
  EXPECT_EQ(parse_table(none.out).rows.size(), 0u);
  const Outcome soft =
      run_braggrad({"predict", "--start", start, "--energy", "0.1", "--cell", "4.0782", "--d-min", "2"});
  EXPECT_EQ(soft.code, 0) << soft.err;
  EXPECT_EQ(parse_table(soft.out).rows.size(), 0u);
}

// Ten times the grains take the same memory.
TEST(Predict, StreamsItsGrains) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers keep what is freed";
#endif
  const Folder folder;
  const auto memory = [&](int count) {
    std::string text = "grain_id,UB11,UB12,UB13,UB21,UB22,UB23,UB31,UB32,UB33\n";
    for (int i = 0; i < count; ++i) text += std::to_string(i) + ",0.25,0,0,0,0.25,0,0,0,0.25\n";
    const Outcome outcome = run_braggrad({"predict", "--start", folder.write("g.csv", text), "--energy", "50", "--cell",
                                          "4", "--d-min", "3", "--chunk", "500", "-o", folder.path("spots.csv")});
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return outcome.peak_kib;
  };
  EXPECT_LT(memory(40000) - memory(4000), 16 * 1024);
}

}  // namespace
