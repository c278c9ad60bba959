// Predicted spots as text: comma separated with a header, or one JSON object a line.
#pragma once

#include <string>

#include "output_file.hpp"
#include "session.hpp"

namespace braggrad::cli {

struct Spot {
  Hkl hkl;
  int root;
  double omega, two_theta, eta;  // rad
};

enum class SpotFormat { csv, jsonl };

// By name ("csv", "jsonl"), or where that is empty by the ending of the path: .jsonl and .ndjson are JSON lines.
SpotFormat parse_spot_format(const std::string& name, const std::string& path);

class SpotWriter {
 public:
  SpotWriter(const std::string& path, SpotFormat format, bool radians);

  void begin_grain(const std::string& id);
  void write(const Spot& spot);
  void close();

 private:
  void flush();

  OutputFile file_;
  SpotFormat format_;
  double unit_;  // rad
  int decimals_;
  std::string angle_keys_[3];
  std::string grain_;  // the id as it is written
  std::string text_;
};

}  // namespace braggrad::cli
