// omega_loss on lanes. A chunk of pairs passes through short loops over L1: geometry, residuals of each root, sums; the chord
// loss needs no angle and joins the first two. Short loops leave the processor room to run several of their rounds at once.
#pragma once

#include "cpu/simd/fit_batch.hpp"
#include "cpu/simd/fit_tensors.hpp"
#include "cpu/simd/targets.hpp"

namespace braggrad::cpu::BRG_LEVEL {

// plain: no counts, no grazing cut, Q of the crystal frame, all known when the loops are compiled. counted: with counts.
// general: with counts, the rest is looked at while running.
enum class FitMode { plain, counted, general };

// Entries of a list: all have a root, some ask for the nearer one, or all do.
enum class Nearer { none, some, all };

// Targets of both roots of reflections; and of their opposites.
template <class T>
struct RootTargets {
  TargetPlanes<T> one, two;
};

template <class T, FitMatrix matrix, FitMode mode>
class Fit {
 public:
  using V = Lanes<T>;

  [[gnu::always_inline]] Fit(const OmegaLossProblem<T>& problem, const T* shared_targets)
      : p_(problem),
        shared_(shared_targets),
        loss_(static_cast<Loss>(problem.targets.loss)),
        cut_(static_cast<T>(problem.frame.grazing_cut)),
        opposites_share_(shared_targets && matrix != FitMatrix::all &&
                         opposites_share(problem.frame, problem.orientations, problem.reflections)),
        settings_(problem.frame, problem.orientations),
        source_(problem.reflections, problem.orientations.reciprocal_basis != nullptr) {
    if constexpr (matrix == FitMatrix::all) choose_parameters(problem.output);
  }

  [[gnu::always_inline]] void run(int64_t b) {
    own_ = settings_[b];
    // Nothing of an orientation that is not finite diffracts: q = 0 in place of its rotation does the same.
    if (!settings_.is_usable(own_, b)) own_ = {Mat3<T>{}, Mat3<T>{}, make_beam<T>(1, 0, 1)};
    if constexpr (counted) sums_ = {};
    fresh_ = true;
    if (p_.targets.offsets)
      listed(b);
    else if (opposites_share_)
      friedel();
    else
      dense(b);
    double* sum = totals();
    if (fresh_) std::fill_n(sum, ChunkSums<T, fit_sum_count<matrix>>::room, 0.0);
    FitSums& out = sums_;
    out.loss = 0.5 * sum[FitIndex::loss];
    if (p_.targets.missing_loss > 0) out.loss += p_.targets.missing_loss * sum[FitIndex::missing_weight];
    out.rotation = load_matrix<double>(sum + FitIndex::rotation, false);
    store_loss(p_, b, out);
    if constexpr (matrix == FitMatrix::rotation) store_turns(b, out.rotation, sum + FitIndex::turns);
    if constexpr (matrix == FitMatrix::all) {
      batch_.add(b, own_);
      if (batch_.is_full()) finish();
    }
  }

  // Writes what waits. After the last orientation.
  [[gnu::always_inline]] void finish() {
    if constexpr (matrix == FitMatrix::all) {
      if (batch_.is_empty()) return;
      batch_.expand(p_.frame, [this](int64_t b, const double* gradient, const double* normal) {
        store_parameters(b, gradient, normal);
      });
    }
  }

 private:
  using At = FitPlane;
  static constexpr int64_t most_pairs = sum_pairs<T>;
  static constexpr bool counted = mode != FitMode::plain, general = mode == FitMode::general;

  // Where the sums of this orientation are added up.
  [[gnu::always_inline]] double* totals() {
    if constexpr (matrix == FitMatrix::all)
      return batch_.sums();
    else
      return totals_;
  }

  [[gnu::always_inline]] void store_turns(int64_t b, const Mat3<double>& rotation, double* normal) const {
    // sum G x G_bar from sum G_bar q^T.
    const Vec3<double> turn = axial(multiply(rotation, transpose(convert<double>(own_.rotation))));
    double gradient[3] = {turn.x, turn.y, turn.z};
    turn_to_sample<3>(p_.frame, gradient, normal);
    if (p_.output.gradient) store_all(p_.output.gradient + 3 * b, gradient, p_.output.accumulate);
    if (p_.output.normal)
      for (int i = 0; i < 6; ++i) core::store(p_.output.normal + 6 * b + i, normal[i], p_.output.accumulate);
  }

  [[gnu::always_inline]] void choose_parameters(const OmegaLossOutput<T>& out) {
    parameters_ = fit_parameter_count(out.parameters);
    writes_all_ = parameters_ == fit_parameters && !out.accumulate;
    if (writes_all_) return;
    for (int i = 0; i < parameters_; ++i) order_[i] = fit_parameter(out.parameters, i);
    for (int i = 0, element = 0; i < parameters_; ++i)
      for (int j = i; j < parameters_; ++j, ++element)
        elements_[element] = triangle_index(order_[i], order_[j], fit_parameters);
  }

  [[gnu::always_inline]] void store_parameters(int64_t b, const double* gradient, const double* normal) const {
    const auto put_chosen = [&](T* out, int64_t count, const double* values, const int* chosen) {
      if (!out) return;
      out += b * count;
      if (writes_all_)
        for (int64_t i = 0; i < count; ++i) out[i] = static_cast<T>(values[i]);
      else
        for (int64_t i = 0; i < count; ++i) core::store(out + i, values[chosen[i]], p_.output.accumulate);
    };
    put_chosen(p_.output.gradient, parameters_, gradient, order_);
    put_chosen(p_.output.normal, parameters_ * (parameters_ + 1) / 2, normal, elements_);
  }

  [[gnu::always_inline]] bool from_rotated() const { return general && p_.orientations.magnitude_from_rotated; }

  // Sums of the chunk from number i on.
  template <class Partial>
  [[gnu::always_inline]] void put(int i, const Partial& partial) {
    partial_.set(i, partial);
  }
  [[gnu::always_inline]] void close_chunk() {
    partial_.close(totals(), fresh_);
    fresh_ = false;
  }

  // What a loop counts, where counts are wanted.
  struct Counts {
    V missing_weight;
    int32_t observable = 0, matched = 0, missing = 0, grazing = 0;

    [[gnu::always_inline]] void add(V weight, LaneMask<T> is_observable, LaneMask<T> contributes) {
      const V zero(T(0));
      const LaneMask<T> target = weight > zero;
      matched += count_true(target && contributes);
      missing += count_true(target && !is_observable);
      grazing += count_true(target && is_observable && !contributes);
      missing_weight = missing_weight + select(is_observable, zero, weight);
    }
  };

  [[gnu::always_inline]] void put(const Counts& counts) {
    if constexpr (counted) {
      put(FitIndex::missing_weight, counts.missing_weight);
      sums_.observable += counts.observable, sums_.matched += counts.matched;
      sums_.missing += counts.missing, sums_.grazing += counts.grazing;
    }
  }

  [[gnu::always_inline]] Pair<V> pair_at(const Setting<V>& setting, const Planes<T>& planes, int64_t i) const {
    const Reflection<V> r = load(planes, i);
    return pair_of(setting, r.q, r.q2, from_rotated());
  }

  // The lanes of a pair that contribute.
  [[gnu::always_inline]] LaneMask<T> contributing(const Pair<V>& pair, const Setting<V>& setting) const {
    return contributing_lanes(pair.crossing, setting.beam, general ? cut_ : T(0));
  }

  [[gnu::noinline]] void dense(int64_t b) {
    const OmegaTargets<T>& t = p_.targets;
    const int64_t stride = reflection_planes_stride(p_.reflections.count);
    for (int64_t first = 0; first < p_.reflections.count; first += most_pairs) {
      const int64_t count = smaller(most_pairs, p_.reflections.count - first);
      RootTargets<T> targets;
      if (shared_) {
        targets = shared_targets(first, stride);
      } else {
        const int64_t at = b * t.orientation_stride + first;
        const auto own = [at](const T* values) { return values ? values + at : nullptr; };
        put_targets(loss_ == Loss::chord, own(t.omega1), own(t.weight1), count, target_[0], target_[1], target_[2]);
        put_targets(loss_ == Loss::chord, own(t.omega2), own(t.weight2), count, target_[3], target_[4], target_[5]);
        targets = {{target_[0], target_[1], target_[2]}, {target_[3], target_[4], target_[5]}};
      }
      chunk<false>(source_.chunk(own_.basis, first, count), targets, {}, count);
    }
  }

  // A list whose second half is the opposite of its first, at chi = 0. A reflection and its opposite share crossing, angles up
  // to half a turn, and G_bar q^T: their slopes and matrix weights are added before the sums.
  [[gnu::noinline]] void friedel() {
    const int64_t stride = reflection_planes_stride(p_.reflections.count), half = p_.reflections.count / 2;
    for (int64_t first = 0; first < half; first += most_pairs) {
      const int64_t count = smaller(most_pairs, half - first);
      chunk<true>(source_.chunk(own_.basis, first, count), shared_targets(first, stride),
                  shared_targets(first + half, stride), count);
    }
  }

  [[gnu::always_inline]] RootTargets<T> shared_targets(int64_t first, int64_t stride) const {
    const T* a = shared_ + first;
    return {{a, a + stride, a + 2 * stride}, {a + 3 * stride, a + 4 * stride, a + 5 * stride}};
  }

  template <bool opposites>
  [[gnu::always_inline]] void chunk(const Planes<T>& q, const RootTargets<T>& targets, const RootTargets<T>& mates,
                                    int64_t count) {
    if (loss_ == Loss::chord) {
      chord<opposites>(q, targets, mates, count);
    } else {
      geometry<opposites>(q, targets, mates, count);
      const V first = angles<opposites>(planes_[At::sin1], planes_[At::cos1], targets.one, mates.one, count);
      put(FitIndex::loss,
          first + angles<opposites>(planes_[At::sin2], planes_[At::cos2], targets.two, mates.two, count));
    }
    gradient<false>(q, count);
    if constexpr (matrix == FitMatrix::all) tensors<false>(q, count);
    close_chunk();
  }

  // body(i, whole) for the vectors of a chunk. With opposites the lanes beyond the count hold others' reflections, and the last
  // vector is not `whole`; elsewhere they hold none.
  template <bool opposites, class Body>
  [[gnu::always_inline]] static void for_vectors(int64_t count, const Body& body) {
    int64_t i = 0;
    for (; i < (opposites ? count - lanes<T> + 1 : count); i += lanes<T>) body(i, std::true_type());
    if (opposites && i < count) body(i, std::false_type());
  }

  // Unit vectors and crossings of the chunk.
  template <bool opposites>
  [[gnu::always_inline]] void geometry(Planes<T> planes, RootTargets<T> targets, RootTargets<T> mates, int64_t count) {
    const Setting<V> setting = broadcast(own_);
    const V zero(T(0));
    Counts counts;
    for_vectors<opposites>(
        count, [&](int64_t i, auto whole) __attribute__((always_inline)) {
          const Pair<V> pair = pair_at(setting, planes, i);
          const Crossing<V>& x = pair.crossing;
          const RootVectors<V> v = root_vectors(x);
          store(planes_[At::sin1] + i, v.sin1), store(planes_[At::cos1] + i, v.cos1);
          store(planes_[At::sin2] + i, v.sin2), store(planes_[At::cos2] + i, v.cos2);
          LaneMask<T> observable = x.observable, contributes = contributing(pair, setting);
          if constexpr (!whole) {
            const LaneMask<T> inside = first_lanes<T>(count - i);
            observable = observable && inside, contributes = contributes && inside;
          }
          store_crossing(x, select(contributes, x.inverse_s, zero), i);
          if constexpr (counted) {
            counts.observable += (opposites ? 2 : 1) * count_true(observable);
            const auto add = [&](const TargetPlanes<T>& target) {
              V weight = load(target.weight + i);
              if constexpr (!whole) weight = select(first_lanes<T>(count - i), weight, zero);
              counts.add(weight, observable, contributes);
            };
            add(targets.one), add(targets.two);
            if constexpr (opposites) add(mates.one), add(mates.two);
          }
        });
    put(counts);
  }

  [[gnu::always_inline]] void store_crossing(const Crossing<V>& x, V inverse_s, int64_t i) {
    store(planes_[At::c] + i, x.c), store(planes_[At::inverse_s] + i, inverse_s);
    store(planes_[At::ux] + i, x.ux), store(planes_[At::uy] + i, x.uy);
  }

  // Residuals of one root: returns twice the loss, puts slopes in place of the sines and matrix weights in place of the cosines.
  template <bool opposites>
  [[gnu::always_inline]] V angles(T* sines, T* cosines, const TargetPlanes<T>& target, const TargetPlanes<T>& mate,
                                  int64_t count) {
    if (loss_ == Loss::squares) return angles_of<opposites, Loss::squares>(sines, cosines, target, mate, count);
    if (loss_ == Loss::huber) return angles_of<opposites, Loss::huber>(sines, cosines, target, mate, count);
    return angles_of<opposites, Loss::norm>(sines, cosines, target, mate, count);
  }

  template <bool opposites, Loss kind>
  [[gnu::noinline]] V angles_of(T* sines, T* cosines, TargetPlanes<T> target, TargetPlanes<T> mate, int64_t count) {
    const V delta(static_cast<T>(p_.targets.delta)), zero(T(0));
    V loss;
    for (int64_t i = 0; i < count; i += lanes<T>) {
      const LaneMask<T> contributes = load(planes_[At::inverse_s] + i) != zero;
      const V sine = load(sines + i), cosine = load(cosines + i);
      V slope, weight;
      const auto add = [&](const TargetPlanes<T>& to, V omega) {
        const V w = load_masked(contributes, to.weight + i);
        add_angle(kind, delta, difference_of_angles(omega, load(to.a + i)), w, loss, slope, weight);
      };
      const V omega = unbounded_angle(sine, cosine);
      add(target, omega);
      if constexpr (opposites) add(mate, omega - V(static_cast<T>(pi)));  // the difference is taken the short way round
      store(sines + i, slope);
      if constexpr (matrix != FitMatrix::none) store(cosines + i, weight);
    }
    return loss;
  }

  // The chord loss of a chunk: crossings and slopes. `opposites`: with the opposite reflections, which have the opposite unit
  // vectors.
  template <bool opposites>
  [[gnu::always_inline]] void chord(Planes<T> planes, RootTargets<T> targets, RootTargets<T> mates, int64_t count) {
    const Setting<V> setting = broadcast(own_);
    const V zero(T(0));
    V loss;
    Counts counts;
    for_vectors<opposites>(
        count, [&](int64_t i, auto whole) __attribute__((always_inline)) {
          const Pair<V> pair = pair_at(setting, planes, i);
          const RootVectors<V> v = root_vectors(pair.crossing);
          LaneMask<T> observable = pair.crossing.observable, contributes = contributing(pair, setting);
          if constexpr (!whole) {
            const LaneMask<T> inside = first_lanes<T>(count - i);
            observable = observable && inside, contributes = contributes && inside;
          }
          if constexpr (counted) counts.observable += (opposites ? 2 : 1) * count_true(observable);
          // Adds one target; its slope and matrix weight are added to those of the root.
          const auto add = [&](const TargetPlanes<T>& target, auto opposite, V sine, V cosine, V& slope, V& weight) {
            if constexpr (counted) {
              V given = load(target.weight + i);
              if constexpr (!whole) given = select(first_lanes<T>(count - i), given, zero);
              counts.add(given, observable, contributes);
            }
            const V w = load_masked(contributes, target.weight + i), a = load(target.a + i), b = load(target.b + i);
            add_chord(opposite ? opposite_chord_residual(sine, cosine, a, b) : chord_residual(sine, cosine, a, b), w,
                      loss, slope, weight);
          };
          V slope1, slope2, v1, v2;
          add(targets.one, std::false_type(), v.sin1, v.cos1, slope1, v1);
          add(targets.two, std::false_type(), v.sin2, v.cos2, slope2, v2);
          if constexpr (opposites) {
            add(mates.one, std::true_type(), v.sin1, v.cos1, slope1, v1);
            add(mates.two, std::true_type(), v.sin2, v.cos2, slope2, v2);
          }
          store_crossing(pair.crossing, select(contributes, pair.crossing.inverse_s, zero), i);
          store(planes_[At::sin1] + i, slope1), store(planes_[At::sin2] + i, slope2);
          if constexpr (matrix != FitMatrix::none) store(planes_[At::cos1] + i, v1), store(planes_[At::cos2] + i, v2);
        });
    put(counts);
    put(FitIndex::loss, loss);
  }

  // A pair of the chunk again, built in place, as structs of vectors are copied through memory.
  [[gnu::always_inline]] Pair<V> reload(const Setting<V>& setting, const Planes<T>& planes, int64_t i) const {
    const V x = load(planes.x + i), y = load(planes.y + i), z = load(planes.z + i);
    const Vec3<V> g = multiply(setting.rotation, Vec3<V>{x, y, z});
    return {Vec3<V>{x, y, z}, Vec3<V>{g.x, g.y, g.z}, from_rotated() ? dot(g, g) : load(planes.q2 + i),
            crossing_at(planes_, i)};
  }

  // Sums of the slopes, from L1. `single`: root 1 only.
  template <bool single>
  [[gnu::always_inline]] void gradient(Planes<T> planes, int64_t count) {
    const Setting<V> setting = broadcast(own_);
    Mat3<V> rotation;
    V turns[6];
    for (int64_t i = 0; i < count; i += lanes<T>) {
      const Both<V> slope = of_roots<single>(planes_, At::sin1, At::sin2, i);
      const auto add_normal = [&](const Vec3<V>& g, const Crossing<V>& x) {
        const Both<V> v = of_roots<single>(planes_, At::cos1, At::cos2, i);
        add_turns(turns, turn_rows(setting, g, x), v.first, v.second);
      };
      if constexpr (general) {
        const Pair<V> pair = reload(setting, planes, i);
        add_product<T>(rotation, pair_vjp(setting, pair, from_rotated(), slope.first, slope.second).g, pair.q);
        if constexpr (matrix == FitMatrix::rotation) add_normal(pair.g, pair.crossing);
      } else {
        // Nothing of the pair but its crossing.
        const V zero(T(0));
        const Vec3<V> q = {load(planes.x + i), load(planes.y + i), load(planes.z + i)};
        const Crossing<V> x = crossing_at(planes_, i);
        add_product<T>(rotation, solve_vjp(x, setting.beam, zero, zero, slope.first, slope.second).g, q);
        if constexpr (matrix == FitMatrix::rotation) add_normal(multiply(setting.rotation, q), x);
      }
    }
    put(FitIndex::rotation, rotation);
    if constexpr (matrix == FitMatrix::rotation) unrolled<6>([&](auto j) { put(FitIndex::turns + j, turns[j]); });
  }

  // The tensors of all parameters: first the gradient's sums and the factors, then the products of these.
  template <bool single>
  [[gnu::always_inline]] void tensors(Planes<T> planes, int64_t count) {
    const auto put_tensor = [this](int i, V sum) { put(FitIndex::tensors + i, sum); };
    tensor_factors<single>(broadcast(own_), planes, from_rotated(), count, planes_, put_tensor);
    square_products<T>(planes_, count, put_tensor);
    vector_products<T>(planes_, count, put_tensor);
  }

  // Entries of a list: one target each, its root given or the nearer one. Root 2 is root 1 with the other sign of s, so from
  // there on an entry has one root only.
  [[gnu::noinline]] void listed(int64_t b) {
    const OmegaTargets<T>& t = p_.targets;
    for (int64_t first = t.offsets[b]; first < t.offsets[b + 1]; first += most_pairs) {
      const int64_t count = smaller(most_pairs, t.offsets[b + 1] - first);
      alignas(64) int32_t index[chunk_room];
      const Nearer nearer = read_entries(t.root ? t.root + first : nullptr, t.reflection + first, count, root_, index);
      const Planes<T> q = source_.gather(own_.basis, index, count);
      put_targets(loss_ == Loss::chord, t.omega + first, t.weight ? t.weight + first : nullptr, count, target_[0],
                  target_[1], target_[2]);
      const TargetPlanes<T> targets = {target_[0], target_[1], target_[2]};
      if (nearer == Nearer::none)
        list_geometry<Nearer::none>(q, targets, count);
      else if (nearer == Nearer::some)
        list_geometry<Nearer::some>(q, targets, count);
      else
        list_geometry<Nearer::all>(q, targets, count);
      put(FitIndex::loss, loss_ == Loss::chord
                              ? list_chords(targets, count)
                              : angles<false>(planes_[At::sin1], planes_[At::cos1], targets, targets, count));
      gradient<true>(q, count);
      if constexpr (matrix == FitMatrix::all) tensors<true>(q, count);
      close_chunk();
    }
  }

  // Roots as numbers, unless all entries ask for the nearer one, and the index of no reflection for a root that there is not. A
  // vector's worth is written beyond the count.
  [[gnu::noinline]] Nearer read_entries(const uint8_t* given, const int32_t* reflection, int64_t count, T* root,
                                        int32_t* index) const {
    const auto none = static_cast<uint32_t>(p_.reflections.count);
    const auto within = [none](int32_t n) { return static_cast<int32_t>(std::min(static_cast<uint32_t>(n), none)); };
    for (int64_t i = 0; i < count; i += 16) expect_loads(reflection + i);
    uint8_t least = 255;
    if (given) {
      for (int64_t i = 0; i < count; i += 64) expect_loads(given + i);
      for (int64_t i = 0; i < count; ++i) {
        const uint8_t number = given[i];
        least = std::min(number, least);
        index[i] = number <= 2 ? within(reflection[i]) : static_cast<int32_t>(none);
        root[i] = static_cast<T>(number);
      }
    } else {
      for (int64_t i = 0; i < count; ++i) index[i] = within(reflection[i]);
    }
    for (int64_t i = count; i < count + lanes<T>; ++i) root[i] = T(1), index[i] = static_cast<int32_t>(none);
    return !given ? Nearer::all : least == 0 ? Nearer::some : Nearer::none;
  }

  // Unit vector and crossing of each entry, with the sign of its root.
  template <Nearer nearer>
  [[gnu::noinline]] void list_geometry(Planes<T> planes, TargetPlanes<T> target, int64_t count) {
    const Setting<V> setting = broadcast(own_);
    const V zero(T(0)), one(T(1));
    Counts counts;
    for (int64_t i = 0; i < count; i += lanes<T>) {
      const Pair<V> pair = pair_at(setting, planes, i);
      const Crossing<V>& x = pair.crossing;
      const LaneMask<T> contributes = contributing(pair, setting);
      if constexpr (counted) {
        const V weight = load(target.weight + i);
        counts.observable += count_true(x.observable && weight > zero);
        counts.add(weight, x.observable, contributes);
      }
      LaneMask<T> second;
      if constexpr (nearer != Nearer::none) second = is_second_nearer(x, contributes, target, i);
      if constexpr (nearer != Nearer::all) {
        const V number = load(root_ + i);
        const LaneMask<T> given = number > one;
        second = nearer == Nearer::some ? given || (number <= zero && second) : given;
      }
      const SineCosine<V> root = root_vector(x, select(second, -x.s, x.s));
      store(planes_[At::sin1] + i, root.sine), store(planes_[At::cos1] + i, root.cosine);
      const V inverse_s = select(contributes, x.inverse_s, zero);
      store_crossing(x, select(second, -inverse_s, inverse_s), i);
    }
    put(counts);
  }

  // Where root 2 is the nearer one. Rough values of sine and cosine tell the side of a target wherever it is not close.
  [[gnu::always_inline]] LaneMask<T> is_second_nearer(const Crossing<V>& x, LaneMask<T> contributes,
                                                      const TargetPlanes<T>& target, int64_t i) {
    if (loss_ == Loss::chord)
      return second_is_nearer(x, side_of(x, SineCosine<V>{load(target.a + i), load(target.b + i)}));
    const V angle = load(target.a + i);
    V side = side_of(x, rough_sine_cosine(angle));
    const V doubt = V(static_cast<T>(rough_bound)) * (absolute(x.ux) + absolute(x.uy));
    if (!all_true(absolute(side) > doubt || !contributes)) [[unlikely]]
      side = side_of(x, sine_cosine(angle));
    return second_is_nearer(x, side);
  }

  // Twice the chord loss of entries, as angles().
  [[gnu::noinline]] V list_chords(TargetPlanes<T> target, int64_t count) {
    const V zero(T(0));
    V loss;
    for (int64_t i = 0; i < count; i += lanes<T>) {
      const V w = load_masked(load(planes_[At::inverse_s] + i) != zero, target.weight + i);
      V slope, weight;
      add_chord(chord_residual(load(planes_[At::sin1] + i), load(planes_[At::cos1] + i), load(target.a + i),
                               load(target.b + i)),
                w, loss, slope, weight);
      store(planes_[At::sin1] + i, slope);
      if constexpr (matrix != FitMatrix::none) store(planes_[At::cos1] + i, weight);
    }
    return loss;
  }

  const OmegaLossProblem<T>& p_;
  const T* shared_;
  Loss loss_;
  T cut_;
  bool opposites_share_, fresh_ = true;  // fresh: nothing of this orientation has been summed
  bool writes_all_ = false;              // all parameters, and nothing is added to what was there
  int parameters_ = 0;
  int order_[fit_parameters], elements_[fit_normals];  // of gradient and normal matrix that are written, among all
  Settings<T> settings_;
  Setting<T> own_;
  Source<T> source_;
  FitSums sums_;  // of this orientation
  ChunkSums<T, fit_sum_count<matrix>> partial_;
  alignas(64) double totals_[ChunkSums<T, fit_sum_count<matrix>>::room];
  std::conditional_t<matrix == FitMatrix::all, FitBatch<T>, char> batch_;
  FitPlanes<T, matrix> planes_;
  alignas(64) T target_[6][chunk_room], root_[chunk_room];  // targets of this orientation alone, and their roots
};

template <class T, FitMatrix matrix, FitMode mode>
[[gnu::noinline]] static void fit(const OmegaLossProblem<T>& p, const T* shared_targets, int64_t first, int64_t last) {
  Fit<T, matrix, mode> fit(p, shared_targets);
  for (int64_t b = first; b < last; ++b) fit.run(b);
  fit.finish();
}

// Orientations first ... last - 1. `shared_targets`: what prepare_targets wrote, or NULL.
template <class T>
void omega_loss(const OmegaLossProblem<T>& p, const T* shared_targets, int64_t first, int64_t last) {
  const auto& out = p.output;
  const bool counted = out.observable || out.matched || out.missing || out.grazing || p.targets.missing_loss > 0;
  const bool general = p.orientations.magnitude_from_rotated || p.frame.grazing_cut > 0;
  const auto choose = [&](auto chosen) {
    constexpr FitMode mode = decltype(chosen)::value;
    if (!out.gradient && !out.normal)
      fit<T, FitMatrix::none, mode>(p, shared_targets, first, last);
    else if (out.parameters == 1)
      fit<T, FitMatrix::rotation, mode>(p, shared_targets, first, last);
    else
      fit<T, FitMatrix::all, mode>(p, shared_targets, first, last);
  };
  if (general)
    choose(std::integral_constant<FitMode, FitMode::general>());
  else if (counted)
    choose(std::integral_constant<FitMode, FitMode::counted>());
  else
    choose(std::integral_constant<FitMode, FitMode::plain>());
}

}  // namespace braggrad::cpu::BRG_LEVEL
