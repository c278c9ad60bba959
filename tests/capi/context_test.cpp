// Group 3: options, environment, workspace, dry runs, several threads, fork.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "support/batch.hpp"

namespace {

// Sets a variable of the environment for one scope.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) { setenv(name, value.c_str(), 1); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() { unsetenv(name_); }

 private:
  const char* name_;
};

// Creates with the options; a context that should not be is destroyed.
brg_status create(const brg_context_options& options, brg_backend* backend = nullptr) {
  brg_context* made = reinterpret_cast<brg_context*>(1);
  const brg_status status = brg_context_create(&options, &made);
  if (status) {
    EXPECT_EQ(made, nullptr);
    return status;
  }
  if (backend) *backend = brg_context_backend(made);
  EXPECT_BRG(brg_context_destroy(made));
  return status;
}

TEST(ContextOptions, HaveDefaultsAndBounds) {
  brg_context_options options;
  ASSERT_BRG(BRG_INIT(brg_context_options_init, &options));
  EXPECT_EQ(options.struct_size, sizeof options);
  EXPECT_EQ(options.backend, BRG_BACKEND_AUTO);
  EXPECT_EQ(options.threads, 0);
  EXPECT_EQ(options.max_pairs_per_launch, int64_t{1} << 30);
  EXPECT_FAULT(brg_context_options_init(nullptr, sizeof options), BRG_ERROR_INVALID_ARGUMENT, "options is NULL");
  EXPECT_FAULT(brg_context_options_init(&options, 4), BRG_ERROR_ABI, "struct_size");
  const auto fault = [](const auto& change, const char* text, brg_status status = BRG_ERROR_INVALID_ARGUMENT) {
    auto o = make<brg_context_options>();
    o.backend = BRG_BACKEND_CPU;
    change(o);
    EXPECT_FAULT(create(o), status, text);
  };
  fault([](auto& o) { o.backend = 3; }, "backend is 3");
  fault([](auto& o) { o.backend = -1; }, "backend is -1");
  fault([](auto& o) { o.device = -1; }, "device is -1");
  fault([](auto& o) { o.device = 1; }, "device is 1", BRG_ERROR_NO_DEVICE);
  fault([](auto& o) { o.threads = -1; }, "options.threads");
  fault([](auto& o) { o.max_pairs_per_launch = -1; }, "options.max_pairs_per_launch");
  fault([](auto& o) { o.reserved = 1; }, "options.reserved");
  fault([](auto& o) { o.flags = 1; }, "options.flags");
  fault([](auto& o) { o.struct_size = 7; }, "options.struct_size", BRG_ERROR_ABI);
  EXPECT_FAULT(brg_context_create(nullptr, nullptr), BRG_ERROR_INVALID_ARGUMENT, "context is NULL");
  EXPECT_EQ(brg_context_backend(nullptr), BRG_BACKEND_AUTO);
  EXPECT_BRG(brg_context_destroy(nullptr));
}

TEST(ContextOptions, TheEnvironmentNamesTheInstructionSet) {
  auto options = make<brg_context_options>();
  options.backend = BRG_BACKEND_CPU;
  for (const char* level : {"", "scalar"}) {
    const Variable variable("BRAGGRAD_SIMD", level);
    EXPECT_BRG(create(options));
  }
  for (const char* wrong : {"avx9", "AVX2", "scalar "}) {
    const Variable variable("BRAGGRAD_SIMD", wrong);
    EXPECT_FAULT(create(options), BRG_ERROR_INVALID_ARGUMENT, "BRAGGRAD_SIMD is \"" + std::string(wrong) + "\"");
  }
}

TEST(ContextOptions, TheEnvironmentDecidesForAuto) {
  const auto automatic = make<brg_context_options>();
  brg_backend backend = BRG_BACKEND_AUTO;
  const bool cuda = brg_backend_available(BRG_BACKEND_CUDA);
  ASSERT_BRG(create(automatic, &backend));
  EXPECT_EQ(backend, cuda ? BRG_BACKEND_CUDA : BRG_BACKEND_CPU);
  {
    const Variable variable("BRAGGRAD_BACKEND", "cpu");
    ASSERT_BRG(create(automatic, &backend));
    EXPECT_EQ(backend, BRG_BACKEND_CPU);
    int32_t count = 0;
    ASSERT_BRG(brg_device_count(BRG_BACKEND_AUTO, &count));
    EXPECT_EQ(count, 1);
  }
  for (const char* wish : {"cuda", "cuda:0"}) {
    const Variable variable("BRAGGRAD_BACKEND", wish);
    if (cuda) {
      ASSERT_BRG(create(automatic, &backend));
      EXPECT_EQ(backend, BRG_BACKEND_CUDA);
    } else {
      EXPECT_FAULT(create(automatic), BRG_ERROR_NO_DEVICE, "no CUDA device: ");
    }
    auto explicit_cpu = automatic;
    explicit_cpu.backend = BRG_BACKEND_CPU;
    ASSERT_BRG(create(explicit_cpu, &backend));
    EXPECT_EQ(backend, BRG_BACKEND_CPU) << "the environment is for AUTO only";
  }
  for (const char* wish : {"gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:99999"}) {
    const Variable variable("BRAGGRAD_BACKEND", wish);
    EXPECT_FAULT(create(automatic), BRG_ERROR_INVALID_ARGUMENT, "BRAGGRAD_BACKEND");
  }
}

// Where there is no device CUDA is refused with a sentence, whatever the build.
TEST(ContextOptions, CudaWithoutADeviceIsRefused) {
  if (brg_backend_available(BRG_BACKEND_CUDA)) GTEST_SKIP() << "this machine has a CUDA device";
  auto options = make<brg_context_options>();
  options.backend = BRG_BACKEND_CUDA;
  EXPECT_FAULT(create(options), BRG_ERROR_NO_DEVICE, "no CUDA device: ");
  EXPECT_GT(std::string(brg_last_error()).size(), 40u) << "with the reason";
}

TEST(ContextOptions, TheLogHasALinePerCall) {
  char path[] = "/tmp/braggrad_log_XXXXXX";
  const int file = mkstemp(path);
  ASSERT_GE(file, 0);
  close(file);
  {
    const Variable variable("BRAGGRAD_LOG", path);
    const Context context = make_context(BRG_BACKEND_CPU);
    EXPECT_BRG(brg_context_synchronize(context.get()));
    EXPECT_EQ(brg_solve_f32(context.get(), nullptr, nullptr, nullptr), BRG_ERROR_INVALID_ARGUMENT);
  }
  std::ifstream log(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(log, line);) lines.push_back(line);
  std::remove(path);
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0].rfind("brg_context_create", 0), 0u);
  EXPECT_EQ(lines[1].rfind("brg_context_synchronize", 0), 0u);
  EXPECT_NE(lines[2].find("brg_solve_f32: "), std::string::npos);
  EXPECT_EQ(lines[3].rfind("brg_context_destroy", 0), 0u);
  const Variable variable("BRAGGRAD_LOG", "/nonexistent/folder/log");
  EXPECT_FAULT(create(make<brg_context_options>()), BRG_ERROR_INVALID_ARGUMENT, "BRAGGRAD_LOG");
}

class ContextState : public BackendTest {
 protected:
  // Compute calls of every kind on one batch.
  template <class T>
  std::vector<T> compute(brg_context* c, const Batch<T>& batch) const {
    const size_t n = batch.pairs();
    Array<T> o(c, std::vector<T>(8 * n, 77));
    auto roots = make<typename Api<T>::Roots>();
    roots.omega1 = o.data(), roots.omega2 = o.data() + n;
    EXPECT_BRG(Api<T>::predict(c, &batch.geometry, batch.set.get(), &batch.orientations, &roots));
    Array<T> w(c, std::vector<T>(n, 1));
    auto cotangents = make<typename Api<T>::RootCotangents>();
    cotangents.omega1 = w.data();
    GradientArrays<T> arrays(c, batch.rows(), batch.length());
    auto gradient = arrays.ask();
    EXPECT_BRG(Api<T>::predict_vjp(c, &batch.geometry, batch.set.get(), &batch.orientations, &cotangents, &gradient));
    auto spots = make<typename Api<T>::Spots>();
    spots.capacity = static_cast<int64_t>(2 * n), spots.omega = o.data() + 2 * n;
    EXPECT_BRG(Api<T>::predict_spots(c, &batch.geometry, batch.set.get(), &batch.orientations, &spots, nullptr));
    auto vectors = make<typename Api<T>::Vectors>();
    vectors.g = o.data() + 4 * n;
    auto rotations = batch.orientations;
    rotations.wavenumber = rotations.chi = nullptr;
    EXPECT_BRG(Api<T>::rotate(c, batch.set.get(), &rotations, &vectors));
    auto items = make<typename Api<T>::Items>();
    items.count = static_cast<int64_t>(n), items.g = o.data() + 4 * n;
    auto items_gradient = make<typename Api<T>::ItemsGradient>();
    items_gradient.g = o.data() + 4 * n;
    Array<T> sums(c, std::vector<T>(3, 77));
    items_gradient.geometry_axis = sums.data();
    EXPECT_BRG(Api<T>::solve_vjp(c, &batch.geometry, &items, &cotangents, &items_gradient));
    Array<T> more(c, std::vector<T>(9 * n, 77));
    items.g = batch.q_array.data(), items.count = static_cast<int64_t>(batch.length());
    auto beams = make<typename Api<T>::Beams>();
    beams.direction = more.data(), beams.eta = more.data() + 3 * n;
    EXPECT_BRG(Api<T>::diffracted_beam(c, &batch.geometry, &items, w.data(), &beams));
    roots.omega1 = more.data() + 4 * n, roots.omega2 = more.data() + 5 * n;
    EXPECT_BRG(Api<T>::solve(c, &batch.geometry, &items, &roots));
    auto tangent = make<typename Api<T>::OrientationsTangent>();
    tangent.q = batch.q_array.data(), tangent.geometry_wavenumber = 1;
    roots.omega1 = more.data() + 6 * n, roots.omega2 = more.data() + 7 * n;
    EXPECT_BRG(Api<T>::predict_jvp(c, &batch.geometry, batch.set.get(), &batch.orientations, &tangent, &roots));
    auto targets = make<typename Api<T>::Targets>();
    targets.omega1 = w.data();
    auto loss = make<typename Api<T>::LossOutput>();
    loss.parameters = BRG_FIT_ROTATION | BRG_FIT_WAVENUMBER | BRG_FIT_CHI | BRG_FIT_LATTICE;
    loss.loss = more.data() + 8 * n, loss.gradient = more.data() + 8 * n + batch.rows();
    Array<T> normal(c, std::vector<T>(66 * batch.rows(), 77));
    loss.normal = normal.data();
    EXPECT_BRG(Api<T>::omega_loss(c, &batch.geometry, batch.set.get(), &batch.orientations, &targets, &loss));
    auto vector_cotangents = make<typename Api<T>::VectorCotangents>();
    vector_cotangents.g = o.data() + 4 * n;
    GradientArrays<T> turned(c, batch.rows(), batch.length());
    gradient = turned.ask(0b1100111u);
    EXPECT_BRG(Api<T>::rotate_vjp(c, batch.set.get(), &rotations, &vector_cotangents, &gradient));
    std::vector<T> all = o.read();
    for (const auto& bar : arrays.read()) all.insert(all.end(), bar.begin(), bar.end());
    for (const auto& bar : turned.read()) all.insert(all.end(), bar.begin(), bar.end());
    for (const Array<T>* array : {&sums, &more, &normal})
      for (const T value : array->read()) all.push_back(value);
    return all;
  }
};

// The record of a dry run is enough, one byte less is not, and nothing is touched before.
TEST_P(ContextState, DryRunsRecordTheWorkspace) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    BatchOptions options;
    options.orientations = 70;
    const Batch<T> batch(context(), plain_geometry(), options);
    const auto expected = compute(context(), batch);
    ASSERT_BRG(brg_context_set_dry_run(context(), 1));
    const auto untouched = compute(context(), batch);
    for (const T value : untouched) ASSERT_EQ(value, T(77));
    size_t bytes = 0;
    ASSERT_BRG(brg_context_workspace_size(context(), &bytes));
    EXPECT_GT(bytes, 0u);
    ASSERT_BRG(brg_context_set_dry_run(context(), 1));
    size_t again = 1;
    ASSERT_BRG(brg_context_workspace_size(context(), &again));
    EXPECT_EQ(again, 0u) << "a new record";
    ASSERT_BRG(brg_context_set_dry_run(context(), 0));

    Array<unsigned char> workspace(context(), bytes);
    ASSERT_BRG(brg_context_set_workspace(context(), workspace.data(), bytes));
    EXPECT_EQ(compute(context(), batch), expected);
    ASSERT_BRG(brg_context_set_workspace(context(), workspace.data(), 256));
    GradientArrays<T> arrays(context(), batch.rows(), batch.length());
    const auto gradient = arrays.ask();
    auto cotangents = make<typename Api<T>::RootCotangents>();
    EXPECT_FAULT(
        Api<T>::predict_vjp(context(), &batch.geometry, batch.set.get(), &batch.orientations, &cotangents, &gradient),
        BRG_ERROR_WORKSPACE, "the workspace has 256 bytes, the call needs ");
    ASSERT_BRG(brg_context_set_workspace(context(), nullptr, 0));
    EXPECT_EQ(compute(context(), batch), expected);
  });
}

TEST_P(ContextState, NamesTheArgumentThatIsWrong) {
  EXPECT_FAULT(brg_context_set_dry_run(context(), 2), BRG_ERROR_INVALID_ARGUMENT, "on is 2");
  EXPECT_FAULT(brg_context_workspace_size(context(), nullptr), BRG_ERROR_INVALID_ARGUMENT, "bytes is NULL");
  EXPECT_FAULT(brg_context_set_workspace(context(), nullptr, 4), BRG_ERROR_INVALID_ARGUMENT, "workspace is NULL");
  EXPECT_FAULT(brg_context_set_workspace(context(), reinterpret_cast<void*>(128), 512), BRG_ERROR_INVALID_ARGUMENT,
               "256-byte");
  EXPECT_FAULT(brg_context_set_stream(nullptr, nullptr), BRG_ERROR_INVALID_ARGUMENT, "context is NULL");
  EXPECT_FAULT(brg_context_use_own_stream(nullptr), BRG_ERROR_INVALID_ARGUMENT, "context is NULL");
  EXPECT_FAULT(brg_context_synchronize(nullptr), BRG_ERROR_INVALID_ARGUMENT, "context is NULL");
  EXPECT_BRG(brg_context_use_own_stream(context()));
  EXPECT_BRG(brg_context_synchronize(context()));
  EXPECT_EQ(brg_context_backend(context()), GetParam());
}

// BRAGGRAD_SYNC waits after each kernel, and changes nothing else.
TEST_P(ContextState, WaitingAfterEachKernelChangesNothing) {
  const Batch<double> batch(context(), plain_geometry(), {});
  const auto expected = compute(context(), batch);
  const Variable variable("BRAGGRAD_SYNC", "1");
  const Context patient = make_context(GetParam());
  EXPECT_EQ(compute(patient.get(), batch), expected);
}

// Each thread with a context of its own, all on one device.
TEST_P(ContextState, ContextsWorkInParallel) {
  const int repeats = on_cpu() ? 20 : 3;
  const Batch<double> batch(context(), plain_geometry(), {});
  const auto expected = compute(context(), batch);
  std::vector<std::thread> threads;
  std::vector<int> right(4);
  for (size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      const Context own = make_context(GetParam(), 2);
      for (int repeat = 0; repeat < repeats; ++repeat) right[t] += compute(own.get(), batch) == expected;
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, std::vector<int>(4, repeats));
}

// A child makes a context of its own, also after the parent has used threads; the inherited one is refused.
TEST_P(ContextState, AForkedChildMakesItsOwn) {
  if (!on_cpu()) GTEST_SKIP() << "a CUDA process cannot fork";
  BatchOptions options;
  options.orientations = 300, options.reflections = 100;
  const Batch<double> batch(context(), plain_geometry(), options);
  const Context parent = make_context(GetParam(), 3);
  const auto expected = compute(parent.get(), batch);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    brg_geometry geometry = batch.geometry;
    auto items = make<brg_items_f64>();
    auto roots = make<brg_roots_f64>();
    if (brg_solve_f64(parent.get(), &geometry, &items, &roots) != BRG_ERROR_FORKED) _exit(1);
    if (std::string(brg_last_error()).find("create one in the child") == std::string::npos) _exit(2);
    auto context_options = make<brg_context_options>();
    context_options.backend = BRG_BACKEND_CPU, context_options.threads = 3;
    brg_context* own = nullptr;
    if (brg_context_create(&context_options, &own) != BRG_SUCCESS) _exit(3);
    if (compute(own, batch) != expected) _exit(4);
    if (brg_context_destroy(own) != BRG_SUCCESS) _exit(5);
    if (brg_context_destroy(const_cast<Context&>(parent).release()) != BRG_SUCCESS) _exit(6);
    _exit(0);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(compute(parent.get(), batch), expected) << "the parent goes on";
}

BRG_EVERY_BACKEND(ContextState);

}  // namespace
