// A bar on the terminal.
#include "progress.hpp"

#include <unistd.h>

#include <cstdio>

namespace braggrad::cli {

Progress::Progress() : terminal_(isatty(STDERR_FILENO) == 1), last_(std::chrono::steady_clock::now()) {}

Progress::~Progress() {
  if (drawn_) std::fprintf(stderr, "\r\033[K");
}

void Progress::show(double fraction, const std::string& what) {
  const auto now = std::chrono::steady_clock::now();
  if (!terminal_ || now - last_ < std::chrono::milliseconds(100)) return;
  constexpr int width = 40;
  const int full = static_cast<int>(fraction * width);
  const std::string bar =
      std::string(static_cast<size_t>(full), '#') + std::string(static_cast<size_t>(width - full), '.');
  std::fprintf(stderr, "\r[%s] %3d %%  %s\033[K", bar.c_str(), static_cast<int>(fraction * 100), what.c_str());
  std::fflush(stderr);
  last_ = now;
  drawn_ = true;
}

}  // namespace braggrad::cli
