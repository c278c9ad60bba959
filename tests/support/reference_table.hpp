// A CSV table of exact values: inputs as they are printed, results in long double.
#pragma once

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

class ReferenceRow {
 public:
  // An input in its own precision: the shortest decimal of a float is no exact double.
  template <class T>
  T input(const std::string& name) const {
    const std::string& text = cells_.at(name);
    if constexpr (sizeof(T) == 4)
      return std::strtof(text.c_str(), nullptr);
    else
      return std::strtod(text.c_str(), nullptr);
  }
  long double exact(const std::string& name) const { return std::strtold(cells_.at(name).c_str(), nullptr); }
  bool has(const std::string& name) const { return cells_.count(name) > 0; }
  const std::string& text(const std::string& name) const { return cells_.at(name); }

 private:
  friend std::vector<ReferenceRow> read_reference(const std::string&);
  std::map<std::string, std::string> cells_;
};

// No rows where there is no such file.
inline std::vector<ReferenceRow> read_reference(const std::string& path) {
  std::ifstream file(path);
  std::vector<ReferenceRow> rows;
  std::string line;
  if (!std::getline(file, line)) return rows;
  std::vector<std::string> names;
  std::stringstream header(line);
  for (std::string cell; std::getline(header, cell, ',');) names.push_back(cell);
  while (std::getline(file, line)) {
    std::stringstream cells(line);
    rows.emplace_back();
    size_t column = 0;
    for (std::string cell; std::getline(cells, cell, ',');) rows.back().cells_[names.at(column++)] = cell;
    if (column != names.size()) throw std::runtime_error(path + ": a row of another length");
  }
  return rows;
}
