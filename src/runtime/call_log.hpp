// BRAGGRAD_LOG=file: a line per call, appended as it is made.
#pragma once

#include <memory>
#include <string>

namespace braggrad {

class CallLog {
 public:
  CallLog() = default;
  // Throws where the file cannot be opened.
  explicit CallLog(const std::string& path);
  void write(const char* function, const char* text) const noexcept;
  bool is_open() const noexcept { return file_ != nullptr; }

 private:
  struct File;
  std::shared_ptr<File> file_;
};

}  // namespace braggrad
