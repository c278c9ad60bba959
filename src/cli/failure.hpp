// How the program stops when it cannot go on: a sentence and an exit code.
#pragma once

#include <stdexcept>
#include <string>

namespace braggrad::cli {

enum ExitCode : int { exit_success = 0, exit_fault = 1, exit_refused = 2, exit_not_converged = 3 };

// The input cannot be used. The sentence names the culprit: file, column, row or option.
struct Refusal : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Something failed that the user did not ask for: the library, the disk, a child process.
struct Fault : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace braggrad::cli
