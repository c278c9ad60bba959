// G = R q, its adjoint R_bar = sum G_bar q^T, q_bar = R^T G_bar, and its directional derivative dG = dR q + R dq.
#pragma once

#include "core/predict.hpp"

namespace braggrad::core {

// The sample frame itself.
BRG_CORE Frame identity_frame() { return {{1, 0, 0, 0, 1, 0, 0, 0, 1}, true, 0, 1, 1, 0}; }

// A rotation has no beam, and no code for one.
template <class T>
BRG_CORE Setting<T> make_rotation(Orientations<T> orientations, int64_t b) {
  orientations.wavenumber = orientations.chi = nullptr;
  return make_setting(identity_frame(), orientations, b);
}

template <class T>
BRG_CORE void store_components(T* out, Vec3<T> v) {
  out[0] = v.x, out[1] = v.y, out[2] = v.z;
}

// Adds one reflection to an orientation's sums; returns q_bar.
template <class T>
BRG_CORE Vec3<T> accumulate_rotation(OrientationSums& sums, const RotateVjpProblem<T>& p, const Setting<T>& setting,
                                     int64_t n, Vec3<T> g_bar, bool wants_basis) {
  const Vec3<T> q_bar = multiply_transposed(setting.rotation, g_bar);
  add_outer(sums.rotation, g_bar, load_q(setting, p.orientations, p.reflections, n));
  if (wants_basis) add_outer(sums.basis, q_bar, load_hkl(p.reflections, n));
  return q_bar;
}

template <class T>
BRG_CORE Vec3<T> rotate_jvp_pair(const Setting<T>& setting, const SettingDot<T>& change,
                                 const Orientations<T>& orientations, const Reflections<T>& reflections,
                                 const OrientationsTangent<T>& tangent, int64_t n) {
  return rotate_jvp(setting, change, load_q(setting, orientations, reflections, n),
                    load_q_dot(change, reflections, tangent, n));
}

}  // namespace braggrad::core
