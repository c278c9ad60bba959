// No compute call of the CPU allocates where its outputs and workspace are given. The program counts what the library asks of
// the C library, so it stands alone and has no sanitizer.
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>

#include "support/batch.hpp"

extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);
}

namespace {

std::atomic<bool> counting{false};
std::atomic<int> allocations{0};

void count() {
  if (counting) ++allocations;
}

}  // namespace

extern "C" {
void* malloc(size_t size) {
  count();
  return __libc_malloc(size);
}
void* calloc(size_t count_of, size_t size) {
  count();
  return __libc_calloc(count_of, size);
}
void* realloc(void* memory, size_t size) {
  count();
  return __libc_realloc(memory, size);
}
void* aligned_alloc(size_t alignment, size_t size) {
  count();
  return __libc_memalign(alignment, size);
}
void* memalign(size_t alignment, size_t size) {
  count();
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** memory, size_t alignment, size_t size) {
  count();
  *memory = __libc_memalign(alignment, size);
  return *memory ? 0 : ENOMEM;
}
// Pages that the library asks for itself; the C library's own requests do not pass here.
void* mmap(void* at, size_t size, int protection, int kind, int file, off_t offset) noexcept {
  count();
  return reinterpret_cast<void*>(syscall(SYS_mmap, at, size, protection, kind, file, offset));
}
}

namespace {

// Runs a call once to learn its workspace, once with that workspace, and once more while allocations are counted.
template <class Call>
void expect_no_allocation(brg_context* context, const char* name, const Call& call) {
  size_t bytes = 0;
  ASSERT_BRG(brg_context_set_dry_run(context, 1));
  ASSERT_BRG(call());
  ASSERT_BRG(brg_context_workspace_size(context, &bytes));
  ASSERT_BRG(brg_context_set_dry_run(context, 0));
  void* workspace = bytes ? std::aligned_alloc(256, (bytes + 255) / 256 * 256) : nullptr;
  ASSERT_BRG(brg_context_set_workspace(context, workspace, bytes));
  ASSERT_BRG(call());
  allocations = 0, counting = true;
  const brg_status status = call();
  counting = false;
  EXPECT_BRG(status);
  EXPECT_EQ(allocations, 0) << name;
  ASSERT_BRG(brg_context_set_workspace(context, nullptr, 0));
  std::free(workspace);
}

TEST(Allocation, TheCounterCounts) {
  allocations = 0, counting = true;
  std::free(std::malloc(100));
  ::operator delete(::operator new(4));
  void* memory = nullptr;
  if (posix_memalign(&memory, 64, 100) == 0) std::free(memory);
  void* page = mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  counting = false;
  EXPECT_EQ(allocations, 4);
  ASSERT_NE(page, MAP_FAILED);
  EXPECT_EQ(munmap(page, 4096), 0);
}

template <class T>
void check(brg_context* c, const BatchOptions& options, brg_loss loss, bool listed) {
  const Batch<T> batch(c, plain_geometry(), options);
  const size_t n = batch.pairs(), rows = batch.rows();
  Array<T> a(c, std::vector<T>(3 * n, 1)), b(c, std::vector<T>(3 * n, 1)), one(c, std::vector<T>(n, 1));
  Array<uint8_t> flags(c, n);
  auto roots = make<typename Api<T>::Roots>();
  roots.omega1 = a.data(), roots.omega2 = b.data(), roots.observable = flags.data();
  auto cotangents = make<typename Api<T>::RootCotangents>();
  cotangents.omega1 = cotangents.omega2 = one.data();
  GradientArrays<T> arrays(c, rows, batch.length());
  const auto gradient = arrays.ask(allowed_members(options));
  auto tangent = make<typename Api<T>::OrientationsTangent>();
  tangent.geometry_wavenumber = 1;
  auto spots = make<typename Api<T>::Spots>();
  spots.capacity = static_cast<int64_t>(2 * n), spots.omega = a.data();
  auto items = make<typename Api<T>::Items>();
  items.count = static_cast<int64_t>(n), items.g = b.data();
  auto items_gradient = make<typename Api<T>::ItemsGradient>();
  items_gradient.g = a.data();
  Array<T> axis(c, 3);
  items_gradient.geometry_axis = axis.data();
  auto items_tangent = make<typename Api<T>::ItemsTangent>();
  items_tangent.g = b.data(), items_tangent.geometry_chi = 1;
  Array<T> spread(c, n), angles(c, n);
  auto beams = make<typename Api<T>::Beams>();
  beams.direction = a.data(), beams.two_theta = spread.data(), beams.eta = angles.data();
  auto targets = make<typename Api<T>::Targets>();
  targets.loss = loss;
  std::vector<int64_t> offsets;
  for (size_t row = 0; row <= rows; ++row) offsets.push_back(static_cast<int64_t>(row * batch.length()));
  std::vector<int32_t> reflection;
  for (size_t i = 0; i < n; ++i) reflection.push_back(static_cast<int32_t>(i % batch.length()));
  const Array<int64_t> offset_array(c, offsets);
  const Array<int32_t> reflection_array(c, reflection);
  if (listed)
    targets.offsets = offset_array.data(), targets.reflection = reflection_array.data(), targets.omega = one.data();
  else
    targets.omega1 = one.data();
  Array<T> losses(c, rows), gradients(c, 11 * rows), normals(c, 66 * rows);
  auto output = make<typename Api<T>::LossOutput>();
  output.parameters = BRG_FIT_ROTATION | BRG_FIT_WAVENUMBER | BRG_FIT_CHI | BRG_FIT_LATTICE;
  output.loss = losses.data(), output.gradient = gradients.data(), output.normal = normals.data();
  auto turns_output = output;
  turns_output.parameters = BRG_FIT_ROTATION;

  const auto* g = &batch.geometry;
  const auto* set = batch.set.get();
  const auto* o = &batch.orientations;
  expect_no_allocation(c, "predict", [&] { return Api<T>::predict(c, g, set, o, &roots); });
  expect_no_allocation(c, "predict_vjp", [&] { return Api<T>::predict_vjp(c, g, set, o, &cotangents, &gradient); });
  expect_no_allocation(c, "predict_jvp", [&] { return Api<T>::predict_jvp(c, g, set, o, &tangent, &roots); });
  expect_no_allocation(c, "predict_spots", [&] { return Api<T>::predict_spots(c, g, set, o, &spots, nullptr); });
  expect_no_allocation(c, "solve", [&] { return Api<T>::solve(c, g, &items, &roots); });
  expect_no_allocation(c, "solve_vjp", [&] { return Api<T>::solve_vjp(c, g, &items, &cotangents, &items_gradient); });
  expect_no_allocation(c, "omega_loss", [&] { return Api<T>::omega_loss(c, g, set, o, &targets, &output); });
  expect_no_allocation(c, "omega_loss of rotations",
                       [&] { return Api<T>::omega_loss(c, g, set, o, &targets, &turns_output); });
  expect_no_allocation(c, "solve_jvp", [&] { return Api<T>::solve_jvp(c, g, &items, &items_tangent, &roots); });
  auto rotations = batch.orientations;
  rotations.wavenumber = rotations.chi = nullptr;
  auto vectors = make<typename Api<T>::Vectors>();
  vectors.g = a.data();
  auto vector_cotangents = make<typename Api<T>::VectorCotangents>();
  vector_cotangents.g = b.data();
  const auto turned = arrays.ask(allowed_members(options) & 0b1100111u);
  auto turn = make<typename Api<T>::OrientationsTangent>();
  turn.rotation_vector = b.data();
  expect_no_allocation(c, "rotate", [&] { return Api<T>::rotate(c, set, &rotations, &vectors); });
  expect_no_allocation(c, "rotate_vjp",
                       [&] { return Api<T>::rotate_vjp(c, set, &rotations, &vector_cotangents, &turned); });
  expect_no_allocation(c, "rotate_jvp", [&] { return Api<T>::rotate_jvp(c, set, &rotations, &turn, &vectors); });
  expect_no_allocation(c, "diffracted_beam", [&] { return Api<T>::diffracted_beam(c, g, &items, one.data(), &beams); });
}

TEST(Allocation, NoComputeCallAllocates) {
  std::vector<BatchOptions> kinds = batch_kinds();
  kinds.emplace_back().closed = true;
  for (const int threads : {1, 3}) {
    const Context context = make_context(BRG_BACKEND_CPU, threads);
    for (const size_t orientations : {size_t{1}, size_t{300}})
      for (BatchOptions options : kinds) {
        options.orientations = orientations, options.reflections = 50;
        SCOPED_TRACE(threads);
        check<double>(context.get(), options, BRG_LOSS_SQUARES, false);
        check<float>(context.get(), options, BRG_LOSS_CHORD, true);
      }
  }
}

}  // namespace
