// brg_rotate and its derivatives against plain matrix products in long double.
#include "support/batch.hpp"

namespace {

class Rotate : public BackendTest {};

// Of every kind one, and rows shorter, as long and longer than a warp, in batches that are no multiple of one.
std::vector<BatchOptions> kinds_and_shapes() {
  std::vector<BatchOptions> all = batch_kinds();
  for (BatchOptions& kind : all) kind.orientations = 37, kind.own_wavenumber = kind.own_chi = false;
  const BatchOptions plain = all[0], own_basis = all[3], view = all[5];
  for (const auto& [rows, length] :
       {std::pair<size_t, size_t>{1, 1}, {300, 1}, {131, 2}, {7, 3}, {33, 31}, {5, 32}, {31, 33}, {3, 200}})
    for (BatchOptions kind : {plain, own_basis, view}) {
      kind.orientations = rows, kind.reflections = length;
      all.push_back(kind);
    }
  return all;
}

TEST_P(Rotate, AgreesWithPlainProducts) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    const double eps = std::numeric_limits<T>::epsilon();
    for (const BatchOptions& kind : kinds_and_shapes()) {
      SCOPED_TRACE(std::string(kind.own_basis ? "own basis " : "") + (kind.column_major ? "columns " : "") +
                   (kind.view ? "view " : "") + std::to_string(kind.orientations) + " x " +
                   std::to_string(kind.reflections));
      const Batch<T> batch(context(), plain_geometry(), kind);
      const size_t B = batch.rows(), N = batch.length();
      Random random(4);
      auto orientations = batch.orientations;
      auto rotation = array(laid_out(batch.rotation, kind.column_major), 1);  // aligned to nothing but a number
      orientations.rotation = rotation.data();
      auto g = output<T>(3 * batch.pairs(), 1);
      auto vectors = make<typename Api<T>::Vectors>();
      vectors.g = g.data();
      ASSERT_BRG(Api<T>::rotate(context(), batch.set.get(), &orientations, &vectors));
      const auto rg = g.read();

      const auto g_bar = as<T>(random.uniforms(3 * batch.pairs(), -1, 1));
      auto g_bar_array = array(g_bar, 1);
      auto cotangents = make<typename Api<T>::VectorCotangents>();
      cotangents.g = g_bar_array.data();
      GradientArrays<T> arrays(context(), B, N);
      const unsigned mask = allowed_members(kind) & 0b1100111u;  // no beam
      const auto gradient = arrays.ask(mask);
      ASSERT_BRG(Api<T>::rotate_vjp(context(), batch.set.get(), &orientations, &cotangents, &gradient));
      const auto bars = arrays.read();

      std::vector<std::vector<T>> dots;
      for (const size_t size : {9 * B, 3 * B, 9 * B, 3 * N}) dots.push_back(as<T>(random.uniforms(size, -1, 1)));
      auto t0 = array(laid_out(dots[0], kind.column_major), 1), t1 = array(dots[1], 1);
      auto t2 = array(laid_out(dots[2], kind.column_major), 1), t3 = array(dots[3], 1);
      auto tangent = make<typename Api<T>::OrientationsTangent>();
      tangent.rotation = t0.data(), tangent.rotation_vector = t1.data();
      if (!kind.view) tangent.reciprocal_basis = t2.data();
      if (!kind.own_basis) tangent.q = t3.data();
      auto g_dot = output<T>(3 * batch.pairs(), 1);
      vectors.g = g_dot.data();
      ASSERT_BRG(Api<T>::rotate_jvp(context(), batch.set.get(), &orientations, &tangent, &vectors));
      const auto rd = g_dot.read();

      std::vector<std::vector<oracle::Real>> sum;
      for (const size_t size : {9 * B, 3 * B, 9 * B, B, B, 3 * N, size_t{9}}) sum.emplace_back(size, 0);
      for (size_t b = 0; b < B; ++b)
        for (size_t n = 0; n < N; ++n) {
          const size_t at = 3 * (b * N + n);
          const oracle::Mat rot = batch.rotation_of(b);
          const oracle::Vec q = batch.q_of(b, n), v = oracle::times(rot, q), h = batch.hkl_of(n);
          const oracle::Vec bar = {g_bar[at], g_bar[at + 1], g_bar[at + 2]};
          const oracle::Vec back = oracle::times(oracle::transposed(rot), bar), turn = oracle::cross(v, bar);
          oracle::Vec dq{}, expected = oracle::cross({dots[1][3 * b], dots[1][3 * b + 1], dots[1][3 * b + 2]}, v);
          for (size_t i = 0; i < 3; ++i) {
            if (!kind.own_basis) dq[i] += dots[3][3 * n + i];
            for (size_t j = 0; j < 3; ++j) {
              if (!kind.view) dq[i] += dots[2][9 * b + 3 * i + j] * h[j];
              expected[i] += dots[0][9 * b + 3 * i + j] * q[j];
              sum[0][9 * b + 3 * i + j] += bar[i] * q[j], sum[2][9 * b + 3 * i + j] += back[i] * h[j];
              sum[6][3 * i + j] += back[i] * h[j];
            }
            sum[1][3 * b + i] += turn[i], sum[5][3 * n + i] += back[i];
          }
          expected = oracle::plus(expected, oracle::times(rot, dq));
          const double size = static_cast<double>(std::sqrt(oracle::dot(q, q)) + std::sqrt(oracle::dot(dq, dq)));
          for (size_t i = 0; i < 3; ++i) {
            EXPECT_NEAR(rg[at + i], static_cast<double>(v[i]), 4 * eps * size);
            EXPECT_NEAR(rd[at + i], static_cast<double>(expected[i]), 32 * eps * size);
          }
        }
      for (const size_t member : {0, 1, 2, 5, 6}) {
        if (!(mask >> member & 1)) continue;
        for (size_t i = 0; i < sum[member].size(); ++i) {
          const size_t stored =
              kind.column_major && member != 1 && member != 5 ? i / 9 * 9 + 3 * (i % 3) + i % 9 / 3 : i;
          EXPECT_NEAR(bars[member][stored], static_cast<double>(sum[member][i]), 3000 * eps)
              << GradientArrays<T>::names[member] << " " << i;
        }
      }
    }
  });
}

TEST_P(Rotate, EmptyBatchesAndMissingOutputs) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    for (const auto& [rows, length] : {std::pair<size_t, size_t>{0, 5}, {5, 0}, {0, 0}, {1, 1}}) {
      BatchOptions options;
      options.orientations = rows, options.reflections = length;
      const Batch<T> batch(context(), plain_geometry(), options);
      auto vectors = make<typename Api<T>::Vectors>();
      EXPECT_BRG(Api<T>::rotate(context(), batch.set.get(), &batch.orientations, &vectors));
      auto g_bar = array(std::vector<T>(3 * rows * length, 1));
      auto cotangents = make<typename Api<T>::VectorCotangents>();
      cotangents.g = g_bar.data();
      GradientArrays<T> arrays(context(), rows, length);
      const auto gradient = arrays.ask(0b1100111u);
      ASSERT_BRG(Api<T>::rotate_vjp(context(), batch.set.get(), &batch.orientations, &cotangents, &gradient));
      const auto bars = arrays.read();
      if (rows * length == 0) {
        for (const size_t member : {0, 1, 2, 5, 6}) {
          for (const T value : bars[member]) EXPECT_EQ(value, 0);
        }
      }
    }
  });
}

TEST_P(Rotate, RefusesABeam) {
  for_precisions([&](auto tag) {
    using T = decltype(tag);
    BatchOptions options;
    options.own_wavenumber = true;
    const Batch<T> lit(context(), plain_geometry(), options), dark(context(), plain_geometry(), {});
    auto g = output<T>(3 * lit.pairs());
    auto vectors = make<typename Api<T>::Vectors>();
    vectors.g = g.data();
    EXPECT_FAULT(Api<T>::rotate(context(), lit.set.get(), &lit.orientations, &vectors), BRG_ERROR_INVALID_ARGUMENT,
                 "orientations.wavenumber");
    auto cotangents = make<typename Api<T>::VectorCotangents>();
    GradientArrays<T> arrays(context(), dark.rows(), dark.length());
    auto gradient = arrays.ask(1);
    EXPECT_FAULT(Api<T>::rotate_vjp(context(), dark.set.get(), &dark.orientations, &cotangents, &gradient),
                 BRG_ERROR_INVALID_ARGUMENT, "cotangents.g");
    cotangents.g = g.data();
    for (const unsigned member : {3, 4, 7, 8, 9, 10}) {
      gradient = arrays.ask(1u << member);
      EXPECT_FAULT(Api<T>::rotate_vjp(context(), dark.set.get(), &dark.orientations, &cotangents, &gradient),
                   BRG_ERROR_INVALID_ARGUMENT, "a rotation has no beam");
    }
    auto tangent = make<typename Api<T>::OrientationsTangent>();
    tangent.geometry_chi = 1;
    EXPECT_FAULT(Api<T>::rotate_jvp(context(), dark.set.get(), &dark.orientations, &tangent, &vectors),
                 BRG_ERROR_INVALID_ARGUMENT, "a rotation has no beam");
  });
}

BRG_EVERY_BACKEND(Rotate);

}  // namespace
