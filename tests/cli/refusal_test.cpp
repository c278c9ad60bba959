// Input that cannot be used: exit code 2, one sentence that names the culprit, and nothing written.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "program.hpp"
#include "simulation.hpp"

namespace {

const std::string header = "grain_id,UB11,UB12,UB13,UB21,UB22,UB23,UB31,UB32,UB33\n";
const std::string grain = "7,0.25,0,0,0,0.25,0,0,0,0.25\n";

struct Refused {
  std::string name;                    // of the test
  std::string peaks, grains;           // contents; empty: good ones
  std::vector<std::string> arguments;  // further ones, energy and cell included where they matter
  std::vector<std::string> said;       // parts of the sentence
  bool usual = true;                   // --energy 50 is given
};

std::ostream& operator<<(std::ostream& stream, const Refused& refused) { return stream << refused.name; }

class RefineRefuses : public testing::TestWithParam<Refused> {};

TEST_P(RefineRefuses, WithASentence) {
  const Refused& refused = GetParam();
  const Folder folder;
  const SimulatedGrain good{"7", {0.25, 0, 0, 0, 0.25, 0, 0, 0, 0.25}};
  const std::string peaks =
      folder.write("peaks.csv", refused.peaks.empty() ? peaks_text(simulate(good, {}, 2)) : refused.peaks);
  const std::string grains = folder.write("grains.csv", refused.grains.empty() ? header + grain : refused.grains);
  const std::string result = folder.path("result.json"), refined = folder.path("refined.csv");
  std::vector<std::string> arguments = {"refine", "--json", result, "-o", refined};
  const auto given = [&](const std::string& option) { return std::ranges::count(refused.arguments, option) > 0; };
  if (!given("--peaks")) arguments.insert(arguments.end(), {"--peaks", peaks});
  if (!given("--start")) arguments.insert(arguments.end(), {"--start", grains});
  if (refused.usual) arguments.insert(arguments.end(), {"--energy", "50"});
  arguments.insert(arguments.end(), refused.arguments.begin(), refused.arguments.end());

  const Outcome outcome = run_braggrad(arguments);
  EXPECT_EQ(outcome.code, 2) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(std::ranges::count(outcome.err, '\n'), 1) << outcome.err;
  for (const auto& part : refused.said) EXPECT_NE(outcome.err.find(part), std::string::npos) << outcome.err;
  EXPECT_FALSE(std::filesystem::exists(result));
  EXPECT_FALSE(std::filesystem::exists(refined));
}

const std::string peak_header = "grain_id,h,k,l,omega_obs_deg\n";

INSTANTIATE_TEST_SUITE_P(
    Cli, RefineRefuses,
    testing::Values(
        Refused{"MissingPeaks", "", "", {"--peaks", "/nowhere/peaks.csv"}, {"/nowhere/peaks.csv", "No such file"}},
        Refused{"MissingStart", "", "", {"--start", "/nowhere/grains.csv"}, {"/nowhere/grains.csv", "No such file"}},
        Refused{"EmptyFile", "\n", "", {}, {"peaks.csv", "header"}},
        Refused{"NoRows", peak_header, "", {}, {"peaks.csv has no rows"}},
        Refused{"NoGrains", "", header, {}, {"grains.csv has no grains"}},
        Refused{"NoHklColumn",
                "grain_id,h,k,m,omega_obs_deg\n7,1,0,0,10\n",
                "",
                {},
                {"no column \"l\"", "grain_id, h, k, m, omega_obs_deg"}},
        Refused{"WrongOmegaColumn", "", "", {"--omega-column", "omega"}, {"no column \"omega\"", "omega_obs_deg"}},
        Refused{"WrongSigmaColumn", "", "", {"--sigma-column", "s"}, {"no column \"s\"", "omega_obs_deg"}},
        Refused{"WrongGrainColumn", "", "", {"--grain-column", "sweep"}, {"no column \"sweep\"", "grain_id"}},
        Refused{"NoGrainColumn",
                "h,k,l,omega_obs_deg\n1,0,0,10\n",
                header + grain + "8,0.25,0,0,0,0.25,0,0,0,0.25\n",
                {},
                {"peaks.csv has no column \"grain_id\""}},
        Refused{"NoUbColumn", "", "grain_id,UB11\n7,1\n", {}, {"no column \"UB12\"", "grain_id, UB11"}},
        Refused{"ColumnTwice", "grain_id,h,h,k,l,omega_obs_deg\n7,1,1,0,0,10\n", "", {}, {"\"h\" more than once"}},
        Refused{"NotANumber", peak_header + "7,1,0,0,10\n7,1,1,0,nan\n", "", {}, {"row 2", "omega_obs_deg", "nan"}},
        Refused{"EmptyNumber", peak_header + "7,1,0,0,\n", "", {}, {"row 1", "omega_obs_deg"}},
        Refused{"Text", peak_header + "7,1,0,0,10deg\n", "", {}, {"row 1", "10deg"}},
        Refused{"Infinite", peak_header + "7,1,0,0,inf\n", "", {}, {"row 1", "inf"}},
        Refused{"FractionalHkl", peak_header + "7,1,0.5,0,10\n", "", {}, {"row 1", "k is \"0.5\"", "integer"}},
        Refused{"ShortRow", peak_header + "7,1,0,0\n", "", {}, {"row 1 has 4 fields", "5"}},
        Refused{"OpenQuote", peak_header + "7,1,0,0,\"10\n", "", {}, {"peaks.csv, near row 1"}},
        Refused{"UnknownGrain", peak_header + "9,1,0,0,10\n", "", {}, {"row 1", "\"9\"", "start file"}},
        Refused{"GrainTwice", "", header + grain + grain, {}, {"row 2", "\"7\"", "already"}},
        Refused{"NamelessGrains",
                "",
                "UB11,UB12,UB13,UB21,UB22,UB23,UB31,UB32,UB33\n" + grain.substr(2) + grain.substr(2),
                {},
                {"several grains", "--grain-column"}},
        Refused{"InfiniteUb", "", header + "7,inf,0,0,0,0.25,0,0,0,0.25\n", {}, {"row 1", "UB11", "inf"}},
        Refused{"SingularUb", "", header + "7,0.25,0,0,0,0.25,0,0,0,0\n", {}, {"row 1", "singular"}},
        Refused{"LeftHandedUb", "", header + "7,0.25,0,0,0,0.25,0,0,0,-0.25\n", {}, {"row 1", "left-handed"}},
        Refused{
            "TwoPiInUb", "", header + "7,1.5708,0,0,0,1.5708,0,0,0,1.5708\n", {"--cell", "4"}, {"6.283", "--two-pi"}},
        Refused{"CellOfThree", "", "", {"--cell", "4,5,6"}, {"--cell has 3 numbers"}},
        Refused{"CellOfText", "", "", {"--cell", "gold"}, {"--cell is \"gold\""}},
        Refused{"CellThatIsNone", "", "", {"--cell", "4,4,4,90,90,200"}, {"cell"}},
        Refused{"NegativeCell", "", "", {"--cell", "-4"}, {"cell"}},
        Refused{"CellThatDoesNotClose", "", "", {"--cell", "4,4,4,150,40,40"}, {"cell"}},
        Refused{"NoEnergy", "", "", {}, {"--energy", "--wavelength"}, false},
        Refused{"ZeroEnergy", "", "", {"--energy", "0"}, {"--energy", "above 0"}, false},
        Refused{"NegativeEnergy", "", "", {"--energy", "-50"}, {"--energy", "above 0"}, false},
        Refused{"NanEnergy", "", "", {"--energy", "nan"}, {"--energy", "finite"}, false},
        Refused{"NegativeWavelength", "", "", {"--wavelength", "-1"}, {"--wavelength", "above 0"}, false},
        Refused{"EnergyAndWavelength", "", "", {"--wavelength", "0.25"}, {"--energy", "--wavelength", "both"}},
        Refused{"BeamAlongAxis", "", "", {"--chi", "90"}, {"--chi"}},
        Refused{"UnknownFreedom", "", "", {"--free", "orientation,colour"}, {"--free", "\"colour\""}},
        Refused{"UnknownLoss", "", "", {"--loss", "cauchy"}, {"--loss", "\"cauchy\""}},
        Refused{"DeltaWithoutHuber", "", "", {"--huber-delta", "0.1"}, {"--huber-delta", "--loss huber"}},
        Refused{"NegativeDelta", "", "", {"--loss", "huber", "--huber-delta", "-1"}, {"--huber-delta"}},
        Refused{"NoIterations", "", "", {"--max-iterations", "0"}, {"--max-iterations"}},
        Refused{"UnknownBackend", "", "", {"--backend", "abacus"}, {"--backend", "\"abacus\""}},
        Refused{"NegativeThreads", "", "", {"--threads", "-2"}, {"--threads"}},
        Refused{"PictureOfNoKind", "", "", {"--picture", "residuals.jpeg"}, {"--picture", ".svg or .png"}},
        Refused{"UnwritableRows", "", "", {"--rows", "/nowhere/rows.csv"}, {"/nowhere/rows.csv"}},
        Refused{"UnknownOption", "", "", {"--gold"}, {"--gold"}},
        Refused{"TooFewRows", peak_header + "7,1,1,1,10\n7,1,1,0,20\n", "", {}, {"grain 7 has 2 rows", "3 parameters"}},
        Refused{"EnergyAndCubicEdge",
                "",
                "",
                {"--cell", "4", "--free", "orientation,cell,energy"},
                {"energy and cell edge a = b = c"}},
        Refused{"EnergyAndLattice",
                "",
                "",
                {"--free", "orientation,cell,energy,chi"},
                {"energy, cell edge a, cell edge b and cell edge c"}},
        Refused{"NoRowHasARoot", peak_header + "7,40,0,0,1\n7,0,40,0,1\n7,0,0,40,1\n", "", {}, {"no row has a root"}}),
    [](const auto& info) { return info.param.name; });

// The same reflection again and again leaves the turn about its scattering vector open.
TEST(Refine, NamesTheRotationThatOneReflectionLeavesOpen) {
  const Folder folder;
  const std::string peaks = folder.write("peaks.csv", peak_header + "7,2,0,0,1\n7,2,0,0,1.1\n7,2,0,0,0.9\n7,4,0,0,2\n");
  const Outcome outcome =
      run_braggrad({"refine", "--peaks", peaks, "--start", folder.write("g.csv", header + grain), "--energy", "50"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_NE(outcome.err.find("the rows of grain 7 do not determine rotation about"), std::string::npos) << outcome.err;
}

TEST(Refine, PictureWithoutGnuplotIsRefusedBeforeTheWork) {
  const Folder folder;
  const Outcome outcome = run_braggrad(
      {"refine", "--peaks", "p", "--start", "s", "--energy", "50", "--picture", folder.path("residuals.svg")},
      {{"PATH", folder.path("")}});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_NE(outcome.err.find("--picture needs gnuplot"), std::string::npos) << outcome.err;
}

struct PredictRefused {
  std::string name;
  std::vector<std::string> arguments, said;
};

std::ostream& operator<<(std::ostream& stream, const PredictRefused& refused) { return stream << refused.name; }

class PredictRefuses : public testing::TestWithParam<PredictRefused> {};

TEST_P(PredictRefuses, WithASentence) {
  const Folder folder;
  std::vector<std::string> arguments = {"predict", "--start", folder.write("grains.csv", header + grain), "--energy",
                                        "50"};
  const auto& further = GetParam().arguments;
  if (std::ranges::count(further, "--d-min") == 0) arguments.insert(arguments.end(), {"--d-min", "1"});
  arguments.insert(arguments.end(), further.begin(), further.end());
  const Outcome outcome = run_braggrad(arguments);
  EXPECT_EQ(outcome.code, 2) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  for (const auto& part : GetParam().said) EXPECT_NE(outcome.err.find(part), std::string::npos) << outcome.err;
}

INSTANTIATE_TEST_SUITE_P(
    Cli, PredictRefuses,
    testing::Values(PredictRefused{"UnknownCentring", {"--centring", "X"}, {"--centring", "\"X\""}},
                    PredictRefused{"ZeroSpacing", {"--d-min", "0"}, {"--d-min"}},
                    PredictRefused{"NanSpacing", {"--d-min", "nan"}, {"--d-min"}},
                    PredictRefused{"UnknownFormat", {"--format", "xml"}, {"--format", "\"xml\""}},
                    PredictRefused{"EmptyRange", {"--omega-range", "3", "3"}, {"--omega-range", "empty"}},
                    PredictRefused{"InfiniteRange", {"--omega-range", "0", "inf"}, {"--omega-range", "finite"}},
                    PredictRefused{"HalfRange", {"--omega-range", "3"}, {"--omega-range"}},
                    PredictRefused{"UnwritableOutput", {"-o", "/nowhere/spots.csv"}, {"/nowhere/spots.csv"}}),
    [](const auto& info) { return info.param.name; });

TEST(Predict, RefusesNineRanges) {
  const Folder folder;
  std::vector<std::string> arguments = {
      "predict", "--start", folder.write("grains.csv", header + grain), "--energy", "50", "--d-min", "1"};
  for (int i = 0; i < 9; ++i) arguments.insert(arguments.end(), {"--omega-range", std::to_string(i), "20"});
  const Outcome outcome = run_braggrad(arguments);
  EXPECT_EQ(outcome.code, 2);
  EXPECT_NE(outcome.err.find("at most 8"), std::string::npos) << outcome.err;
}

TEST(Predict, DoesNotOverwriteItsStartFile) {
  const Folder folder;
  const std::string start = folder.write("grains.csv", header + grain);
  const Outcome outcome = run_braggrad({"predict", "--start", start, "--energy", "50", "--d-min", "1", "-o", start});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_EQ(read_file(start), header + grain);
}

}  // namespace
