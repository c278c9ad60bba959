// A set of measured reflections.
#include "measured_set.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <stdexcept>

std::string MeasuredSet::data_folder() {
  const char* given = std::getenv("BRAGGRAD_REAL_DATA");
  return given ? given : BRAGGRAD_REAL_DATA;
}

bool MeasuredSet::is_there() { return std::filesystem::is_directory(data_folder()); }

MeasuredSet::MeasuredSet(const std::string& name)
    : folder_(data_folder() + "/" + name), metadata_(nlohmann::json::parse(read_file(folder_ + "/metadata.json"))) {}

const nlohmann::json& MeasuredSet::model(const std::string& name) const {
  for (const auto& model : metadata_["models"])
    if (model["name"] == name) return model;
  throw std::runtime_error("no model " + name);
}

MeasuredSet::Result MeasuredSet::refine(const std::string& start, const std::vector<std::string>& arguments) const {
  const Folder folder;
  const std::string json = folder.path("result.json"), rows = folder.path("rows.csv");
  std::vector<std::string> all = {"refine", "--peaks", file("reflections.csv"), "--start", start, "--json", json,
                                  "--rows", rows};
  all.insert(all.end(), arguments.begin(), arguments.end());
  Result result{run_braggrad(all), {}, {}};
  EXPECT_EQ(result.outcome.code, 0) << result.outcome.err;
  if (result.outcome.code != 0) throw std::runtime_error("braggrad refine failed: " + result.outcome.err);
  result.json = nlohmann::json::parse(read_file(json));
  result.rows = parse_table(read_file(rows));
  return result;
}

std::string start_text(const std::string& id_column, const std::map<std::string, std::vector<double>>& ub) {
  std::ostringstream text;
  text.precision(17);
  text << id_column << ",UB11,UB12,UB13,UB21,UB22,UB23,UB31,UB32,UB33\n";
  for (const auto& [id, entries] : ub) {
    text << id;
    for (const double entry : entries) text << ',' << entry;
    text << '\n';
  }
  return text.str();
}
