// The operations that the physics is written in, for float and double on host and device. A SIMD type joins by
// overloading the same names and naming its element and its mask (src/cpu/simd/lanes.hpp).
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>

// BRG_LEVEL names the instruction set of a file that is compiled for more than the baseline: none of its functions may
// be merged with another file's, so all of them are its own.
#if defined(__CUDACC__)
#define BRG_CORE __host__ __device__ __forceinline__
#elif defined(BRG_LEVEL)
#define BRG_CORE [[maybe_unused, gnu::always_inline]] static inline
#else
#define BRG_CORE inline
#endif

namespace braggrad::core {

// body(0) ... body(n - 1) with the number as a compile-time constant: what is indexed by it stays in registers.
template <class Body, int... i>
BRG_CORE void each_of(std::integer_sequence<int, i...>, const Body& body) {
  (body(std::integral_constant<int, i>()), ...);
}
template <int n, class Body>
BRG_CORE void unrolled(const Body& body) {
  each_of(std::make_integer_sequence<int, n>(), body);
}

// What a value V of one or several lanes consists of.
template <class V>
struct Lane {
  using Scalar = V;
  using Mask = bool;
};
template <class V>
using Scalar = typename Lane<V>::Scalar;
template <class V>
using Mask = typename Lane<V>::Mask;

template <class T>
struct Limits {
  static constexpr T largest = std::numeric_limits<T>::max();
  static constexpr T not_a_number = std::numeric_limits<T>::quiet_NaN();
  // Squares of lengths outside this range are no lengths: their reciprocals, and roots of what rounding leaves of them, would
  // leave the normal numbers. Powers of two.
  static constexpr int smallest_exponent = sizeof(T) == 8 ? -900 : -120, largest_exponent = sizeof(T) == 8 ? 1000 : 120;
  static constexpr T smallest_square = sizeof(T) == 8 ? static_cast<T>(0x1p-900) : static_cast<T>(0x1p-120);
  static constexpr T largest_square = sizeof(T) == 8 ? static_cast<T>(0x1p+1000) : static_cast<T>(0x1p+120);
  // Components of vectors and rotations beyond it are taken as not finite where lanes are computed together, so that
  // whatever a lane without a root holds stays finite.
  static constexpr T largest_component = sizeof(T) == 8 ? static_cast<T>(0x1p+480) : static_cast<T>(0x1p+60);
};

inline constexpr double pi = 3.14159265358979323846;
inline constexpr double two_pi = 6.28318530717958647693;

// Where the code is compiled for a CUDA device. There lanes without a root are left out at the end, and not made harmless before.
#if defined(__CUDA_ARCH__)
inline constexpr bool on_device = true;
#else
inline constexpr bool on_device = false;
#endif

// a b + c, fused on the device and on hosts whose compiler flags allow it; a call into libm would cost more than it gains.
BRG_CORE float mul_add(float a, float b, float c) {
#if defined(__CUDA_ARCH__) || defined(__FMA__) || defined(__ARM_FEATURE_FMA)
  return fmaf(a, b, c);
#else
  return a * b + c;
#endif
}
BRG_CORE double mul_add(double a, double b, double c) {
#if defined(__CUDA_ARCH__) || defined(__FMA__) || defined(__ARM_FEATURE_FMA)
  return fma(a, b, c);
#else
  return a * b + c;
#endif
}

// a b - c, c - a b, and -a b - c, fused alike.
BRG_CORE float mul_sub(float a, float b, float c) { return mul_add(a, b, -c); }
BRG_CORE double mul_sub(double a, double b, double c) { return mul_add(a, b, -c); }
BRG_CORE float negative_mul_add(float a, float b, float c) { return mul_add(-a, b, c); }
BRG_CORE double negative_mul_add(double a, double b, double c) { return mul_add(-a, b, c); }
BRG_CORE float negative_mul_sub(float a, float b, float c) { return mul_add(-a, b, -c); }
BRG_CORE double negative_mul_sub(double a, double b, double c) { return mul_add(-a, b, -c); }

BRG_CORE float select(bool mask, float yes, float no) { return mask ? yes : no; }
BRG_CORE double select(bool mask, double yes, double no) { return mask ? yes : no; }

BRG_CORE float square_root(float a) { return sqrtf(a); }
BRG_CORE double square_root(double a) { return sqrt(a); }

// 1/a of a normal number with a normal reciprocal; square root and its reciprocal of a normal number > 0 (of any in float32);
// and the root of one that may be 0. All to one unit in the last place.
template <class V>
struct RootPair {
  V root, reciprocal;
};
#if defined(__CUDA_ARCH__)
// From the device's estimates r of 1/a, with e = 1 - a r, and y of 1/sqrt(a), with e = 1 - a y^2, which is below 2^-18:
//     1/a = r (1 + e + e^2),   sqrt(a) = a y (1 + e/2 + 3/8 e^2),   1/sqrt(a) = y (1 + e/2 + 3/8 e^2)
BRG_CORE float reciprocal(float a) {
  float r;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(a));
  return fmaf(r, fmaf(-a, r, 1.0f), r);
}
BRG_CORE double reciprocal(double a) {
  double r;
  asm("rcp.approx.ftz.f64 %0, %1;" : "=d"(r) : "d"(a));
  const double e = fma(-a, r, 1.0);
  return fma(r, fma(e, e, e), r);
}
// `to_estimate`: a, or what keeps the estimate finite.
BRG_CORE RootPair<float> root_pair(float a, float to_estimate) {
  float y;
  asm("rsqrt.approx.f32 %0, %1;" : "=f"(y) : "f"(to_estimate));
  const float root = a * y, half = 0.5f * fmaf(-root, y, 1.0f);
  return {fmaf(root, half, root), fmaf(y, half, y)};
}
BRG_CORE RootPair<double> root_pair(double a, double to_estimate) {
  double y;
  asm("rsqrt.approx.ftz.f64 %0, %1;" : "=d"(y) : "d"(to_estimate));
  const double root = a * y, e = fma(-root, y, 1.0), part = e * fma(0.375, e, 0.5);
  return {fma(root, part, root), fma(y, part, y)};
}
BRG_CORE RootPair<float> root_pair(float a) { return root_pair(a, a); }
BRG_CORE RootPair<double> root_pair(double a) { return root_pair(a, a); }
BRG_CORE float root_or_zero(float a) { return root_pair(a, a + 0x1p-149f).root; }
BRG_CORE double root_or_zero(double a) { return root_pair(a, a + 0x1p-1020).root; }
#else
BRG_CORE float reciprocal(float a) { return 1 / a; }
BRG_CORE double reciprocal(double a) { return 1 / a; }
BRG_CORE RootPair<float> root_pair(float a) { return {sqrtf(a), 1 / sqrtf(a)}; }
BRG_CORE RootPair<double> root_pair(double a) { return {sqrt(a), 1 / sqrt(a)}; }
#endif

BRG_CORE float absolute(float a) { return fabsf(a); }
BRG_CORE double absolute(double a) { return fabs(a); }
BRG_CORE float minimum(float a, float b) { return fminf(a, b); }
BRG_CORE double minimum(double a, double b) { return fmin(a, b); }
BRG_CORE float maximum(float a, float b) { return fmaxf(a, b); }
BRG_CORE double maximum(double a, double b) { return fmax(a, b); }
BRG_CORE float with_sign_of(float a, float sign) { return copysignf(a, sign); }
BRG_CORE double with_sign_of(double a, double sign) { return copysign(a, sign); }
BRG_CORE float nearest_integer(float a) { return rintf(a); }
BRG_CORE double nearest_integer(double a) { return rint(a); }

// False for NaN and both infinities.
template <class V>
BRG_CORE Mask<V> is_finite(V a) {
  return absolute(a) <= V(Limits<Scalar<V>>::largest);
}

}  // namespace braggrad::core
