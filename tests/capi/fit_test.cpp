// brg_omega_loss: exact problems, an independent implementation of every loss, lists against dense targets, counts.
#include "support/batch.hpp"
#include "support/exact_problem.hpp"

namespace {

using oracle::Real;

constexpr size_t P = 11;
constexpr uint32_t all_parameters = BRG_FIT_ROTATION | BRG_FIT_WAVENUMBER | BRG_FIT_CHI | BRG_FIT_LATTICE;

size_t parameter_count(uint32_t mask) {
  return (mask & 1 ? 3u : 0u) + (mask & 2 ? 1u : 0u) + (mask & 4 ? 1u : 0u) + (mask & 8 ? 6u : 0u);
}

// Positions among the eleven of the parameters of a mask.
std::vector<size_t> parameters_of(uint32_t mask) {
  std::vector<size_t> out;
  const size_t begin[] = {0, 3, 4, 5, 11};
  for (size_t group = 0; group < 4; ++group)
    if (mask >> group & 1)
      for (size_t p = begin[group]; p < begin[group + 1]; ++p) out.push_back(p);
  return out;
}

struct Residual {
  Real loss, slope, weight;
};

Residual residual(brg_loss loss, Real delta, Real d) {
  switch (loss) {
    case BRG_LOSS_CHORD:
      return {1 - std::cos(d), std::sin(d), 1};
    case BRG_LOSS_HUBER:
      if (std::fabs(d) > delta)
        return {delta * (std::fabs(d) - delta / 2), d > 0 ? delta : -delta, delta / std::fabs(d)};
      return {d * d / 2, d, 1};
    case BRG_LOSS_NORM:
      return {std::hypot(d, delta) - delta, d / std::hypot(d, delta), 1 / std::hypot(d, delta)};
    default:
      return {d * d / 2, d, 1};
  }
}

template <class T>
struct LossArrays {
  LossArrays(brg_context* context, size_t rows, uint32_t mask, T filler = 77)
      : mask(mask),
        loss(context, std::vector<T>(rows, filler)),
        gradient(context, std::vector<T>(rows * parameter_count(mask), filler)),
        normal(context, std::vector<T>(rows * parameter_count(mask) * (parameter_count(mask) + 1) / 2, filler)),
        rotation_bar(context, std::vector<T>(9 * rows, filler)),
        counts(context, std::vector<int32_t>(4 * rows, 77)),
        rows(rows) {}
  // Bits: loss, gradient, normal, rotation_bar, observable, matched, missing, grazing.
  typename Api<T>::LossOutput ask(unsigned subset = 255) const {
    auto out = make<typename Api<T>::LossOutput>();
    out.parameters = mask;
    if (subset & 1) out.loss = loss.data();
    if (subset & 2) out.gradient = gradient.data();
    if (subset & 4) out.normal = normal.data();
    if (subset & 8) out.rotation_bar = rotation_bar.data();
    int32_t** targets[] = {&out.observable, &out.matched, &out.missing, &out.grazing};
    for (size_t i = 0; i < 4; ++i)
      if (subset >> (4 + i) & 1) *targets[i] = counts.data() + i * rows;
    return out;
  }
  uint32_t mask;
  Array<T> loss, gradient, normal, rotation_bar;
  Array<int32_t> counts;
  size_t rows;
};

class OmegaLoss : public BackendTest {
 protected:
  template <class T>
  void run(const Batch<T>& batch, const typename Api<T>::Targets& targets, const LossArrays<T>& arrays,
           unsigned subset = 255, uint32_t flags = 0) const {
    auto out = arrays.ask(subset);
    out.flags = flags;
    ASSERT_BRG(Api<T>::omega_loss(context(), &batch.geometry, batch.set.get(), &batch.orientations, &targets, &out));
  }
};

struct Target {
  size_t row, reflection;
  int root;  // 0: nearer
  Real omega, weight;
};

// Sums over a list of targets by the definition in include/braggrad/fit.h, and what rounding may cost.
struct Sums {
  explicit Sums(size_t rows)
      : loss(rows), gradient(rows * P), normal(rows * 66), rotation(9 * rows), near(rows), counts(4 * rows) {}
  std::vector<Real> loss, gradient, normal, rotation, near;
  std::vector<int> counts;
};

template <class T>
Sums exact_sums(const Batch<T>& batch, const std::vector<Target>& targets, brg_loss loss, Real delta,
                Real missing_loss) {
  const Real eps = std::numeric_limits<T>::epsilon();
  Sums sums(batch.rows());
  for (const Target& t : targets) {
    const size_t b = t.row;
    const oracle::Crossing x = batch.exact(b, t.reflection);
    if (!x.observable) {
      sums.loss[b] += t.weight * missing_loss, ++sums.counts[2 * batch.rows() + b];
      continue;
    }
    ++sums.counts[b];
    if (x.f_omega < batch.geometry.grazing_cut) {
      ++sums.counts[3 * batch.rows() + b];
      continue;
    }
    ++sums.counts[batch.rows() + b];
    const Real d[2] = {oracle::wrap(x.omega[0] - t.omega), oracle::wrap(x.omega[1] - t.omega)};
    const size_t root = t.root ? static_cast<size_t>(t.root - 1) : std::fabs(d[1]) < std::fabs(d[0]) ? 1 : 0;
    const Residual r = residual(loss, delta, d[root]);
    const PairRates rates = batch.rates(b, t.reflection, x, root);
    const oracle::Vec q = batch.q_of(b, t.reflection);
    Real j[P] = {rates.rotation_vector[0], rates.rotation_vector[1], rates.rotation_vector[2], rates.k, rates.chi};
    for (size_t i = 0; i < 3; ++i) j[5 + i] = rates.q[i] * q[i];
    j[8] = rates.q[1] * q[2] + rates.q[2] * q[1], j[9] = rates.q[0] * q[2] + rates.q[2] * q[0];
    j[10] = rates.q[0] * q[1] + rates.q[1] * q[0];
    sums.loss[b] += t.weight * r.loss;
    Real size = 1;
    for (const Real value : j) size = std::max(size, std::fabs(value));
    const Real length = std::sqrt(oracle::dot(q, q));
    for (const auto& row : rates.rotation)
      for (const Real value : row) size = std::max({size, std::fabs(value), length});
    size_t k = 0;
    for (size_t a = 0; a < P; ++a) {
      sums.gradient[b * P + a] += t.weight * r.slope * j[a];
      for (size_t c = a; c < P; ++c, ++k) sums.normal[66 * b + k] += t.weight * r.weight * j[a] * j[c];
    }
    for (size_t i = 0; i < 9; ++i) sums.rotation[9 * b + i] += t.weight * r.slope * rates.rotation[i / 3][i % 3];
    const Real condition = batch.conditioning(b, t.reflection, x);
    sums.near[b] += 64 * eps * t.weight * r.weight * condition * condition * size * size * (1 + delta);
  }
  return sums;
}

template <class T>
void compare(const Sums& exact, const LossArrays<T>& got, size_t rows, bool column_major = false) {
  const auto loss = got.loss.read(), gradient = got.gradient.read(), normal = got.normal.read(),
             rotation = got.rotation_bar.read();
  const auto counts = got.counts.read();
  const std::vector<size_t> parameters = parameters_of(got.mask);
  const size_t count = parameters.size();
  const double eps = std::numeric_limits<T>::epsilon();
  for (size_t b = 0; b < rows; ++b) {
    const auto near = static_cast<double>(exact.near[b]) + 1e-30;
    const auto allow = [&](Real value) { return near + 4 * eps * static_cast<double>(std::fabs(value)); };
    EXPECT_NEAR(loss[b], static_cast<double>(exact.loss[b]), allow(exact.loss[b])) << b;
    size_t k = 0;
    for (size_t i = 0; i < count; ++i) {
      const size_t a = parameters[i];
      EXPECT_NEAR(gradient[b * count + i], static_cast<double>(exact.gradient[b * P + a]),
                  allow(exact.gradient[b * P + a]))
          << b << " " << a;
      for (size_t j = i; j < count; ++j, ++k) {
        const size_t c = parameters[j], at = 66 * b + a * P - a * (a + 1) / 2 + c;
        EXPECT_NEAR(normal[b * (count * (count + 1) / 2) + k], static_cast<double>(exact.normal[at]),
                    allow(exact.normal[at]))
            << b << " " << a << " " << c;
      }
    }
    for (size_t i = 0; i < 9; ++i) {
      const size_t stored = column_major ? 3 * (i % 3) + i / 3 : i;
      EXPECT_NEAR(rotation[9 * b + stored], static_cast<double>(exact.rotation[9 * b + i]),
                  allow(exact.rotation[9 * b + i]))
          << b << " " << i;
    }
    for (size_t c = 1; c < 4; ++c)
      EXPECT_EQ(counts[c * rows + b], exact.counts[c * rows + b]) << "count " << c << " row " << b;
  }
}

const std::pair<brg_loss, double> losses[] = {
    {BRG_LOSS_SQUARES, 0}, {BRG_LOSS_CHORD, 0}, {BRG_LOSS_HUBER, 0.4}, {BRG_LOSS_NORM, 0.3}};

// Reflections for which CUDA has 1, 2, 4, 8, 16 and 32 lanes an orientation.
constexpr size_t lengths_of_groups[] = {9, 21, 40, 100, 300, 600};

// Targets near some root, near none, NaN, of no weight; by lists and dense, for one or all orientations.
TEST_P(OmegaLoss, AgreesWithAnIndependentImplementation) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    const T nan = std::numeric_limits<T>::quiet_NaN();
    std::vector<BatchOptions> kinds = batch_kinds();
    for (const size_t length : lengths_of_groups) {
      kinds.emplace_back(), kinds.back().reflections = length, kinds.back().own_basis = true;
      kinds.emplace_back(), kinds.back().reflections = length, kinds.back().view = true;
    }
    const std::vector<NamedGeometry> all_geometries = geometries();
    for (const NamedGeometry& named : all_geometries)
      for (const BatchOptions& kind : kinds) {
        if (kind.reflections > 100 && &named != &all_geometries[1]) continue;  // the independent one takes its time
        brg_geometry geometry = named.geometry;
        geometry.grazing_cut = 0.05;
        BatchOptions options = kind;
        options.orientations = 9;
        const Batch<T> batch(context(), geometry, options);
        const size_t B = batch.rows(), N = batch.length();
        Random random(31);
        for (const bool shared : {false, true}) {
          // Dense targets. Pairs near the tangent, and near the cut, get none.
          std::vector<T> omega[2], weight[2];
          std::vector<Target> dense;
          const size_t targets_rows = shared ? 1 : B;
          for (auto* values : {&omega[0], &omega[1]}) *values = as<T>(random.uniforms(targets_rows * N, -7, 7));
          for (auto* values : {&weight[0], &weight[1]}) *values = as<T>(random.uniforms(targets_rows * N, 0.1, 2));
          for (size_t i = 0; i < targets_rows * N; i += 7)
            omega[i % 2][i] = nan, weight[1 - i % 2][i] = i % 3 ? T(-1) : nan;
          for (size_t b = 0; b < B; ++b)
            for (size_t n = 0; n < N; ++n) {
              const oracle::Crossing x = batch.exact(b, n);
              if (std::fabs(x.margin) > 2e-3 && std::fabs(x.f_omega - 0.05L) > 1e-3L) continue;
              for (auto* values : {&weight[0], &weight[1]}) (*values)[(shared ? 0 : b * N) + n] = 0;
            }
          // Differences near +-pi, where the wrap jumps, have no target either.
          for (size_t b = 0; b < B; ++b)
            for (size_t n = 0; n < N; ++n) {
              const oracle::Crossing x = batch.exact(b, n);
              for (size_t root = 0; root < 2; ++root) {
                const size_t at = (shared ? 0 : b * N) + n;
                if (std::fabs(oracle::wrap(x.omega[root] - omega[root][at])) > 3.1L) weight[root][at] = 0;
              }
            }
          for (size_t b = 0; b < B; ++b)
            for (size_t n = 0; n < N; ++n)
              for (int root = 1; root <= 2; ++root) {
                const size_t at = (shared ? 0 : b * N) + n;
                const T o = omega[root - 1][at], w = weight[root - 1][at];
                if (std::isfinite(o) && w > 0) dense.push_back({b, n, root, o, w});
              }
          auto o1 = array(omega[0]), o2 = array(omega[1]), w1 = array(weight[0]), w2 = array(weight[1]);
          for (const auto& [loss, delta] : losses) {
            SCOPED_TRACE(named.name + " kind " + std::to_string(&kind - kinds.data()) + " loss " +
                         std::to_string(loss) + (shared ? " shared" : ""));
            auto targets = make<typename Api<T>::Targets>();
            targets.loss = loss, targets.delta = delta, targets.missing_loss = 0.125;
            targets.orientation_stride = shared ? 0 : static_cast<int64_t>(N);
            targets.omega1 = o1.data(), targets.omega2 = o2.data(), targets.weight1 = w1.data(),
            targets.weight2 = w2.data();
            LossArrays<T> got(context(), B, all_parameters);
            run(batch, targets, got);
            compare(exact_sums(batch, dense, loss, delta, 0.125), got, B, kind.column_major);
          }
        }
      }
  });
}

TEST_P(OmegaLoss, ListsMatchTheNearerRootOrTheOneThatTheyName) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    for (const size_t length : lengths_of_groups) {
      BatchOptions options;
      options.orientations = 9, options.own_basis = true, options.reflections = length;
      const Batch<T> batch(context(), geometries()[1].geometry, options);
      const size_t B = batch.rows(), N = batch.length();
      Random random(41);
      for (const bool named_roots : {false, true}) {
        std::vector<int64_t> offsets = {0};
        std::vector<int32_t> reflection;
        std::vector<uint8_t> root;
        std::vector<T> omega, weight;
        std::vector<Target> list;
        for (size_t b = 0; b < B; ++b) {
          const int entries = b == 3 ? 0 : random.integer(1, 150);
          for (int i = 0; i < entries; ++i) {
            const auto n = static_cast<size_t>(random.integer(0, static_cast<int>(N) - 1));
            const oracle::Crossing x = batch.exact(b, n);
            // Every third close to a tie, where the nearer root is not to be told by rough values.
            const Real middle = oracle::wrap((x.omega[0] + x.omega[1]) / 2 + (i % 2 ? 1e-4L : -1e-4L));
            const T target = i % 3 ? static_cast<T>(random.uniform(-3, 3)) : static_cast<T>(middle);
            const T w = static_cast<T>(random.uniform(0.5, 2));
            const int wanted = named_roots ? random.integer(0, 2) : 0;
            const Real d[2] = {oracle::wrap(x.omega[0] - target), oracle::wrap(x.omega[1] - target)};
            if (std::fabs(x.margin) < 2e-3 || std::fabs(std::fabs(d[0]) - std::fabs(d[1])) < 1e-4L) continue;
            if (std::fabs(d[wanted ? wanted - 1 : 0]) > 3.1L) continue;
            reflection.push_back(static_cast<int32_t>(n)), root.push_back(static_cast<uint8_t>(wanted));
            omega.push_back(target), weight.push_back(w), list.push_back({b, n, wanted, target, w});
          }
          offsets.push_back(static_cast<int64_t>(omega.size()));
        }
        auto offset_array = array(offsets);
        auto reflection_array = array(reflection);
        auto root_array = array(root);
        auto omega_array = array(omega), weight_array = array(weight);
        for (const auto& [loss, delta] : losses) {
          SCOPED_TRACE(testing::Message() << length << " reflections, loss " << loss);
          auto targets = make<typename Api<T>::Targets>();
          targets.loss = loss, targets.delta = delta, targets.missing_loss = 2;
          targets.offsets = offset_array.data(), targets.reflection = reflection_array.data();
          targets.root = named_roots ? root_array.data() : nullptr;
          targets.omega = omega_array.data(), targets.weight = weight_array.data();
          LossArrays<T> got(context(), B, all_parameters);
          run(batch, targets, got);
          const Sums exact = exact_sums(batch, list, loss, delta, 2);
          compare(exact, got, B);
          const auto counts = got.counts.read();
          for (size_t b = 0; b < B; ++b) EXPECT_EQ(counts[b], exact.counts[b]) << "observable entries";
        }
      }
    }
  });
}

TEST_P(OmegaLoss, EntriesThatPointNowhereAreMissing) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    BatchOptions options;
    options.orientations = 1;
    const Batch<T> batch(context(), plain_geometry(), options);
    size_t good = 0;
    while (batch.exact(0, good).margin < 0.01L) ++good;
    const T nan = std::numeric_limits<T>::quiet_NaN();
    auto offsets = array<int64_t>({0, 8});
    auto reflection = array<int32_t>({static_cast<int32_t>(good), -1, 40, INT32_MAX, static_cast<int32_t>(good),
                                      static_cast<int32_t>(good), static_cast<int32_t>(good), INT32_MIN});
    auto root = array<uint8_t>({0, 0, 1, 2, 3, 255, 1, 0});
    auto omega = array<T>({1, 1, 1, 1, 1, 1, nan, 1});
    auto weight = array<T>({1, 2, 1, 1, 1, 1, 1, 0});
    auto targets = make<typename Api<T>::Targets>();
    targets.offsets = offsets.data(), targets.reflection = reflection.data(), targets.root = root.data();
    targets.omega = omega.data(), targets.weight = weight.data(), targets.missing_loss = 100;
    LossArrays<T> got(context(), 1, BRG_FIT_ROTATION);
    run(batch, targets, got);
    EXPECT_EQ(got.counts.read(), (std::vector<int32_t>{1, 1, 5, 0}));
    EXPECT_GT(got.loss.read()[0], 600);
    EXPECT_LT(got.loss.read()[0], 606);
  });
}

TEST_P(OmegaLoss, EntriesOfAnEmptySetAreMissing) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    brg_reflections* set = nullptr;
    ASSERT_BRG(brg_reflections_create_from_vectors(context(), 0, nullptr, &set));
    auto rotation = array<T>({1, 0, 0, 0, 1, 0, 0, 0, 1});
    auto orientations = make<typename Api<T>::Orientations>();
    orientations.count = 1, orientations.rotation = rotation.data();
    auto offsets = array<int64_t>({0, 2});
    auto reflection = array<int32_t>({0, 1});
    auto omega = array<T>({1, 2});
    auto targets = make<typename Api<T>::Targets>();
    targets.offsets = offsets.data(), targets.reflection = reflection.data(), targets.omega = omega.data();
    targets.missing_loss = 3;
    auto loss = output<T>(1);
    auto out = make<typename Api<T>::LossOutput>();
    out.loss = loss.data();
    const brg_geometry geometry = plain_geometry();
    EXPECT_BRG(Api<T>::omega_loss(context(), &geometry, set, &orientations, &targets, &out));
    synchronize();
    EXPECT_EQ(loss.read()[0], T(6));
    EXPECT_BRG(brg_reflections_destroy(set));
  });
}

// tests/reference/predict.json has loss, gradient and normal equations of every loss with 14 to 20 digits.
TEST_P(OmegaLoss, MeetsTheExactProblems) {
  const std::pair<const char*, brg_loss> kinds[] = {
      {"squares", BRG_LOSS_SQUARES}, {"chord", BRG_LOSS_CHORD}, {"huber", BRG_LOSS_HUBER}, {"norm", BRG_LOSS_NORM}};
  const auto all = own_exact_problems();
  ASSERT_GE(all.size(), 6u);
  for (const auto& p : all) {
    const ExactProblem problem(context(), p);
    const size_t rows = problem.rows();
    const auto& exact = p["loss"];
    auto o1 = array(numbers(exact["t1"])), o2 = array(numbers(exact["t2"]));
    auto w1 = array(numbers(exact["v1"])), w2 = array(numbers(exact["v2"]));
    for (const auto& [name, loss] : kinds) {
      SCOPED_TRACE(p["name"].get<std::string>() + " " + name);
      auto targets = make<brg_omega_targets_f64>();
      targets.loss = loss, targets.missing_loss = exact["missing_loss"];
      targets.delta = loss >= BRG_LOSS_HUBER ? exact["delta"].get<double>() : 0;
      targets.orientation_stride = static_cast<int64_t>(problem.length());
      targets.omega1 = o1.data(), targets.omega2 = o2.data(), targets.weight1 = w1.data(), targets.weight2 = w2.data();
      LossArrays<double> got(context(), rows, all_parameters);
      auto out = got.ask();
      ASSERT_BRG(
          brg_omega_loss_f64(context(), &problem.geometry, problem.set.get(), &problem.orientations, &targets, &out));
      expect_exact(got.loss.read(), exact[name], "loss");
      expect_exact(got.gradient.read(), exact[name], "gradient");
      expect_exact(got.normal.read(), exact[name], "normal");
      const auto counts = got.counts.read();
      const char* names[] = {"observable", "matched", "missing"};
      for (size_t c = 0; c < 3; ++c)
        for (size_t b = 0; b < rows; ++b)
          EXPECT_EQ(counts[c * rows + b], static_cast<int>(numbers(exact[names[c]])[b])) << names[c];
    }
  }
}

// Every mask of parameters, and subsets of outputs (singles, pairs, all): the same bits. The matrix of the rotation alone is not
// made from all parameters' tensors: its last bits may differ.
TEST_P(OmegaLoss, MasksAndSubsetsHaveTheSameBits) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    // Rows for which CUDA has one lane, two and more; and rows of several chunks on the CPU.
    for (const size_t length : {size_t{9}, size_t{21}, size_t{40}, size_t{300}}) {
      BatchOptions options;
      options.orientations = 3, options.reflections = length;
      const Batch<T> batch(context(), geometries()[2].geometry, options);
      Random random(8);
      auto omega = array(as<T>(random.uniforms(batch.length(), -3, 3)));
      auto targets = make<typename Api<T>::Targets>();
      targets.omega1 = omega.data();
      LossArrays<T> all(context(), 3, all_parameters);
      run(batch, targets, all);
      const auto loss = all.loss.read(), gradient = all.gradient.read(), normal = all.normal.read(),
                 rotation = all.rotation_bar.read();
      const auto counts = all.counts.read();
      const auto trace = [](const std::vector<T>& n, size_t b) { return n[66 * b] + n[66 * b + 11] + n[66 * b + 21]; };
      for (uint32_t mask = 1; mask < 16; ++mask) {
        LossArrays<T> part(context(), 3, mask);
        run(batch, targets, part);
        EXPECT_EQ(part.loss.read(), loss);
        EXPECT_EQ(part.rotation_bar.read(), rotation);
        const auto parameters = parameters_of(mask);
        const size_t count = parameters.size();
        const auto g = part.gradient.read(), m = part.normal.read();
        for (size_t b = 0; b < 3; ++b)
          for (size_t i = 0, k = 0; i < count; ++i) {
            const size_t a = parameters[i];
            EXPECT_EQ(g[b * count + i], gradient[b * P + a]);
            for (size_t j = i; j < count; ++j, ++k) {
              const T expected = normal[66 * b + a * P - a * (a + 1) / 2 + parameters[j]];
              const T got = m[b * count * (count + 1) / 2 + k];
              if (mask == 1)
                EXPECT_NEAR(got, expected, 8 * std::numeric_limits<T>::epsilon() * trace(normal, b));
              else
                EXPECT_EQ(got, expected);
            }
          }
      }
      for (unsigned first = 0; first < 8; ++first)
        for (unsigned second = first; second < 8; ++second) {
          const unsigned subset = 1u << first | 1u << second;
          LossArrays<T> part(context(), 3, all_parameters);
          run(batch, targets, part, subset);
          EXPECT_EQ(part.loss.read(), subset & 1 ? loss : std::vector<T>(loss.size(), 77));
          EXPECT_EQ(part.gradient.read(), subset & 2 ? gradient : std::vector<T>(gradient.size(), 77));
          EXPECT_EQ(part.normal.read(), subset & 4 ? normal : std::vector<T>(normal.size(), 77));
          EXPECT_EQ(part.rotation_bar.read(), subset & 8 ? rotation : std::vector<T>(rotation.size(), 77));
          const auto c = part.counts.read();
          for (size_t i = 0; i < 12; ++i) EXPECT_EQ(c[i], subset >> (4 + i / 3) & 1 ? counts[i] : 77);
        }
    }
  });
}

// Numbers that are not finite, or whose products are not: an orientation that meets nothing has zeros, and disturbs nobody.
TEST_P(OmegaLoss, BadRowsGiveZerosAndDisturbNobody) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    BatchOptions options;
    options.orientations = 11, options.own_basis = true;
    Batch<T> batch(context(), plain_geometry(), options);
    const size_t B = batch.rows(), spoiled = 4;
    Random random(9);
    auto omega = array(as<T>(random.uniforms(batch.length(), -3, 3)));
    auto targets = make<typename Api<T>::Targets>();
    targets.omega1 = omega.data();
    LossArrays<T> clean(context(), B, all_parameters), got(context(), B, all_parameters);
    run(batch, targets, clean);
    const auto expect_zeros_of_it = [&](const char* what) {
      run(batch, targets, got);
      const auto compare_rows = [&](const Array<T>& a, const Array<T>& b, size_t width) {
        const auto before = a.read(), after = b.read();
        for (size_t i = 0; i < before.size(); ++i)
          EXPECT_EQ(after[i], i / width == spoiled ? T(0) : before[i]) << what << " " << i / width << " " << i % width;
      };
      compare_rows(clean.loss, got.loss, 1);
      compare_rows(clean.gradient, got.gradient, P);
      compare_rows(clean.normal, got.normal, P * (P + 1) / 2);
      compare_rows(clean.rotation_bar, got.rotation_bar, 9);
    };
    const auto spoil = [&](Array<T>& where, std::vector<T> values, T bad) {
      for (size_t i = 0; i < 9; ++i) values[9 * spoiled + i] = i % 2 ? bad : -bad;
      where.write(values);
    };
    const T huge = sizeof(T) == 4 ? T(1e17) : static_cast<T>(1e140);
    spoil(batch.rotation_array, batch.rotation, huge), spoil(batch.basis_array, batch.own_basis, huge);
    expect_zeros_of_it("huge");
    for (const T bad : {std::numeric_limits<T>::infinity(), std::numeric_limits<T>::quiet_NaN()}) {
      batch.basis_array.write(batch.own_basis), spoil(batch.rotation_array, batch.rotation, bad);
      expect_zeros_of_it("rotation");
      batch.rotation_array.write(batch.rotation), spoil(batch.basis_array, batch.own_basis, bad);
      expect_zeros_of_it("basis");
    }
  });
}

TEST_P(OmegaLoss, AccumulatesAndIsEmptyWhereThereIsNothing) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    for (const auto& [rows, length] : {std::pair<size_t, size_t>{0, 5}, {4, 0}, {1, 1}, {33, 7}}) {
      BatchOptions options;
      options.orientations = rows, options.reflections = length;
      const Batch<T> batch(context(), plain_geometry(), options);
      auto omega = array(std::vector<T>(length, 1));
      auto targets = make<typename Api<T>::Targets>();
      targets.omega2 = omega.data(), targets.missing_loss = 1;
      LossArrays<T> plain(context(), rows, all_parameters), added(context(), rows, all_parameters);
      run(batch, targets, plain);
      run(batch, targets, added, 255, BRG_ACCUMULATE);
      const std::pair<const Array<T>*, const Array<T>*> arrays[] = {{&plain.loss, &added.loss},
                                                                    {&plain.gradient, &added.gradient},
                                                                    {&plain.normal, &added.normal},
                                                                    {&plain.rotation_bar, &added.rotation_bar}};
      for (const auto& [p, a] : arrays) {
        const auto pv = p->read(), av = a->read();
        for (size_t i = 0; i < pv.size(); ++i) {
          EXPECT_NEAR(av[i], 77 + static_cast<double>(pv[i]),
                      4 * std::numeric_limits<T>::epsilon() * (77 + std::fabs(pv[i])));
          EXPECT_TRUE(length > 0 || pv[i] == 0);
        }
      }
      const auto pc = plain.counts.read(), ac = added.counts.read();
      for (size_t i = 0; i < pc.size(); ++i) EXPECT_EQ(ac[i], 77 + pc[i]);
    }
  });
}

TEST_P(OmegaLoss, RefusesWhatIsContradictory) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    const Batch<T> batch(context(), plain_geometry(), {});
    auto omega = array(std::vector<T>(batch.pairs(), 1));
    auto offsets = array(std::vector<int64_t>(batch.rows() + 1, 0));
    auto good = make<typename Api<T>::Targets>();
    good.omega1 = omega.data();
    LossArrays<T> arrays(context(), batch.rows(), all_parameters);
    const auto fault = [&](const auto& change, const char* text) {
      auto targets = good;
      auto out = arrays.ask();
      change(targets, out);
      EXPECT_FAULT(Api<T>::omega_loss(context(), &batch.geometry, batch.set.get(), &batch.orientations, &targets, &out),
                   BRG_ERROR_INVALID_ARGUMENT, text);
    };
    fault([](auto& t, auto&) { t.loss = 4; }, "targets.loss");
    fault([](auto& t, auto&) { t.loss = -1; }, "targets.loss");
    fault([](auto& t, auto&) { t.loss = BRG_LOSS_HUBER; }, "targets.delta");
    fault([](auto& t, auto&) { t.loss = BRG_LOSS_NORM, t.delta = std::nan(""); }, "targets.delta");
    fault([](auto& t, auto&) { t.loss = BRG_LOSS_NORM, t.delta = 1e300; }, "targets.delta");
    fault([](auto& t, auto&) { t.loss = BRG_LOSS_NORM, t.delta = 1e-300; }, "targets.delta");
    fault([](auto& t, auto&) { t.delta = 1; }, "targets.delta");
    fault([](auto& t, auto&) { t.missing_loss = -1; }, "targets.missing_loss");
    fault([](auto& t, auto&) { t.reserved = 1; }, "targets.reserved");
    fault([](auto& t, auto&) { t.orientation_stride = 3; }, "targets.orientation_stride");
    fault([](auto& t, auto&) { t.omega1 = nullptr; }, "neither omega1 nor omega2 nor offsets");
    fault([&](auto& t, auto&) { t.offsets = offsets.data(); }, "only one is possible");
    fault([&](auto& t, auto&) { t.omega1 = nullptr, t.offsets = offsets.data(); }, "targets.reflection");
    fault([](auto&, auto& o) { o.parameters = 16; }, "output.parameters");
    fault([](auto&, auto& o) { o.parameters = 0; }, "output.parameters");
    fault([](auto&, auto& o) { o.reserved = 1; }, "output.reserved");
    fault([](auto&, auto& o) { o.flags = BRG_COLUMN_MAJOR; }, "output.flags");
  });
}

BRG_EVERY_BACKEND(OmegaLoss);

}  // namespace
