// brg_solve and its derivatives: exact tables, an independent implementation, awkward items, sizes and subsets of outputs.
#include <fstream>
#include <limits>
#include <map>
#include <sstream>

#include "support/oracle.hpp"
#include "support/sample.hpp"

namespace {

using Row = std::map<std::string, double>;

// float32 tables are read as float32: the shortest decimal of a float is no exact double.
std::vector<Row> read_table(const std::string& name, bool single) {
  std::ifstream file(std::string(BRAGGRAD_REFERENCE) + "/" + name);
  std::string line;
  std::getline(file, line);
  std::vector<std::string> names;
  std::stringstream header(line);
  for (std::string cell; std::getline(header, cell, ',');) names.push_back(cell);
  std::vector<Row> rows;
  while (std::getline(file, line)) {
    std::stringstream cells(line);
    Row row;
    size_t column = 0;
    for (std::string cell; std::getline(cells, cell, ','); ++column)
      if (names[column] != "category")
        row[names[column]] =
            single && column < 8 ? std::strtof(cell.c_str(), nullptr) : std::strtod(cell.c_str(), nullptr);
    rows.push_back(row);
  }
  return rows;
}

template <class T>
std::vector<T> columns(std::vector<Row>& rows, const std::vector<std::string>& names) {
  std::vector<T> out;
  for (Row& row : rows)
    for (const std::string& name : names) out.push_back(static_cast<T>(row[name]));
  return out;
}

class Solve : public BackendTest {
 protected:
  // Arrays of n items with everything given.
  template <class T>
  struct Input {
    Array<T> g, magnitude, wavenumber, chi;
    typename Api<T>::Items items = make<typename Api<T>::Items>();
  };
  template <class T>
  Input<T> input(const std::vector<T>& g, const std::vector<T>& magnitude, const std::vector<T>& wavenumber,
                 const std::vector<T>& chi) const {
    Input<T> in{array(g), array(magnitude), array(wavenumber), array(chi)};
    in.items.count = static_cast<int64_t>(g.size() / 3);
    in.items.g = in.g.data(), in.items.g_magnitude = in.magnitude.data();
    in.items.wavenumber = in.wavenumber.data(), in.items.chi = in.chi.data();
    return in;
  }
};

// Promises 1 to 3 of docs/accuracy.md, row by row.
TEST_P(Solve, MeetsTheExactTables) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    const bool single = sizeof(T) == 4;
    std::vector<Row> rows = read_table(single ? "solve_f32.csv" : "solve_f64.csv", single);
    ASSERT_GT(rows.size(), 240u);
    const size_t n = rows.size();
    auto in = input(columns<T>(rows, {"gx", "gy", "gz"}), columns<T>(rows, {"magnitude"}),
                    columns<T>(rows, {"wavenumber"}), columns<T>(rows, {"chi"}));
    auto omega1 = output<T>(n), omega2 = output<T>(n);
    auto observable = output<uint8_t>(n);
    auto roots = make<typename Api<T>::Roots>();
    roots.omega1 = omega1.data(), roots.omega2 = omega2.data(), roots.observable = observable.data();
    const brg_geometry geometry = plain_geometry();
    ASSERT_BRG(Api<T>::solve(context(), &geometry, &in.items, &roots));

    // All derivatives of one root: its cotangent is 1, the other's is NaN on what does not diffract.
    std::vector<std::vector<T>> bars;
    for (int root = 1; root <= 2; ++root) {
      auto w = array(std::vector<T>(n, 1));
      auto cotangents = make<typename Api<T>::RootCotangents>();
      (root == 1 ? cotangents.omega1 : cotangents.omega2) = w.data();
      auto g_bar = output<T>(3 * n), m_bar = output<T>(n), k_bar = output<T>(n), chi_bar = output<T>(n);
      auto gradient = make<typename Api<T>::ItemsGradient>();
      gradient.g = g_bar.data(), gradient.g_magnitude = m_bar.data();
      gradient.wavenumber = k_bar.data(), gradient.chi = chi_bar.data();
      ASSERT_BRG(Api<T>::solve_vjp(context(), &geometry, &in.items, &cotangents, &gradient));
      for (const auto& bar : {g_bar.read(), m_bar.read(), k_bar.read(), chi_bar.read()}) bars.push_back(bar);
    }

    const std::vector<T> o1 = omega1.read(), o2 = omega2.read();
    const std::vector<uint8_t> flag = observable.read();
    const double eps = std::numeric_limits<T>::epsilon();
    int compared = 0, differentiated = 0;
    for (size_t i = 0; i < n; ++i) {
      Row& row = rows[i];
      SCOPED_TRACE("row " + std::to_string(static_cast<int>(row["id"])));
      const double rho = std::hypot(row["gx"], row["gy"]), length = std::hypot(rho, row["gz"]);
      const double tilt = std::fabs(row["gz"] * std::tan(row["chi"])) / rho, s_over_rho = row["s_over_rho"];
      if (flag[i] != (row["observable"] != 0)) {
        EXPECT_LT(s_over_rho, 2 * std::sqrt(eps * (1 + tilt)));
        continue;
      }
      if (!flag[i]) {
        EXPECT_EQ(o1[i], 0);
        EXPECT_EQ(o2[i], 0);
        for (size_t r = 0; r < 2; ++r) {
          EXPECT_EQ(bars[4 * r][3 * i], 0);
          EXPECT_EQ(bars[4 * r + 1][i], 0);
        }
        continue;
      }
      ++compared;
      const double angle_bound =
          4 * eps / row["rho_over_g"] * (1 + tilt) / std::max(s_over_rho, std::sqrt(eps)) + 2 * eps * M_PI;
      EXPECT_LE(std::fabs(std::remainder(o1[i] - row["omega1"], 2 * M_PI)), angle_bound);
      EXPECT_LE(std::fabs(std::remainder(o2[i] - row["omega2"], 2 * M_PI)), angle_bound);
      EXPECT_LE(std::fabs(static_cast<double>(o1[i])), M_PI);
      EXPECT_LE(std::fabs(static_cast<double>(o2[i])), M_PI);
      if (s_over_rho < 2 * std::sqrt(eps * (1 + tilt))) continue;
      ++differentiated;
      const double s = s_over_rho * rho,
                   relative = 4 * eps / row["rho_over_g"] * (1 + tilt) / (s_over_rho * s_over_rho);
      for (size_t r = 0; r < 2; ++r) {
        const std::string d = r == 0 ? "d1_" : "d2_";
        const char* axes[] = {"gx", "gy", "gz"};
        for (size_t a = 0; a < 3; ++a)
          EXPECT_NEAR(bars[4 * r][3 * i + a], row[d + axes[a]], relative / s) << d << axes[a];
        EXPECT_NEAR(bars[4 * r + 1][i], row[d + "magnitude"], relative * std::fabs(row[d + "magnitude"]) + 1e-300);
        EXPECT_NEAR(bars[4 * r + 2][i], row[d + "wavenumber"], relative * std::fabs(row[d + "wavenumber"]) + 1e-300);
        EXPECT_NEAR(bars[4 * r + 3][i], row[d + "chi"], relative * length / s);
      }
    }
    EXPECT_GT(compared, 150);
    EXPECT_GT(differentiated, 130);
  });
}

// Items of one geometry at one time, against the independent implementation: angles, adjoint, directional derivative.
TEST_P(Solve, AgreesWithAnIndependentImplementationInEveryGeometry) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    const double eps = std::numeric_limits<T>::epsilon();
    for (const NamedGeometry& named : geometries())
      for (const bool own : {false, true}) {
        SCOPED_TRACE(named.name + (own ? " own beams" : ""));
        Random random(7);
        const size_t n = 257;
        const auto g = as<T>(random.uniforms(3 * n, -6, 6));
        const auto magnitude = as<T>(random.uniforms(n, 2, 9)), k = as<T>(random.uniforms(n, 20, 40));
        const auto chi = as<T>(random.uniforms(n, -0.3, 0.3));
        auto w1 = as<T>(random.uniforms(n, -1, 1)), w2 = as<T>(random.uniforms(n, -1, 1));
        const auto g_dot = as<T>(random.uniforms(3 * n, -1, 1)), m_dot = as<T>(random.uniforms(n, -1, 1));
        const auto k_dot = as<T>(random.uniforms(n, -1, 1)), chi_dot = as<T>(random.uniforms(n, -1, 1));
        auto in = input(g, magnitude, k, chi);
        if (!own) in.items.g_magnitude = in.items.wavenumber = in.items.chi = nullptr;

        // What is too near to the tangent for a plain comparison has no part in the sums.
        std::vector<oracle::Crossing> exact;
        for (size_t i = 0; i < n; ++i) {
          const double own_chi = chi[i];
          const oracle::Beam beam = oracle::make_beam(named.geometry.beam, named.geometry.axis, named.geometry.chi,
                                                      own ? static_cast<oracle::Real>(k[i]) : named.geometry.wavenumber,
                                                      own ? &own_chi : nullptr);
          const oracle::Vec v = {g[3 * i], g[3 * i + 1], g[3 * i + 2]};
          exact.push_back(oracle::solve(beam, v, own ? oracle::Real(magnitude[i]) * magnitude[i] : oracle::dot(v, v)));
          if (std::fabs(exact[i].margin) < 1e-3) w1[i] = w2[i] = 0;
        }

        auto o1 = output<T>(n), o2 = output<T>(n), d1 = output<T>(n), d2 = output<T>(n);
        auto flag = output<uint8_t>(n);
        auto roots = make<typename Api<T>::Roots>();
        roots.omega1 = o1.data(), roots.omega2 = o2.data(), roots.observable = flag.data();
        ASSERT_BRG(Api<T>::solve(context(), &named.geometry, &in.items, &roots));

        auto a1 = array(w1), a2 = array(w2);
        auto cotangents = make<typename Api<T>::RootCotangents>();
        cotangents.omega1 = a1.data(), cotangents.omega2 = a2.data();
        auto g_bar = output<T>(3 * n), m_bar = output<T>(n), k_bar = output<T>(n), chi_bar = output<T>(n);
        auto sums = output<T>(8);
        auto gradient = make<typename Api<T>::ItemsGradient>();
        gradient.g = g_bar.data(), gradient.g_magnitude = m_bar.data();
        gradient.wavenumber = k_bar.data(), gradient.chi = chi_bar.data();
        gradient.geometry_wavenumber = sums.data(), gradient.geometry_chi = sums.data() + 1;
        gradient.geometry_beam = sums.data() + 2, gradient.geometry_axis = sums.data() + 5;
        ASSERT_BRG(Api<T>::solve_vjp(context(), &named.geometry, &in.items, &cotangents, &gradient));

        auto t1 = array(g_dot), t2 = array(m_dot), t3 = array(k_dot), t4 = array(chi_dot);
        auto tangent = make<typename Api<T>::ItemsTangent>();
        tangent.g = t1.data(), tangent.g_magnitude = t2.data(), tangent.wavenumber = t3.data(), tangent.chi = t4.data();
        tangent.geometry_wavenumber = 0.3, tangent.geometry_chi = -0.7;
        for (int a = 0; a < 3; ++a) tangent.geometry_beam[a] = 0.2 * (a + 1), tangent.geometry_axis[a] = 0.5 - 0.3 * a;
        roots.omega1 = d1.data(), roots.omega2 = d2.data();
        ASSERT_BRG(Api<T>::solve_jvp(context(), &named.geometry, &in.items, &tangent, &roots));

        const auto ro1 = o1.read(), ro2 = o2.read(), rd1 = d1.read(), rd2 = d2.read(), rg = g_bar.read();
        const auto rm = m_bar.read(), rk = k_bar.read(), rchi = chi_bar.read(), rsums = sums.read();
        const auto rflag = flag.read();
        oracle::Real total[8] = {}, spread[8] = {};
        int compared = 0;
        for (size_t i = 0; i < n; ++i) {
          const oracle::Vec v = {g[3 * i], g[3 * i + 1], g[3 * i + 2]};
          const oracle::Real m = magnitude[i];
          const oracle::Crossing& x = exact[i];
          if (std::fabs(x.margin) < 1e-3) continue;
          ASSERT_EQ(rflag[i] != 0, x.observable) << i;
          if (!x.observable) continue;
          ++compared;
          const double bound = static_cast<double>(8 * eps * x.conditioning) + 4 * eps * M_PI;
          EXPECT_LE(std::fabs(oracle::wrap(ro1[i] - x.omega[0])), bound) << i;
          EXPECT_LE(std::fabs(oracle::wrap(ro2[i] - x.omega[1])), bound) << i;
          const oracle::Real w[2] = {w1[i], w2[i]};
          oracle::Real bar[6] = {}, geometry_bar[8] = {}, rate[2] = {}, size = 0;
          for (size_t r = 0; r < 2; ++r) {
            const oracle::Rates& d = x.rates[r];
            for (size_t a = 0; a < 3; ++a) {
              const oracle::Real by_g = d.g[a] + (own ? 0 : 2 * v[a] * d.q2);
              bar[a] += w[r] * by_g;
              rate[r] +=
                  by_g * g_dot[3 * i + a] + d.d[a] * tangent.geometry_beam[a] + d.e[a] * tangent.geometry_axis[a];
              geometry_bar[2 + a] += w[r] * d.d[a], geometry_bar[5 + a] += w[r] * d.e[a];
              size += std::fabs(d.g[a]) + std::fabs(d.d[a]) + std::fabs(d.e[a]);
            }
            bar[3] += own ? w[r] * 2 * m * d.q2 : 0, bar[4] += w[r] * d.k, bar[5] += w[r] * d.chi;
            rate[r] += own ? 2 * m * d.q2 * m_dot[i] + d.k * k_dot[i] + d.chi * chi_dot[i]
                           : d.k * tangent.geometry_wavenumber + d.chi * tangent.geometry_chi;
            size += std::fabs(d.chi) + std::fabs(d.k) + std::fabs(2 * m * d.q2);
          }
          if (!own) geometry_bar[0] = bar[4], geometry_bar[1] = bar[5];
          const double near = static_cast<double>(16 * eps * x.conditioning * x.conditioning * size);
          for (size_t a = 0; a < 3; ++a) EXPECT_NEAR(rg[3 * i + a], static_cast<double>(bar[a]), near) << i;
          EXPECT_NEAR(rm[i], static_cast<double>(bar[3]), near);
          EXPECT_NEAR(rk[i], static_cast<double>(bar[4]), near);
          EXPECT_NEAR(rchi[i], static_cast<double>(bar[5]), near);
          EXPECT_NEAR(rd1[i], static_cast<double>(rate[0]), near) << i;
          EXPECT_NEAR(rd2[i], static_cast<double>(rate[1]), near) << i;
          for (size_t c = 0; c < 8; ++c) total[c] += geometry_bar[c], spread[c] += near;
        }
        EXPECT_GT(compared, 100);
        for (size_t c = 0; c < 8; ++c)
          EXPECT_NEAR(rsums[c], static_cast<double>(total[c]), static_cast<double>(spread[c])) << "sum " << c;
        if (own) {
          EXPECT_EQ(rsums[0], 0);
          EXPECT_EQ(rsums[1], 0);
        }
      }
  });
}

// Every awkward item gives zeros and leaves its neighbours alone.
TEST_P(Solve, BadItemsGiveZerosAndDisturbNobody) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    const T nan = std::numeric_limits<T>::quiet_NaN(), inf = std::numeric_limits<T>::infinity();
    const T huge = std::numeric_limits<T>::max(), tiny = std::numeric_limits<T>::denorm_min();
    const T k = 30, good[6] = {3, 2, 1, 4, k, T(0.1)};  // g, magnitude, wavenumber, chi
    std::vector<std::vector<T>> bad;
    for (size_t member = 0; member < 6; ++member)
      for (const T value : {nan, inf, -inf}) {
        bad.emplace_back(good, good + 6);
        bad.back()[member] = value;
      }
    const std::vector<std::vector<T>> more = {
        {0, 0, 0, 0, k, 0},           {0, 0, 1, 1, k, 0},    {0, 0, 1, 1, k, T(0.3)}, {tiny, tiny, 1, 1, k, 0},
        {huge, huge, huge, 1, k, 0},  {3, 2, 1, huge, k, 0}, {3, 2, 1, 4, 0, 0},      {3, 2, 1, 4, -k, 0},
        {3, 2, 1, 4, k, T(M_PI / 2)}, {3, 2, 1, 100, k, 0},  {3, 2, 1, 4, tiny, 0}};
    bad.insert(bad.end(), more.begin(), more.end());
    std::vector<T> g, magnitude, wavenumber, chi;
    for (const auto& item : bad)
      for (const T* values : {good, item.data(), good}) {
        g.insert(g.end(), values, values + 3);
        magnitude.push_back(values[3]), wavenumber.push_back(values[4]), chi.push_back(values[5]);
      }
    const size_t n = magnitude.size();
    auto in = input(g, magnitude, wavenumber, chi);
    auto o1 = output<T>(n), o2 = output<T>(n), d1 = output<T>(n), d2 = output<T>(n);
    auto flag = output<uint8_t>(n);
    auto roots = make<typename Api<T>::Roots>();
    roots.omega1 = o1.data(), roots.omega2 = o2.data(), roots.observable = flag.data();
    const brg_geometry geometry = plain_geometry();
    ASSERT_BRG(Api<T>::solve(context(), &geometry, &in.items, &roots));

    std::vector<T> w(n, 1);
    for (size_t i = 1; i < n; i += 3) w[i] = nan;  // ignored: the item does not diffract
    auto cotangent = array(w);
    auto cotangents = make<typename Api<T>::RootCotangents>();
    cotangents.omega1 = cotangents.omega2 = cotangent.data();
    auto bars = output<T>(6 * n), sums = output<T>(8);
    auto gradient = make<typename Api<T>::ItemsGradient>();
    gradient.g = bars.data(), gradient.g_magnitude = bars.data() + 3 * n;
    gradient.wavenumber = bars.data() + 4 * n, gradient.chi = bars.data() + 5 * n;
    gradient.geometry_beam = sums.data(), gradient.geometry_axis = sums.data() + 3;
    ASSERT_BRG(Api<T>::solve_vjp(context(), &geometry, &in.items, &cotangents, &gradient));
    auto ones = array(std::vector<T>(3 * n, 1));
    auto tangent = make<typename Api<T>::ItemsTangent>();
    tangent.g = tangent.g_magnitude = tangent.wavenumber = tangent.chi = ones.data();
    roots.omega1 = d1.data(), roots.omega2 = d2.data();
    ASSERT_BRG(Api<T>::solve_jvp(context(), &geometry, &in.items, &tangent, &roots));

    const auto r1 = o1.read(), r2 = o2.read(), rd1 = d1.read(), rd2 = d2.read(), rb = bars.read();
    const auto rf = flag.read();
    for (size_t i = 0; i < n; ++i) {
      SCOPED_TRACE(i / 3);
      const bool is_good = i % 3 != 1;
      ASSERT_EQ(rf[i], is_good);
      if (is_good) {
        for (const auto* values : {&r1, &r2, &rd1, &rd2}) EXPECT_EQ((*values)[i], (*values)[0]);
        for (size_t a = 0; a < 3; ++a) EXPECT_EQ(rb[3 * i + a], rb[a]);
        EXPECT_TRUE(std::isfinite(r1[i]) && std::isfinite(rd1[i]) && r1[i] != 0 && rd1[i] != 0);
      } else {
        for (const auto* values : {&r1, &r2, &rd1, &rd2}) EXPECT_EQ((*values)[i], 0);
        for (size_t a = 0; a < 3; ++a) EXPECT_EQ(rb[3 * i + a], 0);
        for (size_t member = 3; member < 6; ++member) EXPECT_EQ(rb[member * n + i], 0);
      }
    }
    for (const T sum : sums.read()) EXPECT_TRUE(std::isfinite(sum));
  });
}

TEST_P(Solve, TheExactTangentHasOneAngleAndNoDerivative) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    // rho = 1, c = Q / 2k = 16 / 16 = 1.
    auto in = input<T>({1, 0, 0}, {4}, {8}, {0});
    auto o = output<T>(2), d = output<T>(8);
    auto flag = output<uint8_t>(1);
    auto roots = make<typename Api<T>::Roots>();
    roots.omega1 = o.data(), roots.omega2 = o.data() + 1, roots.observable = flag.data();
    const brg_geometry geometry = plain_geometry();
    ASSERT_BRG(Api<T>::solve(context(), &geometry, &in.items, &roots));
    EXPECT_EQ(flag.read()[0], 1);
    EXPECT_EQ(o.read()[0], o.read()[1]);
    EXPECT_NEAR(std::fabs(o.read()[0]), M_PI, 1e-6);
    auto w = array<T>({1});
    auto cotangents = make<typename Api<T>::RootCotangents>();
    cotangents.omega1 = w.data();
    auto gradient = make<typename Api<T>::ItemsGradient>();
    gradient.g = d.data(), gradient.g_magnitude = d.data() + 3, gradient.wavenumber = d.data() + 4;
    gradient.chi = d.data() + 5, gradient.geometry_chi = d.data() + 6, gradient.geometry_wavenumber = d.data() + 7;
    ASSERT_BRG(Api<T>::solve_vjp(context(), &geometry, &in.items, &cotangents, &gradient));
    for (const T value : d.read()) EXPECT_EQ(value, 0);
  });
}

TEST_P(Solve, LeavesOutOfTheDerivativesWhatGrazes) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    Random random(3);
    const size_t n = 200;
    const auto g = as<T>(random.uniforms(3 * n, -6, 6));
    auto in = input<T>(g, {}, {}, {});
    auto w = array(std::vector<T>(n, 1));
    auto cotangents = make<typename Api<T>::RootCotangents>();
    cotangents.omega1 = w.data();
    brg_geometry geometry = plain_geometry();
    auto bars = output<T>(n);
    auto flag = output<uint8_t>(n);
    auto gradient = make<typename Api<T>::ItemsGradient>();
    gradient.wavenumber = bars.data();
    auto roots = make<typename Api<T>::Roots>();
    roots.observable = flag.data();
    geometry.grazing_cut = 0.1;
    ASSERT_BRG(Api<T>::solve(context(), &geometry, &in.items, &roots));
    ASSERT_BRG(Api<T>::solve_vjp(context(), &geometry, &in.items, &cotangents, &gradient));
    int cut = 0, kept = 0;
    for (size_t i = 0; i < n; ++i) {
      const oracle::Vec v = {g[3 * i], g[3 * i + 1], g[3 * i + 2]};
      const auto x =
          oracle::solve(oracle::make_beam(geometry.beam, geometry.axis, 0, geometry.wavenumber), v, oracle::dot(v, v));
      EXPECT_EQ(flag.read()[i] != 0, x.observable);
      if (!x.observable || std::fabs(x.f_omega - 0.1L) < 1e-4L) continue;
      EXPECT_EQ(bars.read()[i] != 0, x.f_omega > 0.1L);
      ++(x.f_omega > 0.1L ? kept : cut);
    }
    EXPECT_GT(cut, 10);
    EXPECT_GT(kept, 10);
  });
}

// Sizes around the blocks of both backends, unaligned arrays, every subset of the outputs, position independence.
TEST_P(Solve, SizesAlignmentsAndSubsets) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    const brg_geometry geometry = plain_geometry();
    Random random(11);
    const size_t most = on_cpu() ? 9001 : 700;
    const auto g = as<T>(random.uniforms(3 * most, -6, 6));
    auto in = input<T>(g, {}, {}, {});
    auto whole1 = output<T>(most), whole2 = output<T>(most);
    auto whole_flag = output<uint8_t>(most);
    auto roots = make<typename Api<T>::Roots>();
    roots.omega1 = whole1.data(), roots.omega2 = whole2.data(), roots.observable = whole_flag.data();
    ASSERT_BRG(Api<T>::solve(context(), &geometry, &in.items, &roots));
    const auto e1 = whole1.read(), e2 = whole2.read();
    const auto ef = whole_flag.read();
    for (const size_t n : {size_t{0}, size_t{1}, size_t{2}, size_t{31}, size_t{33}, size_t{257}, most - 3})
      for (unsigned subset = 0; subset < 8; ++subset) {
        SCOPED_TRACE(std::to_string(n) + " outputs " + std::to_string(subset));
        auto skewed = array(std::vector<T>(g.begin() + 9, g.begin() + 9 + static_cast<long>(3 * n)), 1);
        auto o1 = output<T>(n, 1), o2 = output<T>(n, 3);
        auto flag = output<uint8_t>(n, 1);
        auto items = make<typename Api<T>::Items>();
        items.count = static_cast<int64_t>(n), items.g = skewed.data();
        roots = make<typename Api<T>::Roots>();
        roots.omega1 = subset & 1 ? o1.data() : nullptr;
        roots.omega2 = subset & 2 ? o2.data() : nullptr;
        roots.observable = subset & 4 ? flag.data() : nullptr;
        ASSERT_BRG(Api<T>::solve(context(), &geometry, &items, &roots));
        const auto r1 = o1.read(), r2 = o2.read();
        const auto rf = flag.read();
        for (size_t i = 0; i < n; ++i) {
          ASSERT_EQ(r1[i], subset & 1 ? e1[i + 3] : T(77));
          ASSERT_EQ(r2[i], subset & 2 ? e2[i + 3] : T(77));
          ASSERT_EQ(rf[i], subset & 4 ? ef[i + 3] : 77);
        }
      }
  });
}

// Vectors of items are moved by groups: any number of them, from any place, with the bits of a larger call.
TEST_P(Solve, VectorsOfAnyNumberAndAlignment) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    const brg_geometry geometry = geometries()[2].geometry;
    Random random(12);
    const size_t most = 700, skipped = 3;
    const auto g = as<T>(random.uniforms(3 * most, -6, 6)), dot = as<T>(random.uniforms(3 * most, -1, 1));
    const auto w = as<T>(random.uniforms(most, -1, 1)), angle = as<T>(random.uniforms(most, -3, 3));
    struct Answers {
      std::vector<T> bar, rate, direction;
    };
    const auto ask = [&](size_t first, size_t n, size_t skew) {
      const auto part = [&](const std::vector<T>& all, size_t width) {
        const auto begin = all.begin() + static_cast<long>(width * first);
        return array(std::vector<T>(begin, begin + static_cast<long>(width * n)), skew);
      };
      auto g_part = part(g, 3), dot_part = part(dot, 3), w_part = part(w, 1), angle_part = part(angle, 1);
      auto items = make<typename Api<T>::Items>();
      items.count = static_cast<int64_t>(n), items.g = g_part.data();
      auto cotangents = make<typename Api<T>::RootCotangents>();
      cotangents.omega1 = w_part.data();
      auto bar = output<T>(3 * n, skew), rate = output<T>(n), direction = output<T>(3 * n, skew);
      auto gradient = make<typename Api<T>::ItemsGradient>();
      gradient.flags = BRG_ACCUMULATE, gradient.g = bar.data();
      EXPECT_BRG(Api<T>::solve_vjp(context(), &geometry, &items, &cotangents, &gradient));
      auto tangent = make<typename Api<T>::ItemsTangent>();
      tangent.g = dot_part.data();
      auto roots = make<typename Api<T>::Roots>();
      roots.omega2 = rate.data();
      EXPECT_BRG(Api<T>::solve_jvp(context(), &geometry, &items, &tangent, &roots));
      auto beams = make<typename Api<T>::Beams>();
      beams.direction = direction.data();
      EXPECT_BRG(Api<T>::diffracted_beam(context(), &geometry, &items, angle_part.data(), &beams));
      return Answers{bar.read(), rate.read(), direction.read()};
    };
    const Answers whole = ask(0, most, 0);
    for (const size_t n : {size_t{1}, size_t{7}, size_t{31}, size_t{32}, size_t{33}, size_t{257}, most - skipped})
      for (const size_t skew : {0, 1}) {
        SCOPED_TRACE(std::to_string(n) + " from " + std::to_string(skew));
        const Answers part = ask(skipped, n, skew);
        for (size_t i = 0; i < n; ++i) ASSERT_EQ(part.rate[i], whole.rate[skipped + i]);
        for (size_t i = 0; i < 3 * n; ++i) {
          ASSERT_EQ(part.bar[i], whole.bar[3 * skipped + i]);
          ASSERT_EQ(part.direction[i], whole.direction[3 * skipped + i]);
        }
      }
  });
}

// Singles, pairs and all of the eight outputs of the adjoint.
TEST_P(Solve, AnySubsetOfGradientsHasTheSameBits) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    const brg_geometry geometry = geometries()[2].geometry;
    Random random(19);
    const size_t n = on_cpu() ? 5000 : 4100;  // more than one block of sums
    auto in = input<T>(as<T>(random.uniforms(3 * n, -6, 6)), as<T>(random.uniforms(n, 3, 8)), {}, {});
    auto w = array(as<T>(random.uniforms(n, -1, 1)));
    auto cotangents = make<typename Api<T>::RootCotangents>();
    cotangents.omega2 = w.data();
    const size_t sizes[8] = {3 * n, n, n, n, 1, 1, 3, 3};
    const auto ask = [&](unsigned subset) {
      std::vector<Array<T>> arrays;
      for (const size_t size : sizes) arrays.push_back(output<T>(size));
      auto gradient = make<typename Api<T>::ItemsGradient>();
      T** members[8] = {&gradient.g,
                        &gradient.g_magnitude,
                        &gradient.wavenumber,
                        &gradient.chi,
                        &gradient.geometry_wavenumber,
                        &gradient.geometry_chi,
                        &gradient.geometry_beam,
                        &gradient.geometry_axis};
      for (size_t i = 0; i < 8; ++i) *members[i] = subset >> i & 1 ? arrays[i].data() : nullptr;
      EXPECT_BRG(Api<T>::solve_vjp(context(), &geometry, &in.items, &cotangents, &gradient));
      std::vector<std::vector<T>> out;
      for (const Array<T>& array : arrays) out.push_back(array.read());
      return out;
    };
    const auto all = ask(255);
    for (size_t first = 0; first < 8; ++first)
      for (size_t second = first; second < 8; ++second) {
        const auto part = ask(1u << first | 1u << second);
        for (size_t i = 0; i < 8; ++i)
          EXPECT_EQ(part[i], i == first || i == second ? all[i] : std::vector<T>(sizes[i], 77))
              << first << " " << second;
      }
  });
}

TEST_P(Solve, AccumulatesOnRequest) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    const brg_geometry geometry = plain_geometry();
    auto in = input<T>({3, 2, 1, -2, 3, 1}, {4, 4}, {30, 31}, {0, T(0.1)});
    auto w = array<T>({1, 2});
    auto cotangents = make<typename Api<T>::RootCotangents>();
    cotangents.omega2 = w.data();
    auto plain = output<T>(20), added = output<T>(20);
    for (auto* bars : {&plain, &added}) {
      auto gradient = make<typename Api<T>::ItemsGradient>();
      gradient.flags = bars == &added ? BRG_ACCUMULATE : 0;
      gradient.g = bars->data(), gradient.g_magnitude = bars->data() + 6, gradient.wavenumber = bars->data() + 8;
      gradient.chi = bars->data() + 10, gradient.geometry_wavenumber = bars->data() + 12;
      gradient.geometry_chi = bars->data() + 13, gradient.geometry_beam = bars->data() + 14;
      gradient.geometry_axis = bars->data() + 17;
      ASSERT_BRG(Api<T>::solve_vjp(context(), &geometry, &in.items, &cotangents, &gradient));
    }
    const auto p = plain.read(), a = added.read();
    for (size_t i = 0; i < 20; ++i) {
      EXPECT_NE(p[i], T(77));
      EXPECT_NEAR(a[i], T(77) + p[i], 100 * std::numeric_limits<T>::epsilon()) << i;
    }
  });
}

TEST_P(Solve, NamesTheArgumentThatIsWrong) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    const brg_geometry geometry = plain_geometry();
    auto in = input<T>({3, 2, 1}, {}, {}, {});
    auto roots = make<typename Api<T>::Roots>();
    const auto fault = [&](const brg_geometry* g, const typename Api<T>::Items* items, const typename Api<T>::Roots* r,
                           const char* text, brg_status status = BRG_ERROR_INVALID_ARGUMENT) {
      EXPECT_FAULT(Api<T>::solve(context(), g, items, r), status, text);
      EXPECT_NE(std::string(brg_last_error()).find(std::string("brg_solve_") + Api<T>::name), std::string::npos);
    };
    fault(nullptr, &in.items, &roots, "geometry");
    fault(&geometry, nullptr, &roots, "items");
    fault(&geometry, &in.items, nullptr, "roots");
    EXPECT_FAULT(Api<T>::solve(nullptr, &geometry, &in.items, &roots), BRG_ERROR_INVALID_ARGUMENT, "context");
    auto items = in.items;
    items.count = -1;
    fault(&geometry, &items, &roots, "items.count");
    items.count = int64_t{1} << 60;
    fault(&geometry, &items, &roots, "items.count");
    items = in.items, items.g = nullptr;
    fault(&geometry, &items, &roots, "items.g");
    items = in.items, items.flags = BRG_ACCUMULATE;
    fault(&geometry, &items, &roots, "items.flags");
    items = in.items, items.struct_size = 8;
    fault(&geometry, &items, &roots, "items.struct_size", BRG_ERROR_ABI);
    brg_geometry g = geometry;
    g.wavenumber = 0;
    fault(&g, &in.items, &roots, "geometry.wavenumber");
    for (const double bad : {std::nan(""), -1.0, static_cast<double>(INFINITY)}) {
      g = geometry, g.wavenumber = bad;
      fault(&g, &in.items, &roots, "geometry.wavenumber");
    }
    g = geometry, g.beam[0] = 1.01;
    fault(&g, &in.items, &roots, "geometry.beam");
    g = geometry, g.axis[2] = std::nan("");
    fault(&g, &in.items, &roots, "geometry.axis");
    g = geometry, g.chi = M_PI / 2;
    fault(&g, &in.items, &roots, "geometry.chi");
    auto cotangents = make<typename Api<T>::RootCotangents>();
    auto gradient = make<typename Api<T>::ItemsGradient>();
    EXPECT_FAULT(Api<T>::solve_vjp(context(), &geometry, &in.items, nullptr, &gradient), BRG_ERROR_INVALID_ARGUMENT,
                 "cotangents");
    EXPECT_FAULT(Api<T>::solve_vjp(context(), &geometry, &in.items, &cotangents, nullptr), BRG_ERROR_INVALID_ARGUMENT,
                 "gradient");
    auto tangent = make<typename Api<T>::ItemsTangent>();
    tangent.geometry_axis[1] = std::nan("");
    EXPECT_FAULT(Api<T>::solve_jvp(context(), &geometry, &in.items, &tangent, &roots), BRG_ERROR_INVALID_ARGUMENT,
                 "tangent.geometry");
    EXPECT_FAULT(Api<T>::solve_jvp(context(), &geometry, &in.items, nullptr, &roots), BRG_ERROR_INVALID_ARGUMENT,
                 "tangent");
  });
}

BRG_EVERY_BACKEND(Solve);

}  // namespace
