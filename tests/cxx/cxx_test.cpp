// braggrad.hpp against the C interface itself: the same bits from every call with every member given, errors, ownership.
#include <gtest/gtest.h>

#include <braggrad.hpp>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "support/sample.hpp"

namespace bg = braggrad;

namespace {

static_assert(!std::is_copy_constructible_v<bg::Context> && std::is_nothrow_move_constructible_v<bg::Context>);
static_assert(!std::is_copy_constructible_v<bg::Reflections> && std::is_nothrow_move_constructible_v<bg::Reflections>);
static_assert(!std::is_copy_constructible_v<bg::Buffer<float>>);

// The same call twice, into arrays of its own each time: by this header and by C.
template <class T>
class Twice {
 public:
  explicit Twice(size_t count) : cxx(count, T(77)), c(count, T(77)) {}
  void expect_equal(const char* name) const {
    EXPECT_EQ(std::memcmp(cxx.data(), c.data(), c.size() * sizeof(T)), 0) << name;
    bool written = c.empty();
    for (const T value : c) written = written || value != T(77);
    EXPECT_TRUE(written) << name;
  }
  std::vector<T> cxx, c;
};

struct Faulty {
  brg_status status = BRG_SUCCESS;
  std::string message;
};

template <class Call>
Faulty fault_of(const Call& call) {
  try {
    call();
  } catch (const bg::Error& error) {
    return {error.status(), error.what()};
  }
  return {};
}

class Cxx : public testing::Test {
 protected:
  static constexpr size_t b = 5, n = 37;
  bg::Context context{{.backend = BRG_BACKEND_CPU, .threads = 2}};
  Random random{11};
  std::vector<int32_t> hkl = some_hkl(n);
  bg::Basis basis = bg::reciprocal_basis({4.1, 4.9, 5.3, 85, 97, 103});
  bg::Reflections set{context, hkl, basis};
  brg_geometry geometry = bg::geometry_of_energy(60, 0.07);

  template <class T>
  std::vector<T> some(size_t count, double low = -1, double high = 1) {
    return as<T>(random.uniforms(count, low, high));
  }
};

TEST_F(Cxx, SolvesAndDifferentiatesAsCDoes) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    const auto g = some<T>(3 * n, -2, 2), magnitude = some<T>(n, 1, 2), k = some<T>(n, 20, 30),
               chi = some<T>(n, -0.1, 0.1);
    const bg::Items<T> items{g, magnitude, k, chi};
    auto c_items = make<typename Api<T>::Items>();
    c_items.count = n, c_items.g = g.data(), c_items.g_magnitude = magnitude.data();
    c_items.wavenumber = k.data(), c_items.chi = chi.data();

    Twice<T> omega1(n), omega2(n);
    Twice<uint8_t> observable(n);
    auto c_roots = make<typename Api<T>::Roots>();
    c_roots.omega1 = omega1.c.data(), c_roots.omega2 = omega2.c.data(), c_roots.observable = observable.c.data();
    bg::solve<T>(context, geometry, items, {omega1.cxx, omega2.cxx, observable.cxx});
    ASSERT_BRG(Api<T>::solve(context.get(), &geometry, &c_items, &c_roots));
    omega1.expect_equal("omega1"), omega2.expect_equal("omega2"), observable.expect_equal("observable");

    const auto w1 = some<T>(n), w2 = some<T>(n);
    Twice<T> g_bar(3 * n), m_bar(n), k_bar(n), chi_bar(n), all_k(1), all_chi(1), beam(3), axis(3);
    auto c_cotangents = make<typename Api<T>::RootCotangents>();
    c_cotangents.omega1 = w1.data(), c_cotangents.omega2 = w2.data();
    auto c_gradient = make<typename Api<T>::ItemsGradient>();
    c_gradient.flags = BRG_ACCUMULATE;
    c_gradient.g = g_bar.c.data(), c_gradient.g_magnitude = m_bar.c.data(), c_gradient.wavenumber = k_bar.c.data();
    c_gradient.chi = chi_bar.c.data(), c_gradient.geometry_beam = beam.c.data(),
    c_gradient.geometry_axis = axis.c.data();
    bg::solve_vjp<T>(context, geometry, items, {w1, w2},
                     {.g = g_bar.cxx,
                      .g_magnitude = m_bar.cxx,
                      .wavenumber = k_bar.cxx,
                      .chi = chi_bar.cxx,
                      .geometry_beam = beam.cxx,
                      .geometry_axis = axis.cxx,
                      .accumulate = true});
    ASSERT_BRG(Api<T>::solve_vjp(context.get(), &geometry, &c_items, &c_cotangents, &c_gradient));
    g_bar.expect_equal("g"), m_bar.expect_equal("magnitude"), k_bar.expect_equal("wavenumber");
    chi_bar.expect_equal("chi"), beam.expect_equal("beam"), axis.expect_equal("axis");

    // The geometry's own, where no array replaces them.
    auto bare = make<typename Api<T>::Items>();
    bare.count = n, bare.g = g.data();
    auto sums = make<typename Api<T>::ItemsGradient>();
    sums.geometry_wavenumber = all_k.c.data(), sums.geometry_chi = all_chi.c.data();
    bg::solve_vjp<T>(context, geometry, {.g = g}, {.omega1 = w1},
                     {.geometry_wavenumber = all_k.cxx.data(), .geometry_chi = all_chi.cxx.data()});
    c_cotangents.omega2 = nullptr;
    ASSERT_BRG(Api<T>::solve_vjp(context.get(), &geometry, &bare, &c_cotangents, &sums));
    all_k.expect_equal("geometry.wavenumber"), all_chi.expect_equal("geometry.chi");

    const auto g_dot = some<T>(3 * n), m_dot = some<T>(n), k_dot = some<T>(n), chi_dot = some<T>(n);
    auto c_tangent = make<typename Api<T>::ItemsTangent>();
    c_tangent.g = g_dot.data(), c_tangent.g_magnitude = m_dot.data(), c_tangent.wavenumber = k_dot.data();
    c_tangent.chi = chi_dot.data(), c_tangent.geometry_wavenumber = 0.5, c_tangent.geometry_chi = 0.25;
    c_tangent.geometry_beam[1] = 0.1, c_tangent.geometry_axis[0] = -0.2;
    bg::solve_jvp<T>(context, geometry, items, {g_dot, m_dot, k_dot, chi_dot, 0.5, 0.25, {0, 0.1, 0}, {-0.2, 0, 0}},
                     {omega1.cxx, omega2.cxx, {}});
    ASSERT_BRG(Api<T>::solve_jvp(context.get(), &geometry, &c_items, &c_tangent, &c_roots));
    omega1.expect_equal("omega1_dot"), omega2.expect_equal("omega2_dot");

    Twice<T> direction(3 * n), two_theta(n), eta(n);
    auto c_beams = make<typename Api<T>::Beams>();
    c_beams.direction = direction.c.data(), c_beams.two_theta = two_theta.c.data(), c_beams.eta = eta.c.data();
    bg::diffracted_beam<T>(context, geometry, items, w1, {direction.cxx, two_theta.cxx, eta.cxx});
    ASSERT_BRG(Api<T>::diffracted_beam(context.get(), &geometry, &c_items, w1.data(), &c_beams));
    direction.expect_equal("direction"), two_theta.expect_equal("two_theta"), eta.expect_equal("eta");
  });
}

TEST_F(Cxx, PredictsAndDifferentiatesAsCDoes) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    const auto r = random.rotations<T>(b), k = some<T>(b, 20, 30), chi = some<T>(b, -0.1, 0.1);
    std::vector<T> bases;
    for (size_t i = 0; i < b; ++i)
      for (const double value : basis) bases.push_back(static_cast<T>(value * (1 + 1e-3 * static_cast<double>(i))));
    const bg::Orientations<T> orientations{r, bases, k, chi, true, true}, own_set{.rotation = r};
    auto c_orientations = make<typename Api<T>::Orientations>();
    c_orientations.flags = BRG_COLUMN_MAJOR | BRG_MAGNITUDE_FROM_ROTATED;
    c_orientations.count = b, c_orientations.rotation = r.data(), c_orientations.reciprocal_basis = bases.data();
    c_orientations.wavenumber = k.data(), c_orientations.chi = chi.data();
    auto c_own_set = make<typename Api<T>::Orientations>();
    c_own_set.count = b, c_own_set.rotation = r.data();

    Twice<T> omega1(b * n), omega2(b * n);
    Twice<uint8_t> observable(b * n);
    auto c_roots = make<typename Api<T>::Roots>();
    c_roots.omega1 = omega1.c.data(), c_roots.omega2 = omega2.c.data(), c_roots.observable = observable.c.data();
    bg::predict<T>(context, geometry, set, orientations, {omega1.cxx, omega2.cxx, observable.cxx});
    ASSERT_BRG(Api<T>::predict(context.get(), &geometry, set.get(), &c_orientations, &c_roots));
    omega1.expect_equal("omega1"), omega2.expect_equal("omega2"), observable.expect_equal("observable");

    const auto w1 = some<T>(b * n), w2 = some<T>(b * n);
    Twice<T> r_bar(9 * b), v_bar(3 * b), basis_bar(9 * b), k_bar(b), chi_bar(b), beam(3), axis(3);
    auto c_cotangents = make<typename Api<T>::RootCotangents>();
    c_cotangents.omega1 = w1.data(), c_cotangents.omega2 = w2.data();
    auto c_gradient = make<typename Api<T>::OrientationsGradient>();
    c_gradient.rotation = r_bar.c.data(), c_gradient.rotation_vector = v_bar.c.data();
    c_gradient.reciprocal_basis = basis_bar.c.data(), c_gradient.wavenumber = k_bar.c.data();
    c_gradient.chi = chi_bar.c.data(), c_gradient.geometry_beam = beam.c.data();
    c_gradient.geometry_axis = axis.c.data();
    bg::predict_vjp<T>(context, geometry, set, orientations, {w1, w2},
                       {.rotation = r_bar.cxx,
                        .rotation_vector = v_bar.cxx,
                        .reciprocal_basis = basis_bar.cxx,
                        .wavenumber = k_bar.cxx,
                        .chi = chi_bar.cxx,
                        .geometry_beam = beam.cxx,
                        .geometry_axis = axis.cxx});
    ASSERT_BRG(Api<T>::predict_vjp(context.get(), &geometry, set.get(), &c_orientations, &c_cotangents, &c_gradient));
    r_bar.expect_equal("rotation"), v_bar.expect_equal("rotation_vector"), basis_bar.expect_equal("basis");
    k_bar.expect_equal("wavenumber"), chi_bar.expect_equal("chi"), beam.expect_equal("beam"), axis.expect_equal("axis");

    Twice<T> q_bar(3 * n), set_bar(9), all_k(1), all_chi(1);
    auto c_sums = make<typename Api<T>::OrientationsGradient>();
    c_sums.flags = BRG_ACCUMULATE;
    c_sums.q = q_bar.c.data(), c_sums.reflections_basis = set_bar.c.data();
    c_sums.geometry_wavenumber = all_k.c.data(), c_sums.geometry_chi = all_chi.c.data();
    bg::predict_vjp<T>(context, geometry, set, own_set, {w1, w2},
                       {.q = q_bar.cxx,
                        .reflections_basis = set_bar.cxx,
                        .geometry_wavenumber = all_k.cxx.data(),
                        .geometry_chi = all_chi.cxx.data(),
                        .accumulate = true});
    ASSERT_BRG(Api<T>::predict_vjp(context.get(), &geometry, set.get(), &c_own_set, &c_cotangents, &c_sums));
    q_bar.expect_equal("q"), set_bar.expect_equal("set's basis"), all_k.expect_equal("k"), all_chi.expect_equal("chi");

    const auto r_dot = some<T>(9 * b), v_dot = some<T>(3 * b), basis_dot = some<T>(9 * b), k_dot = some<T>(b);
    const auto chi_dot = some<T>(b), q_dot = some<T>(3 * n);
    auto c_tangent = make<typename Api<T>::OrientationsTangent>();
    c_tangent.rotation = r_dot.data(), c_tangent.rotation_vector = v_dot.data();
    c_tangent.reciprocal_basis = basis_dot.data(), c_tangent.wavenumber = k_dot.data(), c_tangent.chi = chi_dot.data();
    c_tangent.geometry_beam[2] = 0.1, c_tangent.geometry_axis[1] = 0.2;
    bg::predict_jvp<T>(context, geometry, set, orientations,
                       {.rotation = r_dot,
                        .rotation_vector = v_dot,
                        .reciprocal_basis = basis_dot,
                        .wavenumber = k_dot,
                        .chi = chi_dot,
                        .geometry_beam = {0, 0, 0.1},
                        .geometry_axis = {0, 0.2, 0}},
                       {omega1.cxx, omega2.cxx, {}});
    ASSERT_BRG(Api<T>::predict_jvp(context.get(), &geometry, set.get(), &c_orientations, &c_tangent, &c_roots));
    omega1.expect_equal("omega1_dot"), omega2.expect_equal("omega2_dot");

    auto c_q_tangent = make<typename Api<T>::OrientationsTangent>();
    c_q_tangent.q = q_dot.data(), c_q_tangent.geometry_wavenumber = 0.5, c_q_tangent.geometry_chi = 0.25;
    bg::predict_jvp<T>(context, geometry, set, own_set, {.q = q_dot, .geometry_wavenumber = 0.5, .geometry_chi = 0.25},
                       {.omega1 = omega1.cxx});
    ASSERT_BRG(Api<T>::predict_jvp(context.get(), &geometry, set.get(), &c_own_set, &c_q_tangent, &c_roots));
    omega1.expect_equal("omega1_dot by q");

    Twice<T> g(3 * b * n);
    auto c_vectors = make<typename Api<T>::Vectors>();
    c_vectors.g = g.c.data();
    bg::rotate<T>(context, set, own_set, g.cxx);
    ASSERT_BRG(Api<T>::rotate(context.get(), set.get(), &c_own_set, &c_vectors));
    g.expect_equal("g");
    auto c_q_only = make<typename Api<T>::OrientationsTangent>();
    c_q_only.q = q_dot.data();
    bg::rotate_jvp<T>(context, set, own_set, {.q = q_dot}, g.cxx);
    ASSERT_BRG(Api<T>::rotate_jvp(context.get(), set.get(), &c_own_set, &c_q_only, &c_vectors));
    g.expect_equal("g_dot");
    const auto g_bar = some<T>(3 * b * n);
    auto c_g_bar = make<typename Api<T>::VectorCotangents>();
    c_g_bar.g = g_bar.data();
    auto c_rotation_only = make<typename Api<T>::OrientationsGradient>();
    c_rotation_only.rotation = r_bar.c.data();
    bg::rotate_vjp<T>(context, set, own_set, g_bar, {.rotation = r_bar.cxx});
    ASSERT_BRG(Api<T>::rotate_vjp(context.get(), set.get(), &c_own_set, &c_g_bar, &c_rotation_only));
    r_bar.expect_equal("rotation of rotate");
  });
}

TEST_F(Cxx, ListsSpotsAsCDoes) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    const auto r = random.rotations<T>(b);
    const bg::Orientations<T> orientations{.rotation = r};
    auto c_orientations = make<typename Api<T>::Orientations>();
    c_orientations.count = b, c_orientations.rotation = r.data();
    const std::vector<bg::OmegaWindow> windows = {{3, -3}, {-0.5, 0.75}};
    auto c_spots = make<typename Api<T>::Spots>();
    c_spots.window_count = 2;
    c_spots.window_low[0] = 3, c_spots.window_high[0] = -3, c_spots.window_low[1] = -0.5, c_spots.window_high[1] = 0.75;
    int64_t c_count = 0;
    ASSERT_BRG(Api<T>::predict_spots(context.get(), &geometry, set.get(), &c_orientations, &c_spots, &c_count));
    const int64_t count = bg::predict_spots<T>(context, geometry, set, orientations, {.windows = windows});
    ASSERT_EQ(count, c_count);
    ASSERT_GT(count, 10);

    const auto rows = static_cast<size_t>(count);
    Twice<int64_t> offsets(b + 1);
    Twice<int32_t> reflection(rows);
    Twice<uint8_t> root(rows);
    Twice<T> omega(rows);
    c_spots.capacity = count, c_spots.offsets = offsets.c.data(), c_spots.reflection = reflection.c.data();
    c_spots.root = root.c.data(), c_spots.omega = omega.c.data();
    ASSERT_BRG(Api<T>::predict_spots(context.get(), &geometry, set.get(), &c_orientations, &c_spots, &c_count));
    bg::predict_spots<T>(context, geometry, set, orientations,
                         {windows, offsets.cxx, reflection.cxx, root.cxx, omega.cxx});
    offsets.expect_equal("offsets"), reflection.expect_equal("reflection");
    root.expect_equal("root"), omega.expect_equal("omega");

    const Faulty fault = fault_of([&] {
      bg::predict_spots<T>(context, geometry, set, orientations,
                           {.windows = windows, .root = std::span(root.cxx).first(3)});
    });
    EXPECT_EQ(fault.status, BRG_ERROR_CAPACITY);
    const std::vector<bg::OmegaWindow> nine(9, {0, 1});
    EXPECT_EQ(fault_of([&] { bg::predict_spots<T>(context, geometry, set, orientations, {.windows = nine}); }).status,
              BRG_ERROR_INVALID_ARGUMENT);
  });
}

TEST_F(Cxx, FitsAsCDoes) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    constexpr size_t p = 11;
    const auto r = random.rotations<T>(b), target1 = some<T>(n, -3, 3), target2 = some<T>(n, -3, 3);
    const auto weight1 = some<T>(n, 0, 1), weight2 = some<T>(n, 0, 1);
    const bg::Orientations<T> orientations{.rotation = r};
    auto c_orientations = make<typename Api<T>::Orientations>();
    c_orientations.count = b, c_orientations.rotation = r.data();
    auto c_targets = make<typename Api<T>::Targets>();
    c_targets.loss = BRG_LOSS_HUBER, c_targets.delta = 0.4, c_targets.missing_loss = 0.3;
    c_targets.omega1 = target1.data(), c_targets.omega2 = target2.data();
    c_targets.weight1 = weight1.data(), c_targets.weight2 = weight2.data();
    Twice<T> loss(b), gradient(b * p), normal(b * p * (p + 1) / 2), rotation_bar(9 * b);
    Twice<int32_t> observable(b), matched(b), missing(b), grazing(b);
    auto c_output = make<typename Api<T>::LossOutput>();
    c_output.parameters = BRG_FIT_ROTATION | BRG_FIT_WAVENUMBER | BRG_FIT_CHI | BRG_FIT_LATTICE;
    c_output.flags = BRG_ACCUMULATE;
    c_output.loss = loss.c.data(), c_output.gradient = gradient.c.data(), c_output.normal = normal.c.data();
    c_output.rotation_bar = rotation_bar.c.data(), c_output.observable = observable.c.data();
    c_output.matched = matched.c.data(), c_output.missing = missing.c.data(), c_output.grazing = grazing.c.data();
    const bg::OmegaLossOutput<T> output{c_output.parameters, loss.cxx,    gradient.cxx, normal.cxx,  rotation_bar.cxx,
                                        observable.cxx,      matched.cxx, missing.cxx,  grazing.cxx, true};
    geometry = bg::geometry_of_energy(12, 0.07);  // so that some do not diffract
    geometry.grazing_cut = 0.2;                   // and some are left out
    const auto expect_equal = [&] {
      loss.expect_equal("loss"), gradient.expect_equal("gradient"), normal.expect_equal("normal");
      rotation_bar.expect_equal("rotation_bar"), observable.expect_equal("observable");
      matched.expect_equal("matched"), missing.expect_equal("missing"), grazing.expect_equal("grazing");
    };
    bg::omega_loss<T>(context, geometry, set, orientations,
                      {.loss = BRG_LOSS_HUBER,
                       .delta = 0.4,
                       .missing_loss = 0.3,
                       .omega1 = target1,
                       .omega2 = target2,
                       .weight1 = weight1,
                       .weight2 = weight2},
                      output);
    ASSERT_BRG(Api<T>::omega_loss(context.get(), &geometry, set.get(), &c_orientations, &c_targets, &c_output));
    expect_equal();

    // Targets of each orientation.
    const auto dense = some<T>(b * n, -3, 3);
    auto c_dense = make<typename Api<T>::Targets>();
    c_dense.orientation_stride = n, c_dense.omega2 = dense.data();
    bg::omega_loss<T>(context, geometry, set, orientations, {.omega2 = dense}, output);
    ASSERT_BRG(Api<T>::omega_loss(context.get(), &geometry, set.get(), &c_orientations, &c_dense, &c_output));
    expect_equal();

    // A list.
    const std::vector<int64_t> offsets = {0, 2, 2, 3, 4, 4};
    const std::vector<int32_t> reflection = {1, 30, 7, 9};
    const std::vector<uint8_t> root = {0, 1, 2, 0};
    const auto omega = some<T>(4, -3, 3), weight = some<T>(4, 0, 1);
    auto c_list = make<typename Api<T>::Targets>();
    c_list.offsets = offsets.data(), c_list.reflection = reflection.data(), c_list.root = root.data();
    c_list.omega = omega.data(), c_list.weight = weight.data();
    bg::omega_loss<T>(context, geometry, set, orientations,
                      {.offsets = offsets, .reflection = reflection, .root = root, .omega = omega, .weight = weight},
                      output);
    ASSERT_BRG(Api<T>::omega_loss(context.get(), &geometry, set.get(), &c_orientations, &c_list, &c_output));
    expect_equal();

    // A list of nothing.
    const std::vector<int64_t> none(b + 1, 0);
    std::vector<T> value(b, T(77));
    bg::omega_loss<T>(context, geometry, set, orientations, {.offsets = none}, {.loss = value});
    EXPECT_EQ(value, std::vector<T>(b, 0));
  });
}

TEST_F(Cxx, SpeaksTheConventionsOfOthersAsCDoes) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    brg_convention hexrd = bg::convention_of(BRG_SYSTEM_HEXRD);
    hexrd.wavelength = 0.2, hexrd.chi = 0.05;
    const auto g = some<T>(3 * n, -2, 2);
    auto c_items = make<typename Api<T>::Items>();
    c_items.count = n, c_items.g = g.data();
    Twice<T> first(n), second(n);
    Twice<uint8_t> observable(n);
    auto c_roots = make<typename Api<T>::Roots>();
    c_roots.omega1 = first.c.data(), c_roots.omega2 = second.c.data(), c_roots.observable = observable.c.data();
    bg::solve<T>(context, hexrd, {.g = g}, {first.cxx, second.cxx, observable.cxx});
    ASSERT_BRG(bg::detail::Family<T>::convention_solve(context.get(), &hexrd, &c_items, &c_roots));
    first.expect_equal("first"), second.expect_equal("second"), observable.expect_equal("observable");
    // The same in two steps.
    bg::solve<T>(context, bg::geometry_of(hexrd), {.g = g}, {first.cxx, second.cxx, observable.cxx});
    bg::convert_angles<T>(context, hexrd, {first.cxx, second.cxx, observable.cxx});
    first.expect_equal("first"), second.expect_equal("second");
  });
  EXPECT_EQ(fault_of([] { bg::convention_of(77); }).status, BRG_ERROR_INVALID_ARGUMENT);
}

TEST_F(Cxx, NamesWhatIsWrong) {
  const std::vector<double> g(6, 1);
  std::vector<double> three(3), five(5);
  Faulty fault = fault_of([&] { bg::solve<double>(context, geometry, {.g = g}, {.omega1 = three}); });
  EXPECT_EQ(fault.status, BRG_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(fault.message, "roots.omega1 has 3 elements, and must have 2");
  fault = fault_of([&] { bg::solve<double>(context, geometry, {.g = five}, {}); });
  EXPECT_EQ(fault.message, "items.g has 5 elements, and must have a multiple of 3");
  geometry.axis[2] = 3;
  fault = fault_of([&] { bg::solve<double>(context, geometry, {.g = g}, {}); });
  EXPECT_EQ(fault.status, BRG_ERROR_INVALID_ARGUMENT);
  EXPECT_NE(fault.message.find("geometry.axis is no unit vector"), std::string::npos) << fault.message;
  EXPECT_EQ(fault_of([] { bg::geometry_of_energy(-1); }).status, BRG_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(fault_of([] { bg::geometry_of_wavelength(0); }).status, BRG_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(fault_of([] { bg::reciprocal_basis({1, 1, 1, 10, 10, 170}); }).status, BRG_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(fault_of([] { bg::Context({.backend = 77}); }).status, BRG_ERROR_INVALID_ARGUMENT);
}

TEST_F(Cxx, OwnsWhatItMakes) {
  bg::Context moved = std::move(context);
  EXPECT_EQ(context.get(), nullptr);
  EXPECT_EQ(moved.backend(), BRG_BACKEND_CPU);
  EXPECT_EQ(set.size(), n);
  const std::vector<float> values = {1, 2, 3};
  bg::Buffer<float> buffer(moved, values);
  EXPECT_EQ(buffer.download(moved), values);
  EXPECT_EQ(std::span<const float>(buffer).size(), 3u);
  buffer.clear(moved);
  EXPECT_EQ(buffer.download(moved), std::vector<float>(3));
  EXPECT_EQ(fault_of([&] { buffer.upload(moved, std::vector<float>(4)); }).status, BRG_ERROR_INVALID_ARGUMENT);

  const std::vector<double> q = {0, 1, 0}, identity = {1, 0, 0, 0, 1, 0, 0, 0, 1};
  brg_geometry unit = bg::geometry_of_wavelength(2 * M_PI);
  std::vector<double> omega(1);
  for (const bool view : {false, true}) {
    const bg::Reflections one = view ? bg::Reflections::view<double>(moved, q) : bg::Reflections::of_vectors(moved, q);
    bg::predict<double>(moved, unit, one, {.rotation = identity}, {.omega1 = omega});
    EXPECT_NEAR(omega[0], M_PI / 6, 1e-15);  // sin(omega) = |q| / 2k
  }
  const std::vector<int32_t> face = bg::enumerate_hkl({4, 4, 4, 90, 90, 90}, 'F', 1.4);
  EXPECT_EQ(face.size(), 3u * 26);  // {111}, {200}, {220}
  EXPECT_TRUE(bg::enumerate_hkl({4, 4, 4, 90, 90, 90}, 'F', 10).empty());
}

// A workspace of the size that a dry run asked for serves the call.
TEST_F(Cxx, WorksInACallersWorkspace) {
  const auto r = random.rotations<double>(b);
  std::vector<double> w(b * n, 1), k_bar(1, 77), again(1);
  const auto run = [&](std::vector<double>& out) {
    bg::predict_vjp<double>(context, geometry, set, {.rotation = r}, {.omega1 = w},
                            {.geometry_wavenumber = out.data()});
  };
  context.set_dry_run(true);
  run(k_bar);
  context.set_dry_run(false);
  EXPECT_EQ(k_bar[0], 77);
  bg::Buffer<std::byte> workspace(context, context.workspace_size());
  context.set_workspace(workspace);
  run(k_bar);
  context.set_workspace({});
  run(again);
  EXPECT_EQ(k_bar, again);
  EXPECT_NE(again[0], 0);
}

}  // namespace
