// braggrad info, --help and --version.
#include <gtest/gtest.h>

#include "program.hpp"

namespace {

void expect_text(const std::string& text, const std::vector<std::string>& parts) {
  for (const auto& part : parts) EXPECT_NE(text.find(part), std::string::npos) << part << " is not in\n" << text;
}

TEST(Info, TellsVersionBuildAndDevices) {
  const Outcome outcome = run_braggrad({"info"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  expect_text(outcome.out, {"version  0.", "ABI      ", "build    braggrad", "CPU  ", "cores", "CUDA ", "default  "});
}

TEST(Info, VersionAlone) {
  const Outcome outcome = run_braggrad({"--version"});
  EXPECT_EQ(outcome.code, 0);
  expect_text(outcome.out, {"0."});
}

TEST(Info, HelpHasUnitsAndFrames) {
  for (const std::string command : {"refine", "predict"}) {
    const Outcome outcome = run_braggrad({command, "--help"});
    EXPECT_EQ(outcome.code, 0);
    expect_text(outcome.out, {"keV", "Angstrom", "degrees", "beam runs along +x", "turns about +z", "without 2 pi",
                              "Exit codes", "chi = -wedge of ImageD11"});
  }
}

}  // namespace
