// A view of a callable that takes the number of a task: no copy, no allocation. The callable must outlive the view.
#pragma once

#include <cstdint>
#include <type_traits>

namespace braggrad {

class Task {
 public:
  template <class Body, class = std::enable_if_t<!std::is_same_v<std::remove_cvref_t<Body>, Task>>>
  Task(const Body& body)  // NOLINT(google-explicit-constructor): a view of whatever can be called
      : body_(&body), call_([](const void* b, int64_t i) { (*static_cast<const Body*>(b))(i); }) {}

  void operator()(int64_t i) const { call_(body_, i); }

 private:
  const void* body_;
  void (*call_)(const void*, int64_t);
};

}  // namespace braggrad
