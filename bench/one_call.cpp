// One operation a few times, for tools that count rather than time (bench/instructions.py, bench/gpu_counts.py). The environment
// chooses: BRAGGRAD_BACKEND=cuda, else the CPU, where BRAGGRAD_SIMD names the level.
//
//   one_call OPERATION f32|f64 ORIENTATIONS REFLECTIONS [REPEAT]
//   one_call --list      names, and the bytes that a pair must move in f64 and f32
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "calls.hpp"

int main(int argc, char** argv) {
  using namespace bench;
  if (argc == 2 && std::string_view(argv[1]) == "--list") {
    for (const auto* list : {&operations(), &more_operations()})
      for (const Operation& operation : *list)
        std::printf("%s %zu %zu\n", operation.name.c_str(), bytes_per_pair(operation, 8), bytes_per_pair(operation, 4));
    return 0;
  }
  const std::string_view precision = argc > 2 ? argv[2] : "";
  if ((argc != 5 && argc != 6) || (precision != "f32" && precision != "f64")) {
    std::fprintf(stderr,
                 "usage: one_call OPERATION f32|f64 ORIENTATIONS REFLECTIONS [REPEAT]   or   one_call --list\n");
    return 2;
  }
  const Operation& operation = find_operation(argv[1]);
  const Shape shape{std::atoll(argv[3]), std::atoll(argv[4])};
  const int repeat = argc == 6 ? std::atoi(argv[5]) : 1;
  const char* backend = std::getenv("BRAGGRAD_BACKEND");
  Workbench workbench(backend && std::string_view(backend) == "cuda" ? BRG_BACKEND_CUDA : BRG_BACKEND_CPU);
  std::string why;
  brg_context* context = workbench.context("", 1, &why);
  if (!context || shape.orientations < 1 || shape.reflections < 1) {
    std::fprintf(stderr, "%s\n", context ? "sizes must be positive" : why.c_str());
    return 3;
  }
  const Call call = precision == "f64" ? library_call<double>(workbench, operation, shape, context)
                                       : library_call<float>(workbench, operation, shape, context);
  for (int i = 0; i < repeat; ++i) call.run();
  require(brg_context_synchronize(context));
}
