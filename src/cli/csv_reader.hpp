// Comma separated files with a header row, read as a stream: memory for one block of the file, whatever its length.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace braggrad::cli {

class CsvReader {
 public:
  // Opens the file and reads its header. Refuses a file that cannot be read or has no header.
  explicit CsvReader(const std::string& path);
  ~CsvReader();
  CsvReader(CsvReader&&) noexcept;
  CsvReader& operator=(CsvReader&&) noexcept;

  const std::string& path() const;
  const std::vector<std::string>& header() const;

  // Index of a column. Refuses a name that is not there (and lists those there) or is there twice.
  size_t column(const std::string& name) const;
  bool has_column(const std::string& name) const;

  // The next row, or false at the end. Refuses a row whose number of fields is not the header's.
  bool next(std::vector<std::string>& fields);

  // Number of the row that `next` gave last; the first after the header is 1.
  int64_t row() const;

  // "peaks.csv, row 7": the place of the row that `next` gave last.
  std::string place() const;

  // Part of the file that has been read, 0 to 1; 0 where its length is not known.
  double fraction() const;

  // Fields of the row that `next` gave last as numbers; refuse what is none, with place and column.
  double number(const std::vector<std::string>& fields, size_t column) const;
  int32_t integer(const std::vector<std::string>& fields, size_t column) const;

 private:
  class Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace braggrad::cli
