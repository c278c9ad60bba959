// The start file of a refinement: its grains, and all its fields, to be written again with the refined UB.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "grains.hpp"

namespace braggrad::cli {

struct StartFile {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
  std::array<size_t, 9> ub_columns;
  std::vector<Grain> grains;
};

// Refuses a file without grains, two grains of one id, and several grains without ids.
StartFile read_start(const std::string& path, const GrainFormat& format);

// UB by rows as a file has it.
std::array<double, 9> ub_in_file(const Grain& grain, bool two_pi_in_file);

// The rows of the start file with the UB of these grains.
std::string refined_table(const StartFile& start, std::span<const Grain> grains, bool two_pi_in_file);

}  // namespace braggrad::cli
