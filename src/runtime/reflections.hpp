// A set of reflections on a device, in both precisions; or a view of the caller's q, in one.
#pragma once

#include <memory>

#include "core/problem.hpp"
#include "runtime/device.hpp"

struct brg_reflections {
  int64_t count = 0;
  bool has_hkl = false;
  std::shared_ptr<braggrad::Device> device;
  braggrad::DeviceMemory memory;
  braggrad::core::Reflections<double> f64{};  // q NULL in a view of the other precision
  braggrad::core::Reflections<float> f32{};

  const braggrad::core::Reflections<double>& of(double) const { return f64; }
  const braggrad::core::Reflections<float>& of(float) const { return f32; }
};
