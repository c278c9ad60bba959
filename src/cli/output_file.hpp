// Text files that are written.
#pragma once

#include <fstream>
#include <string>
#include <string_view>

namespace braggrad::cli {

class OutputFile {
 public:
  // Opens the file for writing; "-" is the standard output. Refuses a path that cannot be written.
  explicit OutputFile(const std::string& path);

  void write(std::string_view text);

  // Ends the file; a disk that was full is a fault.
  void close();

 private:
  std::string path_;
  std::ofstream file_;
};

// Refuses a path that could not be written, before the work and without touching what is there.
void check_writable(const std::string& path);

// A field of a comma separated file, quoted where it must be.
std::string csv_field(const std::string& text);

// Both paths lead to the same file.
bool same_file(const std::string& one, const std::string& other);

}  // namespace braggrad::cli
