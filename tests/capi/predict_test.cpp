// brg_predict and its derivatives: an independent implementation, exact problems, adjointness, sizes, subsets, bad rows.
#include "support/batch.hpp"
#include "support/exact_problem.hpp"

namespace {

class Predict : public BackendTest {
 protected:
  template <class T>
  void predict(const Batch<T>& batch, Array<T>& o1, Array<T>& o2, Array<uint8_t>& flag) const {
    auto roots = make<typename Api<T>::Roots>();
    roots.omega1 = o1.data(), roots.omega2 = o2.data(), roots.observable = flag.data();
    ASSERT_BRG(Api<T>::predict(context(), &batch.geometry, batch.set.get(), &batch.orientations, &roots));
  }
  template <class T>
  std::vector<std::vector<T>> adjoint(const Batch<T>& batch, const Array<T>& w1, const Array<T>& w2,
                                      unsigned mask) const {
    GradientArrays<T> arrays(context(), batch.rows(), batch.length());
    auto cotangents = make<typename Api<T>::RootCotangents>();
    cotangents.omega1 = w1.data(), cotangents.omega2 = w2.data();
    const auto gradient = arrays.ask(mask);
    EXPECT_BRG(
        Api<T>::predict_vjp(context(), &batch.geometry, batch.set.get(), &batch.orientations, &cotangents, &gradient));
    return arrays.read();
  }
};

TEST_P(Predict, AgreesWithAnIndependentImplementation) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    const double eps = std::numeric_limits<T>::epsilon();
    for (const NamedGeometry& named : geometries())
      for (const BatchOptions& kind : batch_kinds()) {
        SCOPED_TRACE(named.name + " kind " + std::to_string(&kind - batch_kinds().data()));
        const Batch<T> batch(context(), named.geometry, kind);
        auto o1 = output<T>(batch.pairs()), o2 = output<T>(batch.pairs());
        auto flag = output<uint8_t>(batch.pairs());
        predict(batch, o1, o2, flag);
        const auto r1 = o1.read(), r2 = o2.read();
        const auto rf = flag.read();

        Random random(5);
        auto w1 = as<T>(random.uniforms(batch.pairs(), -1, 1)), w2 = as<T>(random.uniforms(batch.pairs(), -1, 1));
        const size_t lengths[6] = {9 * batch.rows(), 3 * batch.rows(), 9 * batch.rows(),
                                   batch.rows(),     batch.rows(),     3 * batch.length()};
        std::vector<std::vector<T>> dots;
        for (const size_t length : lengths) dots.push_back(as<T>(random.uniforms(length, -1, 1)));
        const oracle::Real geometry_dot[8] = {0.4, -0.6, 0.3, 0.1, -0.2, 0.25, 0.5, -0.35};

        // Sums of the exact derivatives, and of the errors that are allowed.
        const size_t B = batch.rows(), N = batch.length();
        std::vector<std::vector<oracle::Real>> sum, allowed;
        for (const size_t size :
             {9 * B, 3 * B, 9 * B, B, B, 3 * N, size_t{9}, size_t{1}, size_t{1}, size_t{3}, size_t{3}})
          sum.emplace_back(size, 0), allowed.emplace_back(size, 0);
        std::vector<oracle::Real> rate[2], near_rate(batch.pairs(), -1);
        rate[0].resize(batch.pairs()), rate[1].resize(batch.pairs());
        int compared = 0;
        for (size_t b = 0; b < B; ++b)
          for (size_t n = 0; n < N; ++n) {
            const size_t at = b * N + n;
            const oracle::Crossing x = batch.exact(b, n);
            if (std::fabs(x.margin) < 2e-3) {
              w1[at] = w2[at] = 0;
              continue;
            }
            ASSERT_EQ(rf[at] != 0, x.observable) << b << " " << n;
            if (!x.observable) continue;
            ++compared;
            const oracle::Real condition = batch.conditioning(b, n, x);
            EXPECT_LE(std::fabs(oracle::wrap(r1[at] - x.omega[0])), 16 * eps * condition + 4 * eps * M_PI)
                << b << " " << n;
            EXPECT_LE(std::fabs(oracle::wrap(r2[at] - x.omega[1])), 16 * eps * condition + 4 * eps * M_PI)
                << b << " " << n;
            for (size_t root = 0; root < 2; ++root) {
              const PairRates d = batch.rates(b, n, x, root);
              const oracle::Real w = root == 0 ? w1[at] : w2[at], relative = 32 * eps * condition * condition;
              oracle::Real& r = rate[root][at];
              oracle::Real size = 0;
              const auto add = [&](size_t member, size_t index, oracle::Real value, oracle::Real scale,
                                   oracle::Real dot) {
                sum[member][index] += w * value;
                allowed[member][index] += relative * std::fabs(w) * scale;
                r += value * dot, size += scale * std::fabs(dot);
              };
              const auto norm = [](const oracle::Vec& v) { return std::sqrt(oracle::dot(v, v)); };
              const oracle::Vec qn = batch.q_of(b, n), h = batch.hkl_of(n);
              const oracle::Real by_g = norm(x.rates[root].g) + 2 * norm(qn) * std::fabs(x.rates[root].q2);
              for (size_t i = 0; i < 3; ++i) {
                for (size_t j = 0; j < 3; ++j) {
                  add(0, 9 * b + 3 * i + j, d.rotation[i][j], by_g * norm(qn), dots[0][9 * b + 3 * i + j]);
                  add(2, 9 * b + 3 * i + j, d.basis[i][j], by_g * norm(h),
                      kind.view ? 0 : static_cast<oracle::Real>(dots[2][9 * b + 3 * i + j]));
                  add(6, 3 * i + j, d.basis[i][j], by_g * norm(h), 0);
                }
                add(1, 3 * b + i, d.rotation_vector[i], by_g * norm(qn), dots[1][3 * b + i]);
                add(5, 3 * n + i, d.q[i], by_g, kind.own_basis ? 0 : static_cast<oracle::Real>(dots[5][3 * n + i]));
                add(9, i, d.d[i], norm(d.d), geometry_dot[2 + i]);
                add(10, i, d.e[i], norm(d.e) + norm(d.d), geometry_dot[5 + i]);
              }
              add(3, b, d.k, std::fabs(d.k), kind.own_wavenumber ? static_cast<oracle::Real>(dots[3][b]) : 0);
              add(4, b, d.chi, norm(d.d), kind.own_chi ? static_cast<oracle::Real>(dots[4][b]) : 0);
              add(7, 0, kind.own_wavenumber ? 0 : d.k, std::fabs(d.k), geometry_dot[0]);
              add(8, 0, kind.own_chi ? 0 : d.chi, norm(d.d), geometry_dot[1]);
              near_rate[at] = std::max(near_rate[at], relative * size);
            }
          }
        ASSERT_GT(compared, 40);

        const unsigned mask = allowed_members(kind);
        const auto bars = adjoint(batch, array(w1), array(w2), mask);
        for (size_t member = 0; member < bars.size(); ++member)
          for (size_t i = 0; i < bars[member].size(); ++i) {
            size_t stored = i;  // matrices by columns where the batch has them so
            if (kind.column_major && (member == 0 || member == 2 || member == 6))
              stored = i / 9 * 9 + 3 * (i % 3) + i % 9 / 3;
            if (mask >> member & 1)
              EXPECT_NEAR(bars[member][stored], static_cast<double>(sum[member][i]),
                          static_cast<double>(allowed[member][i] + 4 * eps * std::fabs(sum[member][i])))
                  << GradientArrays<T>::names[member] << " " << i;
            else
              EXPECT_EQ(bars[member][i], T(77));
          }

        auto t0 = array(laid_out(dots[0], kind.column_major)), t1 = array(dots[1]);
        auto t2 = array(laid_out(dots[2], kind.column_major)), t3 = array(dots[3]), t4 = array(dots[4]),
             t5 = array(dots[5]);
        auto tangent = make<typename Api<T>::OrientationsTangent>();
        tangent.rotation = t0.data(), tangent.rotation_vector = t1.data();
        if (!kind.view) tangent.reciprocal_basis = t2.data();
        tangent.wavenumber = t3.data(), tangent.chi = t4.data();
        if (!kind.own_basis) tangent.q = t5.data();
        tangent.geometry_wavenumber = 0.4, tangent.geometry_chi = -0.6;
        for (size_t i = 0; i < 3; ++i) {
          tangent.geometry_beam[i] = static_cast<double>(geometry_dot[2 + i]);
          tangent.geometry_axis[i] = static_cast<double>(geometry_dot[5 + i]);
        }
        auto roots = make<typename Api<T>::Roots>();
        roots.omega1 = o1.data(), roots.omega2 = o2.data();
        ASSERT_BRG(
            Api<T>::predict_jvp(context(), &batch.geometry, batch.set.get(), &batch.orientations, &tangent, &roots));
        const auto d1 = o1.read(), d2 = o2.read();
        for (size_t at = 0; at < batch.pairs(); ++at) {
          if (!rf[at]) {
            EXPECT_EQ(d1[at], 0);
            EXPECT_EQ(d2[at], 0);
          }
          if (near_rate[at] < 0) continue;
          EXPECT_NEAR(d1[at], static_cast<double>(rate[0][at]), static_cast<double>(near_rate[at])) << at;
          EXPECT_NEAR(d2[at], static_cast<double>(rate[1][at]), static_cast<double>(near_rate[at])) << at;
        }
      }
  });
}

// Gradients with 20 digits: tests/reference/predict.json, and the shared problems where they are.
TEST_P(Predict, MeetsTheExactProblems) {
  auto all = own_exact_problems();
  for (const auto& problem : shared_exact_problems()) all.push_back(problem);
  for (const auto& p : all)
    for (const char* variant : {"crystal", "lab"}) {
      SCOPED_TRACE(p["name"].get<std::string>() + " " + variant);
      const auto& expected = p[variant];
      ExactProblem problem(context(), p);
      if (std::string(variant) == "lab") problem.orientations.flags = BRG_MAGNITUDE_FROM_ROTATED;
      auto w1 = array(numbers(p["w1"])), w2 = array(numbers(p["w2"]));
      auto cotangents = make<brg_root_cotangents_f64>();
      cotangents.omega1 = w1.data(), cotangents.omega2 = w2.data();
      GradientArrays<double> arrays(context(), problem.rows(), problem.length());
      const auto gradient = arrays.ask();
      ASSERT_BRG(brg_predict_vjp_f64(context(), &problem.geometry, problem.set.get(), &problem.orientations,
                                     &cotangents, &gradient));
      const auto bars = arrays.read();
      const std::pair<size_t, const char*> keys[] = {
          {0, "dL_dR"}, {1, "dL_drotation_left"}, {5, "dL_dq"}, {6, "dL_dB"}, {7, "dL_dwavenumber"}};
      for (const auto& [member, key] : keys) expect_exact(bars[member], expected, key);
      if (p.contains("beam")) {
        expect_exact(bars[9], expected, "dL_dbeam");
        expect_exact(bars[10], expected, "dL_daxis");
      } else {
        expect_exact(bars[8], expected, "dL_dchi");
      }
    }
  EXPECT_GE(all.size(), 6u);
}

// <w, J v> = <J^T w, v>, to the rounding of the sums, grazing pairs included.
TEST_P(Predict, AdjointAndDirectionalDerivativeBelongTogether) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    for (const NamedGeometry& named : geometries()) {
      SCOPED_TRACE(named.name);
      BatchOptions options;
      options.orientations = on_cpu() ? 70 : 33, options.reflections = 61;
      options.own_wavenumber = true;
      const Batch<T> batch(context(), named.geometry, options);
      Random random(17);
      const auto w1 = as<T>(random.uniforms(batch.pairs(), -1, 1)), w2 = as<T>(random.uniforms(batch.pairs(), -1, 1));
      const size_t B = batch.rows(), N = batch.length();
      const size_t sizes[] = {9 * B, 3 * B, 9 * B, B, B, 3 * N, 9, 1, 1, 3, 3};
      std::vector<std::vector<T>> v;
      for (const size_t size : sizes) v.push_back(as<T>(random.uniforms(size, -1, 1)));
      const auto bars = adjoint(batch, array(w1), array(w2), allowed_members(options));
      auto t0 = array(v[0]), t1 = array(v[1]), t2 = array(v[2]), t3 = array(v[3]), t5 = array(v[5]);
      auto tangent = make<typename Api<T>::OrientationsTangent>();
      tangent.rotation = t0.data(), tangent.rotation_vector = t1.data(), tangent.reciprocal_basis = t2.data();
      tangent.wavenumber = t3.data(), tangent.q = t5.data();
      tangent.geometry_wavenumber = 100;  // replaced by the orientations' own
      tangent.geometry_chi = v[8][0];
      for (size_t i = 0; i < 3; ++i) tangent.geometry_beam[i] = v[9][i], tangent.geometry_axis[i] = v[10][i];
      auto d1 = output<T>(batch.pairs()), d2 = output<T>(batch.pairs());
      auto roots = make<typename Api<T>::Roots>();
      roots.omega1 = d1.data(), roots.omega2 = d2.data();
      ASSERT_BRG(
          Api<T>::predict_jvp(context(), &batch.geometry, batch.set.get(), &batch.orientations, &tangent, &roots));
      const auto r1 = d1.read(), r2 = d2.read();
      oracle::Real left = 0, right = 0, scale = 0;
      for (size_t i = 0; i < batch.pairs(); ++i) {
        left += oracle::Real(w1[i]) * r1[i] + oracle::Real(w2[i]) * r2[i];
        scale += std::fabs(w1[i] * r1[i]) + std::fabs(w2[i] * r2[i]);
      }
      for (const size_t member : {0, 1, 2, 3, 5, 8, 9, 10})
        for (size_t i = 0; i < v[member].size(); ++i) right += oracle::Real(bars[member][i]) * v[member][i];
      EXPECT_EQ(bars[7][0], 0);
      EXPECT_LE(std::fabs(left - right), (sizeof(T) == 8 ? 1e-13 : 3e-5) * scale);
    }
  });
}

// Few and odd numbers of both: the same bits as the same pairs of a large batch, zero for empty sums.
TEST_P(Predict, SizesAndPositionsDoNotMatter) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    BatchOptions options;
    options.orientations = 67, options.reflections = 101;
    const Batch<T> whole(context(), plain_geometry(), options);
    auto o1 = output<T>(whole.pairs()), o2 = output<T>(whole.pairs());
    auto flag = output<uint8_t>(whole.pairs());
    predict(whole, o1, o2, flag);
    const auto e1 = o1.read(), e2 = o2.read();
    const auto ef = flag.read();
    for (const size_t rows : {0, 1, 2, 31, 33, 65})
      for (const size_t length : {0, 1, 7, 32, 33, 100}) {
        SCOPED_TRACE(std::to_string(rows) + " x " + std::to_string(length));
        options.orientations = rows, options.reflections = length;
        const Batch<T> part(context(), plain_geometry(), options);
        auto p1 = output<T>(part.pairs(), 1), p2 = output<T>(part.pairs(), 1);
        auto pf = output<uint8_t>(part.pairs(), 3);
        predict(part, p1, p2, pf);
        const auto r1 = p1.read(), r2 = p2.read();
        const auto rf = pf.read();
        for (size_t i = 0; i < part.pairs(); ++i) {
          const size_t at = i / length * 101 + i % length;
          ASSERT_EQ(r1[i], e1[at]);
          ASSERT_EQ(r2[i], e2[at]);
          ASSERT_EQ(rf[i], ef[at]);
        }
        const auto bars = adjoint(part, array(std::vector<T>(part.pairs(), 1)), Array<T>(), allowed_members(options));
        for (const auto& bar : bars)
          for (const T value : bar) {
            ASSERT_NE(value, T(77));
            ASSERT_TRUE(value == 0 || part.pairs() > 0);
          }
      }
  });
}

TEST_P(Predict, AnySubsetOfOutputsHasTheSameBits) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    BatchOptions options;
    options.orientations = 35, options.reflections = 20;
    const Batch<T> batch(context(), geometries()[3].geometry, options);
    auto o1 = output<T>(batch.pairs()), o2 = output<T>(batch.pairs());
    auto flag = output<uint8_t>(batch.pairs());
    predict(batch, o1, o2, flag);
    const auto e1 = o1.read(), e2 = o2.read();
    const auto ef = flag.read();
    for (unsigned subset = 0; subset < 8; ++subset) {
      auto s1 = output<T>(batch.pairs()), s2 = output<T>(batch.pairs());
      auto sf = output<uint8_t>(batch.pairs());
      auto roots = make<typename Api<T>::Roots>();
      roots.omega1 = subset & 1 ? s1.data() : nullptr, roots.omega2 = subset & 2 ? s2.data() : nullptr;
      roots.observable = subset & 4 ? sf.data() : nullptr;
      ASSERT_BRG(Api<T>::predict(context(), &batch.geometry, batch.set.get(), &batch.orientations, &roots));
      EXPECT_EQ(s1.read(), subset & 1 ? e1 : std::vector<T>(batch.pairs(), 77));
      EXPECT_EQ(s2.read(), subset & 2 ? e2 : std::vector<T>(batch.pairs(), 77));
      EXPECT_EQ(sf.read(), subset & 4 ? ef : std::vector<uint8_t>(batch.pairs(), 77));
    }
    Random random(2);
    auto w1 = array(as<T>(random.uniforms(batch.pairs(), -1, 1))),
         w2 = array(as<T>(random.uniforms(batch.pairs(), -1, 1)));
    const auto all = adjoint(batch, w1, w2, (1u << 11) - 1);
    for (size_t first = 0; first < 11; ++first)
      for (size_t second = first; second < 11; ++second) {
        const unsigned mask = 1u << first | 1u << second;
        const auto bars = adjoint(batch, w1, w2, mask);
        for (size_t member = 0; member < 11; ++member)
          EXPECT_EQ(bars[member], mask >> member & 1 ? all[member] : std::vector<T>(all[member].size(), 77))
              << GradientArrays<T>::names[member] << " of " << mask;
      }
  });
}

TEST_P(Predict, BadRowsGiveZerosAndDisturbNobody) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    const T nan = std::numeric_limits<T>::quiet_NaN(), inf = std::numeric_limits<T>::infinity();
    BatchOptions options;
    options.orientations = 12, options.own_basis = options.own_wavenumber = options.own_chi = true;
    Batch<T> batch(context(), plain_geometry(), options);
    auto o1 = output<T>(batch.pairs()), o2 = output<T>(batch.pairs());
    auto flag = output<uint8_t>(batch.pairs());
    auto w = array(std::vector<T>(batch.pairs(), 1));
    predict(batch, o1, o2, flag);
    const auto e1 = o1.read();
    const auto clean = adjoint(batch, w, w, allowed_members(options));
    const auto spoil = [&](std::vector<T> values, size_t index, T value, Array<T>& where) {
      values[index] = value;
      where.write(values);
    };
    struct Spoiled {
      size_t row;
      std::vector<T>* values;
      Array<T>* where;
      size_t width;
    };
    const Spoiled kinds[] = {{1, &batch.rotation, &batch.rotation_array, 9},
                             {4, &batch.own_basis, &batch.basis_array, 9},
                             {7, &batch.own_wavenumber, &batch.wavenumber_array, 1},
                             {11, &batch.own_chi, &batch.chi_array, 1}};
    for (const Spoiled& kind : kinds)
      for (const T value : {nan, inf, -inf, T(0), T(-1)}) {
        if (kind.width == 9 && std::isfinite(value)) continue;
        if (kind.row == 11 && std::isfinite(value)) continue;
        SCOPED_TRACE("row " + std::to_string(kind.row) + " value " + std::to_string(value));
        // Each member of the row that is spoiled, in turn.
        for (size_t index = 0; index < kind.width; index += 4) {
          spoil(*kind.values, kind.row * kind.width + index, value, *kind.where);
          predict(batch, o1, o2, flag);
          const auto r1 = o1.read();
          const auto rf = flag.read();
          const auto bars = adjoint(batch, w, w, allowed_members(options));
          for (size_t i = 0; i < batch.pairs(); ++i) {
            const bool good = i / batch.length() != kind.row;
            ASSERT_EQ(r1[i], good ? e1[i] : 0);
            ASSERT_TRUE(good || rf[i] == 0);
          }
          const size_t widths[] = {9, 3, 9, 1, 1};
          for (size_t member = 0; member < 5; ++member)
            for (size_t i = 0; i < bars[member].size(); ++i)
              ASSERT_EQ(bars[member][i], i / widths[member] != kind.row ? clean[member][i] : 0);
          for (const size_t member : {7, 8, 9, 10})
            for (const T sum : bars[member]) ASSERT_TRUE(std::isfinite(sum));
          kind.where->write(*kind.values);
        }
      }
  });
}

// |G| far beyond 2k does not diffract, and its square may have no finite value: the row is 0 in every derivative, and is no part of
// a sum over the batch.
TEST_P(Predict, HugeRowsGiveZerosAndDisturbNobody) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    BatchOptions options;
    options.orientations = 12, options.own_basis = options.own_wavenumber = true, options.magnitude_from_rotated = true;
    Batch<T> batch(context(), geometries()[2].geometry, options);
    const size_t huge = 5;
    auto w = array(std::vector<T>(batch.pairs(), 1)), none = array(std::vector<T>(batch.pairs(), 1));
    std::vector<T> without(batch.pairs(), 1);
    std::fill_n(without.begin() + static_cast<std::ptrdiff_t>(huge * batch.length()), batch.length(), T(0));
    none.write(without);
    const auto clean = adjoint(batch, none, none, allowed_members(options));
    const auto scaled = [](std::vector<T> values, int exponent) {
      for (size_t i = 9 * huge; i < 9 * huge + 9; ++i) values[i] = std::ldexp(values[i], exponent);
      return values;
    };
    auto o1 = output<T>(batch.pairs()), o2 = output<T>(batch.pairs());
    auto flag = output<uint8_t>(batch.pairs());
    const int half = sizeof(T) == 8 ? 240 : 30;
    for (const auto& [turn, basis] :
         {std::pair{half, 0}, {half, half}, {2 * half - 1, half}, {2 * half - 1, 2 * half - 8}}) {
      SCOPED_TRACE("2^" + std::to_string(turn) + " and 2^" + std::to_string(basis));
      batch.rotation_array.write(scaled(batch.rotation, turn)), batch.basis_array.write(scaled(batch.own_basis, basis));
      predict(batch, o1, o2, flag);
      for (size_t i = huge * batch.length(); i < (huge + 1) * batch.length(); ++i)
        ASSERT_TRUE(flag.read()[i] == 0 && o1.read()[i] == 0 && o2.read()[i] == 0);
      const auto bars = adjoint(batch, w, w, allowed_members(options));
      for (size_t member = 0; member < bars.size(); ++member)
        for (size_t i = 0; i < bars[member].size(); ++i)
          EXPECT_EQ(bars[member][i], clean[member][i]) << GradientArrays<T>::names[member] << " " << i;
    }
  });
}

TEST_P(Predict, AccumulatesOnRequest) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    BatchOptions options;
    options.column_major = true;
    const Batch<T> batch(context(), geometries()[2].geometry, options);
    auto w = array(std::vector<T>(batch.pairs(), 1));
    auto cotangents = make<typename Api<T>::RootCotangents>();
    cotangents.omega1 = w.data();
    GradientArrays<T> plain(context(), batch.rows(), batch.length()), added(context(), batch.rows(), batch.length());
    auto first = plain.ask(), second = added.ask();
    second.flags = BRG_ACCUMULATE;
    for (const auto* gradient : {&first, &second})
      ASSERT_BRG(
          Api<T>::predict_vjp(context(), &batch.geometry, batch.set.get(), &batch.orientations, &cotangents, gradient));
    const auto p = plain.read(), a = added.read();
    for (size_t member = 0; member < p.size(); ++member)
      for (size_t i = 0; i < p[member].size(); ++i)
        EXPECT_NEAR(a[member][i], 77 + static_cast<double>(p[member][i]),
                    4 * std::numeric_limits<T>::epsilon() * (77 + std::fabs(p[member][i])));
  });
}

TEST_P(Predict, RefusesWhatHasNoMeaning) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    const Batch<T> plain(context(), plain_geometry(), {});
    BatchOptions options;
    options.view = true;
    const Batch<T> viewed(context(), plain_geometry(), options);
    options = {}, options.own_basis = true;
    const Batch<T> own(context(), plain_geometry(), options);
    auto roots = make<typename Api<T>::Roots>();
    auto cotangents = make<typename Api<T>::RootCotangents>();
    const auto vjp = [&](const Batch<T>& batch, unsigned mask) {
      GradientArrays<T> arrays(context(), batch.rows(), batch.length());
      const auto gradient = arrays.ask(mask);
      return Api<T>::predict_vjp(context(), &batch.geometry, batch.set.get(), &batch.orientations, &cotangents,
                                 &gradient);
    };
    EXPECT_FAULT(vjp(viewed, 1u << 2), BRG_ERROR_INVALID_ARGUMENT, "needs reflections with hkl");
    EXPECT_FAULT(vjp(viewed, 1u << 6), BRG_ERROR_INVALID_ARGUMENT, "needs reflections with hkl");
    EXPECT_FAULT(vjp(own, 1u << 5), BRG_ERROR_INVALID_ARGUMENT, "has no meaning with orientations.reciprocal_basis");
    EXPECT_FAULT(vjp(own, 1u << 6), BRG_ERROR_INVALID_ARGUMENT, "has no meaning with orientations.reciprocal_basis");
    auto mixed = viewed.orientations;
    mixed.reciprocal_basis = own.basis_array.data();
    EXPECT_FAULT(Api<T>::predict(context(), &viewed.geometry, viewed.set.get(), &mixed, &roots),
                 BRG_ERROR_INVALID_ARGUMENT, "orientations.reciprocal_basis needs reflections with hkl");
    EXPECT_FAULT(Api<T>::predict(context(), &plain.geometry, nullptr, &plain.orientations, &roots),
                 BRG_ERROR_INVALID_ARGUMENT, "reflections is NULL");
    EXPECT_FAULT(Api<T>::predict(context(), &plain.geometry, plain.set.get(), nullptr, &roots),
                 BRG_ERROR_INVALID_ARGUMENT, "orientations is NULL");
    auto bad = plain.orientations;
    bad.rotation = nullptr;
    EXPECT_FAULT(Api<T>::predict(context(), &plain.geometry, plain.set.get(), &bad, &roots), BRG_ERROR_INVALID_ARGUMENT,
                 "orientations.rotation");
    bad = plain.orientations, bad.count = int64_t{1} << 55;
    EXPECT_FAULT(Api<T>::predict(context(), &plain.geometry, plain.set.get(), &bad, &roots), BRG_ERROR_INVALID_ARGUMENT,
                 "orientations.count");
    bad = plain.orientations, bad.flags = BRG_ACCUMULATE;
    EXPECT_FAULT(Api<T>::predict(context(), &plain.geometry, plain.set.get(), &bad, &roots), BRG_ERROR_INVALID_ARGUMENT,
                 "orientations.flags");
    // A view of the other precision.
    using Other = std::conditional_t<sizeof(T) == 4, double, float>;
    options = {}, options.view = true;
    const Batch<Other> other(context(), plain_geometry(), options);
    EXPECT_FAULT(Api<T>::predict(context(), &plain.geometry, other.set.get(), &plain.orientations, &roots),
                 BRG_ERROR_INVALID_ARGUMENT, "reflections is a view of the other precision");
    brg_geometry dark = plain.geometry;
    dark.wavenumber = 0;
    EXPECT_FAULT(Api<T>::predict(context(), &dark, plain.set.get(), &plain.orientations, &roots),
                 BRG_ERROR_INVALID_ARGUMENT, "geometry.wavenumber");
    auto with_energy = plain.orientations;
    with_energy.wavenumber = plain.wavenumber_array.data();
    EXPECT_BRG(Api<T>::predict(context(), &dark, plain.set.get(), &with_energy, &roots));
  });
}

BRG_EVERY_BACKEND(Predict);

}  // namespace
