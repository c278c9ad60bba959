// A bar on the terminal that shows how far the work is; nothing in a pipe.
#pragma once

#include <chrono>
#include <string>

namespace braggrad::cli {

class Progress {
 public:
  Progress();
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `fraction` 0 to 1. Draws at most ten times a second.
  void show(double fraction, const std::string& what);

 private:
  bool terminal_, drawn_ = false;
  std::chrono::steady_clock::time_point last_;
};

}  // namespace braggrad::cli
