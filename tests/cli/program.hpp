// Runs the braggrad program as a user does: arguments, files in a folder of their own, exit code, both outputs.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

struct Outcome {
  int code = -1;  // exit code; -1: ended by a signal
  std::string out, err;
  long peak_kib = 0;  // largest resident memory
};

// `arguments` without the program's name. `environment`: variables to be set for it.
Outcome run_braggrad(const std::vector<std::string>& arguments,
                     const std::vector<std::pair<std::string, std::string>>& environment = {});

// A folder that lives as long as the test.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  // Writes a file and returns its path.
  std::string write(const std::string& name, const std::string& text) const;

 private:
  std::filesystem::path folder_;
};

std::string read_file(const std::string& path);

// Comma separated text without quotes: header and rows.
struct Table {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
  size_t column(const std::string& name) const;
  double number(size_t row, const std::string& name) const;
};
Table parse_table(const std::string& text);
