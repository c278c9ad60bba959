// Scalar operations that the physics is written in, for float and double on host and device. A SIMD type joins by
// overloading the same names; masks are then its own.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

#if defined(__CUDACC__)
#define BRG_CORE __host__ __device__ __forceinline__
#else
#define BRG_CORE inline
#endif

namespace braggrad::core {

template <class T>
struct Limits {
  static constexpr T smallest_normal = std::numeric_limits<T>::min();
  static constexpr T largest = std::numeric_limits<T>::max();
  static constexpr T not_a_number = std::numeric_limits<T>::quiet_NaN();
};

inline constexpr double pi = 3.14159265358979323846;
inline constexpr double two_pi = 6.28318530717958647693;

// a * b + c. Fused on the device, and on hosts whose compiler flags allow it; a call into libm would cost more than it
// gains.
template <class V>
BRG_CORE V mul_add(V a, V b, V c) {
#if defined(__CUDA_ARCH__) || defined(__FMA__)
  return fma(a, b, c);
#else
  return a * b + c;
#endif
}

template <class T>
BRG_CORE T select(bool mask, T yes, T no) {
  return mask ? yes : no;
}

BRG_CORE float square_root(float a) { return sqrtf(a); }
BRG_CORE double square_root(double a) { return sqrt(a); }
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
template <class T>
BRG_CORE bool is_finite(T a) {
  return absolute(a) <= Limits<T>::largest;
}

}  // namespace braggrad::core
