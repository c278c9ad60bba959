// The naive baseline of the CPU benchmark: what a careful physicist writes in an afternoon. One scalar loop over the pairs, the
// asin and atan2 of libm, constants taken out of the loop, derivatives by the chain rule through asin, atan2 and rho, no SIMD.
//
// The derivatives also come by the closed adjoint of docs/physics.md, the best that scalar code can do: a stricter baseline,
// reported beside the first.
#pragma once

#include <cstdint>

namespace naive {

enum class Adjoint { chain_rule, closed };

// B orientations of N reflections, default beam (+x, tilted by chi) and axis (+z).
template <class T>
struct Problem {
  int64_t orientations, reflections;
  const T* rotation;   // [B,3,3] by rows
  const T* q;          // [N,3] 1/Angstrom
  const T* q_squared;  // [N] |q|^2
  T wavenumber, chi;
};

// Targets of both roots, rad, any turn; weights. `stride` 0: [N], shared by all orientations; N: [B,N].
template <class T>
struct Targets {
  int64_t stride;
  const T *omega1, *omega2, *weight1, *weight2;
};

// Both roots in [-pi, pi], 0 where there are none, and the flag: arrays [B,N].
template <class T>
void predict(const Problem<T>& problem, T* omega1, T* omega2, uint8_t* observable);

// dL/dR [B,3,3] at fixed |q|^2 of L = sum of omega_bar . omega, from cotangents [B,N].
template <class T, Adjoint adjoint = Adjoint::chain_rule>
void predict_vjp(const Problem<T>& problem, const T* omega1_bar, const T* omega2_bar, T* rotation_bar);

// loss [B] = sum of w D^2 / 2 with D = wrap(omega - target) over both roots, and dL/dR [B,3,3].
template <class T, Adjoint adjoint = Adjoint::chain_rule>
void angle_loss(const Problem<T>& problem, const Targets<T>& targets, T* loss, T* rotation_bar);

}  // namespace naive
