// Text files that are written.
#include "output_file.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "failure.hpp"

namespace braggrad::cli {

OutputFile::OutputFile(const std::string& path) : path_(path) {
  if (path_ == "-") return;
  file_.open(path, std::ios::binary);
  if (!file_) throw Refusal("cannot write " + path + ": " + std::strerror(errno));
}

void OutputFile::write(std::string_view text) {
  if (path_ == "-") {
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size())
      throw Fault(std::string("writing to the standard output failed: ") + std::strerror(errno));
  } else if (!file_.write(text.data(), static_cast<std::streamsize>(text.size()))) {
    throw Fault("writing " + path_ + " failed: " + std::strerror(errno));
  }
}

void OutputFile::close() {
  if (path_ == "-") {
    if (std::fflush(stdout) != 0) throw Fault("writing to the standard output failed");
    return;
  }
  file_.close();
  if (!file_) throw Fault("writing " + path_ + " failed: " + std::strerror(errno));
}

void check_writable(const std::string& path) {
  if (path.empty() || path == "-") return;
  std::error_code error;
  const std::filesystem::path file(path), folder = file.parent_path();
  if (std::filesystem::is_directory(file, error)) throw Refusal("cannot write " + path + ": it is a directory");
  const bool exists = std::filesystem::exists(file, error);
  const std::string needed = exists ? path : folder.empty() ? "." : folder.string();
  if (access(needed.c_str(), W_OK) != 0) throw Refusal("cannot write " + path + ": " + std::strerror(errno));
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    quoted += c;
    if (c == '"') quoted += c;
  }
  return quoted + "\"";
}

bool same_file(const std::string& one, const std::string& other) {
  std::error_code error;
  return std::filesystem::equivalent(one, other, error) && !error;
}

}  // namespace braggrad::cli
