// Observed reflections from files.
#include "peaks.hpp"

#include <unordered_map>

#include "failure.hpp"
#include "units.hpp"

namespace braggrad::cli {
namespace {

std::optional<size_t> grain_column(const CsvReader& reader, const PeakFormat& format, size_t grains) {
  if (!format.grain_column.empty()) return reader.column(format.grain_column);
  if (grains > 1 || reader.has_column("grain_id")) return reader.column("grain_id");
  return std::nullopt;
}

}  // namespace

Peaks read_peaks(const std::string& path, const PeakFormat& format, std::span<const Grain> grains) {
  CsvReader reader(path);
  const std::array<size_t, 3> hkl_columns = {reader.column("h"), reader.column("k"), reader.column("l")};
  const std::string default_omega = format.radians ? "omega_obs_rad" : "omega_obs_deg";
  const size_t omega_column = reader.column(format.omega_column.empty() ? default_omega : format.omega_column);
  const auto id_column = grain_column(reader, format, grains.size());
  std::optional<size_t> sigma_column;
  if (!format.sigma_column.empty()) sigma_column = reader.column(format.sigma_column);

  std::unordered_map<std::string, int32_t> index_of;
  for (size_t i = 0; i < grains.size(); ++i) index_of[grains[i].id] = static_cast<int32_t>(i);
  const double unit = format.radians ? 1.0 : degree;

  Peaks peaks;
  std::vector<std::string> fields;
  while (reader.next(fields)) {
    peaks.hkl.push_back({reader.integer(fields, hkl_columns[0]), reader.integer(fields, hkl_columns[1]),
                         reader.integer(fields, hkl_columns[2])});
    peaks.omega.push_back(reader.number(fields, omega_column) * unit);
    if (id_column) {
      const auto found = index_of.find(fields[*id_column]);
      if (found == index_of.end())
        throw Refusal(reader.place() + ": " + reader.header()[*id_column] + " is \"" + fields[*id_column] +
                      "\", a grain that the start file does not have");
      peaks.grain.push_back(found->second);
    } else {
      peaks.grain.push_back(0);
    }
    if (sigma_column) {
      const double sigma = reader.number(fields, *sigma_column) * unit;
      if (!(sigma > 0)) throw Refusal(reader.place() + ": " + reader.header()[*sigma_column] + " must be above 0");
      peaks.weight.push_back(1 / (sigma * sigma));
    }
  }
  if (peaks.size() == 0) throw Refusal(path + " has no rows");
  return peaks;
}

}  // namespace braggrad::cli
