// Group 8: rotation of a reflection set by many orientations.
#include "braggrad/rotate.h"

#include "api/arrays.hpp"
#include "api/call.hpp"

namespace braggrad {
namespace {

template <class S, class T = Element<decltype(S::rotation)>>
core::Orientations<T> read_rotations(const S* given, const brg_reflections& reflections) {
  const core::Orientations<T> orientations = read_orientations(given, reflections);
  require(!orientations.wavenumber && !orientations.chi,
          "orientations.wavenumber or orientations.chi is given: a rotation has no beam");
  return orientations;
}

template <class OrientationsStruct, class VectorsStruct>
void rotate(brg_context& context, const brg_reflections* reflections, const OrientationsStruct* orientations,
            const VectorsStruct* vectors) {
  using T = Element<decltype(OrientationsStruct::rotation)>;
  core::RotateProblem<T> p;
  p.reflections = read_reflections<T>(context, reflections);
  p.orientations = read_rotations(orientations, *reflections);
  p.g = read_struct(vectors, "vectors").g;
  if (!p.g) return;
  Scratch scratch(context);
  context.backend().operations(T{}).rotate(p, scratch);
}

template <class OrientationsStruct, class CotangentsStruct, class GradientStruct>
void rotate_vjp(brg_context& context, const brg_reflections* reflections, const OrientationsStruct* orientations,
                const CotangentsStruct* cotangents, const GradientStruct* gradient) {
  using T = Element<decltype(OrientationsStruct::rotation)>;
  core::RotateVjpProblem<T> p;
  p.reflections = read_reflections<T>(context, reflections);
  p.orientations = read_rotations(orientations, *reflections);
  p.g_bar = read_struct(cotangents, "cotangents").g;
  require_array(p.g_bar, p.orientations.count * p.reflections.count, "cotangents.g");
  p.gradient = read_orientations_gradient(gradient, *reflections, p.orientations);
  require(!p.gradient.wavenumber && !p.gradient.chi && !p.gradient.geometry.wanted(),
          "gradient.wavenumber, gradient.chi or gradient.geometry_* is given: a rotation has no beam");
  Scratch scratch(context);
  context.backend().operations(T{}).rotate_vjp(p, scratch);
}

template <class OrientationsStruct, class TangentStruct, class VectorsStruct>
void rotate_jvp(brg_context& context, const brg_reflections* reflections, const OrientationsStruct* orientations,
                const TangentStruct* tangent, const VectorsStruct* vectors_dot) {
  using T = Element<decltype(OrientationsStruct::rotation)>;
  core::RotateJvpProblem<T> p;
  p.reflections = read_reflections<T>(context, reflections);
  p.orientations = read_rotations(orientations, *reflections);
  p.tangent = read_orientations_tangent(tangent, *reflections, p.orientations);
  const core::GeometryTangent& geometry = p.tangent.geometry;
  require(!p.tangent.wavenumber && !p.tangent.chi && geometry.wavenumber == 0 && geometry.chi == 0 &&
              !core::moves_frame(geometry),
          "tangent.wavenumber, tangent.chi or tangent.geometry_* is given: a rotation has no beam");
  p.g = read_struct(vectors_dot, "vectors_dot").g;
  if (!p.g) return;
  Scratch scratch(context);
  context.backend().operations(T{}).rotate_jvp(p, scratch);
}

}  // namespace
}  // namespace braggrad

using braggrad::called;

extern "C" {

brg_status brg_rotate_f64(brg_context* context, const brg_reflections* reflections,
                          const brg_orientations_f64* orientations, const brg_vectors_f64* vectors) {
  return called("brg_rotate_f64", context, [&] { braggrad::rotate(*context, reflections, orientations, vectors); });
}

brg_status brg_rotate_vjp_f64(brg_context* context, const brg_reflections* reflections,
                              const brg_orientations_f64* orientations, const brg_vector_cotangents_f64* cotangents,
                              const brg_orientations_gradient_f64* gradient) {
  return called("brg_rotate_vjp_f64", context,
                [&] { braggrad::rotate_vjp(*context, reflections, orientations, cotangents, gradient); });
}

brg_status brg_rotate_jvp_f64(brg_context* context, const brg_reflections* reflections,
                              const brg_orientations_f64* orientations, const brg_orientations_tangent_f64* tangent,
                              const brg_vectors_f64* vectors_dot) {
  return called("brg_rotate_jvp_f64", context,
                [&] { braggrad::rotate_jvp(*context, reflections, orientations, tangent, vectors_dot); });
}

brg_status brg_rotate_f32(brg_context* context, const brg_reflections* reflections,
                          const brg_orientations_f32* orientations, const brg_vectors_f32* vectors) {
  return called("brg_rotate_f32", context, [&] { braggrad::rotate(*context, reflections, orientations, vectors); });
}

brg_status brg_rotate_vjp_f32(brg_context* context, const brg_reflections* reflections,
                              const brg_orientations_f32* orientations, const brg_vector_cotangents_f32* cotangents,
                              const brg_orientations_gradient_f32* gradient) {
  return called("brg_rotate_vjp_f32", context,
                [&] { braggrad::rotate_vjp(*context, reflections, orientations, cotangents, gradient); });
}

brg_status brg_rotate_jvp_f32(brg_context* context, const brg_reflections* reflections,
                              const brg_orientations_f32* orientations, const brg_orientations_tangent_f32* tangent,
                              const brg_vectors_f32* vectors_dot) {
  return called("brg_rotate_jvp_f32", context,
                [&] { braggrad::rotate_jvp(*context, reflections, orientations, tangent, vectors_dot); });
}

}  // extern "C"
