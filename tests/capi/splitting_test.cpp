// The library's own splitting, and the number of threads, change no bit of any call, list and loss. Answers are compared as bytes:
// a zero of the other sign is another answer.
#include <cmath>
#include <cstring>
#include <limits>

#include "support/batch.hpp"

namespace {

// What a call has written, as it lies in memory.
struct Answer {
  std::string name;
  std::vector<unsigned char> bytes;
};

enum class TargetKind { shared, own, roots, nearer };
constexpr TargetKind target_kinds[] = {TargetKind::shared, TargetKind::own, TargetKind::roots, TargetKind::nearer};
constexpr brg_loss losses[] = {BRG_LOSS_SQUARES, BRG_LOSS_CHORD, BRG_LOSS_HUBER, BRG_LOSS_NORM};
constexpr uint32_t parameter_masks[] = {0, BRG_FIT_ROTATION, 15};

// Inputs of every call that go with a batch.
template <class T>
class Inputs {
 public:
  Inputs(brg_context* context, const Batch<T>& batch) : context_(context), batch_(batch) {
    const size_t pairs = batch.pairs();
    weight1 = random(pairs, 0.5, 2), weight2 = random(pairs, -0.2, 1);
    angle1 = random(pairs, -4, 4), angle2 = random(pairs, -4, 4);
    vectors = random(3 * pairs, -8, 8), more_vectors = random(3 * pairs, -1, 1);
    turns = random(3 * batch.rows(), -1, 1);
    // A list for each orientation; some entries, and some roots, are of no reflection.
    std::vector<int64_t> begin = {0};
    std::vector<int32_t> index;
    std::vector<uint8_t> root;
    for (size_t b = 0; b < batch.rows(); ++b) {
      for (size_t n = b % 5; n < batch.length(); ++n) {
        index.push_back(static_cast<int32_t>(n % 17 == 16 ? batch.length() : n));
        root.push_back(static_cast<uint8_t>((b + n) % 23 == 22 ? 3 : (b + n) % 3));
      }
      begin.push_back(static_cast<int64_t>(index.size()));
    }
    offsets = Array<int64_t>(context, begin), reflection = Array<int32_t>(context, index);
    roots = Array<uint8_t>(context, root);
  }

  // From orientation `first` on.
  typename Api<T>::Targets targets(brg_loss loss, TargetKind kind, size_t first) const {
    auto made = make<typename Api<T>::Targets>();
    made.loss = loss, made.missing_loss = 0.25;
    if (loss == BRG_LOSS_HUBER || loss == BRG_LOSS_NORM) made.delta = 0.4;
    if (kind == TargetKind::shared || kind == TargetKind::own) {
      made.omega1 = angle1.data(), made.omega2 = angle2.data();
      made.weight1 = weight1.data(), made.weight2 = weight2.data();
      if (kind == TargetKind::own) {
        const size_t at = first * batch_.length();
        made.orientation_stride = static_cast<int64_t>(batch_.length());
        made.omega1 += at, made.omega2 += at, made.weight1 += at, made.weight2 += at;
      }
    } else {
      made.offsets = offsets.data() + first, made.reflection = reflection.data();
      made.omega = angle1.data(), made.weight = weight1.data();
      if (kind == TargetKind::roots) made.root = roots.data();
    }
    return made;
  }

  Array<T> weight1, weight2, angle1, angle2, vectors, more_vectors, turns;
  Array<int64_t> offsets;
  Array<int32_t> reflection;
  Array<uint8_t> roots;

 private:
  Array<T> random(size_t count, double low, double high) {
    std::vector<T> values = as<T>(sample_.uniforms(count, low, high));
    if (values.size() > 13) values[13] = std::numeric_limits<T>::quiet_NaN();
    return Array<T>(context_, values);
  }

  brg_context* context_;
  const Batch<T>& batch_;
  Random sample_{3};
};

// The answers of one context to calls on a batch.
template <class T>
class Answers {
 public:
  Answers(brg_context* context, const Batch<T>& batch, const Inputs<T>& inputs)
      : c_(context), batch_(batch), in_(inputs) {}

  void add_rotations() {
    auto rotations = batch_.orientations;
    rotations.wavenumber = rotations.chi = nullptr;
    const brg_reflections* set = batch_.set.get();
    auto vectors = make<typename Api<T>::Vectors>();
    vectors.g = out(3 * batch_.pairs());
    keep("rotate", Api<T>::rotate(c_, set, &rotations, &vectors));
    auto tangent = make<typename Api<T>::OrientationsTangent>();
    tangent.rotation_vector = in_.turns.data();
    vectors.g = out(3 * batch_.pairs());
    keep("rotate_jvp", Api<T>::rotate_jvp(c_, set, &rotations, &tangent, &vectors));
    auto cotangents = make<typename Api<T>::VectorCotangents>();
    cotangents.g = in_.more_vectors.data();
    auto gradient = ask(rotation_members);
    keep("rotate_vjp", Api<T>::rotate_vjp(c_, set, &rotations, &cotangents, &gradient));
  }

  void add_predictions() {
    const brg_geometry* geometry = &batch_.geometry;
    const brg_reflections* set = batch_.set.get();
    const auto* rows = &batch_.orientations;
    auto to = roots(batch_.pairs());
    keep("predict", Api<T>::predict(c_, geometry, set, rows, &to));
    auto tangent = make<typename Api<T>::OrientationsTangent>();
    tangent.rotation_vector = in_.turns.data(), tangent.geometry_wavenumber = 1;
    to = roots(batch_.pairs());
    keep("predict_jvp", Api<T>::predict_jvp(c_, geometry, set, rows, &tangent, &to));
    const auto cotangents = root_cotangents();
    for (const unsigned members : {1u, allowed_members(batch_.options)}) {
      auto gradient = ask(members);
      keep("predict_vjp", Api<T>::predict_vjp(c_, geometry, set, rows, &cotangents, &gradient));
    }
    auto spots = make<typename Api<T>::Spots>();
    spots.capacity = static_cast<int64_t>(2 * batch_.pairs());
    spots.omega = out(2 * batch_.pairs()), spots.root = flags(2 * batch_.pairs());
    keep("predict_spots", Api<T>::predict_spots(c_, geometry, set, rows, &spots, nullptr));
  }

  void add_items() {
    const brg_geometry* geometry = &batch_.geometry;
    const size_t n = batch_.pairs();
    auto items = make<typename Api<T>::Items>();
    items.count = static_cast<int64_t>(n), items.g = in_.vectors.data();
    auto to = roots(n);
    keep("solve", Api<T>::solve(c_, geometry, &items, &to));
    auto tangent = make<typename Api<T>::ItemsTangent>();
    tangent.g = in_.more_vectors.data(), tangent.geometry_chi = 0.5;
    to = roots(n);
    keep("solve_jvp", Api<T>::solve_jvp(c_, geometry, &items, &tangent, &to));
    const auto cotangents = root_cotangents();
    auto gradient = make<typename Api<T>::ItemsGradient>();
    gradient.g = out(3 * n), gradient.geometry_axis = out(3), gradient.geometry_wavenumber = out(1);
    keep("solve_vjp", Api<T>::solve_vjp(c_, geometry, &items, &cotangents, &gradient));
    auto beams = make<typename Api<T>::Beams>();
    beams.direction = out(3 * n), beams.two_theta = out(n), beams.eta = out(n);
    keep("diffracted_beam", Api<T>::diffracted_beam(c_, geometry, &items, in_.angle1.data(), &beams));
  }

  // In calls of `step` orientations each.
  void add_loss(brg_loss loss, TargetKind kind, uint32_t parameters, size_t step) {
    const size_t rows = batch_.rows(), p = parameters == 0 ? 0 : parameters == BRG_FIT_ROTATION ? 3 : 11;
    auto to = make<typename Api<T>::LossOutput>();
    to.parameters = parameters, to.loss = out(rows), to.rotation_bar = out(9 * rows);
    if (p) to.gradient = out(p * rows), to.normal = out(p * (p + 1) / 2 * rows);
    to.matched = counts(rows), to.missing = counts(rows), to.grazing = counts(rows), to.observable = counts(rows);
    brg_status status = BRG_SUCCESS;
    for (size_t b = 0; b < rows && status == BRG_SUCCESS; b += step) {
      const auto orientations = batch_.orientations_from(b, std::min(step, rows - b));
      const auto targets = in_.targets(loss, kind, b);
      auto part = to;
      part.loss += b, part.rotation_bar += 9 * b;
      if (p) part.gradient += p * b, part.normal += p * (p + 1) / 2 * b;
      part.matched += b, part.missing += b, part.grazing += b, part.observable += b;
      status = Api<T>::omega_loss(c_, &batch_.geometry, batch_.set.get(), &orientations, &targets, &part);
    }
    keep("omega_loss " + std::to_string(loss) + ", targets " + std::to_string(static_cast<int>(kind)) + ", mask " +
             std::to_string(parameters),
         status);
  }

  std::vector<Answer> all;

 private:
  static constexpr unsigned rotation_members = 0b1100111u;

  T* out(size_t count) {
    outputs_.emplace_back(c_, std::vector<T>(count, T(77)));
    return outputs_.back().data();
  }
  uint8_t* flags(size_t count) {
    flags_.emplace_back(c_, std::vector<uint8_t>(count, 77));
    return flags_.back().data();
  }
  int32_t* counts(size_t count) {
    counts_.emplace_back(c_, std::vector<int32_t>(count, 77));
    return counts_.back().data();
  }
  typename Api<T>::Roots roots(size_t count) {
    auto made = make<typename Api<T>::Roots>();
    made.omega1 = out(count), made.omega2 = out(count), made.observable = flags(count);
    return made;
  }
  typename Api<T>::RootCotangents root_cotangents() const {
    auto made = make<typename Api<T>::RootCotangents>();
    made.omega1 = in_.weight1.data(), made.omega2 = in_.weight2.data();
    return made;
  }
  typename Api<T>::OrientationsGradient ask(unsigned members) {
    GradientArrays<T> arrays(c_, batch_.rows(), batch_.length());
    const auto gradient = arrays.ask(members & allowed_members(batch_.options));
    for (Array<T>& array : arrays.arrays) outputs_.push_back(std::move(array));
    return gradient;
  }

  // What the call has written, and that it has succeeded.
  void keep(const std::string& name, brg_status status) {
    EXPECT_BRG(status) << name;
    Answer answer{name, {}};
    const auto take = [&answer](auto& arrays) {
      for (const auto& array : arrays) {
        const auto values = array.read();
        const auto* bytes = reinterpret_cast<const unsigned char*>(values.data());
        answer.bytes.insert(answer.bytes.end(), bytes, bytes + values.size() * sizeof values[0]);
      }
      arrays.clear();
    };
    take(outputs_), take(flags_), take(counts_);
    all.push_back(std::move(answer));
  }

  brg_context* c_;
  const Batch<T>& batch_;
  const Inputs<T>& in_;
  std::vector<Array<T>> outputs_;
  std::vector<Array<uint8_t>> flags_;
  std::vector<Array<int32_t>> counts_;
};

class Splitting : public BackendTest {
 protected:
  // Every loss of every list with each normal matrix; where kernels are interpreted a third of them, such that each loss meets each
  // list and each matrix.
  template <class T>
  void add_losses(Answers<T>& answers, size_t step) const {
    for (int loss = 0; loss < 4; ++loss)
      for (int kind = 0; kind < 4; ++kind)
        for (int mask = 0; mask < 3; ++mask)
          if (on_cpu() || (loss + kind + mask) % 3 == 0)
            answers.add_loss(losses[loss], target_kinds[kind], parameter_masks[mask], step);
  }

  // Of every call.
  template <class T>
  std::vector<Answer> answers(brg_context* c, const Batch<T>& batch, const Inputs<T>& inputs) const {
    Answers<T> made(c, batch, inputs);
    made.add_rotations(), made.add_predictions(), made.add_items();
    add_losses(made, batch.rows());
    return made.all;
  }

  static void expect_equal(const std::vector<Answer>& got, const std::vector<Answer>& expected) {
    ASSERT_EQ(got.size(), expected.size());
    for (size_t i = 0; i < got.size(); ++i) EXPECT_TRUE(got[i].bytes == expected[i].bytes) << got[i].name;
  }

  template <class T>
  void expect_the_same_bytes(const brg_geometry& geometry, const BatchOptions& options) const {
    const Batch<T> batch(context(), geometry, options);
    const Inputs<T> inputs(context(), batch);
    const std::vector<Answer> expected = answers(context(), batch, inputs);
    const std::vector<int> threads = on_cpu() ? std::vector<int>{1, 2, 7} : std::vector<int>{1};
    for (const int count : threads)
      for (const int64_t max_pairs : {int64_t{1}, int64_t{7}, int64_t{64}, int64_t{1000}, int64_t{1} << 40}) {
        if (!on_cpu() && max_pairs < 64) continue;  // thousands of launches: too slow where they are interpreted
        const Context other = make_context(GetParam(), count, max_pairs);
        SCOPED_TRACE(testing::Message() << count << " threads, " << max_pairs << " pairs");
        expect_equal(answers(other.get(), batch, inputs), expected);
      }
  }

  // Few orientations take other ways than many.
  template <class T>
  void expect_the_same_bytes_by_parts(const brg_geometry& geometry, const BatchOptions& options) const {
    const Batch<T> batch(context(), geometry, options);
    const Inputs<T> inputs(context(), batch);
    Answers<T> whole(context(), batch, inputs);
    add_losses(whole, batch.rows());
    for (const size_t step : {size_t{1}, size_t{3}, size_t{9}}) {
      SCOPED_TRACE(testing::Message() << step << " orientations");
      Answers<T> parts(context(), batch, inputs);
      add_losses(parts, step);
      expect_equal(parts.all, whole.all);
    }
  }

  void expect_the_same_bytes(const brg_geometry& geometry, bool closed, bool own_wavenumber) const {
    BatchOptions options;
    options.orientations = on_cpu() ? 135 : 67, options.reflections = closed ? on_cpu() ? 62 : 24 : on_cpu() ? 61 : 23;
    options.closed = closed, options.own_wavenumber = own_wavenumber;
    for_precisions([&](auto tag) { expect_the_same_bytes<decltype(tag)>(geometry, options); });
  }
};

TEST_P(Splitting, AndThreadsDoNotChangeABit) { expect_the_same_bytes(geometries()[1].geometry, false, false); }
TEST_P(Splitting, OfOwnWavenumbersDoesNotChangeABit) { expect_the_same_bytes(geometries()[2].geometry, false, true); }
TEST_P(Splitting, OfAFriedelListDoesNotChangeABit) { expect_the_same_bytes(plain_geometry(), true, false); }
TEST_P(Splitting, OfAFriedelListAtATiltDoesNotChangeABit) {
  expect_the_same_bytes(geometries()[1].geometry, true, true);
}

// By the caller.
TEST_P(Splitting, ByTheCallerDoesNotChangeABitOfALoss) {
  for (const bool closed : {false, true}) {
    BatchOptions options;
    options.orientations = 13, options.reflections = 26, options.closed = closed;
    for_precisions([&](auto tag) { expect_the_same_bytes_by_parts<decltype(tag)>(plain_geometry(), options); });
  }
  for (const bool own_basis : {false, true}) {
    BatchOptions options;
    options.orientations = 13, options.reflections = 25, options.own_wavenumber = options.own_chi = true;
    options.own_basis = own_basis;
    for_precisions([&](auto tag) { expect_the_same_bytes_by_parts<decltype(tag)>(geometries()[3].geometry, options); });
  }
}

BRG_EVERY_BACKEND(Splitting);

}  // namespace
