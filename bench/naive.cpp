// The naive baseline: see naive.hpp.
//
//   G = R q,  c = gz tan(chi) + Q / (2 k cos(chi)),  rho^2 = gx^2 + gy^2,  observable: |c| <= rho
//   omega1 = asin(c / rho) + atan2(gx, gy),    omega2 = pi - asin(c / rho) + atan2(gx, gy)
//
// Adjoint: R_bar = sum of G_bar q^T, where G_bar follows from the cotangents w1 and w2 by the chain rule, or closed: with
// s^2 = (rho - c)(rho + c), p = w1 + w2 and m = (w1 - w2) / s
//
//   G_bar = ((gy p - gx c m) / rho^2,  -(gx p + gy c m) / rho^2,  tan(chi) m)
#include "naive.hpp"

#include <cmath>

namespace naive {
namespace {

template <class T>
constexpr T pi = T(3.14159265358979323846);

// What does not change from pair to pair.
template <class T>
struct Constants {
  explicit Constants(const Problem<T>& p)
      : tan_chi(std::tan(p.chi)), per_q_squared(1 / (2 * p.wavenumber * std::cos(p.chi))) {}
  T tan_chi, per_q_squared;
};

// One reflection in one orientation.
template <class T>
struct Pair {
  Pair(const Constants<T>& constants, const T* r, const T* q, T q_squared)
      : gx(r[0] * q[0] + r[1] * q[1] + r[2] * q[2]),
        gy(r[3] * q[0] + r[4] * q[1] + r[5] * q[2]),
        c((r[6] * q[0] + r[7] * q[1] + r[8] * q[2]) * constants.tan_chi + q_squared * constants.per_q_squared),
        rho_squared(gx * gx + gy * gy),
        rho(std::sqrt(rho_squared)) {}
  T gx, gy, c, rho_squared, rho;
};

// For angles less than a turn outside [-pi, pi].
template <class T>
T wrap_once(T angle) {
  if (angle > pi<T>) return angle - 2 * pi<T>;
  if (angle < -pi<T>) return angle + 2 * pi<T>;
  return angle;
}

template <class T>
T wrap(T angle) {
  return angle - 2 * pi<T> * std::rint(angle * (1 / (2 * pi<T>)));
}

template <class T>
struct Vector {
  T x, y, z;
};

// d alpha = du / sqrt(1 - u^2) with u = c / rho, d phi = (gy dgx - gx dgy) / rho^2, d rho = (gx dgx + gy dgy) / rho.
template <class T>
Vector<T> chain_rule(T tan_chi, const Pair<T>& pair, T w1, T w2) {
  const T alpha_bar = w1 - w2, phi_bar = w1 + w2, u = pair.c / pair.rho;
  const T c_bar = alpha_bar / (std::sqrt(1 - u * u) * pair.rho), rho_bar = -u * c_bar;
  return {rho_bar * pair.gx / pair.rho + phi_bar * pair.gy / pair.rho_squared,
          rho_bar * pair.gy / pair.rho - phi_bar * pair.gx / pair.rho_squared, c_bar * tan_chi};
}

template <class T>
Vector<T> closed(T tan_chi, const Pair<T>& pair, T w1, T w2) {
  const T p = w1 + w2, m = (w1 - w2) / std::sqrt((pair.rho - pair.c) * (pair.rho + pair.c));
  const T inverse = 1 / pair.rho_squared;
  return {(pair.gy * p - pair.gx * pair.c * m) * inverse, -(pair.gx * p + pair.gy * pair.c * m) * inverse, tan_chi * m};
}

template <Adjoint adjoint, class T>
void add_adjoint(T tan_chi, const Pair<T>& pair, const T* q, T w1, T w2, T* rotation_bar) {
  const Vector<T> g_bar =
      adjoint == Adjoint::closed ? closed(tan_chi, pair, w1, w2) : chain_rule(tan_chi, pair, w1, w2);
  for (int j = 0; j < 3; ++j) {
    rotation_bar[j] += g_bar.x * q[j];
    rotation_bar[3 + j] += g_bar.y * q[j];
    rotation_bar[6 + j] += g_bar.z * q[j];
  }
}

}  // namespace

template <class T>
void predict(const Problem<T>& problem, T* omega1, T* omega2, uint8_t* observable) {
  const Constants<T> constants(problem);
  int64_t at = 0;
  for (int64_t b = 0; b < problem.orientations; ++b)
    for (int64_t n = 0; n < problem.reflections; ++n, ++at) {
      const Pair<T> pair(constants, problem.rotation + 9 * b, problem.q + 3 * n, problem.q_squared[n]);
      observable[at] = std::fabs(pair.c) <= pair.rho && pair.rho > 0;
      if (observable[at]) {
        const T alpha = std::asin(pair.c / pair.rho), phi = std::atan2(pair.gx, pair.gy);
        omega1[at] = wrap_once(alpha + phi);
        omega2[at] = wrap_once(pi<T> - alpha + phi);
      } else {
        omega1[at] = omega2[at] = 0;
      }
    }
}

template <class T, Adjoint adjoint>
void predict_vjp(const Problem<T>& problem, const T* omega1_bar, const T* omega2_bar, T* rotation_bar) {
  const Constants<T> constants(problem);
  int64_t at = 0;
  for (int64_t b = 0; b < problem.orientations; ++b) {
    T sum[9] = {};
    for (int64_t n = 0; n < problem.reflections; ++n, ++at) {
      const T* q = problem.q + 3 * n;
      const Pair<T> pair(constants, problem.rotation + 9 * b, q, problem.q_squared[n]);
      if (std::fabs(pair.c) < pair.rho)
        add_adjoint<adjoint>(constants.tan_chi, pair, q, omega1_bar[at], omega2_bar[at], sum);
    }
    for (int i = 0; i < 9; ++i) rotation_bar[9 * b + i] = sum[i];
  }
}

template <class T, Adjoint adjoint>
void angle_loss(const Problem<T>& problem, const Targets<T>& targets, T* loss, T* rotation_bar) {
  const Constants<T> constants(problem);
  for (int64_t b = 0; b < problem.orientations; ++b) {
    T total = 0, sum[9] = {};
    for (int64_t n = 0; n < problem.reflections; ++n) {
      const T* q = problem.q + 3 * n;
      const Pair<T> pair(constants, problem.rotation + 9 * b, q, problem.q_squared[n]);
      if (!(std::fabs(pair.c) < pair.rho)) continue;
      const int64_t target = b * targets.stride + n;
      const T alpha = std::asin(pair.c / pair.rho), phi = std::atan2(pair.gx, pair.gy);
      const T d1 = wrap(alpha + phi - targets.omega1[target]);
      const T d2 = wrap(pi<T> - alpha + phi - targets.omega2[target]);
      const T w1 = targets.weight1[target] * d1, w2 = targets.weight2[target] * d2;
      total += (w1 * d1 + w2 * d2) / 2;
      add_adjoint<adjoint>(constants.tan_chi, pair, q, w1, w2, sum);
    }
    loss[b] = total;
    for (int i = 0; i < 9; ++i) rotation_bar[9 * b + i] = sum[i];
  }
}

#define NAIVE_INSTANTIATE(T)                                                                      \
  template void predict(const Problem<T>&, T*, T*, uint8_t*);                                     \
  template void predict_vjp<T, Adjoint::chain_rule>(const Problem<T>&, const T*, const T*, T*);   \
  template void predict_vjp<T, Adjoint::closed>(const Problem<T>&, const T*, const T*, T*);       \
  template void angle_loss<T, Adjoint::chain_rule>(const Problem<T>&, const Targets<T>&, T*, T*); \
  template void angle_loss<T, Adjoint::closed>(const Problem<T>&, const Targets<T>&, T*, T*);
NAIVE_INSTANTIATE(double)
NAIVE_INSTANTIATE(float)
#undef NAIVE_INSTANTIATE

}  // namespace naive
