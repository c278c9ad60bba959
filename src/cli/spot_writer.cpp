// Predicted spots as text.
#include "spot_writer.hpp"

#include <nlohmann/json.hpp>

#include "failure.hpp"
#include "numbers.hpp"
#include "units.hpp"

namespace braggrad::cli {
namespace {

constexpr size_t block = 1 << 20;  // bytes gathered before they are written

}  // namespace

SpotFormat parse_spot_format(const std::string& name, const std::string& path) {
  if (name == "csv") return SpotFormat::csv;
  if (name == "jsonl") return SpotFormat::jsonl;
  if (!name.empty()) throw Refusal("--format is \"" + name + "\": it must be csv or jsonl");
  return path.ends_with(".jsonl") || path.ends_with(".ndjson") ? SpotFormat::jsonl : SpotFormat::csv;
}

SpotWriter::SpotWriter(const std::string& path, SpotFormat format, bool radians)
    : file_(path), format_(format), unit_(radians ? 1.0 : degree), decimals_(radians ? 12 : 9) {
  const std::string suffix = radians ? "_rad" : "_deg";
  angle_keys_[0] = "omega" + suffix, angle_keys_[1] = "two_theta" + suffix, angle_keys_[2] = "eta" + suffix;
  if (format_ == SpotFormat::csv)
    text_ = "grain_id,h,k,l,root," + angle_keys_[0] + "," + angle_keys_[1] + "," + angle_keys_[2] + "\n";
}

void SpotWriter::begin_grain(const std::string& id) {
  if (format_ == SpotFormat::csv) {
    grain_ = csv_field(id);
    return;
  }
  using nlohmann::json;
  grain_ = json(id).dump(-1, ' ', false, json::error_handler_t::replace);
}

void SpotWriter::write(const Spot& spot) {
  const double angles[] = {spot.omega / unit_, spot.two_theta / unit_, spot.eta / unit_};
  if (format_ == SpotFormat::csv) {
    text_ += grain_;
    for (const int32_t index : spot.hkl) text_ += ',' + std::to_string(index);
    text_ += ',' + std::to_string(spot.root);
    for (const double angle : angles) append_fixed(text_ += ',', angle, decimals_);
    text_ += '\n';
  } else {
    static constexpr const char* names[] = {"h", "k", "l"};
    text_ += "{\"grain_id\":" + grain_;
    for (size_t i = 0; i < 3; ++i) ((text_ += ",\"") += names[i]) += "\":" + std::to_string(spot.hkl[i]);
    text_ += ",\"root\":" + std::to_string(spot.root);
    for (size_t i = 0; i < 3; ++i) append_fixed((text_ += ",\"") += angle_keys_[i] + "\":", angles[i], decimals_);
    text_ += "}\n";
  }
  if (text_.size() > block) flush();
}

void SpotWriter::flush() {
  file_.write(text_);
  text_.clear();
}

void SpotWriter::close() {
  flush();
  file_.close();
}

}  // namespace braggrad::cli
