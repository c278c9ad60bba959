// Group 12: fused loss, gradient and normal equations.
#include "braggrad/fit.h"

#include <cmath>

#include "api/arrays.hpp"
#include "api/call.hpp"
#include "api/geometry.hpp"

namespace braggrad {
namespace {

template <class S, class T = Element<decltype(S::omega)>>
core::OmegaTargets<T> read_targets(const S* given, int64_t orientations, int64_t reflections) {
  const S s = read_struct(given, "targets");
  require(s.loss >= BRG_LOSS_SQUARES && s.loss <= BRG_LOSS_NORM, "targets.loss is ", s.loss,
          ": it must be one of BRG_LOSS_*");
  require(s.reserved == 0, "targets.reserved is not 0");
  const bool has_delta = s.loss == BRG_LOSS_HUBER || s.loss == BRG_LOSS_NORM;
  constexpr double most = core::Limits<T>::largest_component;  // its square and the reciprocal of that are numbers
  require(has_delta || s.delta == 0, "targets.delta is ", s.delta, ": it must be 0 where the loss has none");
  require(!has_delta || (s.delta >= 1 / most && s.delta <= most), "targets.delta is ", s.delta,
          ": the Huber and the norm loss take ", 1 / most, " to ", most);
  require(std::isfinite(s.missing_loss) && s.missing_loss >= 0, "targets.missing_loss is ", s.missing_loss,
          ": it must be finite and not negative");
  const bool dense = s.omega1 || s.omega2, listed = s.offsets || s.reflection || s.omega;
  require(!dense || !listed, "targets has omega1 or omega2 and a list per orientation: only one is possible");
  if (listed) {
    require_array(s.offsets, orientations, "targets.offsets");
    require_array(s.reflection, orientations, "targets.reflection");
    require_array(s.omega, orientations, "targets.omega");
  } else {
    require(dense || orientations == 0 || reflections == 0, "targets has neither omega1 nor omega2 nor offsets");
    require(s.orientation_stride == 0 || s.orientation_stride == reflections, "targets.orientation_stride is ",
            s.orientation_stride, ": it must be 0 or the number of reflections, ", reflections);
  }
  return {s.loss,    s.delta,   s.missing_loss, s.orientation_stride, s.omega1, s.omega2,
          s.weight1, s.weight2, s.offsets,      s.reflection,         s.root,   s.omega,
          s.weight};
}

template <class S, class T = Element<decltype(S::loss)>>
core::OmegaLossOutput<T> read_output(const S* given) {
  const S s = read_struct(given, "output", BRG_ACCUMULATE);
  require(s.reserved == 0, "output.reserved is not 0");
  require(s.parameters <= (BRG_FIT_ROTATION | BRG_FIT_WAVENUMBER | BRG_FIT_CHI | BRG_FIT_LATTICE),
          "output.parameters has a bit that is none of BRG_FIT_*: ", s.parameters);
  require(s.parameters || !(s.gradient || s.normal),
          "output.parameters is 0, but output.gradient or output.normal is asked for");
  return {s.parameters, s.loss,    s.gradient, s.normal,  s.rotation_bar,
          s.observable, s.matched, s.missing,  s.grazing, (s.flags & BRG_ACCUMULATE) != 0};
}

template <class OrientationsStruct, class TargetsStruct, class OutputStruct>
void omega_loss(brg_context& context, const brg_geometry* geometry, const brg_reflections* reflections,
                const OrientationsStruct* orientations, const TargetsStruct* targets, const OutputStruct* output) {
  using T = Element<decltype(OrientationsStruct::rotation)>;
  core::OmegaLossProblem<T> p;
  p.reflections = read_reflections<T>(context, reflections);
  p.orientations = read_orientations(orientations, *reflections);
  p.frame = read_frame(context, geometry, p.orientations.wavenumber != nullptr);
  p.targets = read_targets(targets, p.orientations.count, p.reflections.count);
  p.output = read_output(output);
  Scratch scratch(context);
  context.backend().operations(T{}).omega_loss(p, scratch);
}

}  // namespace
}  // namespace braggrad

using braggrad::called;

extern "C" {

brg_status brg_omega_loss_f64(brg_context* context, const brg_geometry* geometry, const brg_reflections* reflections,
                              const brg_orientations_f64* orientations, const brg_omega_targets_f64* targets,
                              const brg_omega_loss_output_f64* output) {
  return called("brg_omega_loss_f64", context,
                [&] { braggrad::omega_loss(*context, geometry, reflections, orientations, targets, output); });
}

brg_status brg_omega_loss_f32(brg_context* context, const brg_geometry* geometry, const brg_reflections* reflections,
                              const brg_orientations_f32* orientations, const brg_omega_targets_f32* targets,
                              const brg_omega_loss_output_f32* output) {
  return called("brg_omega_loss_f32", context,
                [&] { braggrad::omega_loss(*context, geometry, reflections, orientations, targets, output); });
}

}  // extern "C"
