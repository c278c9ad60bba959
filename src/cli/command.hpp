// The commands of the program: each adds its options to the command line and returns what runs it.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "failure.hpp"

namespace braggrad::cli {

using Command = std::function<ExitCode()>;

Command add_info(CLI::App& app);
Command add_predict(CLI::App& app);
Command add_refine(CLI::App& app);

}  // namespace braggrad::cli
