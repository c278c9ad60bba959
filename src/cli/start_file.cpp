// The start file of a refinement.
#include "start_file.hpp"

#include <unordered_set>

#include "failure.hpp"
#include "numbers.hpp"
#include "output_file.hpp"
#include "units.hpp"

namespace braggrad::cli {
namespace {

void append_row(std::string& text, const std::vector<std::string>& fields) {
  for (size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) text += ',';
    text += csv_field(fields[i]);
  }
  text += '\n';
}

}  // namespace

StartFile read_start(const std::string& path, const GrainFormat& format) {
  GrainReader reader(path, format);
  StartFile start{reader.file().header(), {}, reader.ub_columns(), {}};
  std::unordered_set<std::string> ids;
  while (auto grain = reader.next()) {
    if (reader.anonymous() && !start.grains.empty())
      throw Refusal(path + " has several grains and no column that names them; see --grain-column");
    if (!ids.insert(grain->id).second)
      throw Refusal(reader.file().place() + ": the grain \"" + grain->id + "\" is there already");
    start.grains.push_back(std::move(*grain));
    start.rows.push_back(reader.fields());
  }
  if (start.grains.empty()) throw Refusal(path + " has no grains");
  return start;
}

std::array<double, 9> ub_in_file(const Grain& grain, bool two_pi_in_file) {
  const Matrix3 ub = grain.rotation * grain.basis / (two_pi_in_file ? 1.0 : two_pi);
  std::array<double, 9> entries;
  std::copy_n(ub.data(), 9, entries.begin());
  return entries;
}

std::string refined_table(const StartFile& start, std::span<const Grain> grains, bool two_pi_in_file) {
  std::string text;
  append_row(text, start.header);
  for (size_t b = 0; b < grains.size(); ++b) {
    std::vector<std::string> fields = start.rows[b];
    const auto ub = ub_in_file(grains[b], two_pi_in_file);
    for (size_t i = 0; i < 9; ++i) fields[start.ub_columns[i]] = shortest(ub[i]);
    append_row(text, fields);
  }
  return text;
}

}  // namespace braggrad::cli
