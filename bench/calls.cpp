// The measured calls: see calls.hpp.
#include "calls.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <thread>

namespace bench {
namespace {

constexpr double pi = 3.14159265358979323846;
constexpr uint32_t all_parameters = BRG_FIT_ROTATION | BRG_FIT_WAVENUMBER | BRG_FIT_CHI | BRG_FIT_LATTICE;

int64_t number_of_parameters(uint32_t mask) { return mask == all_parameters ? 11 : mask == BRG_FIT_ROTATION ? 3 : 0; }

std::vector<Operation> list_operations() {
  std::vector<Operation> list = {
      {"predict", Kind::predict},
      {"predict_chi0", Kind::predict, List::shuffled, 0},
      {"predict_friedel", Kind::predict, List::friedel, 0},
      {"predict_friedel_tilted", Kind::predict, List::friedel},
      {"predict_vjp", Kind::predict_vjp},
      {"predict_jvp", Kind::predict_jvp},
      {"solve", Kind::solve},
      {"rotate", Kind::rotate},
  };
  for (const auto& [name, loss] :
       {std::pair{"loss_angle", BRG_LOSS_SQUARES}, std::pair{"loss_chord", BRG_LOSS_CHORD}}) {
    const Operation base{name, Kind::loss, List::shuffled, 0.05, loss};
    const auto add = [&](const char* suffix, auto&& change) {
      list.push_back(base);
      list.back().name += suffix;
      change(list.back());
    };
    list.push_back(base);
    add("_rotation", [](Operation& o) { o.parameters = BRG_FIT_ROTATION; });
    add("_all", [](Operation& o) { o.parameters = all_parameters; });
    add("_per_pair", [](Operation& o) { o.targets = TargetList::per_pair; });
    add("_csr", [](Operation& o) { o.targets = TargetList::roots; });
    add("_csr_nearer", [](Operation& o) { o.targets = TargetList::nearer; });
    add("_chi0", [](Operation& o) { o.chi = 0; });
    add("_friedel", [](Operation& o) { o.list = List::friedel, o.chi = 0; });
    add("_friedel_tilted", [](Operation& o) { o.list = List::friedel; });
  }
  return list;
}

Operation in_form(const char* name, Kind kind, Form form) {
  Operation operation{name, kind};
  operation.form = form;
  return operation;
}

std::vector<Operation> list_more_operations() {
  std::vector<Operation> list = {
      in_form("predict_flags", Kind::predict, Form::flags),
      in_form("predict_one_root", Kind::predict, Form::one_root),
      in_form("predict_rotated", Kind::predict, Form::rotated),
      in_form("predict_lattices", Kind::predict, Form::lattices),
      in_form("predict_vjp_crystals", Kind::predict_vjp, Form::crystals),
      in_form("predict_vjp_q", Kind::predict_vjp, Form::for_batch),
      in_form("predict_vjp_geometry", Kind::predict_vjp, Form::geometry),
      in_form("predict_vjp_lattices", Kind::predict_vjp, Form::lattices),
      in_form("predict_jvp_lattices", Kind::predict_jvp, Form::lattices),
      {"solve_vjp", Kind::solve_vjp},
      in_form("solve_vjp_geometry", Kind::solve_vjp, Form::geometry),
      {"solve_jvp", Kind::solve_jvp},
      {"rotate_vjp", Kind::rotate_vjp},
      in_form("rotate_vjp_q", Kind::rotate_vjp, Form::for_batch),
      {"rotate_jvp", Kind::rotate_jvp},
      {"diffracted_beam", Kind::diffracted_beam},
      {"predict_spots", Kind::predict_spots},
      in_form("predict_spots_lattices", Kind::predict_spots, Form::lattices),
      in_form("rotate_lattices", Kind::rotate, Form::lattices),
      {"convention_angles", Kind::convention_angles},
      {"loss_huber", Kind::loss, List::shuffled, 0.05, BRG_LOSS_HUBER},
  };
  for (const auto& [name, loss] :
       {std::pair{"loss_angle", BRG_LOSS_SQUARES}, std::pair{"loss_chord", BRG_LOSS_CHORD}}) {
    const auto add = [&](const char* suffix, uint32_t parameters, TargetList targets, Form form = Form::usual) {
      list.push_back({name, Kind::loss, List::shuffled, 0.05, loss, targets, parameters, false, form});
      list.back().name += suffix;
    };
    add("_value", 0, TargetList::shared);
    add("_normal", BRG_FIT_ROTATION, TargetList::shared);
    add("_all_normal", all_parameters, TargetList::shared);
    add("_csr_normal", BRG_FIT_ROTATION, TargetList::roots);
    add("_csr_all_normal", all_parameters, TargetList::roots);
    add("_gradient", BRG_FIT_ROTATION, TargetList::shared, Form::gradient);
    add("_all_gradient", all_parameters, TargetList::shared, Form::gradient);
    add("_rotated", 0, TargetList::shared, Form::rotated);
    add("_lattices", 0, TargetList::shared, Form::lattices);
    add("_all_lattices", all_parameters, TargetList::shared, Form::lattices);
    add("_csr_lattices", 0, TargetList::roots, Form::lattices);
  }
  return list;
}

// Calls with one orientation take another one each time: a loop that has learned one by heart says nothing of a user's calls.
constexpr int64_t single_orientations = 256;

// Rotations of the next call.
template <class T>
class Rotations {
 public:
  Rotations(Workbench& workbench, Shape shape)
      : calls_(shape.orientations == 1 ? single_orientations : 1),
        all_(workbench.rotations<T>(shape.orientations * calls_)) {}
  const T* next() { return all_ + 9 * (turn_++ % calls_); }

 private:
  int64_t calls_, turn_ = 0;
  const T* all_;
};

// A reciprocal basis for each orientation: near 1.54/Angstrom times the identity, as that of gold.
template <class T>
const T* lattices(Workbench& workbench, int64_t rows) {
  return workbench.input<T>("lattices", 9 * rows, [](T* data, int64_t count) {
    const std::vector<T> change = Workbench::random_values<T>("lattice_changes", count, -0.01, 0.01);
    for (int64_t i = 0; i < count; ++i) data[i] = change[static_cast<size_t>(i)] + static_cast<T>(i % 9 % 4 ? 0 : 1.54);
  });
}

template <class T>
typename Api<T>::Roots make_roots(Workbench& workbench, Shape shape, Form form = Form::usual) {
  auto roots = make<typename Api<T>::Roots>();
  if (form != Form::flags) roots.omega1 = workbench.array<T>("omega1", shape.pairs());
  if (form == Form::one_root) return roots;
  if (form != Form::flags) roots.omega2 = workbench.array<T>("omega2", shape.pairs());
  roots.observable = workbench.array<uint8_t>("observable", shape.pairs());
  return roots;
}

// Outputs of an adjoint.
template <class T>
typename Api<T>::OrientationsGradient make_gradient(Workbench& workbench, Shape shape, Form form) {
  auto gradient = make<typename Api<T>::OrientationsGradient>();
  const int64_t rows = shape.orientations;
  if (form != Form::crystals) gradient.rotation = workbench.array<T>("rotation_bar", 9 * rows);
  if (form == Form::crystals) {
    gradient.reciprocal_basis = workbench.array<T>("basis_bar", 9 * rows);
    gradient.wavenumber = workbench.array<T>("wavenumber_bar", rows);
    gradient.chi = workbench.array<T>("chi_bar", rows);
  }
  if (form == Form::for_batch) gradient.q = workbench.array<T>("q_bar", 3 * shape.reflections);
  if (form == Form::geometry) {
    gradient.geometry_wavenumber = workbench.array<T>("geometry_wavenumber_bar", 1);
    gradient.geometry_chi = workbench.array<T>("geometry_chi_bar", 1);
    gradient.geometry_axis = workbench.array<T>("geometry_axis_bar", 3);
  }
  return gradient;
}

template <class T>
typename Api<T>::RootCotangents make_cotangents(Workbench& workbench, Shape shape) {
  auto cotangents = make<typename Api<T>::RootCotangents>();
  cotangents.omega1 = workbench.random<T>("omega1_bar", shape.pairs(), -1, 1);
  cotangents.omega2 = workbench.random<T>("omega2_bar", shape.pairs(), -1, 1);
  return cotangents;
}

// The scattering vectors of all pairs as items.
template <class T>
typename Api<T>::Items rotated_items(Workbench& workbench, const brg_reflections* reflections, const T* rotation,
                                     Shape shape, brg_context* context) {
  auto orientations = make<typename Api<T>::Orientations>();
  orientations.count = shape.orientations, orientations.rotation = rotation;
  auto vectors = make<typename Api<T>::Vectors>();
  vectors.g = workbench.array<T>("g", 3 * shape.pairs());
  require(Api<T>::rotate(context, reflections, &orientations, &vectors));
  auto items = make<typename Api<T>::Items>();
  items.count = shape.pairs(), items.g = vectors.g;
  return items;
}

constexpr double low_weight = 0.5, high_weight = 1.5;

// Angles and weights of `count` targets of each root.
template <class T>
naive::Targets<T> dense_targets(Workbench& workbench, const std::string& role, int64_t count) {
  return {0, workbench.random<T>(role + "_omega1", count, -pi, pi),
          workbench.random<T>(role + "_omega2", count, -pi, pi),
          workbench.random<T>(role + "_weight1", count, low_weight, high_weight),
          workbench.random<T>(role + "_weight2", count, low_weight, high_weight)};
}

// Those of the baseline: shared for every kind of list but `per_pair`.
template <class T>
naive::Targets<T> naive_targets(Workbench& workbench, const Operation& operation, Shape shape) {
  if (operation.targets != TargetList::per_pair) return dense_targets<T>(workbench, "shared", shape.reflections);
  naive::Targets<T> targets = dense_targets<T>(workbench, "pair", shape.pairs());
  targets.stride = shape.reflections;
  return targets;
}

// The shared targets as a list per orientation, both roots of a reflection side by side.
template <class T>
void set_lists(Workbench& workbench, Shape shape, bool with_roots, typename Api<T>::Targets& targets) {
  const int64_t row = 2 * shape.reflections, count = row * shape.orientations;
  const auto of_length = [&](std::string role) { return role.append(std::to_string(shape.reflections)); };
  const auto values = [&](const char* role, double low, double high) {
    return Workbench::random_values<T>(role, shape.reflections, low, high);
  };
  const std::vector<T> omega[2] = {values("shared_omega1", -pi, pi), values("shared_omega2", -pi, pi)};
  const std::vector<T> weight[2] = {values("shared_weight1", low_weight, high_weight),
                                    values("shared_weight2", low_weight, high_weight)};
  const auto entries = [&]<class E>(const char* role, auto&& value) {
    return workbench.input<E>(of_length(role), count, [&](E* data, int64_t n) {
      for (int64_t i = 0; i < n; ++i) data[i] = static_cast<E>(value(i % row / 2, i % 2));
    });
  };
  targets.offsets =
      workbench.input<int64_t>(of_length("offsets"), shape.orientations + 1, [&](int64_t* data, int64_t n) {
        for (int64_t b = 0; b < n; ++b) data[b] = b * row;
      });
  targets.reflection = entries.template operator()<int32_t>("reflection", [](int64_t n, int64_t) { return n; });
  if (with_roots) targets.root = entries.template operator()<uint8_t>("root", [](int64_t, int64_t i) { return 1 + i; });
  const auto value_of = [](const std::vector<T>(&of)[2]) {
    return [&of](int64_t n, int64_t i) { return of[i][static_cast<size_t>(n)]; };
  };
  targets.omega = entries.template operator()<T>("omega", value_of(omega));
  targets.weight = entries.template operator()<T>("weight", value_of(weight));
}

template <class T>
typename Api<T>::Targets make_targets(Workbench& workbench, const Operation& operation, Shape shape) {
  auto targets = make<typename Api<T>::Targets>();
  targets.loss = operation.loss;
  if (operation.loss == BRG_LOSS_HUBER) targets.delta = 1;  // rad: a third of the residuals are below
  if (operation.targets == TargetList::roots || operation.targets == TargetList::nearer) {
    set_lists<T>(workbench, shape, operation.targets == TargetList::roots, targets);
  } else {
    const naive::Targets<T> dense = naive_targets<T>(workbench, operation, shape);
    targets.orientation_stride = dense.stride;
    targets.omega1 = dense.omega1, targets.omega2 = dense.omega2;
    targets.weight1 = dense.weight1, targets.weight2 = dense.weight2;
  }
  return targets;
}

template <class T>
typename Api<T>::LossOutput make_loss_output(Workbench& workbench, const Operation& operation, Shape shape) {
  const int64_t rows = shape.orientations, p = number_of_parameters(operation.parameters);
  auto output = make<typename Api<T>::LossOutput>();
  output.parameters = operation.parameters;
  output.loss = workbench.array<T>("loss", rows);
  if (operation.rotation_bar) output.rotation_bar = workbench.array<T>("rotation_bar", 9 * rows);
  if (p > 0) {
    output.gradient = workbench.array<T>("gradient", p * rows);
    if (operation.form != Form::gradient) output.normal = workbench.array<T>("normal", p * (p + 1) / 2 * rows);
  }
  return output;
}

}  // namespace

const std::vector<Operation>& operations() {
  static const std::vector<Operation> list = list_operations();
  return list;
}

const std::vector<Operation>& more_operations() {
  static const std::vector<Operation> list = list_more_operations();
  return list;
}

const Operation& find_operation(const std::string& name) {
  for (const auto* list : {&operations(), &more_operations()})
    for (const Operation& operation : *list)
      if (operation.name == name) return operation;
  std::fprintf(stderr, "no operation \"%s\"; one_call --list has them\n", name.c_str());
  std::exit(2);
}

size_t bytes_per_pair(const Operation& operation, size_t size_of_real) {
  switch (operation.kind) {
    case Kind::predict:
      if (operation.form == Form::flags) return 1;
      if (operation.form == Form::one_root) return size_of_real;
      return 2 * size_of_real + 1;
    case Kind::predict_jvp:
      return 2 * size_of_real + 1;
    case Kind::predict_vjp:
      return 2 * size_of_real;
    case Kind::solve:
      return 5 * size_of_real + 1;
    case Kind::solve_vjp:
      return 8 * size_of_real;
    case Kind::solve_jvp:
      return 8 * size_of_real + 1;
    case Kind::rotate:
    case Kind::rotate_vjp:
    case Kind::rotate_jvp:
      return 3 * size_of_real;
    case Kind::diffracted_beam:
      return 9 * size_of_real;
    case Kind::predict_spots:
      return 2 * (size_of_real + 5);
    case Kind::convention_angles:
      return 2 * (2 * size_of_real + 1);
    case Kind::loss:
      break;
  }
  switch (operation.targets) {
    case TargetList::shared:
      return 0;
    case TargetList::per_pair:
      return 4 * size_of_real;
    case TargetList::roots:
      return 2 * (2 * size_of_real + 5);
    case TargetList::nearer:
      return 2 * (2 * size_of_real + 4);
  }
  return 0;
}

template <class T>
Call library_call(Workbench& workbench, const Operation& operation, Shape shape, brg_context* context) {
  using A = Api<T>;
  const brg_geometry geometry = make_geometry(operation.chi);
  brg_reflections* reflections = workbench.reflections(operation.list, shape.reflections).handle.get();
  auto orientations = make<typename A::Orientations>();
  orientations.count = shape.orientations;
  if (operation.form == Form::rotated) orientations.flags = BRG_MAGNITUDE_FROM_ROTATED;
  if (operation.form == Form::lattices) orientations.reciprocal_basis = lattices<T>(workbench, shape.orientations);
  Rotations<T> rotations(workbench, shape);
  Call call{{}, shape.pairs()};
  switch (operation.kind) {
    case Kind::predict:
      call.run = [=, roots = make_roots<T>(workbench, shape, operation.form)]() mutable {
        orientations.rotation = rotations.next();
        require(A::predict(context, &geometry, reflections, &orientations, &roots));
      };
      break;
    case Kind::predict_vjp: {
      const auto gradient = make_gradient<T>(workbench, shape, operation.form);
      call.run = [=, cotangents = make_cotangents<T>(workbench, shape)]() mutable {
        orientations.rotation = rotations.next();
        require(A::predict_vjp(context, &geometry, reflections, &orientations, &cotangents, &gradient));
      };
      break;
    }
    case Kind::predict_jvp: {
      auto tangent = make<typename A::OrientationsTangent>();
      tangent.rotation_vector = workbench.random<T>("rotation_vector", 3 * shape.orientations, -1, 1);
      call.run = [=, roots = make_roots<T>(workbench, shape)]() mutable {
        orientations.rotation = rotations.next();
        require(A::predict_jvp(context, &geometry, reflections, &orientations, &tangent, &roots));
      };
      break;
    }
    case Kind::rotate: {
      auto vectors = make<typename A::Vectors>();
      vectors.g = workbench.array<T>("g", 3 * shape.pairs());
      call.run = [=]() mutable {
        orientations.rotation = rotations.next();
        require(A::rotate(context, reflections, &orientations, &vectors));
      };
      break;
    }
    case Kind::rotate_vjp: {
      auto cotangents = make<typename A::VectorCotangents>();
      cotangents.g = workbench.random<T>("g_bar", 3 * shape.pairs(), -1, 1);
      const auto gradient = make_gradient<T>(workbench, shape, operation.form);
      call.run = [=]() mutable {
        orientations.rotation = rotations.next();
        require(A::rotate_vjp(context, reflections, &orientations, &cotangents, &gradient));
      };
      break;
    }
    case Kind::rotate_jvp: {
      auto tangent = make<typename A::OrientationsTangent>();
      tangent.rotation_vector = workbench.random<T>("rotation_vector", 3 * shape.orientations, -1, 1);
      auto vectors = make<typename A::Vectors>();
      vectors.g = workbench.array<T>("rotated_dot", 3 * shape.pairs());
      call.run = [=]() mutable {
        orientations.rotation = rotations.next();
        require(A::rotate_jvp(context, reflections, &orientations, &tangent, &vectors));
      };
      break;
    }
    case Kind::solve: {
      const auto items = rotated_items<T>(workbench, reflections, rotations.next(), shape, context);
      call.run = [=, roots = make_roots<T>(workbench, shape)] {
        require(A::solve(context, &geometry, &items, &roots));
      };
      break;
    }
    case Kind::solve_vjp: {
      const auto items = rotated_items<T>(workbench, reflections, rotations.next(), shape, context);
      auto gradient = make<typename A::ItemsGradient>();
      gradient.g = workbench.array<T>("g_gradient", 3 * shape.pairs());
      if (operation.form == Form::geometry) gradient.geometry_beam = workbench.array<T>("geometry_beam_bar", 3);
      call.run = [=, cotangents = make_cotangents<T>(workbench, shape)] {
        require(A::solve_vjp(context, &geometry, &items, &cotangents, &gradient));
      };
      break;
    }
    case Kind::solve_jvp: {
      const auto items = rotated_items<T>(workbench, reflections, rotations.next(), shape, context);
      auto tangent = make<typename A::ItemsTangent>();
      tangent.g = workbench.random<T>("g_dot", 3 * shape.pairs(), -1, 1);
      call.run = [=, roots = make_roots<T>(workbench, shape)] {
        require(A::solve_jvp(context, &geometry, &items, &tangent, &roots));
      };
      break;
    }
    case Kind::diffracted_beam: {
      const auto items = rotated_items<T>(workbench, reflections, rotations.next(), shape, context);
      const T* omega = workbench.random<T>("omega", shape.pairs(), -pi, pi);
      auto beams = make<typename A::Beams>();
      beams.direction = workbench.array<T>("direction", 3 * shape.pairs());
      beams.two_theta = workbench.array<T>("two_theta", shape.pairs());
      beams.eta = workbench.array<T>("eta", shape.pairs());
      call.run = [=] { require(A::diffracted_beam(context, &geometry, &items, omega, &beams)); };
      break;
    }
    case Kind::predict_spots: {
      auto spots = make<typename A::Spots>();
      spots.capacity = 2 * shape.pairs();
      spots.offsets = workbench.array<int64_t>("spot_offsets", shape.orientations + 1);
      spots.reflection = workbench.array<int32_t>("spot_reflection", spots.capacity);
      spots.root = workbench.array<uint8_t>("spot_root", spots.capacity);
      spots.omega = workbench.array<T>("spot_omega", spots.capacity);
      call.run = [=]() mutable {
        orientations.rotation = rotations.next();
        require(A::predict_spots(context, &geometry, reflections, &orientations, &spots, nullptr));
      };
      break;
    }
    case Kind::convention_angles: {
      brg_convention convention;
      require(brg_convention_init(&convention, sizeof convention, BRG_SYSTEM_IMAGED11));
      const auto roots = make_roots<T>(workbench, shape);
      orientations.rotation = rotations.next();
      require(A::predict(context, &geometry, reflections, &orientations, &roots));
      auto answers = make<typename A::Roots>();
      answers.omega1 = workbench.array<T>("answer1", shape.pairs());
      answers.omega2 = workbench.array<T>("answer2", shape.pairs());
      answers.observable = workbench.array<uint8_t>("answered", shape.pairs());
      call.run = [=] { require(A::convention_angles(context, &convention, shape.pairs(), &roots, &answers)); };
      break;
    }
    case Kind::loss:
      call.run = [=, targets = make_targets<T>(workbench, operation, shape),
                  output = make_loss_output<T>(workbench, operation, shape)]() mutable {
        orientations.rotation = rotations.next();
        require(A::omega_loss(context, &geometry, reflections, &orientations, &targets, &output));
      };
      break;
  }
  return call;
}

template <class T>
Call naive_call(Workbench& workbench, const Operation& operation, Shape shape, int64_t rows, naive::Adjoint adjoint) {
  const brg_geometry geometry = make_geometry(operation.chi);
  const std::vector<double>& exact = workbench.reflections(operation.list, shape.reflections).q;
  std::vector<T> q(exact.begin(), exact.end()), q_squared;
  for (size_t i = 0; i < exact.size(); i += 3)
    q_squared.push_back(
        static_cast<T>(exact[i] * exact[i] + exact[i + 1] * exact[i + 1] + exact[i + 2] * exact[i + 2]));
  const bool closed = adjoint == naive::Adjoint::closed;
  rows = std::clamp(rows, int64_t{1}, shape.orientations);
  Rotations<T> rotations(workbench, shape);
  const Outputs<T> out = outputs<T>(workbench, shape);
  // Runs a baseline on the next rows; the lists are captured by value, so that the pointers into them stay good.
  const auto walk = [=, q = std::move(q), q_squared = std::move(q_squared)](auto&& body) {
    return [=, first = int64_t{0}]() mutable {
      if (first + rows > shape.orientations) first = 0;
      const naive::Problem<T> problem{rows,
                                      shape.reflections,
                                      rotations.next() + 9 * first,
                                      q.data(),
                                      q_squared.data(),
                                      static_cast<T>(geometry.wavenumber),
                                      static_cast<T>(geometry.chi)};
      body(problem, first);
      first += rows;
    };
  };
  Call call{{}, rows * shape.reflections};
  switch (operation.kind) {
    case Kind::predict_vjp:
      call.run = walk([=, bar = make_cotangents<T>(workbench, shape)](const naive::Problem<T>& problem, int64_t first) {
        const int64_t at = first * shape.reflections;
        const auto body = closed ? naive::predict_vjp<T, naive::Adjoint::closed> : naive::predict_vjp<T>;
        body(problem, bar.omega1 + at, bar.omega2 + at, out.rotation_bar + 9 * first);
      });
      break;
    case Kind::loss:
      call.run = walk([=, targets = naive_targets<T>(workbench, operation, shape)](const naive::Problem<T>& problem,
                                                                                   int64_t first) {
        const int64_t at = first * targets.stride;
        const naive::Targets<T> here{targets.stride, targets.omega1 + at, targets.omega2 + at, targets.weight1 + at,
                                     targets.weight2 + at};
        const auto body = closed ? naive::angle_loss<T, naive::Adjoint::closed> : naive::angle_loss<T>;
        body(problem, here, out.loss + first, out.rotation_bar + 9 * first);
      });
      break;
    default:
      call.run = walk([=](const naive::Problem<T>& problem, int64_t first) {
        const int64_t at = first * shape.reflections;
        naive::predict(problem, out.omega1 + at, out.omega2 + at, out.observable + at);
      });
  }
  return call;
}

template <class T>
Call fill_call(Workbench& workbench, Shape shape, int threads) {
  const Outputs<T> out = outputs<T>(workbench, shape);
  const auto fill = [=](int64_t begin, int64_t end) {
    const auto count = static_cast<size_t>(end - begin);
    std::memset(out.omega1 + begin, 0, count * sizeof(T));
    std::memset(out.omega2 + begin, 0, count * sizeof(T));
    std::memset(out.observable + begin, 0, count);
  };
  const int64_t pairs = shape.pairs();
  return {[=] {
            std::vector<std::jthread> others;
            for (int i = 1; i < threads; ++i) others.emplace_back(fill, pairs * i / threads, pairs * (i + 1) / threads);
            fill(0, pairs / threads);
          },
          pairs};
}

template <class T>
Outputs<T> outputs(Workbench& workbench, Shape shape) {
  const auto roots = make_roots<T>(workbench, shape);
  return {roots.omega1, roots.omega2, workbench.array<T>("loss", shape.orientations),
          workbench.array<T>("rotation_bar", 9 * shape.orientations), roots.observable};
}

template Call library_call<double>(Workbench&, const Operation&, Shape, brg_context*);
template Call library_call<float>(Workbench&, const Operation&, Shape, brg_context*);
template Call naive_call<double>(Workbench&, const Operation&, Shape, int64_t, naive::Adjoint);
template Call naive_call<float>(Workbench&, const Operation&, Shape, int64_t, naive::Adjoint);
template Call fill_call<double>(Workbench&, Shape, int);
template Call fill_call<float>(Workbench&, Shape, int);
template Outputs<double> outputs(Workbench&, Shape);
template Outputs<float> outputs(Workbench&, Shape);

}  // namespace bench
