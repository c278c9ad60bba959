// The C interface held by values.
#include "session.hpp"

#include "failure.hpp"

namespace braggrad::cli {

void check(brg_status status) {
  if (status == BRG_SUCCESS) return;
  if (status == BRG_ERROR_NO_DEVICE) throw Refusal(brg_last_error());
  throw Fault(std::string(brg_status_name(status)) + ": " + brg_last_error());
}

namespace {

brg_backend backend_of(const std::string& name) {
  if (name == "auto") return BRG_BACKEND_AUTO;
  if (name == "cpu") return BRG_BACKEND_CPU;
  if (name == "cuda") return BRG_BACKEND_CUDA;
  throw Refusal("--backend is \"" + name + "\": it must be auto, cpu or cuda");
}

}  // namespace

Session::Session(const SessionOptions& options) {
  if (options.threads < 0) throw Refusal("--threads is " + std::to_string(options.threads) + ": it must be 0 or more");
  brg_context_options library_options;
  check(BRG_INIT(brg_context_options_init, &library_options));
  library_options.backend = backend_of(options.backend);
  library_options.threads = options.threads;
  brg_context* raw = nullptr;
  check(brg_context_create(&library_options, &raw));
  context_.reset(raw);
}

std::string Session::backend_name() const {
  return brg_context_backend(context()) == BRG_BACKEND_CUDA ? "a CUDA device" : "the CPU";
}

brg_geometry make_geometry(double wavenumber, double chi) {
  brg_geometry geometry;
  check(BRG_INIT(brg_geometry_init, &geometry));
  geometry.wavenumber = wavenumber;
  check(brg_geometry_set_chi(&geometry, chi));
  return geometry;
}

ReflectionSet::ReflectionSet(const Session& session, std::span<const Hkl> hkl, const Matrix3& basis) {
  const int32_t* indices = hkl.empty() ? nullptr : hkl.front().data();
  brg_reflections* raw = nullptr;
  check(brg_reflections_create(session.context(), static_cast<int64_t>(hkl.size()), indices, basis.data(), &raw));
  reflections_.reset(raw);
}

}  // namespace braggrad::cli
