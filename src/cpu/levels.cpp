// Choice of the instruction set at run time.
#include "cpu/levels.hpp"

#include <cstring>

#if defined(BRG_HAS_NEON)
#include <sys/auxv.h>
#endif

namespace braggrad::cpu {

namespace scalar {
extern const Level level;
}
namespace sse4 {
extern const Level level;
}
namespace avx2 {
extern const Level level;
}
namespace avx512 {
extern const Level level;
}
namespace neon {
extern const Level level;
}

namespace {

struct Entry {
  const Level* level;
  bool runs_here;
};

#if defined(BRG_HAS_AVX512)
bool has_sse4() { return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt"); }
bool has_avx2() {
  return has_sse4() && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
         __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("lzcnt") &&
         __builtin_cpu_supports("movbe") && __builtin_cpu_supports("f16c");
}
bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
#elif defined(BRG_HAS_NEON)
bool has_neon() { return (getauxval(AT_HWCAP) & HWCAP_AES) != 0; }  // what Highway's NEON code is compiled with
#endif

}  // namespace

const Level* find_level(const char* name) noexcept {
  const Entry entries[] = {
#if defined(BRG_HAS_AVX512)
    {&avx512::level, has_avx512()},
    {&avx2::level, has_avx2()},
    {&sse4::level, has_sse4()},
#elif defined(BRG_HAS_NEON)
    {&neon::level, has_neon()},
#endif
    {&scalar::level, true}
  };
  for (const Entry& entry : entries)
    if (entry.runs_here && (!name || !*name || std::strcmp(name, entry.level->name) == 0)) return entry.level;
  return nullptr;
}

const char* built_levels() noexcept {
#if defined(BRG_HAS_AVX512)
  return "avx512 avx2 sse4 scalar";
#elif defined(BRG_HAS_NEON)
  return "neon scalar";
#else
  return "scalar";
#endif
}

}  // namespace braggrad::cpu
