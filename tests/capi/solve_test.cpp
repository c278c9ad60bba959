// brg_solve against the exact table of tests/reference, within promises 1 and 2 of docs/accuracy.md.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "braggrad/braggrad.h"

namespace {

using Row = std::map<std::string, double>;

std::vector<Row> read_table(const std::string& name) {
  std::ifstream file(std::string(BRAGGRAD_REFERENCE) + "/" + name);
  std::string line;
  std::getline(file, line);
  std::vector<std::string> names;
  std::stringstream header(line);
  for (std::string cell; std::getline(header, cell, ',');) names.push_back(cell);
  std::vector<Row> rows;
  while (std::getline(file, line)) {
    std::stringstream cells(line);
    Row row;
    size_t column = 0;
    for (std::string cell; std::getline(cells, cell, ','); ++column)
      if (names[column] != "category") row[names[column]] = std::strtod(cell.c_str(), nullptr);
    rows.push_back(row);
  }
  return rows;
}

TEST(Solve, MeetsTheExactTable) {
  const std::vector<Row> rows = read_table("solve_f64.csv");
  ASSERT_GT(rows.size(), 400u);
  brg_context* context = nullptr;
  ASSERT_EQ(brg_context_create(nullptr, &context), BRG_SUCCESS) << brg_last_error();
  brg_geometry geometry;
  ASSERT_EQ(BRG_INIT(brg_geometry_init, &geometry), BRG_SUCCESS);
  std::vector<double> g, magnitude, wavenumber, chi, omega1(rows.size()), omega2(rows.size());
  std::vector<uint8_t> observable(rows.size());
  for (Row row : rows) {
    g.insert(g.end(), {row["gx"], row["gy"], row["gz"]});
    magnitude.push_back(row["magnitude"]), wavenumber.push_back(row["wavenumber"]), chi.push_back(row["chi"]);
  }
  const brg_items_f64 items = {
      sizeof items, 0, static_cast<int64_t>(rows.size()), g.data(), magnitude.data(), wavenumber.data(), chi.data()};
  const brg_roots_f64 roots = {sizeof roots, 0, omega1.data(), omega2.data(), observable.data()};
  ASSERT_EQ(brg_solve_f64(context, &geometry, &items, &roots), BRG_SUCCESS) << brg_last_error();
  const double eps = std::numeric_limits<double>::epsilon();
  int compared = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    Row row = rows[i];
    const double tilt = std::fabs(row["gz"] * std::tan(row["chi"])) / std::hypot(row["gx"], row["gy"]);
    const bool undecided = row["s_over_rho"] < 2 * std::sqrt(eps * (1 + tilt));
    if (observable[i] != (row["observable"] != 0)) {
      EXPECT_TRUE(undecided) << "row " << row["id"];
      continue;
    }
    if (!observable[i]) {
      EXPECT_EQ(omega1[i], 0);
      EXPECT_EQ(omega2[i], 0);
      continue;
    }
    const double bound =
        4 * eps / row["rho_over_g"] * (1 + tilt) / std::max(row["s_over_rho"], std::sqrt(eps)) + 2 * eps * M_PI;
    EXPECT_LE(std::fabs(std::remainder(omega1[i] - row["omega1"], 2 * M_PI)), bound) << "row " << row["id"];
    EXPECT_LE(std::fabs(std::remainder(omega2[i] - row["omega2"], 2 * M_PI)), bound) << "row " << row["id"];
    EXPECT_LE(std::fabs(omega1[i]), M_PI);
    EXPECT_LE(std::fabs(omega2[i]), M_PI);
    ++compared;
  }
  EXPECT_GT(compared, 250);
  EXPECT_EQ(brg_context_destroy(context), BRG_SUCCESS);
}

TEST(Solve, NamesTheArgumentThatIsWrong) {
  brg_context* context = nullptr;
  ASSERT_EQ(brg_context_create(nullptr, &context), BRG_SUCCESS);
  brg_geometry geometry;
  BRG_INIT(brg_geometry_init, &geometry);
  const brg_items_f64 items = {sizeof items, 0, 1, nullptr, nullptr, nullptr, nullptr};
  const brg_roots_f64 roots = {sizeof roots, 0, nullptr, nullptr, nullptr};
  EXPECT_EQ(brg_solve_f64(context, &geometry, &items, &roots), BRG_ERROR_INVALID_ARGUMENT);
  EXPECT_NE(std::string(brg_last_error()).find("items.g"), std::string::npos);
  EXPECT_EQ(brg_solve_f64(context, nullptr, &items, &roots), BRG_ERROR_INVALID_ARGUMENT);
  brg_context_destroy(context);
}

}  // namespace
