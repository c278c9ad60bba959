// Group 11: diffracted beams, and compact lists of spots.
#include "braggrad/spots.h"

#include <cmath>

#include "api/arrays.hpp"
#include "api/call.hpp"
#include "api/geometry.hpp"

namespace braggrad {
namespace {

template <class ItemsStruct, class T, class BeamsStruct>
void diffracted_beam(brg_context& context, const brg_geometry* geometry, const ItemsStruct* items, const T* omega,
                     const BeamsStruct* beams) {
  core::BeamProblem<T> p;
  p.items = read_items(items);
  p.frame = read_frame(context, geometry, p.items.wavenumber != nullptr);
  require_array(omega, p.items.count, "omega");
  p.omega = omega;
  const BeamsStruct out = read_struct(beams, "beams");
  p.direction = out.direction, p.two_theta = out.two_theta, p.eta = out.eta;
  Scratch scratch(context);
  context.backend().operations(T{}).diffracted_beam(p, scratch);
}

// The angle of the same direction in [-pi, pi).
double reduced(double omega) {
  const double angle = omega >= -core::pi && omega < core::pi ? omega : std::remainder(omega, core::two_pi);
  return angle >= core::pi ? -core::pi : angle;
}

template <class SpotsStruct>
core::OmegaWindows read_windows(const SpotsStruct& spots) {
  require(spots.window_count >= 0 && spots.window_count <= core::OmegaWindows::most, "spots.window_count is ",
          spots.window_count, ": it must be 0 to 8");
  core::OmegaWindows windows{};
  for (int i = 0; i < spots.window_count; ++i) {
    const double low = spots.window_low[i], high = spots.window_high[i];
    require(std::isfinite(low) && std::isfinite(high), "spots.window_low or spots.window_high of window ", i,
            " is not finite");
    if (high - low >= core::two_pi) return {};
    if (reduced(low) == reduced(high)) continue;
    windows.low[windows.count] = reduced(low), windows.high[windows.count] = reduced(high);
    ++windows.count;
  }
  // No windows means the whole turn: where all are empty, one that no angle is in stands for them.
  if (windows.count == 0 && spots.window_count > 0) windows = {1, {2 * core::pi}, {-2 * core::pi}};
  return windows;
}

template <class OrientationsStruct, class SpotsStruct>
void predict_spots(brg_context& context, const brg_geometry* geometry, const brg_reflections* reflections,
                   const OrientationsStruct* orientations, const SpotsStruct* spots, int64_t* count) {
  using T = Element<decltype(OrientationsStruct::rotation)>;
  core::SpotsProblem<T> p;
  p.reflections = read_reflections<T>(context, reflections);
  p.orientations = read_orientations(orientations, *reflections);
  p.frame = read_frame(context, geometry, p.orientations.wavenumber != nullptr);
  const SpotsStruct out = read_struct(spots, "spots");
  require(out.reserved == 0, "spots.reserved is not 0");
  p.windows = read_windows(out);
  require_count(out.capacity, "spots.capacity");
  p.capacity = out.capacity;
  p.offsets = out.offsets, p.reflection = out.reflection, p.root = out.root, p.omega = out.omega;
  p.count = count;
  Scratch scratch(context);
  context.backend().operations(T{}).predict_spots(p, scratch);
  const bool lists = p.reflection || p.root || p.omega;
  if (count && !context.dry_run() && lists && *count > p.capacity)
    fail(BRG_ERROR_CAPACITY,
         "spots.capacity is " + std::to_string(p.capacity) + ", but there are " + std::to_string(*count) + " spots");
}

}  // namespace
}  // namespace braggrad

using braggrad::called;

extern "C" {

brg_status brg_diffracted_beam_f64(brg_context* context, const brg_geometry* geometry, const brg_items_f64* items,
                                   const double* omega, const brg_beams_f64* beams) {
  return called("brg_diffracted_beam_f64", context,
                [&] { braggrad::diffracted_beam(*context, geometry, items, omega, beams); });
}

brg_status brg_predict_spots_f64(brg_context* context, const brg_geometry* geometry, const brg_reflections* reflections,
                                 const brg_orientations_f64* orientations, const brg_spots_f64* spots, int64_t* count) {
  return called("brg_predict_spots_f64", context,
                [&] { braggrad::predict_spots(*context, geometry, reflections, orientations, spots, count); });
}

brg_status brg_diffracted_beam_f32(brg_context* context, const brg_geometry* geometry, const brg_items_f32* items,
                                   const float* omega, const brg_beams_f32* beams) {
  return called("brg_diffracted_beam_f32", context,
                [&] { braggrad::diffracted_beam(*context, geometry, items, omega, beams); });
}

brg_status brg_predict_spots_f32(brg_context* context, const brg_geometry* geometry, const brg_reflections* reflections,
                                 const brg_orientations_f32* orientations, const brg_spots_f32* spots, int64_t* count) {
  return called("brg_predict_spots_f32", context,
                [&] { braggrad::predict_spots(*context, geometry, reflections, orientations, spots, count); });
}

}  // extern "C"
