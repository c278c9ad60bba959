// The operations that the physics is written in, for float and double on host and device. A SIMD type joins by
// overloading the same names and naming its element and its mask (src/cpu/simd/lanes.hpp).
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

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
  // Squares of lengths outside this range are no lengths: their reciprocals would leave the normal numbers.
  static constexpr T smallest_square = sizeof(T) == 8 ? static_cast<T>(0x1p-1000) : static_cast<T>(0x1p-120);
  static constexpr T largest_square = sizeof(T) == 8 ? static_cast<T>(0x1p+1000) : static_cast<T>(0x1p+120);
  // Components of vectors and rotations beyond it are taken as not finite where lanes are computed together, so that
  // whatever a lane without a root holds stays finite.
  static constexpr T largest_component = sizeof(T) == 8 ? static_cast<T>(0x1p+480) : static_cast<T>(0x1p+60);
};

inline constexpr double pi = 3.14159265358979323846;
inline constexpr double two_pi = 6.28318530717958647693;

// a b + c, fused on the device and on hosts whose compiler flags allow it; a call into libm would cost more than it gains.
BRG_CORE float mul_add(float a, float b, float c) {
#if defined(__CUDA_ARCH__) || defined(__FMA__)
  return fmaf(a, b, c);
#else
  return a * b + c;
#endif
}
BRG_CORE double mul_add(double a, double b, double c) {
#if defined(__CUDA_ARCH__) || defined(__FMA__)
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
BRG_CORE float reciprocal(float a) { return 1 / a; }  // a normal, and 1/a too
BRG_CORE double reciprocal(double a) { return 1 / a; }
template <class V>
struct RootPair {
  V root, reciprocal;
};
BRG_CORE RootPair<float> root_pair(float a) {
  return {sqrtf(a), 1 / sqrtf(a)};
}  // square root and its reciprocal, a > 0
BRG_CORE RootPair<double> root_pair(double a) { return {sqrt(a), 1 / sqrt(a)}; }
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
