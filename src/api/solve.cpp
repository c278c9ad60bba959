// Group 9: the roots of given scattering vectors.
#include "braggrad/solve.h"

#include "api/geometry.hpp"
#include "runtime/context.hpp"
#include "runtime/error.hpp"
#include "runtime/struct_reader.hpp"

namespace braggrad {
namespace {

template <class ItemsStruct, class RootsStruct>
void solve(brg_context* context, const brg_geometry* geometry, const ItemsStruct* given_items,
           const RootsStruct* given_roots) {
  require(context != nullptr, "context is NULL");
  const ItemsStruct items = read_struct(given_items, "items");
  const RootsStruct roots = read_struct(given_roots, "roots");
  require(items.count >= 0, "items.count is " + std::to_string(items.count) + ": it must not be negative");
  require(items.count == 0 || items.g != nullptr, "items.g is NULL");
  using T = std::remove_pointer_t<decltype(roots.omega1)>;
  core::SolveProblem<T> problem;
  problem.frame = read_frame(geometry, items.wavenumber != nullptr);
  problem.items = {items.count, items.g, items.g_magnitude, items.wavenumber, items.chi};
  problem.roots = {roots.omega1, roots.omega2, roots.observable};
  Scratch scratch(*context);
  context->backend().operations(T{}).solve(problem, scratch);
}

}  // namespace
}  // namespace braggrad

extern "C" {

brg_status brg_solve_f64(brg_context* context, const brg_geometry* geometry, const brg_items_f64* items,
                         const brg_roots_f64* roots) {
  return braggrad::guarded("brg_solve_f64", [&] { braggrad::solve(context, geometry, items, roots); });
}

brg_status brg_solve_f32(brg_context* context, const brg_geometry* geometry, const brg_items_f32* items,
                         const brg_roots_f32* roots) {
  return braggrad::guarded("brg_solve_f32", [&] { braggrad::solve(context, geometry, items, roots); });
}

}  // extern "C"
