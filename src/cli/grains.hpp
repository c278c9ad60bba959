// Grains: orientation and lattice, from files with `grain_id, UB11, UB12, ..., UB33`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cell.hpp"
#include "csv_reader.hpp"

namespace braggrad::cli {

struct Grain {
  std::string id;
  Cell cell;
  Matrix3 basis;     // reciprocal basis of the cell, 1/Angstrom with 2 pi
  Matrix3 rotation;  // crystal -> sample; UB = rotation * basis
};

struct GrainFormat {
  std::string id_column;     // empty: grain_id where the file has it, else the only grain needs no name
  std::optional<Cell> cell;  // the lattice; none: that of each UB
  bool two_pi = false;       // UB in the file includes 2 pi
};

class GrainReader {
 public:
  GrainReader(const std::string& path, const GrainFormat& format);

  // The next grain, or none at the end. Refuses a UB that is not finite, singular or left-handed.
  std::optional<Grain> next();

  const CsvReader& file() const { return reader_; }
  // The fields that the last grain was read from.
  const std::vector<std::string>& fields() const { return fields_; }
  const std::array<size_t, 9>& ub_columns() const { return ub_columns_; }
  // No column of the file names the grains.
  bool anonymous() const { return !id_column_; }

 private:
  GrainFormat format_;
  CsvReader reader_;
  std::optional<size_t> id_column_;
  std::array<size_t, 9> ub_columns_;
  std::vector<std::string> fields_;
};

}  // namespace braggrad::cli
