// Group 9: the roots of given scattering vectors.
#include "braggrad/solve.h"

#include "api/arrays.hpp"
#include "api/call.hpp"
#include "api/geometry.hpp"

namespace braggrad {
namespace {

template <class ItemsStruct, class RootsStruct>
void solve(brg_context& context, const brg_geometry* geometry, const ItemsStruct* items, const RootsStruct* roots) {
  using T = Element<decltype(RootsStruct::omega1)>;
  core::SolveProblem<T> p;
  p.items = read_items(items);
  p.frame = read_frame(context, geometry, p.items.wavenumber != nullptr);
  p.roots = read_roots(roots, "roots");
  Scratch scratch(context);
  context.backend().operations(T{}).solve(p, scratch);
}

template <class ItemsStruct, class CotangentsStruct, class GradientStruct>
void solve_vjp(brg_context& context, const brg_geometry* geometry, const ItemsStruct* items,
               const CotangentsStruct* cotangents, const GradientStruct* gradient) {
  using T = Element<decltype(ItemsStruct::g)>;
  core::SolveVjpProblem<T> p;
  p.items = read_items(items);
  p.frame = read_frame(context, geometry, p.items.wavenumber != nullptr);
  p.cotangents = read_cotangents(cotangents);
  p.gradient = read_items_gradient(gradient, p.items);
  Scratch scratch(context);
  context.backend().operations(T{}).solve_vjp(p, scratch);
}

template <class ItemsStruct, class TangentStruct, class RootsStruct>
void solve_jvp(brg_context& context, const brg_geometry* geometry, const ItemsStruct* items,
               const TangentStruct* tangent, const RootsStruct* roots_dot) {
  using T = Element<decltype(ItemsStruct::g)>;
  core::SolveJvpProblem<T> p;
  p.items = read_items(items);
  p.frame = read_frame(context, geometry, p.items.wavenumber != nullptr);
  p.tangent = read_items_tangent(tangent, p.items);
  p.roots = read_roots(roots_dot, "roots_dot");
  Scratch scratch(context);
  context.backend().operations(T{}).solve_jvp(p, scratch);
}

}  // namespace
}  // namespace braggrad

using braggrad::called;

extern "C" {

brg_status brg_solve_f64(brg_context* context, const brg_geometry* geometry, const brg_items_f64* items,
                         const brg_roots_f64* roots) {
  return called("brg_solve_f64", context, [&] { braggrad::solve(*context, geometry, items, roots); });
}

brg_status brg_solve_vjp_f64(brg_context* context, const brg_geometry* geometry, const brg_items_f64* items,
                             const brg_root_cotangents_f64* cotangents, const brg_items_gradient_f64* gradient) {
  return called("brg_solve_vjp_f64", context,
                [&] { braggrad::solve_vjp(*context, geometry, items, cotangents, gradient); });
}

brg_status brg_solve_jvp_f64(brg_context* context, const brg_geometry* geometry, const brg_items_f64* items,
                             const brg_items_tangent_f64* tangent, const brg_roots_f64* roots_dot) {
  return called("brg_solve_jvp_f64", context,
                [&] { braggrad::solve_jvp(*context, geometry, items, tangent, roots_dot); });
}

brg_status brg_solve_f32(brg_context* context, const brg_geometry* geometry, const brg_items_f32* items,
                         const brg_roots_f32* roots) {
  return called("brg_solve_f32", context, [&] { braggrad::solve(*context, geometry, items, roots); });
}

brg_status brg_solve_vjp_f32(brg_context* context, const brg_geometry* geometry, const brg_items_f32* items,
                             const brg_root_cotangents_f32* cotangents, const brg_items_gradient_f32* gradient) {
  return called("brg_solve_vjp_f32", context,
                [&] { braggrad::solve_vjp(*context, geometry, items, cotangents, gradient); });
}

brg_status brg_solve_jvp_f32(brg_context* context, const brg_geometry* geometry, const brg_items_f32* items,
                             const brg_items_tangent_f32* tangent, const brg_roots_f32* roots_dot) {
  return called("brg_solve_jvp_f32", context,
                [&] { braggrad::solve_jvp(*context, geometry, items, tangent, roots_dot); });
}

}  // extern "C"
