// A caller's structs of arrays, checked and turned into the problem of a backend. The struct decides the precision.
#pragma once

#include <cmath>
#include <type_traits>

#include "braggrad/predict.h"
#include "core/problem.hpp"
#include "runtime/context.hpp"
#include "runtime/reflections.hpp"
#include "runtime/struct_reader.hpp"

namespace braggrad {

// float or double, of the array that a member points to.
template <class Pointer>
using Element = std::remove_const_t<std::remove_pointer_t<Pointer>>;

// Most items or pairs of a call: keeps every byte count of an array below 2^63.
inline constexpr int64_t most_pairs = int64_t{1} << 56;

inline void require_count(int64_t count, const char* name) {
  require(count >= 0 && count <= most_pairs, name, " is ", count, ": it must not be negative, and at most 2^56");
}

inline void require_array(const void* array, int64_t count, const char* name) {
  require(array != nullptr || count == 0, name, " is NULL");
}

template <class S, class T = Element<decltype(S::g)>>
core::Items<T> read_items(const S* given) {
  const S s = read_struct(given, "items");
  require_count(s.count, "items.count");
  require_array(s.g, s.count, "items.g");
  return {s.count, s.g, s.g_magnitude, s.wavenumber, s.chi};
}

template <class S, class T = Element<decltype(S::omega1)>>
core::RootsOutput<T> read_roots(const S* given, const char* name) {
  const S s = read_struct(given, name);
  return {s.omega1, s.omega2, s.observable};
}

template <class S, class T = Element<decltype(S::omega1)>>
core::RootCotangents<T> read_cotangents(const S* given) {
  const S s = read_struct(given, "cotangents");
  return {s.omega1, s.omega2};
}

template <class S, class T = Element<decltype(S::geometry_chi)>>
core::GeometryGradient<T> geometry_gradient(const S& s, bool own_wavenumber, bool own_chi) {
  return {s.geometry_wavenumber, s.geometry_chi, s.geometry_beam, s.geometry_axis, own_wavenumber, own_chi};
}

template <class S>
core::GeometryTangent read_geometry_tangent(const S& s, bool own_wavenumber, bool own_chi) {
  const double values[] = {s.geometry_wavenumber, s.geometry_chi,     s.geometry_beam[0], s.geometry_beam[1],
                           s.geometry_beam[2],    s.geometry_axis[0], s.geometry_axis[1], s.geometry_axis[2]};
  for (const double value : values) require(std::isfinite(value), "tangent.geometry_* has a value that is not finite");
  return {own_wavenumber ? s.geometry_wavenumber : 0,
          own_chi ? s.geometry_chi : 0,
          {s.geometry_beam[0], s.geometry_beam[1], s.geometry_beam[2]},
          {s.geometry_axis[0], s.geometry_axis[1], s.geometry_axis[2]}};
}

template <class S, class T = Element<decltype(S::g)>>
core::ItemsGradient<T> read_items_gradient(const S* given, const core::Items<T>& items) {
  const S s = read_struct(given, "gradient", BRG_ACCUMULATE);
  return {s.g,
          s.g_magnitude,
          s.wavenumber,
          s.chi,
          geometry_gradient(s, !items.wavenumber, !items.chi),
          (s.flags & BRG_ACCUMULATE) != 0};
}

template <class S, class T = Element<decltype(S::g)>>
core::ItemsTangent<T> read_items_tangent(const S* given, const core::Items<T>& items) {
  const S s = read_struct(given, "tangent");
  return {s.g, s.g_magnitude, s.wavenumber, s.chi, read_geometry_tangent(s, !items.wavenumber, !items.chi)};
}

template <class T>
core::Reflections<T> read_reflections(const brg_context& context, const brg_reflections* reflections) {
  require(reflections != nullptr, "reflections is NULL");
  context.require_same_device(*reflections->device, "reflections");
  const core::Reflections<T>& set = reflections->of(T{});
  require(set.q != nullptr || set.count == 0, "reflections is a view of the other precision");
  return set;
}

template <class S, class T = Element<decltype(S::rotation)>>
core::Orientations<T> read_orientations(const S* given, const brg_reflections& reflections) {
  const S s = read_struct(given, "orientations", BRG_COLUMN_MAJOR | BRG_MAGNITUDE_FROM_ROTATED);
  require_count(s.count, "orientations.count");
  require(reflections.count == 0 || s.count <= most_pairs / reflections.count, "orientations.count is ", s.count,
          ": with ", reflections.count, " reflections that is more than 2^56 pairs");
  require_array(s.rotation, s.count, "orientations.rotation");
  require(!s.reciprocal_basis || reflections.has_hkl,
          "orientations.reciprocal_basis needs reflections with hkl (brg_reflections_create)");
  return {s.count,
          s.rotation,
          s.reciprocal_basis,
          s.wavenumber,
          s.chi,
          (s.flags & BRG_COLUMN_MAJOR) != 0,
          (s.flags & BRG_MAGNITUDE_FROM_ROTATED) != 0};
}

// Refuses what has no meaning: derivatives by a basis without hkl, and by the set's own vectors where each orientation
// has a basis of its own.
inline void require_lattice_derivatives(const brg_reflections& reflections, bool own_basis, const char* name,
                                        bool by_basis, bool by_set) {
  require(!by_basis || reflections.has_hkl, name,
          " by a reciprocal basis needs reflections with hkl (brg_reflections_create)");
  require(!by_set || !own_basis, name, " by q or reflections_basis has no meaning with orientations.reciprocal_basis");
}

template <class S, class T = Element<decltype(S::rotation)>>
core::OrientationsGradient<T> read_orientations_gradient(const S* given, const brg_reflections& reflections,
                                                         const core::Orientations<T>& orientations) {
  const S s = read_struct(given, "gradient", BRG_ACCUMULATE);
  require_lattice_derivatives(reflections, orientations.reciprocal_basis, "gradient",
                              s.reciprocal_basis || s.reflections_basis, s.q || s.reflections_basis);
  return {s.rotation,
          s.rotation_vector,
          s.reciprocal_basis,
          s.wavenumber,
          s.chi,
          s.q,
          s.reflections_basis,
          geometry_gradient(s, !orientations.wavenumber, !orientations.chi),
          (s.flags & BRG_ACCUMULATE) != 0};
}

template <class S, class T = Element<decltype(S::rotation)>>
core::OrientationsTangent<T> read_orientations_tangent(const S* given, const brg_reflections& reflections,
                                                       const core::Orientations<T>& orientations) {
  const S s = read_struct(given, "tangent");
  require_lattice_derivatives(reflections, orientations.reciprocal_basis, "tangent", s.reciprocal_basis, s.q);
  return {s.rotation,
          s.rotation_vector,
          s.reciprocal_basis,
          s.wavenumber,
          s.chi,
          s.q,
          read_geometry_tangent(s, !orientations.wavenumber, !orientations.chi)};
}

}  // namespace braggrad
