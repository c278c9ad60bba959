// The instructions of one call of the CPU backend, where no counter of the processor can be read and valgrind does not know the
// instruction set: a child makes the call while its parent single-steps it (ptrace; Linux on x86).
//
//   count_steps OPERATION f32|f64 ORIENTATIONS REFLECTIONS      BRAGGRAD_SIMD names the level
//
// Prints "pairs N", "other N" (instructions outside the library), and "OFFSET N" for each instruction of the library that ran N
// times; bench/instructions.py looks the offsets up in the disassembly. String instructions count once, whatever they repeat.
#include <dlfcn.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <unordered_map>

#include "calls.hpp"

namespace {

// Stops the child for its parent.
[[gnu::noinline]] void mark() { asm volatile("int3"); }

// In the child: the call once, as any later one finds its memory, and once more between two marks.
[[noreturn]] void make_calls(char** argv) {
  using namespace bench;
  const Operation& operation = find_operation(argv[1]);
  const Shape shape{std::atoll(argv[3]), std::atoll(argv[4])};
  Workbench workbench;
  std::string why;
  brg_context* context = workbench.context("", 1, &why);
  if (!context) {
    std::fprintf(stderr, "%s\n", why.c_str());
    std::exit(3);
  }
  const Call call = std::string_view(argv[2]) == "f64" ? library_call<double>(workbench, operation, shape, context)
                                                       : library_call<float>(workbench, operation, shape, context);
  call.run();
  if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) {
    std::perror("ptrace");
    std::exit(3);
  }
  mark();
  call.run();
  mark();
  std::exit(0);
}

// The address at which the child has stopped, or 0 where it has ended.
unsigned long long stopped_at(pid_t child) {
  int state = 0;
  if (waitpid(child, &state, 0) != child || !WIFSTOPPED(state)) return 0;
  return static_cast<unsigned long long>(ptrace(PTRACE_PEEKUSER, child, offsetof(user_regs_struct, rip), nullptr));
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view precision = argc > 2 ? argv[2] : "";
  if (argc != 5 || (precision != "f32" && precision != "f64") || std::atoll(argv[3]) < 1 || std::atoll(argv[4]) < 1) {
    std::fprintf(stderr, "usage: count_steps OPERATION f32|f64 ORIENTATIONS REFLECTIONS\n");
    return 2;
  }
  const pid_t child = fork();
  if (child == 0) make_calls(argv);
  const unsigned long long at_mark = stopped_at(child);
  if (at_mark == 0) return 3;
  std::unordered_map<unsigned long long, long> counts;
  for (unsigned long long last = 0, at = at_mark;;) {
    ptrace(PTRACE_SINGLESTEP, child, nullptr, nullptr);
    last = at, at = stopped_at(child);
    if (at == 0) return 3;
    if (at == at_mark) break;
    if (at != last) ++counts[at];
  }
  ptrace(PTRACE_DETACH, child, nullptr, nullptr);
  waitpid(child, nullptr, 0);
  // The child is a copy of this process: the library lies at the same addresses in both.
  Dl_info library{}, here{};
  dladdr(reinterpret_cast<void*>(&brg_build_info), &library);
  long other = 0;
  std::printf("pairs %lld\n", std::atoll(argv[3]) * std::atoll(argv[4]));
  for (const auto& [address, count] : counts)
    if (dladdr(reinterpret_cast<void*>(address), &here) && here.dli_fbase == library.dli_fbase)
      std::printf("%llx %ld\n", address - reinterpret_cast<unsigned long long>(library.dli_fbase), count);
    else
      other += count;
  std::printf("other %ld\n", other);
}
