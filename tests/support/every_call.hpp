// Every compute call of the interface on one batch, each with outputs of its own, so that calls can be made, repeated and captured
// one by one and their answers compared bit by bit.
#pragma once

#include <functional>

#include "support/batch.hpp"

template <class T>
class EveryCall {
 public:
  struct Call {
    std::string name;
    std::function<brg_status(brg_context*)> make;
  };

  EveryCall(brg_context* context, const BatchOptions& options)
      : context_(context), batch_(context, plain_geometry(), options) {
    const size_t n = batch_.pairs();
    Random random(7);
    const auto inputs = [&](size_t count) {
      std::vector<T> values;
      for (size_t i = 0; i < count; ++i) values.push_back(static_cast<T>(random.uniform(-1, 1)));
      arrays_.emplace_back(context, values);
      return arrays_.back().data();
    };
    // Three numbers for each pair: vectors of the set, turned by hand.
    std::vector<T> g;
    for (size_t b = 0; b < batch_.rows(); ++b)
      for (size_t i = 0; i < batch_.length(); ++i)
        for (size_t row = 0; row < 3; ++row) {
          double sum = 0;
          for (size_t j = 0; j < 3; ++j)
            sum += static_cast<double>(batch_.rotation[9 * b + 3 * row + j]) * static_cast<double>(batch_.q[3 * i + j]);
          g.push_back(static_cast<T>(sum));
        }
    arrays_.emplace_back(context, g);
    auto items = make<typename Api<T>::Items>();
    items.count = static_cast<int64_t>(n), items.g = arrays_.back().data();
    auto cotangents = make<typename Api<T>::RootCotangents>();
    cotangents.omega1 = inputs(n), cotangents.omega2 = inputs(n);
    auto vector_cotangents = make<typename Api<T>::VectorCotangents>();
    vector_cotangents.g = inputs(3 * n);
    auto turn = make<typename Api<T>::OrientationsTangent>();
    turn.rotation_vector = inputs(3 * batch_.rows());
    auto items_dot = make<typename Api<T>::ItemsTangent>();
    items_dot.g = inputs(3 * n);
    auto targets = make<typename Api<T>::Targets>();
    targets.omega1 = inputs(batch_.length()), targets.omega2 = inputs(batch_.length());
    const brg_geometry* geometry = &batch_.geometry;
    const brg_reflections* set = batch_.set.get();
    const auto* rows = &batch_.orientations;

    auto vectors = make<typename Api<T>::Vectors>();
    vectors.g = out(3 * n);
    add("rotate", [=](brg_context* c) { return Api<T>::rotate(c, set, rows, &vectors); });
    vectors.g = out(3 * n);
    add("rotate_jvp", [=](brg_context* c) { return Api<T>::rotate_jvp(c, set, rows, &turn, &vectors); });
    auto gradient = make<typename Api<T>::OrientationsGradient>();
    gradient.rotation = out(9 * batch_.rows());
    add("rotate_vjp", [=](brg_context* c) { return Api<T>::rotate_vjp(c, set, rows, &vector_cotangents, &gradient); });
    gradient.rotation = out(9 * batch_.rows());
    add("predict_vjp",
        [=](brg_context* c) { return Api<T>::predict_vjp(c, geometry, set, rows, &cotangents, &gradient); });
    gradient.q = out(3 * batch_.length()), gradient.geometry_axis = out(3), gradient.geometry_wavenumber = out(1);
    gradient.rotation = out(9 * batch_.rows());
    add("predict_vjp with sums over the batch",
        [=](brg_context* c) { return Api<T>::predict_vjp(c, geometry, set, rows, &cotangents, &gradient); });
    const auto roots = [&] {
      auto made = make<typename Api<T>::Roots>();
      made.omega1 = out(n), made.omega2 = out(n);
      return made;
    };
    add("predict", [=, to = roots()](brg_context* c) { return Api<T>::predict(c, geometry, set, rows, &to); });
    add("predict_jvp",
        [=, to = roots()](brg_context* c) { return Api<T>::predict_jvp(c, geometry, set, rows, &turn, &to); });
    add("solve", [=, to = roots()](brg_context* c) { return Api<T>::solve(c, geometry, &items, &to); });
    add("solve_jvp",
        [=, to = roots()](brg_context* c) { return Api<T>::solve_jvp(c, geometry, &items, &items_dot, &to); });
    auto items_gradient = make<typename Api<T>::ItemsGradient>();
    items_gradient.g = out(3 * n);
    add("solve_vjp",
        [=](brg_context* c) { return Api<T>::solve_vjp(c, geometry, &items, &cotangents, &items_gradient); });
    items_gradient.geometry_beam = out(3);
    add("solve_vjp with sums over the batch",
        [=](brg_context* c) { return Api<T>::solve_vjp(c, geometry, &items, &cotangents, &items_gradient); });
    auto beams = make<typename Api<T>::Beams>();
    beams.direction = out(3 * n), beams.eta = out(n);
    add("diffracted_beam",
        [=](brg_context* c) { return Api<T>::diffracted_beam(c, geometry, &items, cotangents.omega1, &beams); });
    auto spots = make<typename Api<T>::Spots>();
    spots.capacity = static_cast<int64_t>(2 * n), spots.omega = out(2 * n);
    add("predict_spots",
        [=](brg_context* c) { return Api<T>::predict_spots(c, geometry, set, rows, &spots, nullptr); });
    auto loss = make<typename Api<T>::LossOutput>();
    loss.loss = out(batch_.rows()), loss.rotation_bar = out(9 * batch_.rows());
    add("omega_loss", [=](brg_context* c) { return Api<T>::omega_loss(c, geometry, set, rows, &targets, &loss); });
    loss.parameters = BRG_FIT_ROTATION, loss.rotation_bar = out(9 * batch_.rows());
    loss.loss = out(batch_.rows()), loss.gradient = out(3 * batch_.rows()), loss.normal = out(6 * batch_.rows());
    add("omega_loss with normal equations",
        [=](brg_context* c) { return Api<T>::omega_loss(c, geometry, set, rows, &targets, &loss); });
  }

  EveryCall(const EveryCall&) = delete;  // the calls hold pointers into the batch
  EveryCall& operator=(const EveryCall&) = delete;

  const std::vector<Call>& calls() const { return calls_; }

  // A value that no answer has, in all outputs.
  void clear() {
    for (Array<T>& array : outputs_) array.write(std::vector<T>(array.size(), untouched));
  }

  std::vector<T> answers() const {
    std::vector<T> all;
    for (const Array<T>& array : outputs_)
      for (const T value : array.read()) all.push_back(value);
    return all;
  }

  // All calls, one after the other, and their answers.
  std::vector<T> make_all(brg_context* c) {
    clear();
    for (const Call& call : calls_) EXPECT_BRG(call.make(c)) << call.name;
    EXPECT_BRG(brg_context_synchronize(c));
    return answers();
  }

  static constexpr T untouched = 77;

 private:
  void add(std::string name, std::function<brg_status(brg_context*)> make) {
    calls_.push_back({std::move(name), std::move(make)});
  }
  T* out(size_t count) {
    outputs_.emplace_back(context_, std::vector<T>(count, untouched));
    return outputs_.back().data();
  }

  brg_context* context_;
  Batch<T> batch_;
  std::vector<Array<T>> arrays_, outputs_;
  std::vector<Call> calls_;
};
