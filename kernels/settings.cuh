// What kernels read of an orientation and of a reflection where the call has the usual form: reflections with records, one
// reciprocal basis for all, Q of the crystal frame.
#pragma once

#include "core/predict.hpp"

namespace braggrad::cuda {

// Reads of 16 bytes.
template <class T>
struct Wide;
template <>
struct Wide<float> {
  using Type = float4;
};
template <>
struct Wide<double> {
  using Type = double2;
};

// x, y, z, |q|^2.
template <class T>
struct Record {
  core::Vec3<T> q;
  T q2;
};

__device__ __forceinline__ Record<float> load_record(const float* records, int64_t, uint32_t n) {
  const float4 r = __ldg(reinterpret_cast<const float4*>(records) + n);
  return {{r.x, r.y, r.z}, r.w};
}
__device__ __forceinline__ Record<double> load_record(const double* records, int64_t stride, uint32_t n) {
  const double2 xy = __ldg(reinterpret_cast<const double2*>(records) + n),
                zq = __ldg(reinterpret_cast<const double2*>(records) + stride + n);
  return {{xy.x, xy.y, zq.x}, zq.y};
}

// An orientation: its rotation, and what its beam has to do with the roots.
template <class T>
class PairSetting {
 public:
  __device__ __forceinline__ static PairSetting of(const core::Setting<T>& s) {
    const core::Mat3<T>& r = s.rotation;
    const T values[12] = {r.xx, r.xy, r.xz, r.yx, r.yy, r.yz, r.zx, r.zy, r.zz, s.beam.tan_chi, s.beam.half, T(0)};
    PairSetting out;
    memcpy(out.wide_, values, sizeof values);
    return out;
  }
  // The sign of cos(chi) is that of `half`.
  __device__ __forceinline__ core::Setting<T> get() const {
    T v[12];
    memcpy(v, wide_, sizeof v);
    return {{v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8]}, {}, {v[9], v[10], T(0), T(0), T(0), v[10]}};
  }

 private:
  typename Wide<T>::Type wide_[12 * sizeof(T) / 16];
};

// The beams of a call's orientations or items; one that all share is computed once, on the host.
template <class T>
class Beams {
 public:
  template <class Rows>
  Beams(const core::Frame& frame, const Rows& rows)
      : common_(core::beam_of<T>(frame, nullptr, nullptr, 0)), is_common_(!rows.wavenumber && !rows.chi) {}

  template <class Rows>
  __device__ __forceinline__ core::Beam<T> beam(const core::Frame& frame, const Rows& rows, int64_t i) const {
    return is_common_ ? common_ : core::beam_of(frame, rows.wavenumber, rows.chi, i);
  }
  __device__ __forceinline__ core::Setting<T> setting(const core::Frame& frame,
                                                      const core::Orientations<T>& orientations, int64_t b) const {
    return core::make_setting(frame, orientations, b, beam(frame, orientations, b));
  }

 private:
  core::Beam<T> common_;
  bool is_common_;
};

// contributes() of core, without its product where the cut is 0, as it is by default.
template <class T>
__device__ __forceinline__ bool is_contributing(const core::Crossing<T>& x, const core::Setting<T>& setting,
                                                const core::Frame& frame) {
  const T cut = static_cast<T>(frame.grazing_cut);
  return x.inverse_s != T(0) && (!(cut > 0) || core::contributes(x, setting.beam, cut));
}

// A setting and its change.
template <class T>
struct MovingSetting {
  core::Setting<T> setting;
  core::SettingDot<T> change;
};

template <class T>
bool is_usual(const core::Reflections<T>& reflections, const core::Orientations<T>& orientations) {
  return reflections.records && !orientations.reciprocal_basis && !orientations.magnitude_from_rotated;
}

// The outputs from a later pair on.
template <class T>
core::RootsOutput<T> advanced(core::RootsOutput<T> roots, int64_t pairs) {
  if (roots.omega1) roots.omega1 += pairs;
  if (roots.omega2) roots.omega2 += pairs;
  if (roots.observable) roots.observable += pairs;
  return roots;
}

}  // namespace braggrad::cuda
