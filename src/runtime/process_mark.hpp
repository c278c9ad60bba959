// Knows whether this is still the process that made it: a child of fork() is not. Costs a load where the system can wipe a
// page in children, and a system call where it cannot.
#pragma once

#include <sys/types.h>

namespace braggrad {

class ProcessMark {
 public:
  ProcessMark() noexcept;
  ProcessMark(const ProcessMark&) = delete;
  ProcessMark& operator=(const ProcessMark&) = delete;
  ~ProcessMark();

  bool here() const noexcept;

 private:
  pid_t process_;
  volatile unsigned char* page_ = nullptr;  // holds 1, and 0 in a child
};

}  // namespace braggrad
