// What all measured calls share: contexts per instruction set, lists of reflections, and arrays that are allocated and touched once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/api.hpp"

namespace bench {

// Ends the program with the library's sentence where a call failed.
void require(brg_status status);

// Reflections of fcc gold, those of the smallest |q|.
enum class List {
  shuffled,  // in random order: the general path
  friedel,   // as brg_hkl_enumerate orders them: the mate of item n is item n + N/2
};

struct Reflections {
  std::unique_ptr<brg_reflections, brg_status (*)(brg_reflections*)> handle;
  std::vector<double> q;  // [N,3] 1/Angstrom
};

// Memory on huge pages where the system has them.
class Memory {
 public:
  explicit Memory(size_t bytes);
  void* data() const { return data_.get(); }
  size_t size() const { return size_; }

 private:
  size_t size_;
  std::unique_ptr<void, void (*)(void*)> data_;
};

class Workbench {
 public:
  // The CPU context of an instruction set ("" for the best of the machine), or nullptr with the reason in `why`.
  brg_context* context(const std::string& level, int threads, std::string* why = nullptr);

  const Reflections& reflections(List list, int64_t count);

  // An array that calls write or that is filled by its caller. One per role and type; a longer one replaces it.
  template <class T>
  T* array(const std::string& role, int64_t count) {
    return static_cast<T*>(memory(role, sizeof(T), count).first);
  }

  // An array that calls read. `fill` gets (data, count) when it is made or replaced by a longer one; a shorter one is its
  // beginning.
  template <class T>
  const T* input(const std::string& role, int64_t count, const std::function<void(T*, int64_t)>& fill) {
    const auto [data, is_new] = memory(role, sizeof(T), count);
    if (is_new) fill(static_cast<T*>(data), count);
    return static_cast<const T*>(data);
  }

  // Uniform in [low, high), another sequence for each role.
  template <class T>
  const T* random(const std::string& role, int64_t count, double low, double high);

  // [count,3,3] uniformly random orientations.
  template <class T>
  const T* rotations(int64_t count);

 private:
  using Context = std::unique_ptr<brg_context, brg_status (*)(brg_context*)>;
  std::pair<void*, bool> memory(const std::string& role, size_t size, int64_t count);

  std::map<std::string, Memory> memory_;
  std::map<std::pair<List, int64_t>, Reflections> reflections_;
  std::map<std::pair<std::string, int>, std::pair<Context, std::string>> contexts_;
};

// 52 keV; chi in rad.
brg_geometry make_geometry(double chi);

}  // namespace bench
