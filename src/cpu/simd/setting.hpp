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

}  // namespace braggrad::cpu::BRG_LEVEL
