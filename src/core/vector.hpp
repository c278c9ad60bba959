// Vectors and 3x3 matrices (row-major), by value.
#pragma once

#include "core/arithmetic.hpp"

namespace braggrad::core {

template <class V>
struct Vec3 {
  V x, y, z;
};

template <class V>
struct Mat3 {
  V xx, xy, xz, yx, yy, yz, zx, zy, zz;
};

template <class V>
BRG_CORE V dot(const Vec3<V>& a, const Vec3<V>& b) {
  return mul_add(a.x, b.x, mul_add(a.y, b.y, a.z * b.z));
}

template <class V>
BRG_CORE Vec3<V> cross(const Vec3<V>& a, const Vec3<V>& b) {
  return {mul_sub(a.y, b.z, a.z * b.y), mul_sub(a.z, b.x, a.x * b.z), mul_sub(a.x, b.y, a.y * b.x)};
}

template <class V>
BRG_CORE Vec3<V> operator+(const Vec3<V>& a, const Vec3<V>& b) {
  return {a.x + b.x, a.y + b.y, a.z + b.z};
}

template <class V>
BRG_CORE Vec3<V> operator*(V a, const Vec3<V>& b) {
  return {a * b.x, a * b.y, a * b.z};
}

// m v
template <class V>
BRG_CORE Vec3<V> multiply(const Mat3<V>& m, const Vec3<V>& v) {
  return {mul_add(m.xx, v.x, mul_add(m.xy, v.y, m.xz * v.z)), mul_add(m.yx, v.x, mul_add(m.yy, v.y, m.yz * v.z)),
          mul_add(m.zx, v.x, mul_add(m.zy, v.y, m.zz * v.z))};
}

// m^T v
template <class V>
BRG_CORE Vec3<V> multiply_transposed(const Mat3<V>& m, const Vec3<V>& v) {
  return {mul_add(m.xx, v.x, mul_add(m.yx, v.y, m.zx * v.z)), mul_add(m.xy, v.x, mul_add(m.yy, v.y, m.zy * v.z)),
          mul_add(m.xz, v.x, mul_add(m.yz, v.y, m.zz * v.z))};
}

template <class V>
BRG_CORE Mat3<V> transpose(const Mat3<V>& m) {
  return {m.xx, m.yx, m.zx, m.xy, m.yy, m.zy, m.xz, m.yz, m.zz};
}

// a b
template <class V>
BRG_CORE Mat3<V> multiply(const Mat3<V>& a, const Mat3<V>& b) {
  const Vec3<V> x = multiply(a, Vec3<V>{b.xx, b.yx, b.zx});
  const Vec3<V> y = multiply(a, Vec3<V>{b.xy, b.yy, b.zy});
  const Vec3<V> z = multiply(a, Vec3<V>{b.xz, b.yz, b.zz});
  return {x.x, y.x, z.x, x.y, y.y, z.y, x.z, y.z, z.z};
}

template <class To, class From>
BRG_CORE Vec3<To> convert(const Vec3<From>& v) {
  return {static_cast<To>(v.x), static_cast<To>(v.y), static_cast<To>(v.z)};
}

template <class To, class From>
BRG_CORE Mat3<To> convert(const Mat3<From>& m) {
  return {static_cast<To>(m.xx), static_cast<To>(m.xy), static_cast<To>(m.xz),
          static_cast<To>(m.yx), static_cast<To>(m.yy), static_cast<To>(m.yz),
          static_cast<To>(m.zx), static_cast<To>(m.zy), static_cast<To>(m.zz)};
}

template <class To, class From>
BRG_CORE Vec3<To> load_vector(const From* v) {
  return {static_cast<To>(v[0]), static_cast<To>(v[1]), static_cast<To>(v[2])};
}

template <class T>
BRG_CORE void store_components(T* out, const Vec3<T>& v) {
  out[0] = v.x, out[1] = v.y, out[2] = v.z;
}

// A matrix stored by rows, or by columns.
template <class To, class From>
BRG_CORE Mat3<To> load_matrix(const From* m, bool column_major) {
  if (column_major)
    return {static_cast<To>(m[0]), static_cast<To>(m[3]), static_cast<To>(m[6]),
            static_cast<To>(m[1]), static_cast<To>(m[4]), static_cast<To>(m[7]),
            static_cast<To>(m[2]), static_cast<To>(m[5]), static_cast<To>(m[8])};
  return {static_cast<To>(m[0]), static_cast<To>(m[1]), static_cast<To>(m[2]),
          static_cast<To>(m[3]), static_cast<To>(m[4]), static_cast<To>(m[5]),
          static_cast<To>(m[6]), static_cast<To>(m[7]), static_cast<To>(m[8])};
}

// m += v w^T, summed in float64.
template <class V>
BRG_CORE void add_outer(Mat3<double>& m, const Vec3<V>& v, const Vec3<V>& w) {
  const Vec3<double> a = convert<double>(v), b = convert<double>(w);
  m.xx = mul_add(a.x, b.x, m.xx), m.xy = mul_add(a.x, b.y, m.xy), m.xz = mul_add(a.x, b.z, m.xz);
  m.yx = mul_add(a.y, b.x, m.yx), m.yy = mul_add(a.y, b.y, m.yy), m.yz = mul_add(a.y, b.z, m.yz);
  m.zx = mul_add(a.z, b.x, m.zx), m.zy = mul_add(a.z, b.y, m.zy), m.zz = mul_add(a.z, b.z, m.zz);
}

// Where a call adds to its outputs, the sum is rounded once.
template <class T>
BRG_CORE void store(T* out, double value, bool accumulate) {
  *out = static_cast<T>(accumulate ? static_cast<double>(*out) + value : value);
}

template <int count, class T>
BRG_CORE void store_all(T* out, const double (&values)[count], bool accumulate) {
  if (accumulate)
    for (int i = 0; i < count; ++i) out[i] = static_cast<T>(static_cast<double>(out[i]) + values[i]);
  else
    for (int i = 0; i < count; ++i) out[i] = static_cast<T>(values[i]);
}

template <class T>
BRG_CORE void store_vector(T* out, const Vec3<double>& v, bool accumulate) {
  const double values[3] = {v.x, v.y, v.z};
  store_all(out, values, accumulate);
}

template <class T>
BRG_CORE void store_matrix(T* out, const Mat3<double>& m, bool column_major, bool accumulate) {
  const Mat3<double> s = column_major ? transpose(m) : m;
  const double values[9] = {s.xx, s.xy, s.xz, s.yx, s.yy, s.yz, s.zx, s.zy, s.zz};
  store_all(out, values, accumulate);
}

}  // namespace braggrad::core
