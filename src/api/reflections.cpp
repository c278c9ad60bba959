// Group 6: sets of reflections, q = B hkl and |q|^2 in float64, held in both precisions.
#include "runtime/reflections.hpp"

#include <cmath>
#include <vector>

#include "api/call.hpp"
#include "braggrad/reflections.h"

namespace braggrad {
namespace {

constexpr int64_t most_reflections = INT32_MAX;

void require_count(int64_t count) {
  require(count >= 0 && count <= most_reflections, "count is ", count, ": it must be 0 to ", most_reflections);
}

constexpr size_t padded(size_t bytes) { return (bytes + 255) / 256 * 256; }

// Copies the values to byte `offset` of the set's memory, and moves the offset on.
template <class T>
const T* place(const brg_context& context, const DeviceMemory& memory, size_t& offset, const std::vector<T>& values) {
  void* to = static_cast<unsigned char*>(memory.data()) + offset;
  const size_t bytes = values.size() * sizeof(T);
  if (bytes == 0) return nullptr;
  context.backend().upload(to, values.data(), bytes);
  offset += padded(bytes);
  return static_cast<const T*>(to);
}

// The planes of core::Reflections.
template <class T>
std::vector<T> make_planes(const std::vector<double>& q, const std::vector<int32_t>& hkl) {
  const size_t count = q.size() / 3;
  const auto stride = static_cast<size_t>(core::reflection_planes_stride(static_cast<int64_t>(count)));
  std::vector<T> planes(stride * (hkl.empty() ? 4 : 7));
  for (size_t n = 0; n < count; ++n) {
    const T x = static_cast<T>(q[3 * n]), y = static_cast<T>(q[3 * n + 1]), z = static_cast<T>(q[3 * n + 2]);
    constexpr T most = core::Limits<T>::largest_component;
    if (std::fabs(x) <= most && std::fabs(y) <= most && std::fabs(z) <= most) {
      planes[n] = x, planes[stride + n] = y, planes[2 * stride + n] = z;
      planes[3 * stride + n] =
          static_cast<T>(q[3 * n] * q[3 * n] + q[3 * n + 1] * q[3 * n + 1] + q[3 * n + 2] * q[3 * n + 2]);
    }
    for (size_t i = 0; i < 3 && !hkl.empty(); ++i) planes[(4 + i) * stride + n] = static_cast<T>(hkl[3 * n + i]);
  }
  return planes;
}

// The records of core::Reflections, `width` numbers side by side.
template <class T>
std::vector<T> make_records(const std::vector<T>& planes, size_t count, size_t width) {
  const auto stride = static_cast<size_t>(core::reflection_planes_stride(static_cast<int64_t>(count)));
  std::vector<T> records(4 * stride);
  for (size_t plane = 0; plane < 4; ++plane)
    for (size_t n = 0; n < stride; ++n)
      records[(plane / width * stride + n) * width + plane % width] = planes[plane * stride + n];
  return records;
}

// True where the second half of the rows of three is exactly the opposite of the first.
template <class Number>
bool is_friedel_list(const std::vector<Number>& rows) {
  const size_t half = rows.size() / 2;
  if (rows.empty() || half % 3 != 0 || rows.size() % 2 != 0) return false;
  for (size_t i = 0; i < half; ++i)
    if (!(static_cast<double>(rows[i]) == -static_cast<double>(rows[half + i]))) return false;
  return true;
}

// q [count,3]; hkl [count,3] or empty. Planes are for the CPU.
std::unique_ptr<brg_reflections> make_set(const brg_context& context, const std::vector<double>& q,
                                          const std::vector<int32_t>& hkl) {
  const size_t count = q.size() / 3;
  std::vector<double> q2(count);
  for (size_t n = 0; n < count; ++n)
    q2[n] = q[3 * n] * q[3 * n] + q[3 * n + 1] * q[3 * n + 1] + q[3 * n + 2] * q[3 * n + 2];
  const size_t item_bytes = 3 * sizeof(int32_t) + 4 * sizeof(double) + 4 * sizeof(float);
  const bool on_cpu = context.backend().device()->kind() == BRG_BACKEND_CPU;
  auto planes_f64 = make_planes<double>(q, hkl);
  auto planes_f32 = make_planes<float>(q, hkl);
  const auto records_f64 = make_records(planes_f64, count, on_cpu ? 4 : 2);
  const auto records_f32 = make_records(planes_f32, count, 4);
  if (!on_cpu) planes_f64.clear(), planes_f32.clear();
  auto set = std::make_unique<brg_reflections>();
  set->count = static_cast<int64_t>(count);
  set->device = context.backend().device();
  const size_t f64_count = planes_f64.size() + records_f64.size(), f32_count = planes_f32.size() + records_f32.size();
  set->memory = DeviceMemory(
      set->device, count * item_bytes + f64_count * sizeof(double) + f32_count * sizeof(float) + padded(1) * 9);
  // Opposite vectors need not have opposite hkl: those of a basis of zeros are all 0.
  const bool friedel = is_friedel_list(q) && (hkl.empty() || is_friedel_list(hkl));
  size_t offset = 0;
  set->f64 = {set->count,
              place(context, set->memory, offset, q),
              place(context, set->memory, offset, q2),
              place(context, set->memory, offset, hkl),
              place(context, set->memory, offset, planes_f64),
              place(context, set->memory, offset, records_f64),
              friedel};
  set->f32 = {set->count,
              place(context, set->memory, offset, std::vector<float>(q.begin(), q.end())),
              place(context, set->memory, offset, std::vector<float>(q2.begin(), q2.end())),
              set->f64.hkl,
              place(context, set->memory, offset, planes_f32),
              place(context, set->memory, offset, records_f32),
              friedel};
  return set;
}

std::vector<double> multiply_hkl(const double basis[9], const std::vector<int32_t>& hkl) {
  std::vector<double> q(hkl.size());
  for (size_t n = 0; n < hkl.size(); n += 3)
    for (size_t row = 0; row < 3; ++row)
      q[n + row] = basis[3 * row] * hkl[n] + basis[3 * row + 1] * hkl[n + 1] + basis[3 * row + 2] * hkl[n + 2];
  return q;
}

template <class T>
brg_status view(const char* function, brg_context* context, int64_t count, const T* q, brg_reflections** reflections) {
  return called(function, context, [&] {
    require(reflections != nullptr, "reflections is NULL");
    *reflections = nullptr;
    require_count(count);
    require(q != nullptr || count == 0, "q is NULL");
    auto set = std::make_unique<brg_reflections>();
    set->count = count;
    set->device = context->backend().device();
    set->f64.count = set->f32.count = count;
    if constexpr (std::is_same_v<T, double>)
      set->f64.q = q;
    else
      set->f32.q = q;
    *reflections = set.release();
  });
}

}  // namespace
}  // namespace braggrad

using braggrad::called, braggrad::require;

extern "C" {

brg_status brg_reflections_create(brg_context* context, int64_t count, const int32_t* hkl, const double basis[9],
                                  brg_reflections** reflections) {
  return called("brg_reflections_create", context, [&] {
    require(reflections != nullptr, "reflections is NULL");
    *reflections = nullptr;
    braggrad::require_count(count);
    require(hkl != nullptr || count == 0, "hkl is NULL");
    require(basis != nullptr, "basis is NULL");
    for (int i = 0; i < 9; ++i) require(std::isfinite(basis[i]), "basis[", i, "] is not finite");
    const std::vector<int32_t> indices(hkl, hkl + 3 * count);
    auto set = braggrad::make_set(*context, braggrad::multiply_hkl(basis, indices), indices);
    set->has_hkl = true;
    *reflections = set.release();
  });
}

brg_status brg_reflections_create_from_vectors(brg_context* context, int64_t count, const double* q,
                                               brg_reflections** reflections) {
  return called("brg_reflections_create_from_vectors", context, [&] {
    require(reflections != nullptr, "reflections is NULL");
    *reflections = nullptr;
    braggrad::require_count(count);
    require(q != nullptr || count == 0, "q is NULL");
    *reflections = braggrad::make_set(*context, std::vector<double>(q, q + 3 * count), {}).release();
  });
}

brg_status brg_reflections_view_f64(brg_context* context, int64_t count, const double* q,
                                    brg_reflections** reflections) {
  return braggrad::view("brg_reflections_view_f64", context, count, q, reflections);
}

brg_status brg_reflections_view_f32(brg_context* context, int64_t count, const float* q,
                                    brg_reflections** reflections) {
  return braggrad::view("brg_reflections_view_f32", context, count, q, reflections);
}

brg_status brg_reflections_destroy(brg_reflections* reflections) {
  return braggrad::guarded("brg_reflections_destroy",
                           [&] { const std::unique_ptr<brg_reflections> owned(reflections); });
}

int64_t brg_reflections_count(const brg_reflections* reflections) { return reflections ? reflections->count : 0; }

}  // extern "C"
