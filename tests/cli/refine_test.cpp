// braggrad refine on simulated grains: what was put in comes out, for every choice of free parameters.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <random>

#include "program.hpp"
#include "simulation.hpp"

namespace {

using Json = nlohmann::json;

// Arguments, the files of one refinement, and what it gave.
struct Refined {
  Outcome outcome;
  Json json;
  Table table;

  std::array<double, 9> ub(size_t grain) const { return json["grains"][grain]["UB"].get<std::array<double, 9>>(); }
  double value(const std::string& name) const { return json["parameters"][name]["value"].get<double>(); }
  double sigma(const std::string& name) const { return json["parameters"][name]["sigma"].get<double>(); }
  double median() const { return json["after"]["median_deg"].get<double>(); }
};

Refined refine(const std::string& peaks, const std::string& grains, const std::vector<std::string>& further) {
  const Folder folder;
  const std::string json = folder.path("result.json"), refined = folder.path("refined.csv");
  std::vector<std::string> arguments = {"refine",
                                        "--peaks",
                                        folder.write("peaks.csv", peaks),
                                        "--start",
                                        folder.write("grains.csv", grains),
                                        "--json",
                                        json,
                                        "-o",
                                        refined};
  arguments.insert(arguments.end(), further.begin(), further.end());
  Refined result{run_braggrad(arguments), {}, {}};
  if (result.outcome.code == 0 || result.outcome.code == 3) {
    result.json = Json::parse(read_file(json));
    result.table = parse_table(read_file(refined));
  }
  return result;
}

constexpr double edge = 4.0782;

std::vector<SimulatedGrain> true_grains(double a = edge) {
  return {cubic_grain("left", a, {1, 2, 3}, 20), cubic_grain("right", a, {-1, 0.5, 2}, 77),
          cubic_grain("top", a, {3, -2, 0.1}, 140)};
}

std::vector<SimulatedGrain> off(const std::vector<SimulatedGrain>& grains, double angle) {
  std::vector<SimulatedGrain> result;
  const std::array<double, 3> axes[] = {{1, 0.3, -2}, {-1, 2, 1}, {0.2, -1, 3}};
  for (size_t i = 0; i < grains.size(); ++i) result.push_back(turned(grains[i], axes[i % 3], angle));
  return result;
}

std::vector<SimulatedSpot> spots_of(const std::vector<SimulatedGrain>& grains, const Beam& beam, int most = 4) {
  std::vector<SimulatedSpot> spots;
  for (const auto& grain : grains) {
    const auto own = well_conditioned(simulate(grain, beam, most), 0.2);
    spots.insert(spots.end(), own.begin(), own.end());
  }
  return spots;
}

void expect_grains(const Refined& result, const std::vector<SimulatedGrain>& grains, double tolerance) {
  ASSERT_EQ(result.json["grains"].size(), grains.size());
  for (size_t i = 0; i < grains.size(); ++i) {
    EXPECT_EQ(result.json["grains"][i]["id"], grains[i].id);
    EXPECT_LT(misorientation(result.ub(i), grains[i].ub), tolerance) << grains[i].id;
  }
}

TEST(Refine, Orientation) {
  const auto grains = true_grains();
  const auto result = refine(peaks_text(spots_of(grains, {50, 0})), grains_text(off(grains, 0.4)),
                             {"--energy", "50", "--cell", "4.0782", "--free", "orientation"});
  ASSERT_EQ(result.outcome.code, 0) << result.outcome.err;
  expect_grains(result, grains, 1e-6);
  EXPECT_TRUE(result.json["converged"].get<bool>());
  EXPECT_GT(result.json["before"]["median_deg"].get<double>(), 0.1);
  EXPECT_LT(result.median(), 1e-8);
  EXPECT_EQ(result.json["unobservable"], 0);
  EXPECT_TRUE(result.json["parameters"]["energy_keV"]["sigma"].is_null());
  EXPECT_TRUE(result.json["grains"][0]["cell_sigma"].is_null());
}

TEST(Refine, OrientationAndEnergyAndChiOfManyGrains) {
  const auto grains = true_grains();
  const auto peaks = peaks_text(spots_of(grains, {50.05, -0.12}));
  const auto start = grains_text(off(grains, 0.3));
  for (const std::string free : {"orientation,energy,chi", "chi,energy,orientation"}) {
    const auto result = refine(peaks, start, {"--energy", "50", "--cell", "4.0782", "--free", free});
    ASSERT_EQ(result.outcome.code, 0) << result.outcome.err;
    expect_grains(result, grains, 1e-6);
    EXPECT_NEAR(result.value("energy_keV"), 50.05, 1e-7);
    EXPECT_NEAR(result.value("chi_deg"), -0.12, 1e-7);
  }
}

TEST(Refine, OneCommonParameter) {
  const auto grains = true_grains();
  const auto start = grains_text(off(grains, 0.3));
  const auto energy = refine(peaks_text(spots_of(grains, {50.05, 0.2})), start,
                             {"--energy", "50", "--chi", "0.2", "--cell", "4.0782", "--free", "orientation,energy"});
  ASSERT_EQ(energy.outcome.code, 0) << energy.outcome.err;
  EXPECT_NEAR(energy.value("energy_keV"), 50.05, 1e-7);
  EXPECT_NEAR(energy.value("chi_deg"), 0.2, 1e-12);
  expect_grains(energy, grains, 1e-6);
  const auto chi = refine(peaks_text(spots_of(grains, {50, 0.2})), start,
                          {"--energy", "50", "--cell", "4.0782", "--free", "orientation,chi"});
  ASSERT_EQ(chi.outcome.code, 0) << chi.outcome.err;
  EXPECT_NEAR(chi.value("chi_deg"), 0.2, 1e-7);
  EXPECT_NEAR(chi.value("energy_keV"), 50, 1e-12);
  expect_grains(chi, grains, 1e-6);
}

TEST(Refine, CommonParametersAlone) {
  const auto grains = true_grains();
  const auto result = refine(peaks_text(spots_of(grains, {50.05, -0.1})), grains_text(grains),
                             {"--energy", "50", "--cell", "4.0782", "--free", "energy,chi"});
  ASSERT_EQ(result.outcome.code, 0) << result.outcome.err;
  EXPECT_NEAR(result.value("energy_keV"), 50.05, 1e-7);
  EXPECT_NEAR(result.value("chi_deg"), -0.1, 1e-7);
  EXPECT_TRUE(result.json["grains"][0]["rotation_vector_sigma_deg"].is_null());
}

TEST(Refine, CubicEdgeOfEachGrain) {
  std::vector<SimulatedGrain> grains = true_grains();
  const double edges[] = {4.075, 4.08, 4.085};
  for (size_t i = 0; i < 3; ++i)
    for (double& entry : grains[i].ub) entry *= edge / edges[i];
  const auto result = refine(peaks_text(spots_of(grains, {50, 0})), grains_text(off(true_grains(), 0.3)),
                             {"--energy", "50", "--cell", "4.0782", "--free", "orientation,cell"});
  ASSERT_EQ(result.outcome.code, 0) << result.outcome.err;
  expect_grains(result, grains, 1e-6);
  for (size_t i = 0; i < 3; ++i) {
    const auto cell = result.json["grains"][i]["cell"].get<std::array<double, 6>>();
    EXPECT_NEAR(cell[0], edges[i], 1e-8);
    EXPECT_EQ(cell[1], cell[0]) << "the symmetry of the cell is kept to the bit";
    EXPECT_EQ(cell[2], cell[0]);
    EXPECT_EQ(cell[3], 90);
  }
}

struct SymmetryCase {
  std::string name, cell;
  std::array<double, 6> truth;
  std::vector<std::pair<int, int>> equal;
  std::vector<int> fixed;
};

class RefineCell : public testing::TestWithParam<SymmetryCase> {};

// Edges of a cell in a frame with a along x.
std::array<std::array<double, 3>, 3> edges_of(const std::array<double, 6>& cell) {
  const double d = std::acos(-1.0) / 180;
  const double ca = std::cos(cell[3] * d), cb = std::cos(cell[4] * d), cg = std::cos(cell[5] * d),
               sg = std::sin(cell[5] * d);
  const double y = (ca - cb * cg) / sg;
  return {{{cell[0], 0, 0},
           {cell[1] * cg, cell[1] * sg, 0},
           {cell[2] * cb, cell[2] * y, cell[2] * std::sqrt(1 - cb * cb - y * y)}}};
}

TEST_P(RefineCell, KeepsItsSymmetry) {
  const SymmetryCase& c = GetParam();
  const SimulatedGrain grain = turned(grain_of_edges("g", edges_of(c.truth)), {1, -2, 0.7}, 50);
  const auto result = refine(peaks_text(spots_of({grain}, {60, 0.1}, 5)), grains_text(off({grain}, 0.2)),
                             {"--energy", "60", "--chi", "0.1", "--cell", c.cell, "--free", "orientation,cell"});
  ASSERT_EQ(result.outcome.code, 0) << result.outcome.err;
  const auto cell = result.json["grains"][0]["cell"].get<std::array<double, 6>>();
  for (size_t i = 0; i < 6; ++i) EXPECT_NEAR(cell[i], c.truth[i], 1e-6) << i;
  for (const auto& [i, j] : c.equal) EXPECT_EQ(cell[static_cast<size_t>(i)], cell[static_cast<size_t>(j)]);
  for (const int i : c.fixed) EXPECT_EQ(cell[static_cast<size_t>(i)], c.truth[static_cast<size_t>(i)]);
  const auto ub = result.ub(0);
  for (size_t i = 0; i < 9; ++i) EXPECT_NEAR(ub[i], grain.ub[i], 1e-8);
  EXPECT_LT(result.median(), 1e-7);
}

INSTANTIATE_TEST_SUITE_P(
    Cli, RefineCell,
    testing::Values(
        SymmetryCase{"tetragonal", "4.6,4.6,2.96,90,90,90", {4.61, 4.61, 2.95, 90, 90, 90}, {{0, 1}}, {3, 4, 5}},
        SymmetryCase{"hexagonal", "3.2,3.2,5.2,90,90,120", {3.21, 3.21, 5.19, 90, 90, 120}, {{0, 1}}, {3, 4, 5}},
        SymmetryCase{"rhombohedral",
                     "5.13,5.13,5.13,55.3,55.3,55.3",
                     {5.12, 5.12, 5.12, 55.4, 55.4, 55.4},
                     {{0, 1}, {1, 2}, {3, 4}, {4, 5}},
                     {}},
        SymmetryCase{"orthorhombic", "4.8,7.7,8.5,90,90,90", {4.81, 7.68, 8.51, 90, 90, 90}, {}, {3, 4, 5}},
        SymmetryCase{"monoclinic", "5.1,5.2,5.3,90,99.2,90", {5.11, 5.19, 5.31, 90, 99.1, 90}, {}, {3, 5}},
        SymmetryCase{"triclinic", "5.1,6.2,7.3,80,95,102", {5.11, 6.19, 7.31, 80.1, 94.9, 102.1}, {}, {}}),
    [](const auto& info) { return info.param.name; });

TEST(Refine, FullLatticeWithoutACell) {
  const auto grains = std::vector{
      turned(grain_of_edges("one", {{{4.08, 0, 0}, {0.01, 4.07, 0}, {-0.02, 0.015, 4.09}}}), {1, 2, 3}, 20),
      turned(grain_of_edges("two", {{{4.07, 0, 0}, {-0.01, 4.09, 0}, {0.01, 0.02, 4.08}}}), {1, -2, 1}, 100)};
  const auto peaks = peaks_text(spots_of(grains, {50, 0.15}));
  auto start = off(grains, 0.2);
  for (auto& grain : start) grain.ub[0] *= 1.001;
  for (const bool chi : {false, true}) {
    const auto result = refine(
        peaks, grains_text(start),
        {"--energy", "50", "--chi", chi ? "0" : "0.15", "--free", chi ? "orientation,cell,chi" : "orientation,cell"});
    ASSERT_EQ(result.outcome.code, 0) << result.outcome.err;
    for (size_t g = 0; g < 2; ++g) {
      const auto ub = result.ub(g);
      for (size_t i = 0; i < 9; ++i) EXPECT_NEAR(ub[i], grains[g].ub[i], 1e-9);
    }
    EXPECT_NEAR(result.value("chi_deg"), 0.15, 1e-6);
  }
}

TEST(Refine, NoneOnlyJudges) {
  const auto grains = true_grains();
  const auto start = off(grains, 0.1);
  const auto result =
      refine(peaks_text(spots_of(grains, {50, 0})), grains_text(start), {"--energy", "50", "--free", "none"});
  ASSERT_EQ(result.outcome.code, 0) << result.outcome.err;
  EXPECT_EQ(result.json["before"], result.json["after"]);
  EXPECT_EQ(result.json["iterations"], 0);
  EXPECT_TRUE(result.json["converged"].get<bool>());
  for (size_t g = 0; g < 3; ++g)
    for (size_t i = 0; i < 9; ++i) EXPECT_NEAR(result.ub(g)[i], start[g].ub[i], 1e-14) << "the lattice of its UB";
}

TEST(Refine, KeepsEveryColumnAndReadsItsOwnOutput) {
  const auto grains = true_grains();
  const std::string peaks = peaks_text(spots_of(grains, {50, 0}));
  const auto first = refine(peaks, grains_text(off(grains, 0.3)), {"--energy", "50"});
  ASSERT_EQ(first.outcome.code, 0) << first.outcome.err;
  EXPECT_EQ(first.table.header, parse_table(grains_text(grains)).header);
  std::string again = "grain_id,note,UB11,UB12,UB13,UB21,UB22,UB23,UB31,UB32,UB33\n";
  for (size_t row = 0; row < first.table.rows.size(); ++row) {
    EXPECT_EQ(first.table.rows[row][1], "note of " + grains[row].id);
    for (size_t i = 0; i < 9; ++i) EXPECT_EQ(std::stod(first.table.rows[row][2 + i]), first.ub(row)[i]);
    for (size_t i = 0; i < first.table.rows[row].size(); ++i) (again += i ? "," : "") += first.table.rows[row][i];
    again += '\n';
  }
  const auto judged = refine(peaks, again, {"--energy", "50", "--free", "none"});
  ASSERT_EQ(judged.outcome.code, 0) << judged.outcome.err;
  EXPECT_LT(judged.median(), 1e-8);
}

TEST(Refine, TwoPiAndRadians) {
  const auto grains = true_grains();
  constexpr double pi = 3.14159265358979323846;
  auto spots = spots_of(grains, {50, 0});
  auto start = off(grains, 0.3);
  for (auto& spot : spots) spot.omega *= pi / 180;
  for (auto& grain : start)
    for (double& entry : grain.ub) entry *= 2 * pi;
  std::string peaks = peaks_text(spots);
  peaks.replace(peaks.find("omega_obs_deg"), 13, "omega_obs_rad");
  const auto result = refine(peaks, grains_text(start), {"--energy", "50", "--two-pi", "--radians"});
  ASSERT_EQ(result.outcome.code, 0) << result.outcome.err;
  EXPECT_LT(result.median(), 1e-8);
  for (size_t i = 0; i < 9; ++i) EXPECT_NEAR(result.ub(0)[i], grains[0].ub[i] * 2 * pi, 1e-8);
}

// Angles that go on counting after a turn.
TEST(Refine, OmegaOfAnyTurn) {
  const auto grains = true_grains();
  auto spots = spots_of(grains, {50, 0});
  for (size_t i = 0; i < spots.size(); ++i) spots[i].omega += 360.0 * static_cast<double>(static_cast<int>(i % 5) - 2);
  const auto result = refine(peaks_text(spots), grains_text(off(grains, 0.3)), {"--energy", "50"});
  ASSERT_EQ(result.outcome.code, 0) << result.outcome.err;
  EXPECT_LT(result.median(), 1e-8);
}

TEST(Refine, HuberStandsOutliers) {
  const auto grains = true_grains();
  auto spots = spots_of(grains, {50, 0});
  std::mt19937 random(11);
  add_noise(spots, 0.01, random);
  for (size_t i = 0; i < spots.size(); i += 10) spots[i].omega += 2;
  const std::string peaks = peaks_text(spots), start = grains_text(off(grains, 0.2));
  const auto error = [&](const std::vector<std::string>& further) {
    std::vector<std::string> arguments = {"--energy", "50", "--cell", "4.0782"};
    arguments.insert(arguments.end(), further.begin(), further.end());
    const auto result = refine(peaks, start, arguments);
    EXPECT_EQ(result.outcome.code, 0) << result.outcome.err;
    double worst = 0;
    for (size_t i = 0; i < 3; ++i) worst = std::max(worst, misorientation(result.ub(i), grains[i].ub));
    return worst;
  };
  const double squares = error({}), own = error({"--loss", "huber"}),
               given = error({"--loss", "huber", "--huber-delta", "0.02"});
  EXPECT_GT(squares, 0.03);
  EXPECT_LT(own, 0.005);
  EXPECT_LT(given, 0.005);
}

TEST(Refine, ChordIsSquaresForSmallResiduals) {
  const auto grains = true_grains();
  auto spots = spots_of(grains, {50, 0});
  std::mt19937 random(12);
  add_noise(spots, 0.01, random);
  const std::string peaks = peaks_text(spots), start = grains_text(off(grains, 0.2));
  const auto squares = refine(peaks, start, {"--energy", "50"});
  const auto chord = refine(peaks, start, {"--energy", "50", "--loss", "chord"});
  ASSERT_EQ(chord.outcome.code, 0) << chord.outcome.err;
  EXPECT_NEAR(chord.json["after"]["rms_deg"].get<double>(), squares.json["after"]["rms_deg"].get<double>(), 1e-7);
}

// Half of the rows are ten times worse and say so.
TEST(Refine, SigmaColumnWeighs) {
  const auto grains = true_grains();
  const auto clean = spots_of(grains, {50.03, 0});
  std::mt19937 random(13);
  std::normal_distribution<double> noise(0, 1);
  double with = 0, without = 0;
  for (int repetition = 0; repetition < 6; ++repetition) {
    std::string peaks = "grain_id,h,k,l,omega_obs_deg,error\n";
    for (size_t i = 0; i < clean.size(); ++i) {
      const double sigma = i % 4 < 2 ? 0.2 : 0.01;  // both roots
      const auto& s = clean[i];
      peaks += s.grain + "," + std::to_string(s.hkl[0]) + "," + std::to_string(s.hkl[1]) + "," +
               std::to_string(s.hkl[2]) + "," + std::to_string(s.omega + sigma * noise(random)) + "," +
               std::to_string(sigma) + "\n";
    }
    const std::vector<std::string> usual = {"--energy", "50", "--cell", "4.0782", "--free", "orientation,energy"};
    auto weighed = usual;
    weighed.insert(weighed.end(), {"--sigma-column", "error"});
    with += std::pow(refine(peaks, grains_text(grains), weighed).value("energy_keV") - 50.03, 2);
    without += std::pow(refine(peaks, grains_text(grains), usual).value("energy_keV") - 50.03, 2);
  }
  EXPECT_LT(with * 9, without) << "three times the accuracy at least; theory says ten";
}

TEST(Refine, NotConvergedIsCodeThreeWithTheBestSoFar) {
  const auto grains = true_grains();
  const auto result =
      refine(peaks_text(spots_of(grains, {50.2, 0.3})), grains_text(off(grains, 0.4)),
             {"--energy", "50", "--cell", "4.0782", "--free", "orientation,energy,chi", "--max-iterations", "1"});
  EXPECT_EQ(result.outcome.code, 3);
  EXPECT_NE(result.outcome.err.find("not converged after 1 iteration"), std::string::npos) << result.outcome.err;
  EXPECT_NE(result.outcome.out.find("NOT CONVERGED"), std::string::npos);
  EXPECT_FALSE(result.json["converged"].get<bool>());
  EXPECT_EQ(result.json["iterations"], 1);
  EXPECT_LT(result.median(), result.json["before"]["median_deg"].get<double>());
  EXPECT_EQ(result.table.rows.size(), 3u);
}

// A row that can never diffract is counted and listed, and changes nothing else.
TEST(Refine, RowsWithoutARootSpoilNothing) {
  const auto grains = true_grains();
  const std::string peaks = peaks_text(spots_of(grains, {50, 0})), start = grains_text(off(grains, 0.3));
  const std::string impossible = "left,0,0,0,1\nright,90,0,0,12.5\n";
  const auto without = refine(peaks, start, {"--energy", "50"}),
             with = refine(peaks + impossible, start, {"--energy", "50"});
  ASSERT_EQ(with.outcome.code, 0) << with.outcome.err;
  EXPECT_EQ(with.json["unobservable"], 2);
  EXPECT_EQ(with.json["rows"].get<size_t>(), without.json["rows"].get<size_t>() + 2);
  EXPECT_EQ(with.json["unobservable_rows"][1]["hkl"], Json({90, 0, 0}));
  EXPECT_NE(with.outcome.out.find("grain right, hkl 90 0 0"), std::string::npos) << with.outcome.out;
  for (size_t g = 0; g < 3; ++g)
    for (size_t i = 0; i < 9; ++i) EXPECT_NEAR(with.ub(g)[i], without.ub(g)[i], 1e-10);
}

// Rows near the tangent that sit far from their angle: their loss would vanish with their roots.
TEST(Refine, LosingARowNeverPays) {
  const SimulatedGrain grain = cubic_grain("g", edge, {1, 2, 3}, 20);
  const auto all = simulate(grain, {50, 0}, 4);
  std::vector<SimulatedSpot> spots;
  for (const auto& spot : all) {
    if (spot.conditioning < 0.12 && spot.root == 1) {
      spots.push_back(spot);
      spots.back().omega += 8;
    } else if (spot.conditioning > 0.3 && spot.hkl[0] > 0 && spot.hkl[1] == 0) {
      spots.push_back(spot);
    }
  }
  for (const std::string loss : {"squares", "huber", "chord"}) {
    const auto result = refine(peaks_text(spots), grains_text(off({grain}, 0.1)),
                               {"--energy", "50", "--cell", "4.0782", "--loss", loss, "--free", "orientation,energy"});
    ASSERT_EQ(result.outcome.code, 0) << result.outcome.err;
    EXPECT_LE(result.json["after"]["unobservable"].get<int>(), result.json["before"]["unobservable"].get<int>())
        << loss;
  }
}

TEST(Refine, AGrainWithoutRowsIsLeftAlone) {
  const auto grains = true_grains();
  auto start = off(grains, 0.3);
  const auto result = refine(peaks_text(spots_of({grains[0], grains[2]}, {50.05, 0})), grains_text(start),
                             {"--energy", "50", "--free", "orientation,energy"});
  ASSERT_EQ(result.outcome.code, 0) << result.outcome.err;
  EXPECT_NE(result.outcome.err.find("grain right has no row"), std::string::npos) << result.outcome.err;
  EXPECT_EQ(result.json["grains"][1]["rows"], 0);
  EXPECT_TRUE(result.json["grains"][1]["rms_deg"].is_null());
  EXPECT_LT(misorientation(result.ub(1), start[1].ub), 1e-6);
  EXPECT_LT(misorientation(result.ub(2), grains[2].ub), 1e-6);
  EXPECT_NEAR(result.value("energy_keV"), 50.05, 1e-7);
}

TEST(Refine, OneGrainNeedsNoNames) {
  const SimulatedGrain grain = cubic_grain("g", edge, {1, 2, 3}, 20);
  std::string peaks = "h,k,l,omega_obs_deg\n", start = "UB11,UB12,UB13,UB21,UB22,UB23,UB31,UB32,UB33\n";
  for (const auto& s : spots_of({grain}, {50, 0}))
    peaks += std::to_string(s.hkl[0]) + "," + std::to_string(s.hkl[1]) + "," + std::to_string(s.hkl[2]) + "," +
             std::to_string(s.omega) + "\n";
  for (size_t i = 0; i < 9; ++i) (start += i ? "," : "") += std::to_string(turned(grain, {1, 1, 0}, 0.1).ub[i]);
  const auto result = refine(peaks, start + "\n", {"--energy", "50", "--cell", "4.0782"});
  ASSERT_EQ(result.outcome.code, 0) << result.outcome.err;
  EXPECT_LT(result.median(), 1e-5);
}

TEST(Refine, RowsTableHasEveryRow) {
  const Folder folder;
  const auto grains = true_grains();
  const auto spots = spots_of(grains, {50, 0.1});
  const std::string rows = folder.path("rows.csv");
  const auto result = refine(peaks_text(spots), grains_text(grains),
                             {"--energy", "50", "--chi", "0.1", "--free", "none", "--rows", rows});
  ASSERT_EQ(result.outcome.code, 0) << result.outcome.err;
  const Table table = parse_table(read_file(rows));
  ASSERT_EQ(table.rows.size(), spots.size());
  for (size_t row = 0; row < spots.size(); ++row) {
    EXPECT_EQ(table.number(row, "root"), spots[row].root);
    EXPECT_NEAR(table.number(row, "residual_deg"), 0, 1e-8);
    EXPECT_NEAR(table.number(row, "two_theta_deg"), spots[row].two_theta, 1e-8);
    EXPECT_NEAR(table.number(row, "eta_deg"), spots[row].eta, 1e-7);
  }
}

TEST(Refine, DrawsPictures) {
  if (std::system("gnuplot --version > /dev/null 2>&1") != 0) GTEST_SKIP() << "gnuplot is not there";
  const Folder folder;
  const auto grains = true_grains();
  for (const std::string name : {"it's a picture.svg", "residuals.png"}) {
    const std::string picture = folder.path(name);
    const auto result = refine(peaks_text(spots_of(grains, {50, 0})), grains_text(off(grains, 0.2)),
                               {"--energy", "50", "--picture", picture});
    ASSERT_EQ(result.outcome.code, 0) << result.outcome.err;
    EXPECT_EQ(result.outcome.err, "");
    const std::string image = read_file(picture);
    EXPECT_GT(image.size(), 5000u);
    EXPECT_TRUE(image.starts_with("\x89PNG") || image.find("<svg") != std::string::npos);
  }
}

TEST(Refine, ThreadsChangeNoBit) {
  const auto grains = true_grains();
  auto spots = spots_of(grains, {50.05, 0.1});
  std::mt19937 random(14);
  add_noise(spots, 0.02, random);
  const std::string peaks = peaks_text(spots), start = grains_text(off(grains, 0.2));
  const std::vector<std::string> usual = {"--energy", "50", "--free", "orientation,chi", "--threads"};
  auto one = usual, three = usual;
  one.push_back("1"), three.push_back("3");
  EXPECT_EQ(refine(peaks, start, one).json, refine(peaks, start, three).json);
}

}  // namespace
