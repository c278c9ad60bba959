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

// Zeros, of the host on huge pages where the system has them, or in the memory of a CUDA context.
class Memory {
 public:
  explicit Memory(size_t bytes);
  Memory(brg_context* context, size_t bytes);
  void* data() const { return data_.get(); }
  size_t size() const { return size_; }
  // From host memory.
  void upload(brg_context* context, const void* source, size_t bytes);

 private:
  size_t size_;
  brg_buffer* buffer_ = nullptr;  // of a CUDA context
  std::unique_ptr<void, std::function<void(void*)>> data_;
};

class Workbench {
 public:
  // The arrays lie in the memory of this backend; naive baselines and fills need the CPU's.
  explicit Workbench(brg_backend backend = BRG_BACKEND_CPU) : backend_(backend) {}

  // The context of an instruction set ("" for the best of the machine), or nullptr with the reason in `why`. CUDA has one context,
  // whatever the level and the threads.
  brg_context* context(const std::string& level, int threads, std::string* why = nullptr);

  const Reflections& reflections(List list, int64_t count);

  // An array that calls write or that is filled by its caller. One per role and type; a longer one replaces it.
  template <class T>
  T* array(const std::string& role, int64_t count) {
    return static_cast<T*>(memory(role, sizeof(T), count).first.data());
  }

  // An array that calls read. `fill` gets (data in host memory, count) when it is made or replaced by a longer one; a shorter one
  // is its beginning.
  template <class T>
  const T* input(const std::string& role, int64_t count, const std::function<void(T*, int64_t)>& fill) {
    const auto [memory, is_new] = this->memory(role, sizeof(T), count);
    if (is_new && backend_ == BRG_BACKEND_CPU) {
      fill(static_cast<T*>(memory.data()), count);
    } else if (is_new) {
      std::vector<T> values(static_cast<size_t>(count));
      fill(values.data(), count);
      memory.upload(context("", 1), values.data(), values.size() * sizeof(T));
    }
    return static_cast<const T*>(memory.data());
  }

  // Uniform in [low, high), another sequence for each role.
  template <class T>
  const T* random(const std::string& role, int64_t count, double low, double high);

  // What random() puts into that array, in host memory.
  template <class T>
  static std::vector<T> random_values(const std::string& role, int64_t count, double low, double high);

  // Whether arrays of as many bytes, made beside those that are there, leave the machine an eighth of its memory. If not, what is
  // there is given up first.
  bool has_room(size_t bytes);

  // [count,3,3] uniformly random orientations.
  template <class T>
  const T* rotations(int64_t count);

 private:
  using Context = std::unique_ptr<brg_context, brg_status (*)(brg_context*)>;
  std::pair<Memory&, bool> memory(const std::string& role, size_t size, int64_t count);

  brg_backend backend_;
  std::map<std::string, Memory> memory_;
  std::map<std::pair<List, int64_t>, Reflections> reflections_;
  std::map<std::pair<std::string, int>, std::pair<Context, std::string>> contexts_;
};

// 52 keV; chi in rad.
brg_geometry make_geometry(double chi);

}  // namespace bench
