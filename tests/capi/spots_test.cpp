// brg_diffracted_beam against the Laue and Bragg equations; brg_predict_spots against the dense prediction.
#include "support/batch.hpp"

namespace {

class Spots : public BackendTest {
 protected:
  template <class T>
  struct Dense {
    std::vector<T> omega1, omega2;
    std::vector<uint8_t> observable;
  };
  template <class T>
  Dense<T> dense(const Batch<T>& batch) const {
    auto o1 = output<T>(batch.pairs()), o2 = output<T>(batch.pairs());
    auto flag = output<uint8_t>(batch.pairs());
    auto roots = make<typename Api<T>::Roots>();
    roots.omega1 = o1.data(), roots.omega2 = o2.data(), roots.observable = flag.data();
    EXPECT_BRG(Api<T>::predict(context(), &batch.geometry, batch.set.get(), &batch.orientations, &roots));
    return {o1.read(), o2.read(), flag.read()};
  }
  template <class T>
  struct List {
    std::vector<int64_t> offsets;
    std::vector<int32_t> reflection;
    std::vector<uint8_t> root;
    std::vector<T> omega;
    bool operator==(const List&) const = default;
  };
  // What the list has to be: every observable root that is_inside accepts, in order.
  template <class T, class Inside>
  static List<T> expected(const Batch<T>& batch, const Dense<T>& d, const Inside& is_inside) {
    List<T> list;
    list.offsets.push_back(0);
    for (size_t b = 0; b < batch.rows(); ++b) {
      for (size_t n = 0; n < batch.length(); ++n)
        for (uint8_t root = 1; root <= 2; ++root) {
          const size_t at = b * batch.length() + n;
          const T omega = root == 1 ? d.omega1[at] : d.omega2[at];
          if (!d.observable[at] || !is_inside(omega)) continue;
          list.reflection.push_back(static_cast<int32_t>(n)), list.root.push_back(root), list.omega.push_back(omega);
        }
      list.offsets.push_back(static_cast<int64_t>(list.omega.size()));
    }
    return list;
  }
  template <class T>
  List<T> listed(const Batch<T>& batch, typename Api<T>::Spots windows) const {
    int64_t count = -1;
    EXPECT_BRG(
        Api<T>::predict_spots(context(), &batch.geometry, batch.set.get(), &batch.orientations, &windows, &count));
    const auto capacity = static_cast<size_t>(count);
    auto offsets = output<int64_t>(batch.rows() + 1);
    auto reflection = output<int32_t>(capacity, 1);  // aligned to nothing but a number
    auto root = output<uint8_t>(capacity, 3);
    auto omega = output<T>(capacity, 1);
    windows.capacity = count, windows.offsets = offsets.data(), windows.reflection = reflection.data();
    windows.root = root.data(), windows.omega = omega.data();
    EXPECT_BRG(
        Api<T>::predict_spots(context(), &batch.geometry, batch.set.get(), &batch.orientations, &windows, &count));
    EXPECT_EQ(static_cast<size_t>(count), capacity);
    return {offsets.read(), reflection.read(), root.read(), omega.read()};
  }
};

// |k_f| = k by construction of the direction; 2 theta from Bragg's law, eta's sign from the root.
TEST_P(Spots, DiffractedBeamsObeyLaueAndBragg) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    const double eps = std::numeric_limits<T>::epsilon();
    for (const NamedGeometry& named : geometries())
      for (const bool own : {false, true}) {
        SCOPED_TRACE(named.name + (own ? " own beams" : ""));
        Random random(23);
        const size_t n = 300;
        const auto g = as<T>(random.uniforms(3 * n, -6, 6));
        const auto k = as<T>(random.uniforms(n, 25, 35));
        auto chi = as<T>(random.uniforms(n, -0.2, 0.2));
        for (size_t i = 0; i < n; i += 4) chi[i] += 3;
        auto g_array = array(g), k_array = array(k), chi_array = array(chi);
        auto items = make<typename Api<T>::Items>();
        items.count = static_cast<int64_t>(n), items.g = g_array.data();
        if (own) items.wavenumber = k_array.data(), items.chi = chi_array.data();
        auto o1 = output<T>(n), o2 = output<T>(n);
        auto flag = output<uint8_t>(n);
        auto roots = make<typename Api<T>::Roots>();
        roots.omega1 = o1.data(), roots.omega2 = o2.data(), roots.observable = flag.data();
        ASSERT_BRG(Api<T>::solve(context(), &named.geometry, &items, &roots));
        const auto rf = flag.read();
        for (int root = 1; root <= 2; ++root) {
          auto direction = output<T>(3 * n), two_theta = output<T>(n), eta = output<T>(n);
          auto beams = make<typename Api<T>::Beams>();
          beams.direction = direction.data(), beams.two_theta = two_theta.data(), beams.eta = eta.data();
          const Array<T>& omega = root == 1 ? o1 : o2;
          ASSERT_BRG(Api<T>::diffracted_beam(context(), &named.geometry, &items, omega.data(), &beams));
          const auto rd = direction.read(), rt = two_theta.read(), re = eta.read(), ro = omega.read();
          int compared = 0;
          for (size_t i = 0; i < n; ++i) {
            if (!rf[i]) continue;
            ++compared;
            const double own_chi = chi[i];
            const oracle::Beam beam =
                oracle::make_beam(named.geometry.beam, named.geometry.axis, named.geometry.chi,
                                  own ? oracle::Real(k[i]) : named.geometry.wavenumber, own ? &own_chi : nullptr);
            const oracle::Vec v = {g[3 * i], g[3 * i + 1], g[3 * i + 2]};
            const oracle::Vec kf = oracle::plus(beam.d, oracle::scaled(1 / beam.k, oracle::rotate(beam.e, ro[i], v)));
            const oracle::Real length = std::sqrt(oracle::dot(v, v));
            const double theta2 = static_cast<double>(2 * std::asin(length / (2 * beam.k)));
            // Near a tangent omega itself has lost digits, and k_f = 1 with it.
            const double near = 100 * eps + static_cast<double>(3 * std::fabs(std::sqrt(oracle::dot(kf, kf)) - 1));
            for (size_t a = 0; a < 3; ++a) EXPECT_NEAR(rd[3 * i + a], static_cast<double>(kf[a]), near);
            EXPECT_NEAR(rt[i], theta2, near);
            // The frame whose x is the beam and whose z is the axis made perpendicular to it.
            oracle::Vec z = oracle::plus(beam.e, oracle::scaled(-oracle::dot(beam.e, beam.d), beam.d));
            z = oracle::scaled(1 / std::sqrt(oracle::dot(z, z)), z);
            const oracle::Vec y = oracle::cross(z, beam.d);
            const oracle::Real expected = std::atan2(-oracle::dot(y, kf), oracle::dot(z, kf));
            EXPECT_LE(std::fabs(oracle::wrap(re[i] - expected)), near / std::sin(theta2));
            EXPECT_TRUE(root == 1 ? re[i] <= T(near) : re[i] >= -T(near)) << re[i];
          }
          EXPECT_GT(compared, 200);
        }
      }
  });
}

TEST_P(Spots, BeamsOfBadItemsAreZeroAndSubsetsAgree) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    const T nan = std::numeric_limits<T>::quiet_NaN();
    auto g = array<T>({3, 2, 1, nan, 2, 1, 3, 2, 1, 3, 2, 1, 0, 0, 0});
    auto k = array<T>({30, 30, 0, 30, 30});
    auto omega = array<T>({1, 1, 1, nan, 1});
    auto items = make<typename Api<T>::Items>();
    items.count = 5, items.g = g.data(), items.wavenumber = k.data();
    const brg_geometry geometry = plain_geometry();
    auto all = output<T>(25);
    auto beams = make<typename Api<T>::Beams>();
    beams.direction = all.data(), beams.two_theta = all.data() + 15, beams.eta = all.data() + 20;
    ASSERT_BRG(Api<T>::diffracted_beam(context(), &geometry, &items, omega.data(), &beams));
    const auto a = all.read();
    for (const size_t i : {1, 2, 3}) {
      for (size_t c = 0; c < 3; ++c) EXPECT_EQ(a[3 * i + c], 0);
      EXPECT_EQ(a[15 + i], 0);
      EXPECT_EQ(a[20 + i], 0);
    }
    EXPECT_EQ(a[12], 1);  // G = 0: the beam itself
    EXPECT_EQ(a[19], 0);
    EXPECT_NE(a[15], 0);
    for (unsigned subset = 0; subset < 8; ++subset) {
      auto part = output<T>(25);
      beams.direction = subset & 1 ? part.data() : nullptr;
      beams.two_theta = subset & 2 ? part.data() + 15 : nullptr;
      beams.eta = subset & 4 ? part.data() + 20 : nullptr;
      ASSERT_BRG(Api<T>::diffracted_beam(context(), &geometry, &items, omega.data(), &beams));
      const auto p = part.read();
      for (size_t i = 0; i < 25; ++i) EXPECT_EQ(p[i], subset >> (i < 15 ? 0 : i < 20 ? 1 : 2) & 1 ? a[i] : T(77));
    }
    EXPECT_FAULT(Api<T>::diffracted_beam(context(), &geometry, &items, nullptr, &beams), BRG_ERROR_INVALID_ARGUMENT,
                 "omega");
    EXPECT_FAULT(Api<T>::diffracted_beam(context(), &geometry, &items, omega.data(), nullptr),
                 BRG_ERROR_INVALID_ARGUMENT, "beams");
  });
}

TEST_P(Spots, ListsAreTheDensePrediction) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    for (const auto& [rows, length] :
         {std::pair<size_t, size_t>{0, 7}, {3, 0}, {1, 1}, {2, 31}, {5, 33}, {40, 65}, {3, 200}}) {
      SCOPED_TRACE(std::to_string(rows) + " x " + std::to_string(length));
      BatchOptions options;
      options.orientations = rows, options.reflections = length, options.own_basis = true;
      const Batch<T> batch(context(), geometries()[1].geometry, options);
      const auto d = dense(batch);
      EXPECT_EQ(listed(batch, make<typename Api<T>::Spots>()), expected(batch, d, [](T) { return true; }));
    }
  });
}

TEST_P(Spots, WindowsAreHalfOpenAndPeriodic) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    BatchOptions options;
    options.orientations = 9, options.reflections = 50;
    const Batch<T> batch(context(), plain_geometry(), options);
    const auto d = dense(batch);
    const auto with = [&](std::vector<std::pair<double, double>> windows) {
      auto spots = make<typename Api<T>::Spots>();
      spots.window_count = static_cast<int32_t>(windows.size());
      for (size_t i = 0; i < windows.size(); ++i)
        spots.window_low[i] = windows[i].first, spots.window_high[i] = windows[i].second;
      return listed(batch, spots);
    };
    const auto inside = [](double low, double high) {
      return [low, high](T omega) {
        for (int turn = -3; turn <= 3; ++turn) {
          const double x = static_cast<double>(omega) + 2 * M_PI * turn;
          if (x >= low && x < high) return true;
        }
        return false;
      };
    };
    EXPECT_EQ(with({{0.5, 2}}), expected(batch, d, inside(0.5, 2)));
    EXPECT_EQ(with({{0.5 + 4 * M_PI, 2 + 4 * M_PI}}), expected(batch, d, inside(0.5, 2)));
    EXPECT_EQ(with({{2.5, -2.5}}), expected(batch, d, inside(2.5, 2 * M_PI - 2.5)));
    EXPECT_EQ(with({{2.5, 2 * M_PI - 2.5}}), expected(batch, d, inside(2.5, 2 * M_PI - 2.5)));
    EXPECT_EQ(with({{-M_PI, M_PI}}), expected(batch, d, [](T) { return true; }));
    EXPECT_EQ(with({{0, 7}}), expected(batch, d, [](T) { return true; }));
    EXPECT_EQ(with({{1, 1}}), expected(batch, d, [](T) { return false; }));
    const auto a = inside(0, 1), b = inside(0.5, 1.5), c = inside(-2, -1);
    EXPECT_EQ(with({{0, 1}, {0.5, 1.5}, {-2, -1}, {1, 1}}),
              expected(batch, d, [&](T x) { return a(x) || b(x) || c(x); }));
    // Windows that share their limits share no root and lose none: the limit is a root itself.
    T limit = 0;
    for (size_t i = 0; i < d.omega1.size(); ++i)
      if (d.observable[i]) limit = d.omega1[i];
    const auto x = static_cast<double>(limit);
    EXPECT_EQ(with({{x, x + 3}}).omega.size() + with({{x + 3, x}}).omega.size(),
              expected(batch, d, [](T) { return true; }).omega.size());
    const auto from_limit = with({{x, x + 0.1}}), to_limit = with({{x - 0.1, x}});
    EXPECT_NE(std::find(from_limit.omega.begin(), from_limit.omega.end(), limit), from_limit.omega.end());
    EXPECT_EQ(std::find(to_limit.omega.begin(), to_limit.omega.end(), limit), to_limit.omega.end());
  });
}

TEST_P(Spots, CapacityIsNeverExceeded) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    const Batch<T> batch(context(), plain_geometry(), {});
    const auto all = listed(batch, make<typename Api<T>::Spots>());
    const size_t total = all.omega.size();
    ASSERT_GT(total, 20u);
    for (const size_t capacity : {size_t{0}, size_t{1}, total / 2, total - 1, total, total + 5}) {
      SCOPED_TRACE(capacity);
      auto offsets = output<int64_t>(batch.rows() + 1);
      auto reflection = output<int32_t>(total + 5);
      auto root = output<uint8_t>(total + 5);
      auto omega = output<T>(total + 5);
      auto spots = make<typename Api<T>::Spots>();
      spots.capacity = static_cast<int64_t>(capacity), spots.offsets = offsets.data();
      spots.reflection = reflection.data(), spots.root = root.data(), spots.omega = omega.data();
      int64_t count = -1;
      const brg_status status =
          Api<T>::predict_spots(context(), &batch.geometry, batch.set.get(), &batch.orientations, &spots, &count);
      EXPECT_EQ(status, capacity < total ? BRG_ERROR_CAPACITY : BRG_SUCCESS);
      EXPECT_TRUE(!status || std::string(brg_last_error()).find(std::to_string(total) + " spots") != std::string::npos);
      EXPECT_EQ(static_cast<size_t>(count), total);
      EXPECT_EQ(offsets.read(), all.offsets);
      const auto ro = omega.read();
      for (size_t i = 0; i < total + 5; ++i) {
        const bool written = i < std::min(capacity, total);
        EXPECT_EQ(ro[i], written ? all.omega[i] : T(77));
        EXPECT_EQ(reflection.read()[i], written ? all.reflection[i] : 77);
      }
      // Without a count the call is asynchronous and reports nothing; the last offset has it.
      EXPECT_BRG(
          Api<T>::predict_spots(context(), &batch.geometry, batch.set.get(), &batch.orientations, &spots, nullptr));
      EXPECT_EQ(static_cast<size_t>(offsets.read().back()), total);
    }
  });
}

TEST_P(Spots, AnySubsetOfLists) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    const Batch<T> batch(context(), plain_geometry(), {});
    const auto all = listed(batch, make<typename Api<T>::Spots>());
    const size_t total = all.omega.size();
    for (unsigned subset = 0; subset < 16; ++subset) {
      auto offsets = output<int64_t>(batch.rows() + 1);
      auto reflection = output<int32_t>(total);
      auto root = output<uint8_t>(total);
      auto omega = output<T>(total);
      auto spots = make<typename Api<T>::Spots>();
      spots.capacity = static_cast<int64_t>(total);
      if (subset & 1) spots.offsets = offsets.data();
      if (subset & 2) spots.reflection = reflection.data();
      if (subset & 4) spots.root = root.data();
      if (subset & 8) spots.omega = omega.data();
      int64_t count = -1;
      ASSERT_BRG(
          Api<T>::predict_spots(context(), &batch.geometry, batch.set.get(), &batch.orientations, &spots, &count));
      EXPECT_EQ(static_cast<size_t>(count), total);
      EXPECT_EQ(offsets.read(), subset & 1 ? all.offsets : std::vector<int64_t>(batch.rows() + 1, 77));
      EXPECT_EQ(reflection.read(), subset & 2 ? all.reflection : std::vector<int32_t>(total, 77));
      EXPECT_EQ(root.read(), subset & 4 ? all.root : std::vector<uint8_t>(total, 77));
      EXPECT_EQ(omega.read(), subset & 8 ? all.omega : std::vector<T>(total, 77));
    }
  });
}

TEST_P(Spots, NamesTheArgumentThatIsWrong) {
  const Batch<double> batch(context(), plain_geometry(), {});
  auto spots = make<brg_spots_f64>();
  int64_t count = 0;
  const auto call = [&] {
    return brg_predict_spots_f64(context(), &batch.geometry, batch.set.get(), &batch.orientations, &spots, &count);
  };
  spots.window_count = 9;
  EXPECT_FAULT(call(), BRG_ERROR_INVALID_ARGUMENT, "spots.window_count");
  spots.window_count = -1;
  EXPECT_FAULT(call(), BRG_ERROR_INVALID_ARGUMENT, "spots.window_count");
  spots.window_count = 1, spots.window_high[0] = std::nan("");
  EXPECT_FAULT(call(), BRG_ERROR_INVALID_ARGUMENT, "spots.window_");
  spots.window_count = 0, spots.capacity = -1;
  EXPECT_FAULT(call(), BRG_ERROR_INVALID_ARGUMENT, "spots.capacity");
  spots.capacity = 0, spots.reserved = 1;
  EXPECT_FAULT(call(), BRG_ERROR_INVALID_ARGUMENT, "spots.reserved");
}

BRG_EVERY_BACKEND(Spots);

}  // namespace
