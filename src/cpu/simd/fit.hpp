// omega_loss on lanes. A chunk of pairs passes through short loops over L1: geometry, residuals of each root, sums; the chord
// loss needs no angle and joins the first two. Short loops leave the processor room to run several of their rounds at once.
#pragma once

#include "cpu/simd/fit_matrix.hpp"
#include "cpu/simd/targets.hpp"

namespace braggrad::cpu::BRG_LEVEL {

// plain: no counts, no grazing cut, Q of the crystal frame, all known when the loops are compiled. counted: with counts.
// general: with counts, the rest is looked at while running.
enum class FitMode { plain, counted, general };

// Everything the loops of a chunk hand to each other.
template <class T, bool with_rows>
struct FitScratch {
  Plane<T> sin1, cos1, sin2, cos2;  // unit vectors of the roots; later slopes (sin) and matrix weights (cos)
  Plane<T> c, inverse_s, ux, uy;    // crossing; 1/s = 0 where a pair contributes nothing
  Plane<T> target[6], root;         // targets of this orientation alone
  std::conditional_t<with_rows, FitRows<T>, char> rows;
};

// Targets of both roots of reflections; and of their opposites.
template <class T>
struct RootTargets {
  TargetPlanes<T> one, two;
};

// A value of each root.
template <class V>
struct Both {
  V first, second;
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
    const uint32_t mask = problem.output.parameters;
    parameters_ = fit_parameter_count(mask);
    for (int i = 0; i < parameters_; ++i) {
      order_[i] = fit_parameter(mask, i);
      for (int j = i; j < parameters_; ++j)
        elements_[triangle_index(i, j, parameters_)] = normal_index(order_[i], fit_parameter(mask, j));
    }
  }

  [[gnu::always_inline]] void run(int64_t b) {
    own_ = settings_[b];
    // Nothing of an orientation that is not finite diffracts: q = 0 in place of its rotation does the same.
    if (!settings_.is_usable(own_, b)) own_ = {Mat3<T>{}, Mat3<T>{}, make_beam<T>(1, 0, 1)};
    if constexpr (counted) totals_.observable = totals_.matched = totals_.missing = totals_.grazing = 0;
    fresh_ = true;
    if (p_.targets.offsets)
      listed(b);
    else if (opposites_share_)
      friedel();
    else
      dense(b);
    if (fresh_) totals_.sums.clear();
    auto sums = totals_.total(p_.targets.missing_loss, own_);
    store_loss(p_, b, sums);
    if constexpr (matrix != FitMatrix::none) {
      turn_to_sample(p_.frame, sums);
      store_parameters(b, sums);
    }
  }

 private:
  static constexpr int64_t most_pairs = fit_chunk<T, matrix>;
  static constexpr bool counted = mode != FitMode::plain, general = mode == FitMode::general;

  [[gnu::always_inline]] void store_parameters(int64_t b, const FitSums<true>& sums) const {
    const bool all = parameters_ == fit_parameters && !p_.output.accumulate;
    const auto put_chosen = [&](T* out, int64_t count, const double* values, const int* chosen) {
      if (!out) return;
      out += b * count;
      if (all)
        for (int64_t i = 0; i < count; ++i) out[i] = static_cast<T>(values[i]);
      else
        for (int64_t i = 0; i < count; ++i) core::store(out + i, values[chosen[i]], p_.output.accumulate);
    };
    put_chosen(p_.output.gradient, parameters_, sums.gradient, order_);
    put_chosen(p_.output.normal, parameters_ * (parameters_ + 1) / 2, sums.normal, elements_);
  }

  [[gnu::always_inline]] bool from_rotated() const { return general && p_.orientations.magnitude_from_rotated; }

  // Sums from number i on grow by those of a chunk; the first chunk sets them.
  template <class Partial>
  [[gnu::always_inline]] void put(int i, const Partial& partial) {
    fresh_ ? totals_.sums.set(i, partial) : totals_.sums.add(i, partial);
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
      totals_.observable += counts.observable, totals_.matched += counts.matched;
      totals_.missing += counts.missing, totals_.grazing += counts.grazing;
    } else if (fresh_) {
      put(FitIndex::missing_weight, V());
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
        Plane<T>* planes = scratch_.target;
        put_targets(loss_ == Loss::chord, own(t.omega1), own(t.weight1), count, planes[0].values, planes[1].values,
                    planes[2].values);
        put_targets(loss_ == Loss::chord, own(t.omega2), own(t.weight2), count, planes[3].values, planes[4].values,
                    planes[5].values);
        targets = {{planes[0].values, planes[1].values, planes[2].values},
                   {planes[3].values, planes[4].values, planes[5].values}};
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
      const V first = angles<opposites>(scratch_.sin1, scratch_.cos1, targets.one, mates.one, count);
      put(FitIndex::loss, first + angles<opposites>(scratch_.sin2, scratch_.cos2, targets.two, mates.two, count));
    }
    gradient<false>(q, count);
    if constexpr (matrix == FitMatrix::all) normal<false>(q, count);
    fresh_ = false;
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
          store(scratch_.sin1.values + i, v.sin1), store(scratch_.cos1.values + i, v.cos1);
          store(scratch_.sin2.values + i, v.sin2), store(scratch_.cos2.values + i, v.cos2);
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
    store(scratch_.c.values + i, x.c), store(scratch_.inverse_s.values + i, inverse_s);
    store(scratch_.ux.values + i, x.ux), store(scratch_.uy.values + i, x.uy);
  }

  // Residuals of one root: returns twice the loss, puts slopes in place of the sines and matrix weights in place of the cosines.
  template <bool opposites>
  [[gnu::always_inline]] V angles(Plane<T>& sines, Plane<T>& cosines, const TargetPlanes<T>& target,
                                  const TargetPlanes<T>& mate, int64_t count) {
    if (loss_ == Loss::squares) return angles_of<opposites, Loss::squares>(sines, cosines, target, mate, count);
    if (loss_ == Loss::huber) return angles_of<opposites, Loss::huber>(sines, cosines, target, mate, count);
    return angles_of<opposites, Loss::norm>(sines, cosines, target, mate, count);
  }

  template <bool opposites, Loss kind>
  [[gnu::noinline]] V angles_of(Plane<T>& sines, Plane<T>& cosines, TargetPlanes<T> target, TargetPlanes<T> mate,
                                int64_t count) {
    const V delta(static_cast<T>(p_.targets.delta)), zero(T(0));
    V loss;
    for (int64_t i = 0; i < count; i += lanes<T>) {
      const LaneMask<T> contributes = load(scratch_.inverse_s.values + i) != zero;
      const V sine = load(sines.values + i), cosine = load(cosines.values + i);
      V slope, weight;
      const auto add = [&](const TargetPlanes<T>& to, V omega) {
        const V w = load_masked(contributes, to.weight + i);
        const V difference = difference_of_angles(omega, load(to.a + i));
        const Residual<V> r = angle_residual(kind, delta, difference);
        if constexpr (kind == Loss::squares) {
          const V own = w * difference;
          loss = mul_add(own, difference, loss);
          slope = slope + own, weight = weight + w;
        } else {
          loss = mul_add(w, r.twice_loss, loss);
          slope = mul_add(w, r.slope, slope), weight = mul_add(w, r.weight, weight);
        }
      };
      const V omega = unbounded_angle(sine, cosine);
      add(target, omega);
      if constexpr (opposites) add(mate, omega - V(static_cast<T>(pi)));  // the difference is taken the short way round
      store(sines.values + i, slope);
      if constexpr (matrix != FitMatrix::none) store(cosines.values + i, weight);
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
            const Residual<V> residual =
                opposite ? opposite_chord_residual(sine, cosine, a, b) : chord_residual(sine, cosine, a, b);
            loss = mul_add(w, residual.twice_loss, loss);
            slope = mul_add(w, residual.slope, slope), weight = weight + w;
          };
          V slope1, slope2, v1, v2;
          add(targets.one, std::false_type(), v.sin1, v.cos1, slope1, v1);
          add(targets.two, std::false_type(), v.sin2, v.cos2, slope2, v2);
          if constexpr (opposites) {
            add(mates.one, std::true_type(), v.sin1, v.cos1, slope1, v1);
            add(mates.two, std::true_type(), v.sin2, v.cos2, slope2, v2);
          }
          store_crossing(pair.crossing, select(contributes, pair.crossing.inverse_s, zero), i);
          store(scratch_.sin1.values + i, slope1), store(scratch_.sin2.values + i, slope2);
          if constexpr (matrix != FitMatrix::none)
            store(scratch_.cos1.values + i, v1), store(scratch_.cos2.values + i, v2);
        });
    put(counts);
    put(FitIndex::loss, loss);
  }

  [[gnu::always_inline]] void put_turns(const TurnProducts<V>& t) {
    put(FitIndex::matrix, t.xx), put(FitIndex::matrix + 1, t.xy), put(FitIndex::matrix + 2, t.xz);
    put(FitIndex::matrix + 3, t.yy), put(FitIndex::matrix + 4, t.yz), put(FitIndex::matrix + 5, t.zz);
  }

  // A crossing of the chunk again, from L1; and its pair, built in place, as structs of vectors are copied through memory.
  [[gnu::always_inline]] Crossing<V> reload(int64_t i) const {
    const V zero(T(0));
    return {load(scratch_.c.values + i),  zero,       load(scratch_.inverse_s.values + i), load(scratch_.ux.values + i),
            load(scratch_.uy.values + i), zero > zero};
  }
  [[gnu::always_inline]] Pair<V> reload(const Setting<V>& setting, const Planes<T>& planes, int64_t i) const {
    const V x = load(planes.x + i), y = load(planes.y + i), z = load(planes.z + i);
    const Vec3<V> g = multiply(setting.rotation, Vec3<V>{x, y, z});
    return {Vec3<V>{x, y, z}, Vec3<V>{g.x, g.y, g.z}, from_rotated() ? dot(g, g) : load(planes.q2 + i), reload(i)};
  }

  template <bool single>
  [[gnu::always_inline]] static Both<V> of_roots(const Plane<T>& one, const Plane<T>& two, int64_t i) {
    return {load(one.values + i), single ? V(T(0)) : load(two.values + i)};
  }

  // Sums of the slopes, from L1. `single`: root 1 only.
  template <bool single>
  [[gnu::always_inline]] void gradient(Planes<T> planes, int64_t count) {
    const Setting<V> setting = broadcast(own_);
    Mat3<V> rotation;
    TurnProducts<V> turns;
    for (int64_t i = 0; i < count; i += lanes<T>) {
      const Both<V> slope = of_roots<single>(scratch_.sin1, scratch_.sin2, i);
      const auto add_turns = [&](const Vec3<V>& g, const Crossing<V>& x) {
        const Both<V> v = of_roots<single>(scratch_.cos1, scratch_.cos2, i);
        turns.add(turn_rows(setting, g, x), v.first, v.second);
      };
      if constexpr (general) {
        const Pair<V> pair = reload(setting, planes, i);
        add_product<T>(rotation, pair_vjp(setting, pair, from_rotated(), slope.first, slope.second).g, pair.q);
        if constexpr (matrix == FitMatrix::rotation) add_turns(pair.g, pair.crossing);
      } else {
        // Nothing of the pair but its crossing.
        const V zero(T(0));
        const Vec3<V> q = {load(planes.x + i), load(planes.y + i), load(planes.z + i)};
        const Crossing<V> x = reload(i);
        add_product<T>(rotation, solve_vjp(x, setting.beam, zero, zero, slope.first, slope.second).g, q);
        if constexpr (matrix == FitMatrix::rotation) add_turns(multiply(setting.rotation, q), x);
      }
    }
    put(FitIndex::rotation, rotation);
    if constexpr (matrix == FitMatrix::rotation) put_turns(turns);
  }

  // The normal matrix of all parameters: rows of J, then their products.
  template <bool single>
  [[gnu::always_inline]] void normal(Planes<T> planes, int64_t count) {
    const Setting<V> setting = broadcast(own_);
    FitRows<T>& rows = scratch_.rows;
    for (int64_t i = 0; i < count; i += lanes<T>) {
      const Pair<V> pair = reload(setting, planes, i);
      const TurnRows<V> turn = turn_rows(setting, pair.g, pair.crossing);
      const LatticeRows<V> lattice = lattice_rows(setting, pair, from_rotated());
      store(rows.even[0].values + i, turn.x_even), store(rows.odd[0].values + i, turn.x_odd);
      store(rows.even[1].values + i, turn.y_even), store(rows.odd[1].values + i, turn.y_odd);
      const Strain<V> even = strain_of(lattice.t_even, pair.q), odd = strain_of(lattice.t_odd, pair.q);
      unrolled<strain_columns>([&](auto a) {
        store(rows.even[turn_columns + a].values + i, even.values[a]);
        store(rows.odd[turn_columns + a].values + i, odd.values[a]);
      });
      store(rows.odd[wavenumber_column].values + i, lattice.wavenumber_odd);
      store(rows.odd[chi_column].values + i, lattice.chi_odd);
      const Both<V> v = of_roots<single>(scratch_.cos1, scratch_.cos2, i);
      const Both<V> slope = of_roots<single>(scratch_.sin1, scratch_.sin2, i);
      store(rows.sum.values + i, v.first + v.second), store(rows.difference.values + i, v.first - v.second);
      store(rows.slope_sum.values + i, slope.first + slope.second);
      store(rows.slope_difference.values + i, slope.first - slope.second);
    }
    const Elements put_element{*this};
    strain_products(rows, count, put_element);
    turn_and_strain_products(rows, count, put_element);
    scalar_products(rows, count, put_element);
  }

  // Where the products of the normal matrix and of the gradient go.
  struct Elements {
    Fit& fit;
    [[gnu::always_inline]] void operator()(int a, int b, V sum) const {
      fit.put(FitIndex::matrix + normal_index(a, b), sum);
    }
    [[gnu::always_inline]] void operator()(int a, V sum) const { fit.put(FitIndex::gradient + a - 3, sum); }
  };

  // Entries of a list: one target each, its root given or the nearer one. Root 2 is root 1 with the other sign of s, so from
  // there on an entry has one root only.
  [[gnu::noinline]] void listed(int64_t b) {
    const OmegaTargets<T>& t = p_.targets;
    for (int64_t first = t.offsets[b]; first < t.offsets[b + 1]; first += most_pairs) {
      const int64_t count = smaller(most_pairs, t.offsets[b + 1] - first);
      alignas(64) int32_t index[fit_room];
      const bool any_nearer =
          read_entries(t.root ? t.root + first : nullptr, t.reflection + first, count, scratch_.root.values, index);
      const Planes<T> q = source_.gather(own_.basis, index, count);
      Plane<T>* target = scratch_.target;
      put_targets(loss_ == Loss::chord, t.omega + first, t.weight ? t.weight + first : nullptr, count, target[0].values,
                  target[1].values, target[2].values);
      const TargetPlanes<T> targets = {target[0].values, target[1].values, target[2].values};
      any_nearer ? list_geometry<true>(q, targets, count) : list_geometry<false>(q, targets, count);
      put(FitIndex::loss, loss_ == Loss::chord ? list_chords(targets, count)
                                               : angles<false>(scratch_.sin1, scratch_.cos1, targets, targets, count));
      gradient<true>(q, count);
      if constexpr (matrix == FitMatrix::all) normal<true>(q, count);
      fresh_ = false;
    }
  }

  // Roots as numbers, and the index of no reflection for a root that there is not. True where some entry asks for the nearer
  // root. A vector's worth is written beyond the count.
  [[gnu::noinline]] bool read_entries(const uint8_t* given, const int32_t* reflection, int64_t count, T* root,
                                      int32_t* index) const {
    const auto none = static_cast<uint32_t>(p_.reflections.count);
    const auto within = [none](int32_t n) { return static_cast<int32_t>(std::min(static_cast<uint32_t>(n), none)); };
    for (int64_t i = 0; i < count; i += 16) expect_loads(reflection + i);
    uint8_t least = given ? 255 : 0;
    if (given) {
      for (int64_t i = 0; i < count; i += 64) expect_loads(given + i);
      for (int64_t i = 0; i < count; ++i) {
        const uint8_t number = given[i];
        least = std::min(number, least);
        index[i] = number <= 2 ? within(reflection[i]) : static_cast<int32_t>(none);
        root[i] = static_cast<T>(number);
      }
    } else {
      for (int64_t i = 0; i < count; ++i) index[i] = within(reflection[i]), root[i] = T(0);
    }
    for (int64_t i = count; i < count + lanes<T>; ++i) root[i] = T(1), index[i] = static_cast<int32_t>(none);
    return least == 0;
  }

  // Unit vector and crossing of each entry, with the sign of its root.
  template <bool any_nearer>
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
      const V number = load(scratch_.root.values + i);
      LaneMask<T> second = number > one;
      if constexpr (any_nearer) second = second || (number <= zero && second_is_nearer(x, target, i));
      const V s = select(second, -x.s, x.s), uxc = x.ux * x.c, uyc = x.uy * x.c;
      store(scratch_.sin1.values + i, mul_add(x.ux, s, uyc)), store(scratch_.cos1.values + i, mul_sub(x.uy, s, uxc));
      const V inverse_s = select(contributes, x.inverse_s, zero);
      store_crossing(x, select(second, -inverse_s, inverse_s), i);
    }
    put(counts);
  }

  // The target t is nearer to root 2 where (sin t, cos t) . (root 1 - root 2) = 2 s (ux sin t + uy cos t) < 0.
  [[gnu::always_inline]] LaneMask<T> second_is_nearer(const Crossing<V>& x, const TargetPlanes<T>& target, int64_t i) {
    SineCosine<V> t;
    if (loss_ == Loss::chord)
      t = {load(target.a + i), load(target.b + i)};
    else
      t = sine_cosine(load(target.a + i));
    return mul_add(x.ux, t.sine, x.uy * t.cosine) * x.s < V(T(0));
  }

  // Twice the chord loss of entries, as angles().
  [[gnu::noinline]] V list_chords(TargetPlanes<T> target, int64_t count) {
    const V zero(T(0));
    V loss;
    for (int64_t i = 0; i < count; i += lanes<T>) {
      const V w = load_masked(load(scratch_.inverse_s.values + i) != zero, target.weight + i);
      const Residual<V> r = chord_residual(load(scratch_.sin1.values + i), load(scratch_.cos1.values + i),
                                           load(target.a + i), load(target.b + i));
      loss = mul_add(w, r.twice_loss, loss);
      store(scratch_.sin1.values + i, w * r.slope);
      if constexpr (matrix != FitMatrix::none) store(scratch_.cos1.values + i, w);
    }
    return loss;
  }

  const OmegaLossProblem<T>& p_;
  const T* shared_;
  Loss loss_;
  T cut_;
  bool opposites_share_, fresh_ = true;  // fresh: nothing of this orientation has been summed
  int parameters_ = 0;
  int order_[fit_parameters], elements_[fit_normals];  // of gradient and normal matrix that are written, among all
  Settings<T> settings_;
  Setting<T> own_;
  Source<T> source_;
  FitTotals<T, matrix> totals_;
  FitScratch<T, matrix == FitMatrix::all> scratch_;
};

template <class T, FitMatrix matrix, FitMode mode>
[[gnu::noinline]] static void fit(const OmegaLossProblem<T>& p, const T* shared_targets, int64_t first, int64_t last) {
  Fit<T, matrix, mode> fit(p, shared_targets);
  for (int64_t b = first; b < last; ++b) fit.run(b);
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
