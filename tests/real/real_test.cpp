// `braggrad refine` on measured reflections, from where a user starts, against bounds that a right predictor reaches
// and a wrong sign, a wrong unit or a wrong root does not. |omega predicted - observed| in degrees, nearer root.
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <sstream>

#include "measured_set.hpp"

namespace {

using Arguments = std::vector<std::string>;
using Result = MeasuredSet::Result;

std::string text(double value) {
  std::ostringstream stream;
  stream.precision(17);
  stream << value;
  return stream.str();
}

double median(const Result& result) { return result.json["after"]["median_deg"].get<double>(); }
double rms(const Result& result) { return result.json["after"]["rms_deg"].get<double>(); }
double value(const Result& result, const std::string& name) {
  return result.json["parameters"][name]["value"].get<double>();
}
double sigma(const Result& result, const std::string& name) {
  return result.json["parameters"][name]["sigma"].get<double>();
}

// Root 1 sends the ray to +y: eta < 0 with ImageD11's eta, |eta| > 90 with HEXRD's.
void expect_roots_by_eta(const MeasuredSet& set, const Result& result, int64_t solvable) {
  const bool imaged11 = set.metadata()["eta_convention"] == "imaged11";
  const Table measured = parse_table(read_file(set.file("reflections.csv")));
  const std::string eta_column = imaged11 ? "eta_deg" : "eta_meas_deg";
  ASSERT_EQ(measured.rows.size(), result.rows.rows.size());
  int64_t agreeing = 0, compared = 0;
  for (size_t row = 0; row < measured.rows.size(); ++row) {
    const double root = result.rows.number(row, "root");
    if (root == 0) continue;
    const double eta = measured.number(row, eta_column);
    ++compared;
    agreeing += root == ((imaged11 ? eta < 0 : std::abs(eta) > 90) ? 1 : 2);
    // The library's own eta says the same of its root.
    EXPECT_EQ(result.rows.number(row, "eta_deg") < 0, root == 1) << "row " << row + 1;
  }
  EXPECT_EQ(compared, solvable);
  EXPECT_EQ(agreeing, compared) << "the nearer root is not the one that eta tells";
}

class Real : public testing::Test {
 protected:
  void SetUp() override {
    if (!MeasuredSet::is_there()) GTEST_SKIP() << "no measured data in " << MeasuredSet::data_folder();
  }
  std::string start(const std::string& id_column, const std::map<std::string, std::vector<double>>& ub) {
    return folder_.write("start.csv", start_text(id_column, ub));
  }
  Folder folder_;
};

class Silicon : public Real {
 protected:
  // The matrix of the notebook, the wavelength of the parameter file, the literature's cell, no tilt.
  Result refine(const std::string& free, const Arguments& further = {}) {
    Arguments arguments = {
        "--wavelength", text(set().metadata()["wavelength_A"].get<double>()), "--cell", "5.43102", "--free", free};
    arguments.insert(arguments.end(), further.begin(), further.end());
    return set().refine(start("grain_id", {{"0", set().model("start")["UB"]}}), arguments);
  }
  static MeasuredSet set() { return MeasuredSet("silicon"); }
};

TEST_F(Silicon, OrientationAlone) {
  const Result result = refine("orientation");
  EXPECT_EQ(result.json["rows"], 716);
  EXPECT_EQ(result.json["unobservable"], 0);
  EXPECT_LE(median(result), 0.0290);
}

TEST_F(Silicon, OrientationAndEnergy) {
  const Result result = refine("orientation,energy");
  EXPECT_LE(median(result), 0.0040);
  EXPECT_NEAR(value(result, "energy_keV"), 44.105, 0.003);
}

TEST_F(Silicon, OrientationEnergyAndChi) {
  for (const std::string loss : {"squares", "huber", "chord"}) {
    const Result result = refine("orientation,energy,chi", {"--loss", loss});
    EXPECT_LE(median(result), 0.0027) << loss;
    EXPECT_NEAR(value(result, "energy_keV"), 44.105, 0.003) << loss;
    EXPECT_NEAR(value(result, "chi_deg"), -0.0037, 0.0006) << loss;
    EXPECT_LT(sigma(result, "energy_keV"), 0.003) << loss;
    EXPECT_LT(sigma(result, "chi_deg"), 0.0006) << loss;
    expect_roots_by_eta(set(), result, 716);
  }
}

TEST_F(Silicon, WithTheSignOfChiReversedItIsWorse) {
  const Result result = refine("orientation,energy", {"--chi", "0.0037"});
  EXPECT_GE(median(result), 0.0045);
}

// 716 rows of one cubic crystal cannot tell a harder beam from a smaller cell.
TEST_F(Silicon, EnergyAndEdgeAreNotToldApart) {
  const Outcome outcome = run_braggrad({"refine", "--peaks", set().file("reflections.csv"), "--start",
                                        start("grain_id", {{"0", set().model("start")["UB"]}}), "--energy", "44",
                                        "--cell", "5.43102", "--free", "orientation,energy,cell"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_NE(outcome.err.find("energy and cell edge"), std::string::npos) << outcome.err;
}

class Euagcd : public Real {
 protected:
  Result refine(double chi_factor, const Arguments& arguments) {
    const auto& shipped = set_ ? set_->model("shipped_wedge_plus") : load();
    Arguments all = {"--wavelength", text(shipped["wavelength_A"].get<double>()), "--chi",
                     text(chi_factor * shipped["chi_eff_deg"].get<double>())};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return set_->refine(start("grain_id", {{"0", shipped["UB"]}}), all);
  }
  const nlohmann::json& load() {
    set_ = std::make_unique<MeasuredSet>("euagcd");
    return set_->model("shipped_wedge_plus");
  }
  std::unique_ptr<MeasuredSet> set_;
};

TEST_F(Euagcd, AsShipped) {
  const Result result = refine(1, {"--free", "none"});
  EXPECT_EQ(result.json["rows"], 572);
  EXPECT_LE(median(result), 0.0265);
  EXPECT_LE(rms(result), 0.042);
  expect_roots_by_eta(*set_, result, 572);
}

TEST_F(Euagcd, WithTheWedgeReversed) {
  const Result result = refine(-1, {"--free", "none"});
  EXPECT_GE(rms(result), 0.12);
}

TEST_F(Euagcd, RefinedWithItsLattice) {
  const Result result = refine(1, {"--free", "orientation,cell"});
  EXPECT_LE(median(result), 0.0225);
  EXPECT_TRUE(result.json["converged"].get<bool>());
  expect_roots_by_eta(*set_, result, 572);
}

// From a wedge of 0 the fit finds a tilt of the right sign.
TEST_F(Euagcd, FindsItsWedge) {
  const Result result = refine(0, {"--free", "orientation,cell,chi"});
  EXPECT_NEAR(value(result, "chi_deg"), -0.044, 0.005);
}

class Aluminium : public Real {
 protected:
  Result refine(const Arguments& arguments) {
    const MeasuredSet set("makemap_al36");
    Arguments all = {"--wavelength", text(set.metadata()["wavelength_A"].get<double>())};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const Result result = set.refine(set.file("grains.csv"), all);
    EXPECT_EQ(result.json["rows"], 1653);
    EXPECT_EQ(result.json["grains"].size(), 36u);
    EXPECT_LE(median(result), 0.19);
    // Two rows of grain 3, hkl -2 0 -2, were observed although its matrix never brings them to the sphere.
    EXPECT_EQ(result.json["unobservable"], 2);
    for (const auto& row : result.json["unobservable_rows"]) {
      EXPECT_EQ(row["grain_id"], "3");
      EXPECT_EQ(row["hkl"], nlohmann::json({-2, 0, -2}));
    }
    EXPECT_NE(result.outcome.out.find("rows without a root"), std::string::npos);
    EXPECT_NE(result.outcome.out.find("grain 3, hkl -2 0 -2"), std::string::npos);
    expect_roots_by_eta(set, result, 1651);
    return result;
  }
};

TEST_F(Aluminium, ThirtySixGrainsAsShipped) { refine({"--free", "none"}); }

TEST_F(Aluminium, ThirtySixGrainsRefined) {
  for (const std::string free : {"orientation", "orientation,cell", "orientation,energy,chi"}) {
    const Result result = refine({"--free", free});
    EXPECT_LT(rms(result), 0.30) << free;
  }
}

TEST_F(Aluminium, ThirtySixGrainsRefinedRobustly) {
  const Result result = refine({"--free", "orientation", "--loss", "huber"});
  EXPECT_LE(median(result), 0.18);
}

class Ruby : public Real {
 protected:
  Result judge(double chi_factor) {
    const MeasuredSet set("ruby");
    const auto& model = set.model("hexrd_fit");
    const std::map<std::string, std::vector<double>> ub = set.metadata()["orientations"]["UB"];
    const Result result = set.refine(
        start("sweep", ub), {"--energy", text(model["energy_keV"].get<double>()), "--grain-column", "sweep", "--chi",
                             text(chi_factor * model["chi_eff_deg"].get<double>()), "--free", "none"});
    EXPECT_EQ(result.json["rows"], 1677);
    EXPECT_EQ(result.json["grains"].size(), 6u);
    expect_roots_by_eta(set, result, 1677);
    return result;
  }
};

TEST_F(Ruby, SixSweepsAsShipped) { EXPECT_LE(rms(judge(1)), 0.077); }
TEST_F(Ruby, WithoutChi) { EXPECT_GE(rms(judge(0)), 0.10); }
TEST_F(Ruby, WithChiReversed) { EXPECT_GE(rms(judge(-1)), 0.16); }

}  // namespace
