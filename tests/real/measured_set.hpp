// A set of measured reflections: its files, its metadata, and start files made from them.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "program.hpp"

class MeasuredSet {
 public:
  // A folder of the data: silicon, euagcd, makemap_al36, ruby.
  explicit MeasuredSet(const std::string& name);

  // The data folder is given by the environment, BRAGGRAD_REAL_DATA, or by CMake.
  static std::string data_folder();
  static bool is_there();

  std::string file(const std::string& name) const { return folder_ + "/" + name; }
  const nlohmann::json& metadata() const { return metadata_; }
  // One of the models of the metadata.
  const nlohmann::json& model(const std::string& name) const;

  // Runs `braggrad refine` on the reflections. `start`: a start file.
  struct Result {
    Outcome outcome;
    nlohmann::json json;
    Table rows;  // of --rows
  };
  Result refine(const std::string& start, const std::vector<std::string>& arguments) const;

 private:
  std::string folder_;
  nlohmann::json metadata_;
};

// The text of a start file of these UB, with this name for the column of ids.
std::string start_text(const std::string& id_column, const std::map<std::string, std::vector<double>>& ub);
