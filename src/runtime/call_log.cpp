// The log of calls: opened at the creation of a context, one flushed line each.
#include "runtime/call_log.hpp"

#include <cstdio>

#include "runtime/error.hpp"

namespace braggrad {

struct CallLog::File {
  explicit File(const std::string& path) : stream(std::fopen(path.c_str(), "a")) {
    require(stream != nullptr, "the file that BRAGGRAD_LOG names cannot be opened: ", path);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { std::fclose(stream); }
  std::FILE* stream;
};

CallLog::CallLog(const std::string& path) : file_(std::make_shared<File>(path)) {}

void CallLog::write(const char* function, const char* text) const noexcept {
  if (!file_) return;
  std::fprintf(file_->stream, "%s %s\n", function, text);
  std::fflush(file_->stream);
}

}  // namespace braggrad
