// The C interface held by values: a context, arrays in its memory, sets of reflections, status codes as exceptions.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "braggrad/braggrad.h"
#include "linear.hpp"

namespace braggrad::cli {

// A struct of the interface with all defaults.
template <class Struct>
Struct zeroed() {
  Struct s{};
  s.struct_size = sizeof s;
  return s;
}

// Throws what a call that did not succeed has to say: Refusal where the backend asked for is not there, else Fault.
void check(brg_status status);

struct SessionOptions {
  std::string backend = "auto";  // auto, cpu, cuda
  int threads = 0;               // 0: all cores
};

class Session {
 public:
  explicit Session(const SessionOptions& options);
  brg_context* context() const { return context_.get(); }
  std::string backend_name() const;  // "the CPU", "a CUDA device"

 private:
  struct Destroy {
    void operator()(brg_context* c) const { brg_context_destroy(c); }
  };
  std::unique_ptr<brg_context, Destroy> context_;
};

// Geometry with the beam along +x tilted by chi (rad) towards the axis +z.
brg_geometry make_geometry(double wavenumber, double chi);

// Values in the memory of the session. Grows when needed, never shrinks.
template <class T>
class DeviceArray {
 public:
  explicit DeviceArray(const Session& session) : session_(&session) {}

  void resize(size_t count) {
    if (count > capacity_) {
      brg_buffer* raw = nullptr;
      check(brg_buffer_create(session_->context(), count * sizeof(T), &raw));
      buffer_.reset(raw);
      capacity_ = count;
    }
    count_ = count;
  }
  void upload(std::span<const T> values) {
    resize(values.size());
    if (count_ > 0) check(brg_buffer_upload(session_->context(), buffer_.get(), 0, values.data(), values.size_bytes()));
  }
  void download(std::vector<T>& values) const {
    values.resize(count_);
    if (count_ > 0)
      check(brg_buffer_download(session_->context(), buffer_.get(), 0, values.data(), count_ * sizeof(T)));
  }
  std::vector<T> download() const {
    std::vector<T> values;
    download(values);
    return values;
  }
  // Address for a compute call; NULL when empty.
  T* data() const { return count_ > 0 ? static_cast<T*>(brg_buffer_data(buffer_.get())) : nullptr; }
  size_t size() const { return count_; }

 private:
  struct Destroy {
    void operator()(brg_buffer* b) const { brg_buffer_destroy(b); }
  };
  const Session* session_;
  std::unique_ptr<brg_buffer, Destroy> buffer_;
  size_t capacity_ = 0, count_ = 0;
};

using Hkl = std::array<int32_t, 3>;

class ReflectionSet {
 public:
  ReflectionSet(const Session& session, std::span<const Hkl> hkl, const Matrix3& basis);
  brg_reflections* get() const { return reflections_.get(); }

 private:
  struct Destroy {
    void operator()(brg_reflections* r) const { brg_reflections_destroy(r); }
  };
  std::unique_ptr<brg_reflections, Destroy> reflections_;
};

}  // namespace braggrad::cli
