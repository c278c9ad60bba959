// Every row of the exact tables, ours and the shared ones where they are: roots, flags and all derivatives, by the adjoint and
// by the directional derivative, in both precisions, within the promises of docs/accuracy.md.
#include <gtest/gtest.h>

#include <limits>

#include "core/frame.hpp"
#include "core/item.hpp"
#include "support/reference_table.hpp"

namespace {

using namespace braggrad::core;

struct Table {
  const char* name;
  const char* path;
  bool single;   // inputs are float32
  bool general;  // any axis and beam
  size_t rows;   // at least
};

const Table tables[] = {{"Own", BRAGGRAD_REFERENCE "/solve_f64.csv", false, false, 460},
                        {"OwnSingle", BRAGGRAD_REFERENCE "/solve_f32.csv", true, false, 240},
                        {"OwnGeneral", BRAGGRAD_REFERENCE "/geometry.csv", false, true, 210},
                        {"Shared", BRAGGRAD_SHARED_DATA "/reference/solve.csv", false, false, 2300},
                        {"SharedSingle", BRAGGRAD_SHARED_DATA "/reference/solve_f32.csv", true, false, 550},
                        {"SharedGeneral", BRAGGRAD_SHARED_DATA "/reference/general_axis.csv", false, true, 1100}};

class Tables : public testing::TestWithParam<Table> {};

long double wrapped(long double angle) { return std::remainder(angle, 2 * 3.14159265358979323846264338327950288L); }

// One row with its item in precision T, and the numbers that its bounds are made of.
template <class T>
struct Case {
  T g[3], magnitude, wavenumber, chi = 0;
  Frame frame;
  Items<T> items;
  long double tan_chi, s_over_rho, rho_over_g, tilt;

  Case(const ReferenceRow& row, bool general) {
    const char* axes[] = {"gx", "gy", "gz"};
    for (int i = 0; i < 3; ++i) g[i] = row.input<T>(axes[i]);
    magnitude = row.input<T>("magnitude"), wavenumber = row.input<T>("wavenumber");
    const double z[3] = {0, 0, 1}, x[3] = {1, 0, 0};
    if (general) {
      const double e[3] = {row.input<double>("ex"), row.input<double>("ey"), row.input<double>("ez")};
      const double d[3] = {row.input<double>("dx"), row.input<double>("dy"), row.input<double>("dz")};
      frame = make_frame(d, e, 0, static_cast<double>(wavenumber), 0);
      items = {1, g, &magnitude, nullptr, nullptr};
    } else {
      chi = row.input<T>("chi");
      frame = make_frame(x, z, 0, 0, 0);
      items = {1, g, &magnitude, &wavenumber, &chi};
    }
    tan_chi = general ? static_cast<long double>(frame.tan_chi) : std::tan(static_cast<long double>(chi));
    s_over_rho = row.exact("s_over_rho"), rho_over_g = row.exact("rho_over_g");
    // |gz tan chi| / rho, with gz along the axis and rho across it.
    const Vec3<double> in_frame = multiply(frame.m, Vec3<double>{double(g[0]), double(g[1]), double(g[2])});
    tilt = std::fabs(static_cast<long double>(in_frame.z) * tan_chi) / std::hypot(in_frame.x, in_frame.y);
    if (general) rho_over_g /= static_cast<long double>(std::fabs(frame.cos_chi));  // the table's h is rho cos chi
  }
  Case(const Case&) = delete;
  Case& operator=(const Case&) = delete;
};

template <class T>
void check_table(const Table& table) {
  const std::vector<ReferenceRow> rows = read_reference(table.path);
  if (rows.empty()) GTEST_SKIP() << "not here: " << table.path;
  ASSERT_GE(rows.size(), table.rows);
  const long double eps = std::numeric_limits<T>::epsilon(), pi_exact = 3.14159265358979323846264338327950288L;
  long double worst_angle = 0, worst_rate = 0;
  size_t angles = 0, rates = 0;
  for (const ReferenceRow& row : rows) {
    if (row.text("category") == "parallel" || row.text("category") == "degenerate") continue;  // refused, or no circle
    SCOPED_TRACE("row " + row.text("id") + " " + row.text("category"));
    const Case<T> c(row, table.general);
    const Item<T> item =
        load_item(c.frame, c.items, 0, load_vector<T>(c.items.g), beam_of(c.frame, c.items.wavenumber, c.items.chi, 0));
    const bool observable = row.exact("observable") != 0;
    if (item.crossing.observable != observable) {
      ASSERT_LT(c.s_over_rho, 2 * std::sqrt(eps * (1 + c.tilt)));
      continue;
    }
    const Roots<T> omega = roots(item.crossing);
    if (!observable) {
      ASSERT_EQ(omega.omega1, T(0));
      ASSERT_EQ(omega.omega2, T(0));
      const ItemBar<T> bar = item_vjp(c.frame, item, c.items, 0, T(1), T(2), true);
      for (const T value :
           {bar.g.x, bar.g.y, bar.g.z, bar.g_magnitude, bar.wavenumber, bar.chi, bar.beam.x, bar.axis.z})
        ASSERT_EQ(value, T(0));
      continue;
    }
    const long double s_over_rho = std::max(c.s_over_rho, std::sqrt(eps));
    const long double bound = 4 * eps / c.rho_over_g / s_over_rho * (1 + c.tilt) + 2 * eps * pi_exact;
    const T angle[2] = {omega.omega1, omega.omega2};
    for (int root = 0; root < 2; ++root) {
      const long double error = std::fabs(wrapped(angle[root] - row.exact(root == 0 ? "omega1" : "omega2")));
      ASSERT_LE(error, bound) << "omega" << root + 1;
      ASSERT_LE(std::fabs(static_cast<long double>(angle[root])), pi_exact);
      worst_angle = std::max(worst_angle, error / bound), ++angles;
    }
    if (c.s_over_rho < 2 * std::sqrt(eps * (1 + c.tilt)) || row.text("d1_gx") == "nan") continue;

    const long double rho = c.rho_over_g * std::hypot(std::hypot(static_cast<long double>(c.g[0]), c.g[1]), c.g[2]);
    const long double s = c.s_over_rho * rho, length = rho / c.rho_over_g;
    const long double relative = 4 * eps / c.rho_over_g / (c.s_over_rho * c.s_over_rho) * (1 + c.tilt);
    for (int root = 0; root < 2; ++root) {
      const ItemBar<T> bar = item_vjp(c.frame, item, c.items, 0, T(root == 0), T(root == 1), true);
      // Each derivative by the adjoint and by the directional derivative of its own unit direction.
      const auto compare = [&](const std::string& input, T adjoint, const ItemsTangent<T>& tangent, long double scale) {
        const long double exact = row.exact((root == 0 ? "d1_" : "d2_") + input);
        const Roots<T> rate =
            item_jvp(c.frame, item, c.items, tangent, 0, tangent.g ? load_vector<T>(tangent.g) : Vec3<T>{});
        const long double allowed = relative * (scale > 0 ? scale : std::fabs(exact)) + std::numeric_limits<T>::min();
        for (const T value : {adjoint, root == 0 ? rate.omega1 : rate.omega2}) {
          const long double error = std::fabs(static_cast<long double>(value) - exact);
          ASSERT_LE(error, allowed) << "omega" << root + 1 << " by " << input << ": " << static_cast<double>(value)
                                    << " instead of " << static_cast<double>(exact);
          worst_rate = std::max(worst_rate, error / allowed), ++rates;
        }
      };
      const char* axes[] = {"gx", "gy", "gz"};
      const char* beams[] = {"dx", "dy", "dz"};
      const char* turns[] = {"ex", "ey", "ez"};
      const T by_g[] = {bar.g.x, bar.g.y, bar.g.z}, by_d[] = {bar.beam.x, bar.beam.y, bar.beam.z};
      const T by_e[] = {bar.axis.x, bar.axis.y, bar.axis.z};
      const T one = 1;
      for (int i = 0; i < 3; ++i) {
        const T unit[3] = {T(i == 0), T(i == 1), T(i == 2)};
        ItemsTangent<T> tangent{};
        tangent.g = unit;
        compare(axes[i], by_g[i], tangent, 1 / (s * std::fabs(static_cast<long double>(item.beam.cos_chi))));
        if (!table.general) continue;
        // Beam and axis are summed in the frame; their derivatives in the laboratory are turned back.
        const Vec3<double> d =
            multiply_transposed(c.frame.m, Vec3<double>{double(by_d[0]), double(by_d[1]), double(by_d[2])});
        const Vec3<double> e =
            multiply_transposed(c.frame.m, Vec3<double>{double(by_e[0]), double(by_e[1]), double(by_e[2])});
        const double d_lab[] = {d.x, d.y, d.z}, e_lab[] = {e.x, e.y, e.z};
        ItemsTangent<T> beam{}, axis{};
        (i == 0 ? beam.geometry.beam.x : i == 1 ? beam.geometry.beam.y : beam.geometry.beam.z) = 1;
        (i == 0 ? axis.geometry.axis.x : i == 1 ? axis.geometry.axis.y : axis.geometry.axis.z) = 1;
        const long double scale = length / (s * std::fabs(static_cast<long double>(c.frame.cos_chi)));
        compare(beams[i], static_cast<T>(d_lab[i]), beam, scale);
        compare(turns[i], static_cast<T>(e_lab[i]), axis, scale);
      }
      ItemsTangent<T> by_magnitude{}, by_wavenumber{}, by_chi{};
      by_magnitude.g_magnitude = &one;
      compare("magnitude", bar.g_magnitude, by_magnitude, 0);
      if (table.general)
        by_wavenumber.geometry.wavenumber = 1;
      else
        by_wavenumber.wavenumber = &one;
      compare("wavenumber", bar.wavenumber, by_wavenumber, 0);
      by_chi.chi = &one;
      if (!table.general) compare("chi", bar.chi, by_chi, length / s);
      if (testing::Test::HasFatalFailure()) return;
    }
  }
  EXPECT_GT(angles, rows.size() / 2);
  EXPECT_GT(rates, 8 * rows.size());
  testing::Test::RecordProperty("worst_angle", std::to_string(worst_angle));
  testing::Test::RecordProperty("worst_rate", std::to_string(worst_rate));
  std::printf("%zu angles, worst %.2Lf of the bound; %zu derivatives, worst %.2Lf\n", angles, worst_angle, rates,
              worst_rate);
}

TEST_P(Tables, EveryRowInItsOwnPrecision) {
  if (GetParam().single)
    check_table<float>(GetParam());
  else
    check_table<double>(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Core, Tables, testing::ValuesIn(tables), [](const auto& info) { return info.param.name; });

}  // namespace
