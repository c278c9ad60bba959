// The braggrad program: command line, exit codes.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "braggrad/braggrad.h"
#include "command.hpp"

namespace {

using namespace braggrad::cli;

int sorry(const char* sentence, ExitCode code) {
  std::fprintf(stderr, "braggrad: %s\n", sentence);
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    CLI::App app("Rotation angles at which the reflections of crystals diffract: predict them, refine from them.",
                 "braggrad");
    app.require_subcommand(1);
    app.set_version_flag("--version", brg_version());
    Command command;
    const auto add = [&](const char* name, Command (*add_options)(CLI::App&)) {
      CLI::App& subcommand = *app.add_subcommand(name);
      Command run = add_options(subcommand);
      subcommand.callback([&command, run] { command = run; });
    };
    add("info", add_info);
    add("predict", add_predict);
    add("refine", add_refine);
    try {
      app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      if (error.get_exit_code() == 0) return app.exit(error);
      return sorry(error.what(), exit_refused);
    }
    return command();
  } catch (const Refusal& refusal) {
    return sorry(refusal.what(), exit_refused);
  } catch (const std::bad_alloc&) {
    return sorry("out of memory", exit_fault);
  } catch (const std::exception& fault) {
    return sorry(fault.what(), exit_fault);
  }
}
