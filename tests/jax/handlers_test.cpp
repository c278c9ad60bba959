// The handlers of XLA's foreign function interface, called as XLA calls them, with frames made by hand: the answers are those of the C
// interface, to the bit, on every backend. Streams come from the CUDA runtime, where that is a shared library (under a simulator).
#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <deque>
#include <map>

#include "support/batch.hpp"
#include "xla/ffi/api/c_api.h"

// XLA's own, of which a handler sees addresses only.
struct XLA_FFI_ExecutionContext {
  int32_t device;
  void* stream;
};
struct XLA_FFI_Error {
  std::string message;
};

extern "C" {
XLA_FFI_Handler braggrad_jax_solve, braggrad_jax_solve_vjp, braggrad_jax_solve_jvp, braggrad_jax_predict,
    braggrad_jax_predict_vjp, braggrad_jax_predict_jvp, braggrad_jax_omega_loss;
XLA_FFI_Handler braggrad_jax_solve_cuda, braggrad_jax_solve_vjp_cuda, braggrad_jax_solve_jvp_cuda,
    braggrad_jax_predict_cuda, braggrad_jax_predict_vjp_cuda, braggrad_jax_predict_jvp_cuda,
    braggrad_jax_omega_loss_cuda;
}

namespace {

const XLA_FFI_Api& api() {
  static const XLA_FFI_Api made = [] {
    XLA_FFI_Api a{};
    a.struct_size = XLA_FFI_Api_STRUCT_SIZE;
    a.api_version = {XLA_FFI_Api_Version_STRUCT_SIZE, nullptr, XLA_FFI_API_MAJOR, XLA_FFI_API_MINOR};
    a.XLA_FFI_Error_Create = [](XLA_FFI_Error_Create_Args* args) { return new XLA_FFI_Error{args->message}; };
    a.XLA_FFI_Error_GetMessage = [](XLA_FFI_Error_GetMessage_Args* args) {
      args->message = args->error->message.c_str();
    };
    a.XLA_FFI_Error_Destroy = [](XLA_FFI_Error_Destroy_Args* args) { delete args->error; };
    a.XLA_FFI_Stream_Get = [](XLA_FFI_Stream_Get_Args* args) -> XLA_FFI_Error* {
      args->stream = args->ctx->stream;
      return nullptr;
    };
    a.XLA_FFI_DeviceOrdinal_Get = [](XLA_FFI_DeviceOrdinal_Get_Args* args) -> XLA_FFI_Error* {
      args->device_ordinal = args->ctx->device;
      return nullptr;
    };
    return a;
  }();
  return made;
}

template <class T>
constexpr XLA_FFI_DataType type_of() {
  return sizeof(T) == 8 ? XLA_FFI_DataType_F64 : sizeof(T) == 4 ? XLA_FFI_DataType_F32 : XLA_FFI_DataType_PRED;
}

// What XLA hands to a handler. Its arrays must outlive it.
class Frame {
 public:
  Frame() { geometry_ = {30, 1, 0, 0, 0, 0, 1, 0.05, 0}; }

  template <class T>
  Frame& argument(const Array<T>& array, std::vector<int64_t> dimensions) {
    arguments_.push_back(buffer(type_of<T>(), array.data(), std::move(dimensions)));
    return *this;
  }
  template <class T>
  Frame& result(const Array<T>& array, std::vector<int64_t> dimensions) {
    results_.push_back(buffer(type_of<T>(), array.data(), std::move(dimensions)));
    return *this;
  }
  // Arrays that are not given, or not wanted.
  template <class T>
  Frame& no_arguments(int count) {
    for (int i = 0; i < count; ++i) argument(Array<T>(), {0});
    return *this;
  }
  template <class T>
  Frame& no_results(int count) {
    for (int i = 0; i < count; ++i) result(Array<T>(), {0});
    return *this;
  }
  Frame& attribute(const std::string& name, int64_t value) {
    integers_[name] = value;
    return *this;
  }
  Frame& attribute(const std::string& name, double value) {
    numbers_[name] = value;
    return *this;
  }
  Frame& wavenumber(double value) {
    geometry_[0] = value;
    return *this;
  }

  brg_geometry geometry() const {
    auto geometry = make<brg_geometry>();
    geometry.wavenumber = geometry_[0], geometry.chi = geometry_[7];
    for (size_t i = 0; i < 3; ++i) geometry.beam[i] = geometry_[1 + i], geometry.axis[i] = geometry_[4 + i];
    return geometry;
  }

  // The words of the error, or none.
  std::string call(XLA_FFI_Handler* handler, XLA_FFI_ExecutionContext place) {
    std::map<std::string, std::pair<XLA_FFI_AttrType, void*>> sorted;  // as XLA sorts them
    XLA_FFI_Array array{XLA_FFI_DataType_F64, geometry_.size(), geometry_.data()};
    sorted["geometry"] = {XLA_FFI_AttrType_ARRAY, &array};
    std::deque<XLA_FFI_Scalar> scalars;
    for (auto& [name, value] : integers_) {
      scalars.push_back({XLA_FFI_DataType_S64, &value});
      sorted[name] = {XLA_FFI_AttrType_SCALAR, &scalars.back()};
    }
    for (auto& [name, value] : numbers_) {
      scalars.push_back({XLA_FFI_DataType_F64, &value});
      sorted[name] = {XLA_FFI_AttrType_SCALAR, &scalars.back()};
    }
    std::deque<XLA_FFI_ByteSpan> spans;
    std::vector<XLA_FFI_ByteSpan*> names;
    std::vector<XLA_FFI_AttrType> attribute_types;
    std::vector<void*> attributes;
    for (const auto& [name, attribute] : sorted) {
      spans.push_back({name.data(), name.size()});
      names.push_back(&spans.back());
      attribute_types.push_back(attribute.first);
      attributes.push_back(attribute.second);
    }
    std::vector<XLA_FFI_ArgType> argument_types(arguments_.size(), XLA_FFI_ArgType_BUFFER);
    std::vector<XLA_FFI_RetType> result_types(results_.size(), XLA_FFI_RetType_BUFFER);
    std::vector<void*> arguments, results;
    for (XLA_FFI_Buffer& argument : arguments_) arguments.push_back(&argument);
    for (XLA_FFI_Buffer& result : results_) results.push_back(&result);

    XLA_FFI_CallFrame frame{};
    frame.struct_size = XLA_FFI_CallFrame_STRUCT_SIZE;
    frame.api = &api(), frame.ctx = &place, frame.stage = XLA_FFI_ExecutionStage_EXECUTE;
    frame.args = {XLA_FFI_Args_STRUCT_SIZE, nullptr, std::ssize(arguments), argument_types.data(), arguments.data()};
    frame.rets = {XLA_FFI_Rets_STRUCT_SIZE, nullptr, std::ssize(results), result_types.data(), results.data()};
    frame.attrs = {XLA_FFI_Attrs_STRUCT_SIZE, nullptr,      std::ssize(names),
                   attribute_types.data(),    names.data(), attributes.data()};
    const std::unique_ptr<XLA_FFI_Error> error(handler(&frame));
    return error ? error->message : "";
  }

 private:
  XLA_FFI_Buffer buffer(XLA_FFI_DataType type, void* data, std::vector<int64_t> dimensions) {
    dimensions_.push_back(std::move(dimensions));
    return {XLA_FFI_Buffer_STRUCT_SIZE, nullptr, type, data, std::ssize(dimensions_.back()), dimensions_.back().data()};
  }

  std::vector<double> geometry_;
  std::deque<std::vector<int64_t>> dimensions_;
  std::vector<XLA_FFI_Buffer> arguments_, results_;
  std::map<std::string, int64_t> integers_;
  std::map<std::string, double> numbers_;
};

class Handlers : public BackendTest {
 protected:
  void SetUp() override {
    BackendTest::SetUp();
    if (IsSkipped() || on_cpu()) return;
    create_ = reinterpret_cast<int (*)(void**, unsigned)>(dlsym(RTLD_DEFAULT, "cudaStreamCreateWithFlags"));
    synchronize_ = reinterpret_cast<int (*)(void*)>(dlsym(RTLD_DEFAULT, "cudaStreamSynchronize"));
    destroy_ = reinterpret_cast<int (*)(void*)>(dlsym(RTLD_DEFAULT, "cudaStreamDestroy"));
    if (!create_ || !synchronize_ || !destroy_)
      GTEST_SKIP() << "the CUDA runtime is inside the library: no streams to be had";
  }

  // In a stream that lives no longer than the call: a handler keeps none.
  std::string run(Frame& frame, XLA_FFI_Handler* host, XLA_FFI_Handler* cuda) const {
    if (on_cpu()) return frame.call(host, {});
    void* stream = nullptr;
    EXPECT_EQ(create_(&stream, 1), 0);
    const std::string words = frame.call(cuda, {0, stream});
    EXPECT_EQ(synchronize_(stream), 0);
    EXPECT_EQ(destroy_(stream), 0);
    return words;
  }

  template <class T>
  Array<T> numbers(size_t count, uint32_t seed) const {
    Random random(seed);
    std::vector<T> values;
    for (size_t i = 0; i < count; ++i) values.push_back(static_cast<T>(random.uniform(-1, 1)));
    return array(values);
  }

  template <class T>
  Batch<T> batch() const {
    BatchOptions options;
    options.view = options.own_wavenumber = options.magnitude_from_rotated = true;
    return Batch<T>(context(), Frame().geometry(), options);
  }

  // The inputs of predict: a wavenumber for each orientation, and the chi of the geometry.
  template <class T>
  static Frame frame_of(const Batch<T>& batch) {
    const auto rows = static_cast<int64_t>(batch.rows()), length = static_cast<int64_t>(batch.length());
    Frame frame;
    frame.attribute("flags", int64_t{BRG_MAGNITUDE_FROM_ROTATED});
    frame.argument(batch.rotation_array, {rows, 3, 3}).argument(batch.wavenumber_array, {rows});
    frame.template no_arguments<T>(1).argument(batch.q_array, {length, 3});
    return frame;
  }

 private:
  int (*create_)(void**, unsigned) = nullptr;
  int (*synchronize_)(void*) = nullptr;
  int (*destroy_)(void*) = nullptr;
};

TEST_P(Handlers, PredictAsTheLibraryDoes) {
  for_precisions([&](auto real) {
    using T = decltype(real);
    const Batch<T> b = batch<T>();
    const auto rows = static_cast<int64_t>(b.rows()), length = static_cast<int64_t>(b.length());
    const auto omega1 = output<T>(b.pairs()), omega2 = output<T>(b.pairs()), expected1 = output<T>(b.pairs()),
               expected2 = output<T>(b.pairs());
    const auto there = output<uint8_t>(b.pairs()), expected_there = output<uint8_t>(b.pairs());
    auto roots = make<typename Api<T>::Roots>();
    roots.omega1 = expected1.data(), roots.omega2 = expected2.data(), roots.observable = expected_there.data();
    ASSERT_BRG(Api<T>::predict(context(), &b.geometry, b.set.get(), &b.orientations, &roots));
    synchronize();
    Frame frame = frame_of(b);
    frame.result(omega1, {rows, length}).result(omega2, {rows, length}).result(there, {rows, length});
    EXPECT_EQ(run(frame, braggrad_jax_predict, braggrad_jax_predict_cuda), "");
    EXPECT_EQ(omega1.read(), expected1.read());
    EXPECT_EQ(omega2.read(), expected2.read());
    EXPECT_EQ(there.read(), expected_there.read());
  });
}

TEST_P(Handlers, DifferentiatePredictAsTheLibraryDoes) {
  for_precisions([&](auto real) {
    using T = decltype(real);
    const Batch<T> b = batch<T>();
    const auto rows = static_cast<int64_t>(b.rows()), length = static_cast<int64_t>(b.length());
    const auto bar1 = numbers<T>(b.pairs(), 1), rotation_dot = numbers<T>(9 * b.rows(), 2),
               q_dot = numbers<T>(3 * b.length(), 3);

    const auto rotation_bar = output<T>(9 * b.rows()), q_bar = output<T>(3 * b.length()),
               expected_rotation = output<T>(9 * b.rows()), expected_q = output<T>(3 * b.length());
    auto cotangents = make<typename Api<T>::RootCotangents>();
    cotangents.omega1 = bar1.data();
    auto gradient = make<typename Api<T>::OrientationsGradient>();
    gradient.rotation = expected_rotation.data(), gradient.q = expected_q.data();
    ASSERT_BRG(Api<T>::predict_vjp(context(), &b.geometry, b.set.get(), &b.orientations, &cotangents, &gradient));
    synchronize();
    Frame adjoint = frame_of(b);
    adjoint.argument(bar1, {rows, length}).template no_arguments<T>(1);
    adjoint.result(rotation_bar, {rows, 3, 3}).template no_results<T>(2).result(q_bar, {length, 3});
    EXPECT_EQ(run(adjoint, braggrad_jax_predict_vjp, braggrad_jax_predict_vjp_cuda), "");
    EXPECT_EQ(rotation_bar.read(), expected_rotation.read());
    EXPECT_EQ(q_bar.read(), expected_q.read());

    const auto dot1 = output<T>(b.pairs()), dot2 = output<T>(b.pairs()), expected1 = output<T>(b.pairs()),
               expected2 = output<T>(b.pairs());
    auto tangent = make<typename Api<T>::OrientationsTangent>();
    tangent.rotation = rotation_dot.data(), tangent.q = q_dot.data();
    auto roots = make<typename Api<T>::Roots>();
    roots.omega1 = expected1.data(), roots.omega2 = expected2.data();
    ASSERT_BRG(Api<T>::predict_jvp(context(), &b.geometry, b.set.get(), &b.orientations, &tangent, &roots));
    synchronize();
    Frame forward = frame_of(b);
    forward.argument(rotation_dot, {rows, 3, 3}).template no_arguments<T>(2).argument(q_dot, {length, 3});
    forward.result(dot1, {rows, length}).result(dot2, {rows, length});
    EXPECT_EQ(run(forward, braggrad_jax_predict_jvp, braggrad_jax_predict_jvp_cuda), "");
    EXPECT_EQ(dot1.read(), expected1.read());
    EXPECT_EQ(dot2.read(), expected2.read());
  });
}

TEST_P(Handlers, SolveAndDifferentiateAsTheLibraryDoes) {
  for_precisions([&](auto real) {
    using T = decltype(real);
    const Batch<T> b = batch<T>();  // its q are scattering vectors of a grain at rest
    const auto n = static_cast<int64_t>(b.length());
    const size_t count = b.length();
    const auto omega1 = output<T>(count), omega2 = output<T>(count), expected1 = output<T>(count),
               expected2 = output<T>(count), g_bar = output<T>(3 * count), expected_bar = output<T>(3 * count),
               k_bar = output<T>(count), expected_k = output<T>(count), bar2 = numbers<T>(count, 4),
               g_dot = numbers<T>(3 * count, 5), k = array(std::vector<T>(count, T(29)));
    const auto there = output<uint8_t>(count), expected_there = output<uint8_t>(count);
    auto items = make<typename Api<T>::Items>();
    items.count = n, items.g = b.q_array.data(), items.wavenumber = k.data();
    const auto frame_of_items = [&] {
      Frame frame;
      frame.argument(b.q_array, {n, 3}).template no_arguments<T>(1).argument(k, {n}).template no_arguments<T>(1);
      return frame;
    };

    auto roots = make<typename Api<T>::Roots>();
    roots.omega1 = expected1.data(), roots.omega2 = expected2.data(), roots.observable = expected_there.data();
    ASSERT_BRG(Api<T>::solve(context(), &b.geometry, &items, &roots));
    synchronize();
    Frame value = frame_of_items();
    value.result(omega1, {n}).result(omega2, {n}).result(there, {n});
    EXPECT_EQ(run(value, braggrad_jax_solve, braggrad_jax_solve_cuda), "");
    EXPECT_EQ(omega1.read(), expected1.read());
    EXPECT_EQ(omega2.read(), expected2.read());
    EXPECT_EQ(there.read(), expected_there.read());

    auto cotangents = make<typename Api<T>::RootCotangents>();
    cotangents.omega2 = bar2.data();
    auto gradient = make<typename Api<T>::ItemsGradient>();
    gradient.g = expected_bar.data(), gradient.wavenumber = expected_k.data();
    ASSERT_BRG(Api<T>::solve_vjp(context(), &b.geometry, &items, &cotangents, &gradient));
    synchronize();
    Frame adjoint = frame_of_items();
    adjoint.template no_arguments<T>(1).argument(bar2, {n});
    adjoint.result(g_bar, {n, 3}).template no_results<T>(1).result(k_bar, {n}).template no_results<T>(1);
    EXPECT_EQ(run(adjoint, braggrad_jax_solve_vjp, braggrad_jax_solve_vjp_cuda), "");
    EXPECT_EQ(g_bar.read(), expected_bar.read());
    EXPECT_EQ(k_bar.read(), expected_k.read());

    auto tangent = make<typename Api<T>::ItemsTangent>();
    tangent.g = g_dot.data();
    roots.observable = nullptr;
    ASSERT_BRG(Api<T>::solve_jvp(context(), &b.geometry, &items, &tangent, &roots));
    synchronize();
    Frame forward = frame_of_items();
    forward.argument(g_dot, {n, 3}).template no_arguments<T>(3).result(omega1, {n}).result(omega2, {n});
    EXPECT_EQ(run(forward, braggrad_jax_solve_jvp, braggrad_jax_solve_jvp_cuda), "");
    EXPECT_EQ(omega1.read(), expected1.read());
    EXPECT_EQ(omega2.read(), expected2.read());
  });
}

TEST_P(Handlers, GiveTheLossOfTheLibrary) {
  for_precisions([&](auto real) {
    using T = decltype(real);
    const Batch<T> b = batch<T>();
    const auto rows = static_cast<int64_t>(b.rows()), length = static_cast<int64_t>(b.length());
    const auto loss = output<T>(b.rows()), bar = output<T>(9 * b.rows()), slope = output<T>(b.rows()),
               expected_loss = output<T>(b.rows()), expected_bar = output<T>(9 * b.rows()),
               expected_slope = output<T>(b.rows());
    for (const bool shared : {true, false}) {
      const auto target = numbers<T>(shared ? b.length() : b.pairs(), 6);
      auto targets = make<typename Api<T>::Targets>();
      targets.omega2 = target.data(), targets.loss = BRG_LOSS_HUBER, targets.delta = 0.25, targets.missing_loss = 0.5;
      targets.orientation_stride = shared ? 0 : length;
      auto to = make<typename Api<T>::LossOutput>();
      to.parameters = BRG_FIT_WAVENUMBER;
      to.loss = expected_loss.data(), to.rotation_bar = expected_bar.data(), to.gradient = expected_slope.data();
      ASSERT_BRG(Api<T>::omega_loss(context(), &b.geometry, b.set.get(), &b.orientations, &targets, &to));
      synchronize();
      Frame frame = frame_of(b);
      frame.attribute("loss", int64_t{BRG_LOSS_HUBER}).attribute("parameters", int64_t{BRG_FIT_WAVENUMBER});
      frame.attribute("delta", 0.25).attribute("missing_loss", 0.5);
      frame.template no_arguments<T>(1);
      frame.argument(target, shared ? std::vector<int64_t>{length} : std::vector<int64_t>{rows, length});
      frame.template no_arguments<T>(2).result(loss, {rows}).result(bar, {rows, 3, 3}).result(slope, {rows, 1});
      EXPECT_EQ(run(frame, braggrad_jax_omega_loss, braggrad_jax_omega_loss_cuda), "");
      EXPECT_EQ(loss.read(), expected_loss.read());
      EXPECT_EQ(bar.read(), expected_bar.read());
      EXPECT_EQ(slope.read(), expected_slope.read());
    }
  });
}

TEST_P(Handlers, SayWhatIsWrong) {
  const Batch<double> b = batch<double>();
  const auto rows = static_cast<int64_t>(b.rows()), length = static_cast<int64_t>(b.length());
  const auto omega = output<double>(b.pairs());
  const auto there = output<uint8_t>(b.pairs());
  Frame frame = frame_of(b);
  frame.result(omega, {rows, length}).result(omega, {rows, length}).result(there, {rows, length}).wavenumber(-1);
  EXPECT_NE(run(frame, braggrad_jax_predict, braggrad_jax_predict_cuda).find("geometry.wavenumber"), std::string::npos);
  frame.wavenumber(30);
  EXPECT_NE(frame.call(braggrad_jax_predict_cuda, {1000, nullptr}).find("NO_DEVICE"), std::string::npos);
  EXPECT_EQ(run(frame, braggrad_jax_predict, braggrad_jax_predict_cuda), "") << "after a fault";
  Frame wrong;
  wrong.attribute("flags", int64_t{0});
  for (int i = 0; i < 4; ++i) wrong.argument(there, {1});
  for (int i = 0; i < 3; ++i) wrong.result(there, {1});
  EXPECT_NE(run(wrong, braggrad_jax_predict, braggrad_jax_predict_cuda).find("float32 and float64"), std::string::npos);
}

TEST_P(Handlers, TakeNoOrientations) {
  const Array<double> q = numbers<double>(6, 8), none = Array<double>(context(), size_t{1});
  Frame frame;
  frame.attribute("flags", int64_t{0}).argument(none, {0, 3, 3}).no_arguments<double>(2).argument(q, {2, 3});
  frame.result(none, {0, 2}).result(none, {0, 2}).result(Array<uint8_t>(), {0, 2});
  EXPECT_EQ(run(frame, braggrad_jax_predict, braggrad_jax_predict_cuda), "");
}

TEST_P(Handlers, WorkInAForkedChild) {
  if (!on_cpu()) GTEST_SKIP() << "CUDA does not survive a fork";
  const Batch<double> b = batch<double>();
  const auto rows = static_cast<int64_t>(b.rows()), length = static_cast<int64_t>(b.length());
  const auto omega = output<double>(b.pairs());
  const auto there = output<uint8_t>(b.pairs());
  Frame frame = frame_of(b);
  frame.result(omega, {rows, length}).result(omega, {rows, length}).result(there, {rows, length});
  ASSERT_EQ(frame.call(braggrad_jax_predict, {}), "");
  const pid_t child = fork();
  if (child == 0) _exit(frame.call(braggrad_jax_predict, {}).empty() ? 0 : 1);
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

BRG_EVERY_BACKEND(Handlers);

}  // namespace
