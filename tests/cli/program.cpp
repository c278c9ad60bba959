// Runs the braggrad program.
#include "program.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

Outcome run_braggrad(const std::vector<std::string>& arguments,
                     const std::vector<std::pair<std::string, std::string>>& environment) {
  const Folder folder;
  const std::string out = folder.write("out", ""), err = folder.write("err", "");
  std::vector<char*> argv = {const_cast<char*>(BRAGGRAD_PROGRAM)};
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);

  const pid_t child = fork();
  if (child == 0) {
    dup2(open(out.c_str(), O_WRONLY), STDOUT_FILENO);
    dup2(open(err.c_str(), O_WRONLY), STDERR_FILENO);
    for (const auto& [name, value] : environment) setenv(name.c_str(), value.c_str(), 1);
    execv(argv[0], argv.data());
    _exit(127);
  }
  int status = 0;
  rusage usage{};
  EXPECT_EQ(wait4(child, &status, 0, &usage), child);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_file(out), read_file(err), usage.ru_maxrss};
}

Folder::Folder() {
  std::string name = (std::filesystem::temp_directory_path() / "braggrad-test-XXXXXX").string();
  EXPECT_NE(mkdtemp(name.data()), nullptr);
  folder_ = name;
}

Folder::~Folder() {
  std::error_code error;
  std::filesystem::remove_all(folder_, error);
}

std::string Folder::write(const std::string& name, const std::string& text) const {
  std::ofstream(path(name), std::ios::binary) << text;
  return path(name);
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

namespace {

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> fields(1);
  for (const char c : line) {
    if (c == ',')
      fields.emplace_back();
    else
      fields.back() += c;
  }
  return fields;
}

}  // namespace

size_t Table::column(const std::string& name) const {
  const auto found = std::ranges::find(header, name);
  EXPECT_NE(found, header.end()) << "no column " << name;
  return static_cast<size_t>(found - header.begin());
}

double Table::number(size_t row, const std::string& name) const { return std::stod(rows.at(row).at(column(name))); }

Table parse_table(const std::string& text) {
  Table table;
  std::istringstream lines(text);
  std::string line;
  std::getline(lines, line);
  table.header = split(line);
  while (std::getline(lines, line)) table.rows.push_back(split(line));
  return table;
}
