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

// Adds one reflection to an orientation's sums. `load` as load_q() has it.
template <class T, class Load>
BRG_CORE void accumulate_rotation(OrientationSums& sums, const RotateVjpProblem<T>& p, const Setting<T>& setting,
                                  Vec3<T> g_bar, bool wants_basis, const Load& load) {
  add_outer(sums.rotation, g_bar, load_q(setting, p.orientations, p.reflections, load));
  if (wants_basis) add_outer(sums.basis, multiply_transposed(setting.rotation, g_bar), load(p.reflections.hkl));
}

template <class T, class Load>
BRG_CORE Vec3<T> rotate_jvp_pair(const Setting<T>& setting, const SettingDot<T>& change,
                                 const Orientations<T>& orientations, const Reflections<T>& reflections,
                                 const OrientationsTangent<T>& tangent, const Load& load) {
  return rotate_jvp(setting, change, load_q(setting, orientations, reflections, load),
                    load_q_dot(change, reflections, tangent, load));
}

}  // namespace braggrad::core
