// Orientations on lanes.
#pragma once

#include "core/predict.hpp"
#include "cpu/simd/source.hpp"

namespace braggrad::cpu::BRG_LEVEL {

// The orientations of a call. What they have in common is computed once.
template <class T>
class Settings {
 public:
  [[gnu::always_inline]] Settings(const core::Frame& frame, const core::Orientations<T>& orientations)
      : frame_(frame),
        given_(orientations),
        common_beam_(!orientations.wavenumber && !orientations.chi),
        beam_(core::beam_of<T>(frame, nullptr, nullptr, 0)) {}

  [[gnu::always_inline]] core::Setting<T> operator[](int64_t b) const {
    return core::make_setting(frame_, given_, b,
                              common_beam_ ? beam_ : core::beam_of(frame_, given_.wavenumber, given_.chi, b));
  }

  // False where nothing of the orientation's row is observable: a beam, rotation or basis that is not finite.
  [[gnu::always_inline]] bool is_usable(const core::Setting<T>& setting, int64_t b) const {
    return core::is_finite(setting.beam.half) && within_range(given_.rotation + 9 * b) &&
           (!given_.reciprocal_basis || within_range(given_.reciprocal_basis + 9 * b));
  }

 private:
  // Of the nine numbers of a matrix.
  [[gnu::always_inline]] static bool within_range(const T* matrix) {
    const Lanes<T> most(core::Limits<T>::largest_component);
    LaneMask<T> inside = absolute(load_first(matrix, 9)) <= most;
    for (int64_t i = lanes<T>; i < 9; i += lanes<T>) inside = inside && absolute(load_first(matrix + i, 9 - i)) <= most;
    return all_true(inside);
  }

  const core::Frame& frame_;
  const core::Orientations<T>& given_;
  bool common_beam_;
  core::Beam<T> beam_;
};

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
