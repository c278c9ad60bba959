// Comma separated files by libcsv.
#include "csv_reader.hpp"

#include <csv.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <deque>
#include <filesystem>
#include <fstream>

#include "failure.hpp"
#include "numbers.hpp"

namespace braggrad::cli {

// Feeds blocks of the file to libcsv until a whole row is there. libcsv is C: nothing is thrown through it.
class CsvReader::Parser {
 public:
  explicit Parser(const std::string& path) : path_(path) {
    std::error_code error;
    if (std::filesystem::is_directory(path, error)) throw Refusal("cannot read " + path + ": it is a directory");
    file_.open(path, std::ios::binary);
    if (!file_) throw Refusal("cannot read " + path + ": " + std::strerror(errno));
    const auto bytes = std::filesystem::file_size(path, error);
    bytes_ = error ? 0.0 : static_cast<double>(bytes);
    if (csv_init(&csv_, CSV_STRICT | CSV_STRICT_FINI) != 0) throw Fault("libcsv did not start");
    if (!next(header_)) throw Refusal(path + " is empty: a header row with the names of the columns is needed");
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    if (header_[0].starts_with(byte_order_mark)) header_[0].erase(0, byte_order_mark.size());
  }
  ~Parser() { csv_free(&csv_); }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  bool next(std::vector<std::string>& fields) {
    while (rows_.empty() && !finished_) read_block();
    if (rows_.empty()) return false;
    fields = std::move(rows_.front());
    rows_.pop_front();
    ++row_;
    if (!header_.empty() && fields.size() != header_.size())
      throw Refusal(place() + " has " + std::to_string(fields.size()) + " fields where the header has " +
                    std::to_string(header_.size()));
    return true;
  }

  std::string place() const { return path_ + ", row " + std::to_string(row_); }
  const std::string& path() const { return path_; }
  const std::vector<std::string>& header() const { return header_; }
  int64_t row() const { return row_; }
  double fraction() const { return bytes_ > 0 ? std::min(1.0, read_ / bytes_) : 0.0; }

 private:
  void read_block() {
    file_.read(block_.data(), static_cast<std::streamsize>(block_.size()));
    const auto count = static_cast<size_t>(file_.gcount());
    read_ += static_cast<double>(count);
    bool good = csv_parse(&csv_, block_.data(), count, &Parser::on_field, &Parser::on_row, this) == count;
    if (good && !file_) {
      finished_ = true;
      good = csv_fini(&csv_, &Parser::on_field, &Parser::on_row, this) == 0;
    }
    if (out_of_memory_) throw std::bad_alloc();
    if (!good)
      throw Refusal(path_ + ", near row " + std::to_string(row_ + static_cast<int64_t>(rows_.size()) + 1) + ": " +
                    csv_strerror(csv_error(&csv_)));
  }

  static void on_field(void* text, size_t length, void* self) noexcept {
    auto& parser = *static_cast<Parser*>(self);
    try {
      parser.fields_.emplace_back(static_cast<const char*>(text), length);
    } catch (...) {
      parser.out_of_memory_ = true;
    }
  }
  static void on_row(int, void* self) noexcept {
    auto& parser = *static_cast<Parser*>(self);
    try {
      parser.rows_.push_back(std::move(parser.fields_));
      parser.fields_.clear();
    } catch (...) {
      parser.out_of_memory_ = true;
    }
  }

  std::string path_;
  std::ifstream file_;
  double bytes_ = 0, read_ = 0;
  csv_parser csv_{};
  std::array<char, 1 << 16> block_;
  std::vector<std::string> fields_, header_;
  std::deque<std::vector<std::string>> rows_;
  int64_t row_ = -1;
  bool finished_ = false, out_of_memory_ = false;
};

CsvReader::CsvReader(const std::string& path) : parser_(std::make_unique<Parser>(path)) {}
CsvReader::~CsvReader() = default;
CsvReader::CsvReader(CsvReader&&) noexcept = default;
CsvReader& CsvReader::operator=(CsvReader&&) noexcept = default;

const std::string& CsvReader::path() const { return parser_->path(); }
const std::vector<std::string>& CsvReader::header() const { return parser_->header(); }
bool CsvReader::next(std::vector<std::string>& fields) { return parser_->next(fields); }
int64_t CsvReader::row() const { return parser_->row(); }
std::string CsvReader::place() const { return parser_->place(); }
double CsvReader::fraction() const { return parser_->fraction(); }

bool CsvReader::has_column(const std::string& name) const { return std::ranges::count(header(), name) > 0; }

size_t CsvReader::column(const std::string& name) const {
  const auto found = std::ranges::find(header(), name);
  if (found == header().end()) {
    std::string there;
    for (const auto& other : header()) there += (there.empty() ? "" : ", ") + other;
    throw Refusal(path() + " has no column \"" + name + "\"; it has: " + there);
  }
  if (std::ranges::count(header(), name) > 1) throw Refusal(path() + " has the column \"" + name + "\" more than once");
  return static_cast<size_t>(found - header().begin());
}

double CsvReader::number(const std::vector<std::string>& fields, size_t column) const {
  const auto value = parse_number(fields[column]);
  if (value && std::isfinite(*value)) return *value;
  throw Refusal(place() + ": " + header()[column] + " is \"" + fields[column] + "\", not a finite number");
}

int32_t CsvReader::integer(const std::vector<std::string>& fields, size_t column) const {
  const auto value = parse_integer(fields[column]);
  if (value) return *value;
  throw Refusal(place() + ": " + header()[column] + " is \"" + fields[column] + "\", not an integer");
}

}  // namespace braggrad::cli
