// libbraggrad_jax: the compute calls as handlers of XLA's foreign function interface, for braggrad.jax.
//
// Plain C symbols, registered by their address; nothing of it is part of libbraggrad. Each call has two: braggrad_jax_predict
// for the CPU, braggrad_jax_predict_cuda for CUDA devices, in the order of XLA's stream. Arrays that are not given come
// with no elements, derivatives that are not wanted go to arrays with no elements. Each thread of XLA that calls has a
// context of its own for each device; those of the CPU share the cores of the process with the others.
#include <braggrad/braggrad.h>
#include <unistd.h>

#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "xla/ffi/api/ffi.h"

namespace {

namespace ffi = xla::ffi;
using ffi::AnyBuffer;
using Out = ffi::Result<AnyBuffer>;
using Values = ffi::Span<const double>;

// The two families of the interface.
struct F32 {
  using Number = float;
  using Items = brg_items_f32;
  using ItemsGradient = brg_items_gradient_f32;
  using ItemsTangent = brg_items_tangent_f32;
  using Orientations = brg_orientations_f32;
  using OrientationsGradient = brg_orientations_gradient_f32;
  using OrientationsTangent = brg_orientations_tangent_f32;
  using Roots = brg_roots_f32;
  using Cotangents = brg_root_cotangents_f32;
  using Targets = brg_omega_targets_f32;
  using LossOutput = brg_omega_loss_output_f32;
  static constexpr auto view = brg_reflections_view_f32;
  static constexpr auto solve = brg_solve_f32;
  static constexpr auto solve_vjp = brg_solve_vjp_f32;
  static constexpr auto solve_jvp = brg_solve_jvp_f32;
  static constexpr auto predict = brg_predict_f32;
  static constexpr auto predict_vjp = brg_predict_vjp_f32;
  static constexpr auto predict_jvp = brg_predict_jvp_f32;
  static constexpr auto omega_loss = brg_omega_loss_f32;
};
struct F64 {
  using Number = double;
  using Items = brg_items_f64;
  using ItemsGradient = brg_items_gradient_f64;
  using ItemsTangent = brg_items_tangent_f64;
  using Orientations = brg_orientations_f64;
  using OrientationsGradient = brg_orientations_gradient_f64;
  using OrientationsTangent = brg_orientations_tangent_f64;
  using Roots = brg_roots_f64;
  using Cotangents = brg_root_cotangents_f64;
  using Targets = brg_omega_targets_f64;
  using LossOutput = brg_omega_loss_output_f64;
  static constexpr auto view = brg_reflections_view_f64;
  static constexpr auto solve = brg_solve_f64;
  static constexpr auto solve_vjp = brg_solve_vjp_f64;
  static constexpr auto solve_jvp = brg_solve_jvp_f64;
  static constexpr auto predict = brg_predict_f64;
  static constexpr auto predict_vjp = brg_predict_vjp_f64;
  static constexpr auto predict_jvp = brg_predict_jvp_f64;
  static constexpr auto omega_loss = brg_omega_loss_f64;
};

struct Fault {
  brg_status status;
};
void require(brg_status status) {
  if (status != BRG_SUCCESS) throw Fault{status};
}

std::string text_of(const Fault& fault) { return std::string(brg_status_name(fault.status)) + ": " + brg_last_error(); }

struct DestroyContext {
  void operator()(brg_context* context) const { brg_context_destroy(context); }
};
struct DestroyReflections {
  void operator()(brg_reflections* reflections) const { brg_reflections_destroy(reflections); }
};
using Context = std::unique_ptr<brg_context, DestroyContext>;
using Reflections = std::unique_ptr<brg_reflections, DestroyReflections>;

constexpr int32_t no_device = -1;

// This thread's own of a device, made at its first use; anew in a child of fork().
brg_context* context_of_thread(int32_t device) {
  thread_local std::map<int32_t, Context> own;
  thread_local pid_t process = getpid();
  if (process != getpid()) own.clear(), process = getpid();
  Context& context = own[device];
  if (!context) {
    brg_context_options options;
    require(BRG_INIT(brg_context_options_init, &options));
    options.backend = device == no_device ? BRG_BACKEND_CPU : BRG_BACKEND_CUDA;
    if (device != no_device) options.device = device;
    brg_context* made = nullptr;
    require(brg_context_create(&options, &made));
    context.reset(made);
  }
  return context.get();
}

// Where a call runs, as its handler is told.
struct Place {
  int32_t device;
  void* stream;
};

// This thread's context of a place. It does not keep XLA's stream, which may be gone before the thread is.
class Visit {
 public:
  explicit Visit(Place place) : context_(context_of_thread(place.device)), on_device_(place.device != no_device) {
    if (on_device_) require(brg_context_set_stream(context_, place.stream));
  }
  ~Visit() {
    if (on_device_) brg_context_use_own_stream(context_);
  }
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;

  brg_context* context() const { return context_; }

 private:
  brg_context* context_;
  bool on_device_;
};

// Runs a handler's body, in the context of its place, for the family of its arrays.
template <class Body>
ffi::Error answered(Place place, const AnyBuffer& first, Body&& body) {
  try {
    const Visit visit(place);
    if (first.element_type() == ffi::F32)
      body(visit.context(), F32{});
    else if (first.element_type() == ffi::F64)
      body(visit.context(), F64{});
    else
      return ffi::Error::InvalidArgument("braggrad computes float32 and float64");
    return ffi::Error::Success();
  } catch (const Fault& fault) {
    const std::string text = text_of(fault);
    return fault.status == BRG_ERROR_INVALID_ARGUMENT ? ffi::Error::InvalidArgument(text) : ffi::Error::Internal(text);
  } catch (const std::exception& fault) {
    return ffi::Error::Internal(fault.what());
  }
}

// wavenumber, beam, axis, chi, grazing cut: Geometry.values of the package, always nine.
brg_geometry geometry_of(Values values) {
  brg_geometry geometry;
  require(BRG_INIT(brg_geometry_init, &geometry));
  geometry.wavenumber = values[0];
  for (size_t i = 0; i < 3; ++i) geometry.beam[i] = values[1 + i], geometry.axis[i] = values[4 + i];
  geometry.chi = values[7], geometry.grazing_cut = values[8];
  return geometry;
}

template <class T>
T* data(const AnyBuffer& buffer) {
  return buffer.element_count() == 0 ? nullptr : static_cast<T*>(buffer.untyped_data());
}
template <class T>
T* data(Out buffer) {
  return data<T>(*buffer);
}

template <class F>
typename F::Items items_of(const AnyBuffer& g, const AnyBuffer& magnitude, const AnyBuffer& k, const AnyBuffer& chi) {
  using T = typename F::Number;
  typename F::Items items{};
  items.struct_size = sizeof items;
  items.count = g.dimensions()[0];
  items.g = data<T>(g), items.g_magnitude = data<T>(magnitude);
  items.wavenumber = data<T>(k), items.chi = data<T>(chi);
  return items;
}

template <class F>
typename F::Orientations orientations_of(const AnyBuffer& rotation, const AnyBuffer& k, const AnyBuffer& chi,
                                         int64_t flags) {
  using T = typename F::Number;
  typename F::Orientations orientations{};
  orientations.struct_size = sizeof orientations;
  orientations.flags = static_cast<uint32_t>(flags);
  orientations.count = rotation.dimensions()[0];
  orientations.rotation = data<T>(rotation);
  orientations.wavenumber = data<T>(k), orientations.chi = data<T>(chi);
  return orientations;
}

template <class F>
Reflections view_of(brg_context* context, const AnyBuffer& q) {
  brg_reflections* made = nullptr;
  require(F::view(context, q.dimensions()[0], data<typename F::Number>(q), &made));
  return Reflections(made);
}

template <class F>
typename F::Roots angles_of(Out omega1, Out omega2) {
  using T = typename F::Number;
  typename F::Roots roots{};
  roots.struct_size = sizeof roots;
  roots.omega1 = data<T>(omega1), roots.omega2 = data<T>(omega2);
  return roots;
}

template <class F>
typename F::Roots roots_of(Out omega1, Out omega2, Out observable) {
  auto roots = angles_of<F>(omega1, omega2);
  roots.observable = data<uint8_t>(observable);
  return roots;
}

template <class F>
typename F::Cotangents cotangents_of(const AnyBuffer& bar1, const AnyBuffer& bar2) {
  using T = typename F::Number;
  typename F::Cotangents cotangents{};
  cotangents.struct_size = sizeof cotangents;
  cotangents.omega1 = data<T>(bar1), cotangents.omega2 = data<T>(bar2);
  return cotangents;
}

ffi::Error solve(Place place, Values values, AnyBuffer g, AnyBuffer magnitude, AnyBuffer k, AnyBuffer chi, Out omega1,
                 Out omega2, Out observable) {
  return answered(place, g, [&](brg_context* context, auto family) {
    using F = decltype(family);
    const brg_geometry geometry = geometry_of(values);
    const auto items = items_of<F>(g, magnitude, k, chi);
    const auto roots = roots_of<F>(omega1, omega2, observable);
    require(F::solve(context, &geometry, &items, &roots));
  });
}

ffi::Error solve_vjp(Place place, Values values, AnyBuffer g, AnyBuffer magnitude, AnyBuffer k, AnyBuffer chi,
                     AnyBuffer bar1, AnyBuffer bar2, Out g_bar, Out magnitude_bar, Out k_bar, Out chi_bar) {
  return answered(place, g, [&](brg_context* context, auto family) {
    using F = decltype(family);
    using T = typename F::Number;
    const brg_geometry geometry = geometry_of(values);
    const auto items = items_of<F>(g, magnitude, k, chi);
    const auto cotangents = cotangents_of<F>(bar1, bar2);
    typename F::ItemsGradient gradient{};
    gradient.struct_size = sizeof gradient;
    gradient.g = data<T>(g_bar), gradient.g_magnitude = data<T>(magnitude_bar);
    gradient.wavenumber = data<T>(k_bar), gradient.chi = data<T>(chi_bar);
    require(F::solve_vjp(context, &geometry, &items, &cotangents, &gradient));
  });
}

ffi::Error solve_jvp(Place place, Values values, AnyBuffer g, AnyBuffer magnitude, AnyBuffer k, AnyBuffer chi,
                     AnyBuffer g_dot, AnyBuffer magnitude_dot, AnyBuffer k_dot, AnyBuffer chi_dot, Out omega1,
                     Out omega2) {
  return answered(place, g, [&](brg_context* context, auto family) {
    using F = decltype(family);
    using T = typename F::Number;
    const brg_geometry geometry = geometry_of(values);
    const auto items = items_of<F>(g, magnitude, k, chi);
    typename F::ItemsTangent tangent{};
    tangent.struct_size = sizeof tangent;
    tangent.g = data<T>(g_dot), tangent.g_magnitude = data<T>(magnitude_dot);
    tangent.wavenumber = data<T>(k_dot), tangent.chi = data<T>(chi_dot);
    const auto roots = angles_of<F>(omega1, omega2);
    require(F::solve_jvp(context, &geometry, &items, &tangent, &roots));
  });
}

ffi::Error predict(Place place, Values values, int64_t flags, AnyBuffer rotation, AnyBuffer k, AnyBuffer chi,
                   AnyBuffer q, Out omega1, Out omega2, Out observable) {
  return answered(place, rotation, [&](brg_context* context, auto family) {
    using F = decltype(family);
    const brg_geometry geometry = geometry_of(values);
    const Reflections reflections = view_of<F>(context, q);
    const auto orientations = orientations_of<F>(rotation, k, chi, flags);
    const auto roots = roots_of<F>(omega1, omega2, observable);
    require(F::predict(context, &geometry, reflections.get(), &orientations, &roots));
  });
}

ffi::Error predict_vjp(Place place, Values values, int64_t flags, AnyBuffer rotation, AnyBuffer k, AnyBuffer chi,
                       AnyBuffer q, AnyBuffer bar1, AnyBuffer bar2, Out rotation_bar, Out k_bar, Out chi_bar,
                       Out q_bar) {
  return answered(place, rotation, [&](brg_context* context, auto family) {
    using F = decltype(family);
    using T = typename F::Number;
    const brg_geometry geometry = geometry_of(values);
    const Reflections reflections = view_of<F>(context, q);
    const auto orientations = orientations_of<F>(rotation, k, chi, flags);
    const auto cotangents = cotangents_of<F>(bar1, bar2);
    typename F::OrientationsGradient gradient{};
    gradient.struct_size = sizeof gradient;
    gradient.rotation = data<T>(rotation_bar), gradient.wavenumber = data<T>(k_bar);
    gradient.chi = data<T>(chi_bar), gradient.q = data<T>(q_bar);
    require(F::predict_vjp(context, &geometry, reflections.get(), &orientations, &cotangents, &gradient));
  });
}

ffi::Error predict_jvp(Place place, Values values, int64_t flags, AnyBuffer rotation, AnyBuffer k, AnyBuffer chi,
                       AnyBuffer q, AnyBuffer rotation_dot, AnyBuffer k_dot, AnyBuffer chi_dot, AnyBuffer q_dot,
                       Out omega1, Out omega2) {
  return answered(place, rotation, [&](brg_context* context, auto family) {
    using F = decltype(family);
    using T = typename F::Number;
    const brg_geometry geometry = geometry_of(values);
    const Reflections reflections = view_of<F>(context, q);
    const auto orientations = orientations_of<F>(rotation, k, chi, flags);
    typename F::OrientationsTangent tangent{};
    tangent.struct_size = sizeof tangent;
    tangent.rotation = data<T>(rotation_dot), tangent.wavenumber = data<T>(k_dot);
    tangent.chi = data<T>(chi_dot), tangent.q = data<T>(q_dot);
    const auto roots = angles_of<F>(omega1, omega2);
    require(F::predict_jvp(context, &geometry, reflections.get(), &orientations, &tangent, &roots));
  });
}

// Targets with two axes are one row per orientation; those with one are shared.
ffi::Error omega_loss(Place place, Values values, int64_t flags, int64_t kind, double delta, double missing_loss,
                      int64_t parameters, AnyBuffer rotation, AnyBuffer k, AnyBuffer chi, AnyBuffer q, AnyBuffer omega1,
                      AnyBuffer omega2, AnyBuffer weight1, AnyBuffer weight2, Out loss, Out rotation_bar,
                      Out gradient) {
  return answered(place, rotation, [&](brg_context* context, auto family) {
    using F = decltype(family);
    using T = typename F::Number;
    const brg_geometry geometry = geometry_of(values);
    const Reflections reflections = view_of<F>(context, q);
    const auto orientations = orientations_of<F>(rotation, k, chi, flags);
    typename F::Targets targets{};
    targets.struct_size = sizeof targets;
    targets.loss = static_cast<brg_loss>(kind), targets.delta = delta, targets.missing_loss = missing_loss;
    for (const AnyBuffer* target : {&omega1, &omega2, &weight1, &weight2})
      if (target->dimensions().size() == 2) targets.orientation_stride = q.dimensions()[0];
    targets.omega1 = data<T>(omega1), targets.omega2 = data<T>(omega2);
    targets.weight1 = data<T>(weight1), targets.weight2 = data<T>(weight2);
    typename F::LossOutput output{};
    output.struct_size = sizeof output;
    output.parameters = static_cast<uint32_t>(parameters);
    output.loss = data<T>(loss), output.rotation_bar = data<T>(rotation_bar), output.gradient = data<T>(gradient);
    require(F::omega_loss(context, &geometry, reflections.get(), &orientations, &targets, &output));
  });
}

// The place of a call, as a part of the binding of its handler.
struct Host {};
struct Cuda {};

// So many arrays, and then so many results. A binding cannot be copied or moved, but made anew with one more.
template <int arguments, int results, class Binding>
auto with_arrays(Binding&& binding) {
  if constexpr (arguments > 0)
    return with_arrays<arguments - 1, results>(std::forward<Binding>(binding).template Arg<AnyBuffer>());
  else if constexpr (results > 1)
    return with_arrays<0, results - 1>(std::forward<Binding>(binding).template Ret<AnyBuffer>());
  else
    return std::forward<Binding>(binding).template Ret<AnyBuffer>();
}

template <class Where, int arguments, int results>
auto of_items() {
  return with_arrays<arguments, results>(ffi::Ffi::Bind().Ctx<Where>().template Attr<Values>("geometry"));
}
template <class Where, int arguments, int results>
auto of_orientations() {
  return with_arrays<arguments, results>(
      ffi::Ffi::Bind().Ctx<Where>().template Attr<Values>("geometry").template Attr<int64_t>("flags"));
}
template <class Where>
auto of_loss() {
  return with_arrays<8, 3>(ffi::Ffi::Bind()
                               .Ctx<Where>()
                               .template Attr<Values>("geometry")
                               .template Attr<int64_t>("flags")
                               .template Attr<int64_t>("loss")
                               .template Attr<double>("delta")
                               .template Attr<double>("missing_loss")
                               .template Attr<int64_t>("parameters"));
}

}  // namespace

template <>
struct xla::ffi::CtxDecoding<Host> {
  using Type = Place;
  static std::optional<Place> Decode(const XLA_FFI_Api*, XLA_FFI_ExecutionContext*, DiagnosticEngine&) {
    return Place{no_device, nullptr};
  }
};
template <>
struct xla::ffi::CtxDecoding<Cuda> {
  using Type = Place;
  static std::optional<Place> Decode(const XLA_FFI_Api* api, XLA_FFI_ExecutionContext* context,
                                     DiagnosticEngine& diagnostic) {
    const auto device = CtxDecoding<DeviceOrdinal>::Decode(api, context, diagnostic);
    const auto stream = CtxDecoding<PlatformStream<void*>>::Decode(api, context, diagnostic);
    if (!device || !stream) return std::nullopt;
    return Place{*device, *stream};
  }
};

XLA_FFI_DEFINE_HANDLER_SYMBOL(braggrad_jax_solve, solve, (of_items<Host, 4, 3>()));
XLA_FFI_DEFINE_HANDLER_SYMBOL(braggrad_jax_solve_vjp, solve_vjp, (of_items<Host, 6, 4>()));
XLA_FFI_DEFINE_HANDLER_SYMBOL(braggrad_jax_solve_jvp, solve_jvp, (of_items<Host, 8, 2>()));
XLA_FFI_DEFINE_HANDLER_SYMBOL(braggrad_jax_predict, predict, (of_orientations<Host, 4, 3>()));
XLA_FFI_DEFINE_HANDLER_SYMBOL(braggrad_jax_predict_vjp, predict_vjp, (of_orientations<Host, 6, 4>()));
XLA_FFI_DEFINE_HANDLER_SYMBOL(braggrad_jax_predict_jvp, predict_jvp, (of_orientations<Host, 8, 2>()));
XLA_FFI_DEFINE_HANDLER_SYMBOL(braggrad_jax_omega_loss, omega_loss, (of_loss<Host>()));

XLA_FFI_DEFINE_HANDLER_SYMBOL(braggrad_jax_solve_cuda, solve, (of_items<Cuda, 4, 3>()));
XLA_FFI_DEFINE_HANDLER_SYMBOL(braggrad_jax_solve_vjp_cuda, solve_vjp, (of_items<Cuda, 6, 4>()));
XLA_FFI_DEFINE_HANDLER_SYMBOL(braggrad_jax_solve_jvp_cuda, solve_jvp, (of_items<Cuda, 8, 2>()));
XLA_FFI_DEFINE_HANDLER_SYMBOL(braggrad_jax_predict_cuda, predict, (of_orientations<Cuda, 4, 3>()));
XLA_FFI_DEFINE_HANDLER_SYMBOL(braggrad_jax_predict_vjp_cuda, predict_vjp, (of_orientations<Cuda, 6, 4>()));
XLA_FFI_DEFINE_HANDLER_SYMBOL(braggrad_jax_predict_jvp_cuda, predict_jvp, (of_orientations<Cuda, 8, 2>()));
XLA_FFI_DEFINE_HANDLER_SYMBOL(braggrad_jax_omega_loss_cuda, omega_loss, (of_loss<Cuda>()));
