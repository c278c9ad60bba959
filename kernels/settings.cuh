// What kernels read of an orientation and of a reflection where the call has the usual form: reflections with records, one
// reciprocal basis for all, Q of the crystal frame.
#pragma once

#include "core/predict.hpp"
#include "kernels/rows.cuh"

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

// An array from a later number on, or none.
template <class T>
__device__ __forceinline__ const T* advanced(const T* array, int64_t count) {
  return array ? array + count : nullptr;
}

// The rows of a warp's lanes in the arrays of a call, copied to shared memory, where each lane finds its own.
template <class T>
class StagedRows {
 public:
  // `first`: the row of the warp's first lane.
  __device__ __forceinline__ StagedRows(Lanes lanes, int64_t first, T* tile)
      : lanes_(lanes), first_(first), tile_(tile) {}
  template <int width>
  __device__ __forceinline__ const T* row(const T* array) {
    if (!array) return nullptr;
    copy_rows<width>(lanes_, array + width * first_, tile_);
    const T* own = tile_ + width * lanes_.lane;
    tile_ += width * lanes_.count;
    return own;
  }
  __device__ __forceinline__ const T* number(const T* array) const { return advanced(array, first_ + lanes_.lane); }

 private:
  Lanes lanes_;
  int64_t first_;
  T* tile_;
};

// The orientations of a call, each as one alone. `has_basis`: may have reciprocal bases of their own.
template <class T, bool has_basis = true>
struct OrientationRows {
  using Number = T;
  static constexpr int most_numbers = has_basis ? 18 : 9;  // of a row
  core::Orientations<T> all;

  __device__ __forceinline__ core::Orientations<T> of(StagedRows<T>& rows) const {
    core::Orientations<T> one = all;
    one.rotation = rows.template row<9>(all.rotation);
    one.reciprocal_basis = has_basis ? rows.template row<9>(all.reciprocal_basis) : nullptr;
    one.wavenumber = rows.number(all.wavenumber), one.chi = rows.number(all.chi);
    return one;
  }
};

// With their changes.
template <class T>
struct MovingRows {
  using Number = T;
  static constexpr int most_numbers = OrientationRows<T>::most_numbers + 21;
  struct Row {
    core::Orientations<T> orientations;
    core::OrientationsTangent<T> tangent;
  };
  OrientationRows<T> orientations;
  core::OrientationsTangent<T> tangent;

  __device__ __forceinline__ Row of(StagedRows<T>& rows) const {
    Row one = {orientations.of(rows), tangent};
    one.tangent.rotation = rows.template row<9>(tangent.rotation);
    one.tangent.rotation_vector = rows.template row<3>(tangent.rotation_vector);
    one.tangent.reciprocal_basis = rows.template row<9>(tangent.reciprocal_basis);
    one.tangent.wavenumber = rows.number(tangent.wavenumber), one.tangent.chi = rows.number(tangent.chi);
    return one;
  }
};

// settings[i] = make(row first + i of `orientations`) for i below `count`, by all threads of a block. What is read of memory is
// read in whole sectors, and laid out for a moment where the settings will be.
template <class Setting, class Orientations, class Make>
__device__ __forceinline__ void make_settings(Setting* settings, const Orientations& orientations, int64_t first,
                                              uint32_t count, const Make& make) {
  using T = typename Orientations::Number;
  static_assert(sizeof(Setting) >= Orientations::most_numbers * sizeof(T));
  for (uint32_t i = threadIdx.x; i < count; i += blockDim.x) {
    const Lanes lanes = Lanes::of(count - i);
    const uint32_t warp = i - lanes.lane;
    StagedRows<T> rows(lanes, first + warp, reinterpret_cast<T*>(settings + warp));
    const auto row = orientations.of(rows);
    lanes.sync();
    const Setting made = make(row);
    lanes.sync();
    settings[i] = made;
  }
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
