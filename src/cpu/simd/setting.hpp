// One orientation on all lanes.
#pragma once

#include "core/predict.hpp"
#include "cpu/simd/source.hpp"

namespace braggrad::cpu::BRG_LEVEL {

template <class T>
BRG_SIMD bool within_range(const Mat3<T>& m) {
  constexpr T most = core::Limits<T>::largest_component;
  for (const T value : {m.xx, m.xy, m.xz, m.yx, m.yy, m.yz, m.zx, m.zy, m.zz})
    if (!(core::absolute(value) <= most)) return false;
  return true;
}

// False where nothing of the orientation's row is observable: a beam, rotation or basis that is not finite.
template <class T>
BRG_SIMD bool is_usable(const core::Setting<T>& setting) {
  return core::is_finite(setting.beam.half) && within_range(setting.rotation) && within_range(setting.basis);
}

template <class T>
BRG_SIMD core::Beam<Lanes<T>> broadcast(const core::Beam<T>& beam) {
  using V = Lanes<T>;
  return {V(beam.tan_chi),         V(beam.cos_chi), V(beam.wavenumber), V(beam.inverse_wavenumber),
          V(beam.inverse_cos_chi), V(beam.half)};
}

template <class T>
BRG_SIMD core::Setting<Lanes<T>> broadcast(const core::Setting<T>& setting) {
  using V = Lanes<T>;
  return {core::broadcast<V>(setting.rotation), core::broadcast<V>(setting.basis), broadcast(setting.beam)};
}

// contributes() of core, without its comparison where the cut is 0, as it is by default.
template <class T>
BRG_SIMD LaneMask<T> contributing_lanes(const core::Crossing<Lanes<T>>& x, const core::Beam<Lanes<T>>& beam, T cut) {
  if (cut > 0) return core::contributes(x, beam, Lanes<T>(cut));
  return x.inverse_s != Lanes<T>(T(0));
}

}  // namespace braggrad::cpu::BRG_LEVEL
