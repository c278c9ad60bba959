// What a backend is given: the checked inputs and outputs of each operation, as plain pointers into the context's
// memory. NULL means what it means in the public headers.
#pragma once

#include "core/frame.hpp"

namespace braggrad::core {

// A direction in the geometry's own values; what an array replaces is zero here.
struct GeometryTangent {
  double wavenumber, chi;
  Vec3<double> beam, axis;
};

BRG_CORE bool moves_frame(const GeometryTangent &dot) {
  return dot.beam.x != 0 || dot.beam.y != 0 || dot.beam.z != 0 || dot.axis.x != 0 || dot.axis.y != 0 || dot.axis.z != 0;
}

// Sums over the batch for the geometry's own values.
template <class T>
struct GeometryGradient {
  T *wavenumber, *chi, *beam, *axis;
  bool own_wavenumber, own_chi;  // false: an array replaces the value, and its sum is 0

  bool wanted() const { return wavenumber || chi || beam || axis; }
};

template <class T>
struct Items {
  int64_t count;
  const T *g, *g_magnitude, *wavenumber, *chi;
};

template <class T>
struct RootsOutput {
  T *omega1, *omega2;
  uint8_t *observable;
};

template <class T>
struct RootCotangents {
  const T *omega1, *omega2;
};

template <class T>
struct ItemsGradient {
  T *g, *g_magnitude, *wavenumber, *chi;
  GeometryGradient<T> geometry;
  bool accumulate;
};

template <class T>
struct ItemsTangent {
  const T *g, *g_magnitude, *wavenumber, *chi;
  GeometryTangent geometry;
};

template <class T>
struct Orientations {
  int64_t count;
  const T *rotation, *reciprocal_basis, *wavenumber, *chi;
  bool column_major, magnitude_from_rotated;
};

template <class T>
struct Reflections {
  int64_t count;
  const T *q, *q2;     // q2 NULL: computed from q
  const int32_t *hkl;  // NULL: not known
  // x, y, z, |q|^2 and, where hkl is known, h, k, l: each reflection_planes_stride(count) numbers, zero beyond the count.
  // A reflection that is not finite or out of range is zero there. NULL in a view and on a device.
  const T *planes;
  // x, y, z, |q|^2 as [stride][4], for reading here and there; in float64 on a device as [2][stride][2], for reads of 16 bytes.
  // NULL in a view.
  const T *records;
  bool friedel;  // reflection n + count/2 is exactly the opposite of n, in hkl too, for all n below count/2
};

BRG_CORE constexpr int64_t reflection_planes_stride(int64_t count) { return (count + 31) / 16 * 16; }

template <class T>
struct OrientationsGradient {
  T *rotation, *rotation_vector, *reciprocal_basis, *wavenumber, *chi;
  T *q, *reflections_basis;
  GeometryGradient<T> geometry;
  bool accumulate;
};

template <class T>
struct OrientationsTangent {
  const T *rotation, *rotation_vector, *reciprocal_basis, *wavenumber, *chi, *q;
  GeometryTangent geometry;
};

template <class T>
struct SolveProblem {
  Frame frame;
  Items<T> items;
  RootsOutput<T> roots;
};

template <class T>
struct SolveVjpProblem {
  Frame frame;
  Items<T> items;
  RootCotangents<T> cotangents;
  ItemsGradient<T> gradient;
};

template <class T>
struct SolveJvpProblem {
  Frame frame;
  Items<T> items;
  ItemsTangent<T> tangent;
  RootsOutput<T> roots;
};

template <class T>
struct RotateProblem {
  Reflections<T> reflections;
  Orientations<T> orientations;
  T *g;
};

template <class T>
struct RotateVjpProblem {
  Reflections<T> reflections;
  Orientations<T> orientations;
  const T *g_bar;
  OrientationsGradient<T> gradient;
};

template <class T>
struct RotateJvpProblem {
  Reflections<T> reflections;
  Orientations<T> orientations;
  OrientationsTangent<T> tangent;
  T *g;
};

template <class T>
struct PredictProblem {
  Frame frame;
  Reflections<T> reflections;
  Orientations<T> orientations;
  RootsOutput<T> roots;
};

template <class T>
struct PredictVjpProblem {
  Frame frame;
  Reflections<T> reflections;
  Orientations<T> orientations;
  RootCotangents<T> cotangents;
  OrientationsGradient<T> gradient;
};

template <class T>
struct PredictJvpProblem {
  Frame frame;
  Reflections<T> reflections;
  Orientations<T> orientations;
  OrientationsTangent<T> tangent;
  RootsOutput<T> roots;
};

template <class T>
struct BeamProblem {
  Frame frame;
  Items<T> items;
  const T *omega;
  T *direction, *two_theta, *eta;
};

// Half-open windows of omega, limits in [-pi, pi); low > high wraps.
struct OmegaWindows {
  static constexpr int most = 8;
  int count;  // 0: the whole turn
  double low[most], high[most];
};

template <class T>
struct SpotsProblem {
  Frame frame;
  Reflections<T> reflections;
  Orientations<T> orientations;
  OmegaWindows windows;
  int64_t capacity;
  int64_t *offsets;
  int32_t *reflection;
  uint8_t *root;
  T *omega;
  int64_t *count;  // host memory, or NULL: do not wait
};

template <class T>
struct OmegaTargets {
  int32_t loss;
  double delta, missing_loss;
  int64_t orientation_stride;
  const T *omega1, *omega2, *weight1, *weight2;
  const int64_t *offsets;
  const int32_t *reflection;
  const uint8_t *root;
  const T *omega, *weight;
};

template <class T>
struct OmegaLossOutput {
  uint32_t parameters;
  T *loss, *gradient, *normal, *rotation_bar;
  int32_t *observable, *matched, *missing, *grazing;
  bool accumulate;
};

template <class T>
struct OmegaLossProblem {
  Frame frame;
  Reflections<T> reflections;
  Orientations<T> orientations;
  OmegaTargets<T> targets;
  OmegaLossOutput<T> output;
};

}  // namespace braggrad::core
