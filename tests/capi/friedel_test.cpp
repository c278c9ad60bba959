// Lists that are closed under inversion, as brg_hkl_enumerate makes them, against the same reflections in an order that
// shares nothing: the same angles to the bit, the same sums to rounding.
#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

#include "support/sample.hpp"
#include "support/session.hpp"

namespace {

// `half` reflections with their opposites behind them, and the same from the second to the first.
struct Lists {
  explicit Lists(size_t half) : half(half) {
    const double cell[] = {5.1, 6.2, 7.3, 90, 99, 90};
    EXPECT_BRG(brg_reciprocal_basis(cell, basis));
    int64_t count = 0;
    std::vector<int32_t> all(3 * 20000);
    EXPECT_BRG(brg_hkl_enumerate(cell, 'P', 0.65, 20000, all.data(), &count));
    EXPECT_LE(static_cast<int64_t>(2 * half), count);
    for (const int sign : {1, -1})
      for (size_t i = 0; i < 3 * half; ++i) closed.push_back(sign * all[i]);
    for (size_t n = 0; n < 2 * half; ++n) {
      const size_t from = original(n);
      general.insert(general.end(), closed.begin() + static_cast<long>(3 * from),
                     closed.begin() + static_cast<long>(3 * from + 3));
    }
  }
  // Where reflection n of the general list stands in the closed one: opposites side by side.
  size_t original(size_t n) const { return n % 2 * half + n / 2; }

  Reflections make(brg_context* context, const std::vector<int32_t>& hkl) const {
    brg_reflections* set = nullptr;
    EXPECT_BRG(brg_reflections_create(context, static_cast<int64_t>(hkl.size() / 3), hkl.data(), basis, &set));
    return Reflections(set);
  }

  size_t half;
  double basis[9];
  std::vector<int32_t> closed, general;
};

brg_geometry geometry(double grazing_cut, double chi = 0) {
  brg_geometry g;
  EXPECT_BRG(brg_geometry_init(&g, sizeof g));
  EXPECT_BRG(brg_geometry_set_energy(&g, 30));
  EXPECT_BRG(brg_geometry_set_chi(&g, chi));
  g.grazing_cut = grazing_cut;
  return g;
}

constexpr size_t rows = 9;

// What a beam is tilted by: nothing, the geometry's chi, or one of each orientation.
struct Tilt {
  double chi;
  bool by_orientation, own_wavenumber;
};

class Friedel : public BackendTest {
 protected:
  // The answers for a closed list against those for the same reflections in another order; outputs begin `skew` elements on.
  template <class T>
  void compare_angles(const Lists& lists, size_t orientations_count, const Tilt& tilt, size_t skew) const {
    SCOPED_TRACE(testing::Message() << lists.half << " opposites, skew " << skew);
    const size_t length = 2 * lists.half, pairs = orientations_count * length;
    Random sample(5);
    std::vector<T> turns = sample.template rotations<T>(orientations_count);
    turns[9 * 4 + 2] = std::numeric_limits<T>::quiet_NaN();
    const auto rotation = array(turns);
    const auto own_wavenumber = array(std::vector<T>{15, 16, 0, 15, 15, -1, 14, 15, 15});
    const auto own_chi =
        array(std::vector<T>{T(0.1), 0, T(-0.2), T(0.05), 0, 0, 3, std::numeric_limits<T>::infinity(), 0});
    auto orientations = make<typename Api<T>::Orientations>();
    orientations.count = static_cast<int64_t>(orientations_count), orientations.rotation = rotation.data();
    orientations.wavenumber = tilt.own_wavenumber ? own_wavenumber.data() : nullptr;
    orientations.chi = tilt.by_orientation ? own_chi.data() : nullptr;
    orientations.flags = tilt.chi < 0 ? uint32_t{BRG_MAGNITUDE_FROM_ROTATED} : 0;
    std::vector<T> omega[2][2];
    std::vector<uint8_t> observable[2];
    for (const int which : {0, 1}) {
      const Reflections set = lists.make(context(), which ? lists.general : lists.closed);
      const auto omega1 = output<T>(pairs, skew), omega2 = output<T>(pairs);
      const auto flags = output<uint8_t>(pairs, skew);
      auto roots = make<typename Api<T>::Roots>();
      roots.omega1 = omega1.data(), roots.omega2 = omega2.data(), roots.observable = flags.data();
      const brg_geometry g = geometry(0, tilt.chi);
      ASSERT_BRG(Api<T>::predict(context(), &g, set.get(), &orientations, &roots));
      synchronize();
      omega[which][0] = omega1.read(), omega[which][1] = omega2.read(), observable[which] = flags.read();
    }
    size_t seen = 0;
    for (size_t b = 0; b < orientations_count; ++b)
      for (size_t n = 0; n < length; ++n) {
        const size_t at = b * length + n, from = b * length + lists.original(n);
        ASSERT_EQ(observable[1][at], observable[0][from]) << b << " " << n;
        ASSERT_EQ(omega[1][0][at], omega[0][0][from]) << b << " " << n;
        ASSERT_EQ(omega[1][1][at], omega[0][1][from]) << b << " " << n;
        seen += observable[1][at];
      }
    EXPECT_GT(seen, pairs / 6);
  }
};

BRG_EVERY_BACKEND(Friedel);

TEST_P(Friedel, AnglesAreThoseOfAnyOtherOrder) {
  for (const size_t half : {size_t{1}, size_t{7}, size_t{16}, size_t{100}, size_t{301}})
    for_precisions([&](auto zero) {
      for (const Tilt tilt : {Tilt{0, false, false}, Tilt{0, false, true}, Tilt{0.1, false, true},
                              Tilt{-0.3, false, false}, Tilt{0, true, false}})
        for (const size_t skew : {size_t{0}, size_t{1}}) compare_angles<decltype(zero)>(Lists(half), rows, tilt, skew);
    });
}

// Each output alone and any two of them: the same bits as of a call for all, and the others are left alone.
TEST_P(Friedel, AnySubsetOfOutputsHasTheSameBits) {
  for (const size_t half : {size_t{2}, size_t{7}, size_t{301}})
    for_precisions([&](auto zero) {
      SCOPED_TRACE(testing::Message() << half << " opposites");
      using T = decltype(zero);
      const Lists lists(half);
      const size_t pairs = rows * 2 * half;
      Random sample(8);
      const auto rotation = array(sample.template rotations<T>(rows));
      auto orientations = make<typename Api<T>::Orientations>();
      orientations.count = rows, orientations.rotation = rotation.data();
      const Reflections closed = lists.make(context(), lists.closed);
      const brg_geometry g = geometry(0);
      const auto answers = [&](unsigned subset, size_t skew) {
        const Array<T> omega1 = output<T>(pairs, skew), omega2 = output<T>(pairs);
        const auto flags = output<uint8_t>(pairs, skew);
        auto roots = make<typename Api<T>::Roots>();
        roots.omega1 = subset & 1 ? omega1.data() : nullptr, roots.omega2 = subset & 2 ? omega2.data() : nullptr;
        roots.observable = subset & 4 ? flags.data() : nullptr;
        EXPECT_BRG(Api<T>::predict(context(), &g, closed.get(), &orientations, &roots));
        synchronize();
        return std::tuple(omega1.read(), omega2.read(), flags.read());
      };
      const auto [all1, all2, all_flags] = answers(7, 0);
      for (unsigned subset = 0; subset < 7; ++subset)
        for (const size_t skew : {size_t{0}, size_t{1}}) {
          const auto [one, two, flags] = answers(subset, skew);
          EXPECT_EQ(one, subset & 1 ? all1 : std::vector<T>(pairs, 77)) << subset;
          EXPECT_EQ(two, subset & 2 ? all2 : std::vector<T>(pairs, 77)) << subset;
          EXPECT_EQ(flags, subset & 4 ? all_flags : std::vector<uint8_t>(pairs, 77)) << subset;
        }
    });
}

// Enough for several pairs a thread on CUDA; rows of an odd number of sectors, and of more than a block has.
TEST_P(Friedel, AnglesOfLargeCallsAreThoseOfAnyOtherOrder) {
  for_precisions([&](auto zero) {
    using T = decltype(zero);
    for (const auto& [half, count] : {std::pair<size_t, size_t>{41, 6450}, {1100, 130}})
      for (const size_t skew : {size_t{0}, size_t{1}}) compare_angles<T>(Lists(half), count, {0, false, false}, skew);
  });
}

TEST_P(Friedel, SumsAreThoseOfAnyOtherOrder) {
  for (const size_t half : {size_t{1}, size_t{13}, size_t{100}, size_t{301}})
    for (const brg_loss loss : {BRG_LOSS_SQUARES, BRG_LOSS_CHORD, BRG_LOSS_HUBER, BRG_LOSS_NORM})
      for (const uint32_t mask : {0u, uint32_t{BRG_FIT_ROTATION}, 15u})
        for_precisions([&](auto zero) {
          SCOPED_TRACE(testing::Message() << half << " opposites, loss " << loss << ", mask " << mask);
          using T = decltype(zero);
          const Lists lists(half);
          Random sample(6);
          const auto rotation = array(sample.template rotations<T>(rows));
          auto orientations = make<typename Api<T>::Orientations>();
          orientations.count = rows, orientations.rotation = rotation.data();
          std::vector<T> target[2], weight[2];
          for (const int root : {0, 1})
            for (size_t n = 0; n < 2 * half; ++n) {
              const double x = static_cast<double>(n + 1) * (root + 1);
              target[root].push_back(n % 11 == 3 ? std::numeric_limits<T>::quiet_NaN()
                                                 : static_cast<T>(std::fmod(x * 1.7, 6.2) - 3.1));
              weight[root].push_back(n % 13 == 5 ? T(-1) : static_cast<T>(1 + std::fmod(x * 0.31, 1.0)));
            }
          const size_t p = mask == 0 ? 0 : mask == 1 ? 3 : 11;
          std::vector<std::vector<T>> sums[2];
          std::vector<int32_t> counts[2];
          for (const int which : {0, 1}) {
            const Reflections set = lists.make(context(), which ? lists.general : lists.closed);
            Array<T> arrays[4];
            for (const int root : {0, 1}) {
              std::vector<T> t, w;
              for (size_t n = 0; n < 2 * half; ++n) {
                const size_t from = which ? lists.original(n) : n;
                t.push_back(target[root][from]), w.push_back(weight[root][from]);
              }
              arrays[root] = array(t), arrays[2 + root] = array(w);
            }
            auto targets = make<typename Api<T>::Targets>();
            targets.loss = loss, targets.missing_loss = 0.25;
            if (loss == BRG_LOSS_HUBER || loss == BRG_LOSS_NORM) targets.delta = 0.4;
            targets.omega1 = arrays[0].data(), targets.omega2 = arrays[1].data();
            targets.weight1 = arrays[2].data(), targets.weight2 = arrays[3].data();
            auto out = make<typename Api<T>::LossOutput>();
            const auto value = output<T>(rows), bar = output<T>(9 * rows);
            const auto gradient = output<T>(p * rows), normal = output<T>(p * (p + 1) / 2 * rows);
            const auto count = output<int32_t>(4 * rows);
            out.parameters = mask, out.loss = value.data(), out.rotation_bar = bar.data();
            out.gradient = gradient.data(), out.normal = normal.data();
            out.observable = count.data(), out.matched = count.data() + rows;
            out.missing = count.data() + 2 * rows, out.grazing = count.data() + 3 * rows;
            const brg_geometry g = geometry(0.05);
            ASSERT_BRG(Api<T>::omega_loss(context(), &g, set.get(), &orientations, &targets, &out));
            synchronize();
            sums[which] = {value.read(), bar.read(), gradient.read(), normal.read()};
            counts[which] = count.read();
          }
          EXPECT_EQ(counts[0], counts[1]);
          for (size_t k = 0; k < sums[0].size(); ++k) {
            double scale = 0;
            for (const T v : sums[1][k]) scale = std::max(scale, std::fabs(static_cast<double>(v)));
            for (size_t i = 0; i < sums[0][k].size(); ++i)
              ASSERT_NEAR(sums[0][k][i], sums[1][k][i], scale * (sizeof(T) == 8 ? 1e-13 : 3e-5)) << k << " " << i;
          }
        });
}

// Few orientations and many take different ways to the targets that they share: the same bits for each.
TEST_P(Friedel, SumsDoNotDependOnTheNumberOfOrientations) {
  for_precisions([&](auto zero) {
    using T = decltype(zero);
    const Lists lists(20);
    Random sample(7);
    const auto rotation = array(sample.template rotations<T>(rows));
    const auto angles = array(as<T>(sample.uniforms(40, -4, 4)));
    const Reflections set = lists.make(context(), lists.closed);
    const brg_geometry g = geometry(0);
    for (const brg_loss loss : {BRG_LOSS_SQUARES, BRG_LOSS_CHORD}) {
      auto targets = make<typename Api<T>::Targets>();
      targets.loss = loss, targets.omega1 = angles.data();
      const auto sums_of = [&](size_t count) {
        auto orientations = make<typename Api<T>::Orientations>();
        orientations.count = static_cast<int64_t>(count), orientations.rotation = rotation.data();
        const auto gradient = output<T>(3 * rows), normal = output<T>(6 * rows), bar = output<T>(9 * rows);
        auto out = make<typename Api<T>::LossOutput>();
        out.parameters = BRG_FIT_ROTATION, out.gradient = gradient.data(), out.normal = normal.data();
        out.rotation_bar = bar.data();
        EXPECT_BRG(Api<T>::omega_loss(context(), &g, set.get(), &orientations, &targets, &out));
        synchronize();
        auto sums = gradient.read(), more = normal.read(), last = bar.read();
        sums.resize(3), more.resize(6), last.resize(9);
        sums.insert(sums.end(), more.begin(), more.end()), sums.insert(sums.end(), last.begin(), last.end());
        return sums;
      };
      EXPECT_EQ(sums_of(1), sums_of(rows)) << loss;
    }
  });
}

// Orientations with lattices of their own take the hkl, which are not opposite because the set's vectors are: with a basis of
// zeros all of them are 0.
TEST_P(Friedel, OppositeVectorsDoNotMakeOppositeIndices) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    Lists lists(20);
    std::vector<T> basis(lists.basis, lists.basis + 9);
    basis.insert(basis.end(), lists.basis, lists.basis + 9);
    const auto rotation = array(Random(3).template rotations<T>(2)), own_basis = array(basis);
    auto orientations = make<typename Api<T>::Orientations>();
    orientations.count = 2, orientations.rotation = rotation.data(), orientations.reciprocal_basis = own_basis.data();
    const size_t length = lists.general.size() / 3;
    const auto target = array(as<T>(Random(4).uniforms(length, -3, 3)));
    auto targets = make<typename Api<T>::Targets>();
    targets.omega1 = targets.omega2 = target.data();
    const brg_geometry g = geometry(0);
    std::vector<T> omega[2], loss[2];
    for (const bool zeros : {false, true}) {
      if (zeros) std::fill_n(lists.basis, 9, 0.0);
      const Reflections set = lists.make(context(), lists.general);
      const auto angles = output<T>(2 * length), losses = output<T>(2);
      auto roots = make<typename Api<T>::Roots>();
      roots.omega1 = angles.data();
      ASSERT_BRG(Api<T>::predict(context(), &g, set.get(), &orientations, &roots));
      auto out = make<typename Api<T>::LossOutput>();
      out.loss = losses.data();
      ASSERT_BRG(Api<T>::omega_loss(context(), &g, set.get(), &orientations, &targets, &out));
      synchronize();
      omega[zeros] = angles.read(), loss[zeros] = losses.read();
    }
    EXPECT_EQ(omega[0], omega[1]);
    EXPECT_EQ(loss[0], loss[1]);
  });
}

}  // namespace
