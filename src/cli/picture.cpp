// A picture of the residuals, drawn by a gnuplot that reads commands and data from a pipe.
#include "picture.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "failure.hpp"
#include "numbers.hpp"
#include "units.hpp"

namespace braggrad::cli {
namespace {

bool on_the_path(const std::string& program) {
  const char* path = std::getenv("PATH");
  const std::string folders = path ? path : "";
  for (size_t begin = 0; begin <= folders.size();) {
    const size_t end = std::min(folders.find(':', begin), folders.size());
    const std::string folder = folders.substr(begin, end - begin);
    if (!folder.empty() && access((folder + "/" + program).c_str(), X_OK) == 0) return true;
    begin = end + 1;
  }
  return false;
}

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? "''" : std::string(1, c);
  return result + "'";
}

// Residuals of one model: scattered over omega, and counted.
class Panels {
 public:
  Panels(std::string name, std::string colour, const Peaks& peaks, const std::vector<Residual>& residuals)
      : name_(std::move(name)), colour_(std::move(colour)), statistics_(statistics(residuals)) {
    range_ = std::max(1.5 * statistics_.p95.value_or(0), 1e-9);
    data_ = "$" + name_ + " << EOD\n";
    std::array<int64_t, bins> counts{};
    for (size_t row = 0; row < residuals.size(); ++row) {
      if (residuals[row].root == 0) continue;
      const double distance = residuals[row].distance;
      data_ += fixed(peaks.omega[row] / degree, 6) + " " + fixed(distance / degree, 8) + "\n";
      const double bin = std::floor((distance + range_) / (2 * range_) * bins);
      if (bin >= 0 && bin < bins) ++counts[static_cast<size_t>(bin)];
    }
    data_ += "EOD\n$" + name_ + "_bins << EOD\n";
    for (size_t bin = 0; bin < bins; ++bin) {
      const double middle = range_ * ((2 * static_cast<double>(bin) + 1) / bins - 1);
      data_ += fixed(middle / degree, 8) + " " + std::to_string(counts[bin]) + "\n";
    }
    data_ += "EOD\n";
  }

  const std::string& data() const { return data_; }

  std::string plots() const {
    if (!statistics_.median)
      return "set title '" + name_ + ": no row has a root'\nset xrange [-180:180]\nset yrange [-1:1]\nplot 0\nplot 0\n";
    const std::string limits = "[-" + shortest(range_ / degree) + ":" + shortest(range_ / degree) + "]\n";
    std::string text = "set title '" + name_;
    text += ": median " + fixed(*statistics_.median / degree, 5) + ", rms " + fixed(*statistics_.rms / degree, 5) +
            " degrees";
    text += "'\nset xlabel 'omega observed (degrees)'\nset ylabel 'predicted - observed (degrees)'\n";
    text += "set xrange [*:*]\nset yrange " + limits;
    text += "plot $" + name_ + " with points pt 7 ps 0.3 lc rgb '" + colour_ + "'\n";
    text += "set title '" + name_ + "'\nset xlabel 'predicted - observed (degrees)'\nset ylabel 'rows'\n";
    text += "set xrange " + limits + "set yrange [0:*]\n";
    text += "plot $" + name_ + "_bins with boxes fs solid 0.5 lc rgb '" + colour_ + "'\n";
    return text;
  }

 private:
  static constexpr int bins = 60;
  std::string name_, colour_, data_;
  Statistics statistics_;
  double range_;  // rad; what lies outside is not drawn
};

std::string commands(const std::string& path, const Peaks& peaks, const std::vector<Residual>& before,
                     const std::vector<Residual>& after) {
  const Panels first("before", "#d95f02", peaks, before), second("after", "#1b6ca8", peaks, after);
  const std::string terminal =
      path.ends_with(".svg") ? "svg size 1100,800 background rgb 'white'" : "pngcairo size 1100,800";
  return "set terminal " + terminal + "\nset output " + quoted(path) + "\n" + first.data() + second.data() +
         "set multiplot layout 2,2\nunset key\nset zeroaxis lc rgb '#888888'\n" + first.plots() + second.plots() +
         "unset multiplot\n";
}

}  // namespace

void check_picture(const std::string& path) {
  if (!path.ends_with(".svg") && !path.ends_with(".png"))
    throw Refusal("--picture is \"" + path + "\": its name must end in .svg or .png");
  if (!on_the_path("gnuplot"))
    throw Refusal("--picture needs gnuplot, which is not there (Debian: apt install gnuplot-nox)");
}

void draw_picture(const std::string& path, const Peaks& peaks, const std::vector<Residual>& before,
                  const std::vector<Residual>& after) {
  const std::string text = commands(path, peaks, before, after);
  const auto old = std::signal(SIGPIPE, SIG_IGN);  // a gnuplot that stops early is seen by its status
  std::FILE* gnuplot = popen("gnuplot", "w");
  if (!gnuplot) throw Fault("gnuplot could not be started");
  const bool written = std::fwrite(text.data(), 1, text.size(), gnuplot) == text.size();
  const int status = pclose(gnuplot);
  std::signal(SIGPIPE, old);
  if (!written || status != 0) throw Fault("gnuplot did not draw " + path);
}

}  // namespace braggrad::cli
