// Every compute call of the interface on one batch, in the forms that take ways of their own, each with outputs of its own, so
// that calls can be made, repeated and captured one by one and their answers compared bit by bit.
#pragma once

#include <functional>
#include <tuple>

#include "support/batch.hpp"

template <class T>
class EveryCall {
 public:
  struct Call {
    std::string name;
    bool one_step;  // one kernel where there is one orientation; sums over the batch have a second stage
    std::function<brg_status(brg_context*)> make;
  };

  EveryCall(brg_context* context, const BatchOptions& options)
      : context_(context), batch_(context, plain_geometry(), options), closed_(make_closed()) {
    from_rotated_ = batch_.orientations;
    from_rotated_.flags |= BRG_MAGNITUDE_FROM_ROTATED;
    own_lattices_ = batch_.orientations;
    own_lattices_.reciprocal_basis = batch_.basis_array.data();
    turn_.rotation_vector = random(3 * rows());
    cotangents_.omega1 = random(pairs()), cotangents_.omega2 = random(pairs());
    add_rotations();
    add_predictions();
    add_adjoints();
    add_items();
    add_losses();
    add_conventions();
  }

  EveryCall(const EveryCall&) = delete;  // the calls hold pointers into this
  EveryCall& operator=(const EveryCall&) = delete;

  const std::vector<Call>& calls() const { return calls_; }

  // A value that no answer has, in all outputs.
  void clear() {
    outputs_.for_all([](auto& array) { array.write(filler(array)); });
  }

  std::vector<T> answers() const {
    std::vector<T> all;
    outputs_.for_all([&](const auto& array) {
      for (const auto value : array.read()) all.push_back(static_cast<T>(value));
    });
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
  using A = Api<T>;

  // Arrays of the types of numbers that calls take.
  struct Arrays {
    template <class Body>
    void for_all(const Body& body) const {
      std::apply([&](const auto&... of) { (for_each(of, body), ...); }, arrays);
    }
    template <class Body>
    void for_all(const Body& body) {
      std::apply([&](auto&... of) { (for_each(of, body), ...); }, arrays);
    }
    template <class List, class Body>
    static void for_each(List& list, const Body& body) {
      for (auto& array : list) body(array);
    }
    template <class E>
    E* keep(brg_context* context, const std::vector<E>& values) {
      auto& list = std::get<std::vector<Array<E>>>(arrays);
      list.emplace_back(context, values);
      return list.back().data();
    }
    std::tuple<std::vector<Array<T>>, std::vector<Array<uint8_t>>, std::vector<Array<int32_t>>,
               std::vector<Array<int64_t>>>
        arrays;
  };

  template <class E>
  static std::vector<E> filler(const Array<E>& array) {
    return std::vector<E>(array.size(), static_cast<E>(untouched));
  }

  void add(std::string name, std::function<brg_status(brg_context*)> make) {
    calls_.push_back({std::move(name), true, std::move(make)});
  }
  void add_staged(std::string name, std::function<brg_status(brg_context*)> make) {
    calls_.push_back({std::move(name), false, std::move(make)});
  }

  size_t rows() const { return batch_.rows(); }
  size_t length() const { return batch_.length(); }
  size_t pairs() const { return batch_.pairs(); }
  const brg_geometry* geometry() const { return &batch_.geometry; }
  const brg_reflections* set() const { return batch_.set.get(); }

  template <class E = T>
  E* out(size_t count) {
    return outputs_.keep(context_, std::vector<E>(count, static_cast<E>(untouched)));
  }
  template <class E>
  E* in(const std::vector<E>& values) {
    return inputs_.keep(context_, values);
  }
  T* random(size_t count) { return in(as<T>(random_.uniforms(count, -1, 1))); }

  typename A::Roots roots(size_t count) {
    auto made = make<typename A::Roots>();
    made.omega1 = out(count), made.omega2 = out(count), made.observable = out<uint8_t>(count);
    return made;
  }

  // The reflections of the batch with their opposites behind them.
  Reflections make_closed() const {
    std::vector<int32_t> hkl = batch_.hkl;
    hkl.resize(3 * length());
    for (size_t i = 0; i < 3 * length(); ++i) hkl.push_back(-hkl[i]);
    brg_reflections* made = nullptr;
    EXPECT_BRG(
        brg_reflections_create(context_, static_cast<int64_t>(2 * length()), hkl.data(), batch_.basis.data(), &made));
    return Reflections(made);
  }

  // Three numbers for each pair: vectors of the set, turned by hand.
  std::vector<T> rotated() const {
    std::vector<T> g;
    for (size_t b = 0; b < rows(); ++b)
      for (size_t i = 0; i < length(); ++i)
        for (size_t row = 0; row < 3; ++row) {
          double sum = 0;
          for (size_t j = 0; j < 3; ++j)
            sum += static_cast<double>(batch_.rotation[9 * b + 3 * row + j]) * static_cast<double>(batch_.q[3 * i + j]);
          g.push_back(static_cast<T>(sum));
        }
    return g;
  }

  void add_rotations() {
    auto vectors = make<typename A::Vectors>();
    vectors.g = out(3 * pairs());
    add("rotate", [=, this](brg_context* c) { return A::rotate(c, set(), &batch_.orientations, &vectors); });
    vectors.g = out(3 * pairs());
    add("rotate_jvp",
        [=, this](brg_context* c) { return A::rotate_jvp(c, set(), &batch_.orientations, &turn_, &vectors); });
    auto cotangents = make<typename A::VectorCotangents>();
    cotangents.g = random(3 * pairs());
    auto gradient = make<typename A::OrientationsGradient>();
    gradient.rotation = out(9 * rows());
    add("rotate_vjp",
        [=, this](brg_context* c) { return A::rotate_vjp(c, set(), &batch_.orientations, &cotangents, &gradient); });
    gradient.rotation = out(9 * rows()), gradient.q = out(3 * length());
    add_staged("rotate_vjp with sums over the batch", [=, this](brg_context* c) {
      return A::rotate_vjp(c, set(), &batch_.orientations, &cotangents, &gradient);
    });
  }

  void add_predict(const char* name, const brg_reflections* of, const typename A::Orientations* orientations,
                   const typename A::Roots& to) {
    add(name, [=, this](brg_context* c) { return A::predict(c, geometry(), of, orientations, &to); });
  }

  void add_predictions() {
    const auto* plain = &batch_.orientations;
    const auto only = [](auto change) {
      auto made = make<typename A::Roots>();
      change(made);
      return made;
    };
    add_predict("predict", set(), plain, roots(pairs()));
    add_predict("predict of the second roots", set(), plain, only([&](auto& to) { to.omega2 = out(pairs()); }));
    add_predict("predict of the flags", set(), plain, only([&](auto& to) { to.observable = out<uint8_t>(pairs()); }));
    add_predict("predict of a closed list", closed_.get(), plain, roots(2 * pairs()));
    add_predict("predict of the first roots of a closed list", closed_.get(), plain,
                only([&](auto& to) { to.omega1 = out(2 * pairs()); }));
    add_predict("predict of rotated magnitudes", set(), &from_rotated_, roots(pairs()));
    add_predict("predict of own lattices", set(), &own_lattices_, roots(pairs()));
    add("predict_jvp", [this, to = roots(pairs())](brg_context* c) {
      return A::predict_jvp(c, geometry(), set(), &batch_.orientations, &turn_, &to);
    });
    auto spots = make<typename A::Spots>();
    spots.capacity = static_cast<int64_t>(2 * pairs()), spots.offsets = out<int64_t>(rows() + 1);
    spots.reflection = out<int32_t>(2 * pairs()), spots.root = out<uint8_t>(2 * pairs());
    spots.omega = out(2 * pairs());
    add_staged("predict_spots", [=, this](brg_context* c) {
      return A::predict_spots(c, geometry(), set(), &batch_.orientations, &spots, nullptr);
    });
  }

  void add_adjoints() {
    const auto adjoint = [this](auto gradient) {
      return [=, this](brg_context* c) {
        return A::predict_vjp(c, geometry(), set(), &batch_.orientations, &cotangents_, &gradient);
      };
    };
    auto gradient = make<typename A::OrientationsGradient>();
    gradient.rotation = out(9 * rows());
    add("predict_vjp", adjoint(gradient));
    gradient = make<typename A::OrientationsGradient>();
    gradient.chi = out(rows()), gradient.reciprocal_basis = out(9 * rows());
    add("predict_vjp of the tilts and cells", adjoint(gradient));
    gradient.rotation = out(9 * rows()), gradient.q = out(3 * length());
    gradient.geometry_axis = out(3), gradient.geometry_wavenumber = out(1);
    gradient.chi = out(rows()), gradient.reciprocal_basis = out(9 * rows());
    add_staged("predict_vjp with sums over the batch", adjoint(gradient));
  }

  void add_items() {
    items_.count = static_cast<int64_t>(pairs()), items_.g = in(rotated());
    add("solve", [this, to = roots(pairs())](brg_context* c) { return A::solve(c, geometry(), &items_, &to); });
    auto tangent = make<typename A::ItemsTangent>();
    tangent.g = random(3 * pairs());
    add("solve_jvp",
        [=, this, to = roots(pairs())](brg_context* c) { return A::solve_jvp(c, geometry(), &items_, &tangent, &to); });
    const auto adjoint = [this](auto gradient) {
      return [=, this](brg_context* c) { return A::solve_vjp(c, geometry(), &items_, &cotangents_, &gradient); };
    };
    auto gradient = make<typename A::ItemsGradient>();
    gradient.g = out(3 * pairs());
    add("solve_vjp", adjoint(gradient));
    gradient.g = out(3 * pairs()), gradient.geometry_beam = out(3);
    add_staged("solve_vjp with sums over the batch", adjoint(gradient));
    auto beams = make<typename A::Beams>();
    beams.direction = out(3 * pairs()), beams.two_theta = out(pairs()), beams.eta = out(pairs());
    add("diffracted_beam",
        [=, this](brg_context* c) { return A::diffracted_beam(c, geometry(), &items_, cotangents_.omega1, &beams); });
  }

  typename A::Targets dense_targets(brg_loss loss, size_t reflections, bool own = false) {
    const size_t count = own ? reflections * rows() : reflections;
    auto targets = make<typename A::Targets>();
    targets.loss = loss, targets.orientation_stride = own ? static_cast<int64_t>(reflections) : 0;
    if (loss == BRG_LOSS_HUBER || loss == BRG_LOSS_NORM) targets.delta = 0.4;
    targets.omega1 = random(count), targets.omega2 = random(count);
    targets.weight1 = in(as<T>(random_.uniforms(count, 0.5, 1.5)));
    return targets;
  }

  // A list for each orientation, with numbers of the roots or without.
  typename A::Targets listed_targets(brg_loss loss, bool numbered) {
    std::vector<int64_t> offsets;
    std::vector<int32_t> reflection;
    std::vector<uint8_t> root;
    for (size_t b = 0; b < rows(); ++b) {
      offsets.push_back(static_cast<int64_t>(reflection.size()));
      for (size_t i = b % 2; i < length(); ++i)
        reflection.push_back(static_cast<int32_t>(i * 7 % length())), root.push_back(static_cast<uint8_t>(i % 3));
    }
    offsets.push_back(static_cast<int64_t>(reflection.size()));
    auto targets = make<typename A::Targets>();
    targets.loss = loss, targets.missing_loss = 0.25;
    targets.offsets = in(offsets), targets.reflection = in(reflection);
    targets.root = numbered ? in(root) : nullptr;
    targets.omega = random(reflection.size());
    return targets;
  }

  // Loss, gradient and, where they are wanted, normal matrix of the parameters of a mask.
  typename A::LossOutput sums(uint32_t parameters, bool normal = true) {
    const size_t p = parameters == BRG_FIT_ROTATION ? 3 : parameters == everything ? 11 : 0;
    auto made = make<typename A::LossOutput>();
    made.parameters = parameters, made.loss = out(rows());
    if (p > 0) made.gradient = out(p * rows());
    if (p > 0 && normal) made.normal = out(p * (p + 1) / 2 * rows());
    return made;
  }

  void add_loss(const char* name, const typename A::Targets& targets, const typename A::LossOutput& sums,
                const brg_reflections* of = nullptr, const typename A::Orientations* orientations = nullptr) {
    add(name, [=, this](brg_context* c) {
      return A::omega_loss(c, geometry(), of ? of : set(), orientations ? orientations : &batch_.orientations, &targets,
                           &sums);
    });
  }

  void add_losses() {
    const auto with_rotation = [this](auto output) {
      output.rotation_bar = out(9 * rows());
      return output;
    };
    const auto with_counts = [this](auto output) {
      output.observable = out<int32_t>(rows()), output.matched = out<int32_t>(rows());
      output.missing = out<int32_t>(rows()), output.grazing = out<int32_t>(rows());
      return output;
    };
    const auto shared = [this](brg_loss loss) { return dense_targets(loss, length()); };
    add_loss("omega_loss", shared(BRG_LOSS_SQUARES), with_rotation(sums(0)));
    add_loss("omega_loss with normal equations", shared(BRG_LOSS_CHORD), with_rotation(sums(BRG_FIT_ROTATION)));
    add_loss("omega_loss of all parameters", shared(BRG_LOSS_SQUARES), with_counts(sums(everything)));
    add_loss("omega_loss of all parameters, without a matrix", shared(BRG_LOSS_CHORD), sums(everything, false));
    add_loss("omega_loss of each orientation's own targets", dense_targets(BRG_LOSS_HUBER, length(), true),
             with_rotation(sums(BRG_FIT_ROTATION)));
    auto one_root = shared(BRG_LOSS_NORM);
    one_root.omega1 = nullptr, one_root.weight1 = nullptr;
    add_loss("omega_loss of one root", one_root, with_rotation(sums(0)));
    add_loss("omega_loss of rotated magnitudes", shared(BRG_LOSS_SQUARES), sums(everything), set(), &from_rotated_);
    add_loss("omega_loss of own lattices", shared(BRG_LOSS_CHORD), with_rotation(sums(0)), set(), &own_lattices_);
    add_loss("omega_loss of lists and own lattices", listed_targets(BRG_LOSS_SQUARES, false), sums(everything), set(),
             &own_lattices_);
    add_loss("omega_loss of lists", listed_targets(BRG_LOSS_SQUARES, true), with_counts(sums(BRG_FIT_ROTATION)));
    add_loss("omega_loss of lists without roots", listed_targets(BRG_LOSS_CHORD, false), sums(everything));
    add_loss("omega_loss of a closed list", dense_targets(BRG_LOSS_SQUARES, 2 * length()),
             with_rotation(sums(BRG_FIT_ROTATION)), closed_.get());
  }

  void add_conventions() {
    EXPECT_BRG(brg_convention_init(&hexrd_, sizeof hexrd_, BRG_SYSTEM_HEXRD));
    hexrd_.energy = 60;
    auto given = make<typename A::Roots>();
    given.omega1 = random(pairs()), given.omega2 = random(pairs());
    given.observable = in(std::vector<uint8_t>(pairs(), 1));
    add("convention_angles", [=, this, to = roots(pairs())](brg_context* c) {
      return A::convention_angles(c, &hexrd_, items_.count, &given, &to);
    });
    EXPECT_BRG(brg_convention_init(&midas_, sizeof midas_, BRG_SYSTEM_MIDAS));  // a pair without roots is 0, not NaN
    midas_.energy = 60, midas_.wedge = 2;
    add_staged("convention_solve",
               [this, to = roots(pairs())](brg_context* c) { return A::convention_solve(c, &midas_, &items_, &to); });
  }

  static constexpr uint32_t everything = BRG_FIT_ROTATION | BRG_FIT_WAVENUMBER | BRG_FIT_CHI | BRG_FIT_LATTICE;

  brg_context* context_;
  Batch<T> batch_;
  Reflections closed_;
  Random random_{7};
  Arrays inputs_, outputs_;
  typename A::Orientations from_rotated_, own_lattices_;
  typename A::OrientationsTangent turn_ = make<typename A::OrientationsTangent>();
  typename A::RootCotangents cotangents_ = make<typename A::RootCotangents>();
  typename A::Items items_ = make<typename A::Items>();
  brg_convention hexrd_{}, midas_{};
  std::vector<Call> calls_;
};
