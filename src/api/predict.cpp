// Group 10: rotate and solve, fused.
#include "braggrad/predict.h"

#include "api/arrays.hpp"
#include "api/call.hpp"
#include "api/geometry.hpp"

namespace braggrad {
namespace {

template <class OrientationsStruct, class RootsStruct>
void predict(brg_context& context, const brg_geometry* geometry, const brg_reflections* reflections,
             const OrientationsStruct* orientations, const RootsStruct* roots) {
  using T = Element<decltype(RootsStruct::omega1)>;
  core::PredictProblem<T> p;
  p.reflections = read_reflections<T>(context, reflections);
  p.orientations = read_orientations(orientations, *reflections);
  p.frame = read_frame(context, geometry, p.orientations.wavenumber != nullptr);
  p.roots = read_roots(roots, "roots");
  Scratch scratch(context);
  context.backend().operations(T{}).predict(p, scratch);
}

template <class OrientationsStruct, class CotangentsStruct, class GradientStruct>
void predict_vjp(brg_context& context, const brg_geometry* geometry, const brg_reflections* reflections,
                 const OrientationsStruct* orientations, const CotangentsStruct* cotangents,
                 const GradientStruct* gradient) {
  using T = Element<decltype(OrientationsStruct::rotation)>;
  core::PredictVjpProblem<T> p;
  p.reflections = read_reflections<T>(context, reflections);
  p.orientations = read_orientations(orientations, *reflections);
  p.frame = read_frame(context, geometry, p.orientations.wavenumber != nullptr);
  p.cotangents = read_cotangents(cotangents);
  p.gradient = read_orientations_gradient(gradient, *reflections, p.orientations);
  Scratch scratch(context);
  context.backend().operations(T{}).predict_vjp(p, scratch);
}

template <class OrientationsStruct, class TangentStruct, class RootsStruct>
void predict_jvp(brg_context& context, const brg_geometry* geometry, const brg_reflections* reflections,
                 const OrientationsStruct* orientations, const TangentStruct* tangent, const RootsStruct* roots_dot) {
  using T = Element<decltype(OrientationsStruct::rotation)>;
  core::PredictJvpProblem<T> p;
  p.reflections = read_reflections<T>(context, reflections);
  p.orientations = read_orientations(orientations, *reflections);
  p.frame = read_frame(context, geometry, p.orientations.wavenumber != nullptr);
  p.tangent = read_orientations_tangent(tangent, *reflections, p.orientations);
  p.roots = read_roots(roots_dot, "roots_dot");
  Scratch scratch(context);
  context.backend().operations(T{}).predict_jvp(p, scratch);
}

}  // namespace
}  // namespace braggrad

using braggrad::called;

extern "C" {

brg_status brg_predict_f64(brg_context* context, const brg_geometry* geometry, const brg_reflections* reflections,
                           const brg_orientations_f64* orientations, const brg_roots_f64* roots) {
  return called("brg_predict_f64", context,
                [&] { braggrad::predict(*context, geometry, reflections, orientations, roots); });
}

brg_status brg_predict_vjp_f64(brg_context* context, const brg_geometry* geometry, const brg_reflections* reflections,
                               const brg_orientations_f64* orientations, const brg_root_cotangents_f64* cotangents,
                               const brg_orientations_gradient_f64* gradient) {
  return called("brg_predict_vjp_f64", context,
                [&] { braggrad::predict_vjp(*context, geometry, reflections, orientations, cotangents, gradient); });
}

brg_status brg_predict_jvp_f64(brg_context* context, const brg_geometry* geometry, const brg_reflections* reflections,
                               const brg_orientations_f64* orientations, const brg_orientations_tangent_f64* tangent,
                               const brg_roots_f64* roots_dot) {
  return called("brg_predict_jvp_f64", context,
                [&] { braggrad::predict_jvp(*context, geometry, reflections, orientations, tangent, roots_dot); });
}

brg_status brg_predict_f32(brg_context* context, const brg_geometry* geometry, const brg_reflections* reflections,
                           const brg_orientations_f32* orientations, const brg_roots_f32* roots) {
  return called("brg_predict_f32", context,
                [&] { braggrad::predict(*context, geometry, reflections, orientations, roots); });
}

brg_status brg_predict_vjp_f32(brg_context* context, const brg_geometry* geometry, const brg_reflections* reflections,
                               const brg_orientations_f32* orientations, const brg_root_cotangents_f32* cotangents,
                               const brg_orientations_gradient_f32* gradient) {
  return called("brg_predict_vjp_f32", context,
                [&] { braggrad::predict_vjp(*context, geometry, reflections, orientations, cotangents, gradient); });
}

brg_status brg_predict_jvp_f32(brg_context* context, const brg_geometry* geometry, const brg_reflections* reflections,
                               const brg_orientations_f32* orientations, const brg_orientations_tangent_f32* tangent,
                               const brg_roots_f32* roots_dot) {
  return called("brg_predict_jvp_f32", context,
                [&] { braggrad::predict_jvp(*context, geometry, reflections, orientations, tangent, roots_dot); });
}

}  // extern "C"
