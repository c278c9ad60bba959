// omega_loss on lanes. A chunk of pairs passes through short loops over L1: geometry, residuals of each root, sums. The chord
// loss needs no angle, and its pairs stay in registers.
#pragma once

#include "cpu/simd/fit_matrix.hpp"
#include "cpu/simd/targets.hpp"

namespace braggrad::cpu::BRG_LEVEL {

// Everything the loops of a chunk hand to each other.
template <class T>
struct FitScratch {
  Plane<T> sin1, cos1, sin2, cos2;  // unit vectors of the roots; later slopes (sin) and matrix weights (cos)
  Plane<T> c, inverse_s, ux, uy;    // crossing
  Plane<T> weight1, weight2;        // of targets that contribute
  Plane<T> weight3, weight4;        // of the opposite reflections' targets
  Plane<T> target[6], root;         // targets of this orientation alone
  FitRows<T> rows;
};

template <class T, FitMatrix matrix, bool counted>
class Fit {
 public:
  using V = Lanes<T>;

  [[gnu::always_inline]] Fit(const OmegaLossProblem<T>& problem, const T* shared_targets)
      : p_(problem),
        shared_(shared_targets),
        loss_(static_cast<Loss>(problem.targets.loss)),
        cut_(static_cast<T>(problem.frame.grazing_cut)),
        from_rotated_(problem.orientations.magnitude_from_rotated),
        source_(problem.reflections, problem.orientations.reciprocal_basis != nullptr) {}

  [[gnu::always_inline]] void run(int64_t b) {
    own_ = make_setting(p_.frame, p_.orientations, b);
    usable_ = is_usable(own_);
    // Nothing of an orientation that is not finite diffracts: q = 0 in place of its rotation does the same.
    if (!usable_) own_ = {Mat3<T>{}, Mat3<T>{}, make_beam<T>(1, 0, 1)};
    sums_.clear();
    fresh_ = true;
    if (p_.targets.offsets)
      listed(b);
    else if (shared_ && matrix != FitMatrix::all && opposites_share(p_.frame, p_.orientations, p_.reflections))
      friedel();
    else
      dense(b);
    if (fresh_) sums_.clear_all();
    store_fit(p_, b, sums_.total(p_.targets.missing_loss, own_));
  }

 private:
  [[gnu::noinline]] void dense(int64_t b) {
    const OmegaTargets<T>& t = p_.targets;
    const int64_t stride = reflection_planes_stride(p_.reflections.count);
    for (int64_t first = 0; first < p_.reflections.count; first += fit_chunk<T>) {
      const int64_t count = smaller(fit_chunk<T>, p_.reflections.count - first);
      const Planes<T> q = source_.chunk(own_.basis, first, count);
      TargetPlanes<T> one, two;
      if (shared_) {
        const T* a = shared_ + first;
        one = {a, a + stride, a + 2 * stride}, two = {a + 3 * stride, a + 4 * stride, a + 5 * stride};
      } else {
        const int64_t at = b * t.orientation_stride + first;
        const auto own = [at](const T* values) { return values ? values + at : nullptr; };
        Plane<T>* planes = scratch_.target;
        put_targets(loss_ == Loss::chord, own(t.omega1), own(t.weight1), count, planes[0].values, planes[1].values,
                    planes[2].values);
        put_targets(loss_ == Loss::chord, own(t.omega2), own(t.weight2), count, planes[3].values, planes[4].values,
                    planes[5].values);
        one = {planes[0].values, planes[1].values, planes[2].values};
        two = {planes[3].values, planes[4].values, planes[5].values};
      }
      if (loss_ == Loss::chord) {
        chord<false>(q, {one, two, {}, {}}, count);
      } else {
        geometry(q, count, [&](int64_t i, const Pair<V>& pair, LaneMask<T> contributing) {
          if constexpr (counted) sums_.observable += count_true(pair.crossing.observable);
          const V w1 = load(one.weight + i), w2 = load(two.weight + i);
          count_targets(w1, pair.crossing.observable, contributing);
          count_targets(w2, pair.crossing.observable, contributing);
          store(scratch_.weight1.values + i, select(contributing, w1, V(T(0))));
          store(scratch_.weight2.values + i, select(contributing, w2, V(T(0))));
        });
        V loss;
        loss = loss + angles(scratch_.sin1, scratch_.cos1, one.a, scratch_.weight1, count);
        loss = loss + angles(scratch_.sin2, scratch_.cos2, two.a, scratch_.weight2, count);
        sums_.add_loss(loss, fresh_);
        gradient<false>(q, count);
      }
      if constexpr (matrix == FitMatrix::all) add_rows<false>(q, count);
      fresh_ = false;
    }
  }

  // A list whose second half is the opposite of its first, at chi = 0. A reflection and its opposite share crossing, angles up
  // to half a turn, and G_bar q^T: their slopes and matrix weights are added before the sums.
  [[gnu::noinline]] void friedel() {
    const int64_t stride = reflection_planes_stride(p_.reflections.count), half = p_.reflections.count / 2;
    for (int64_t first = 0; first < half; first += fit_chunk<T>) {
      const int64_t count = smaller(fit_chunk<T>, half - first);
      const Planes<T> q = source_.chunk(own_.basis, first, count);
      const auto planes = [&](int64_t at) {
        return TargetPlanes<T>{shared_ + at, shared_ + at + stride, shared_ + at + 2 * stride};
      };
      const TargetPlanes<T> one = planes(first), two = planes(first + 3 * stride);
      const TargetPlanes<T> three = planes(first + half), four = planes(first + half + 3 * stride);
      if (loss_ == Loss::chord) {
        chord<true>(q, {one, two, three, four}, count);
        fresh_ = false;
        continue;
      }
      geometry(q, count, [&](int64_t i, const Pair<V>& pair, LaneMask<T> contributing) {
        const LaneMask<T> inside = first_lanes<T>(count - i);
        const LaneMask<T> observable = inside && pair.crossing.observable;
        if constexpr (counted) sums_.observable += 2 * count_true(observable);
        const auto keep = [&](Plane<T>& plane, const T* weights) {
          const V w = select(inside, load(weights + i), V(T(0)));
          count_targets(w, observable, contributing);
          store(plane.values + i, select(contributing, w, V(T(0))));
        };
        keep(scratch_.weight1, one.weight), keep(scratch_.weight2, two.weight);
        keep(scratch_.weight3, three.weight), keep(scratch_.weight4, four.weight);
      });
      V loss;
      loss = loss + opposites(scratch_.sin1, scratch_.cos1, one, scratch_.weight1, three, scratch_.weight3, count);
      loss = loss + opposites(scratch_.sin2, scratch_.cos2, two, scratch_.weight2, four, scratch_.weight4, count);
      sums_.add_loss(loss, fresh_);
      gradient<false>(q, count);
      fresh_ = false;
    }
  }

  // Residuals of one root of reflections and of their opposites, as angles_of.
  V opposites(Plane<T>& sines, Plane<T>& cosines, const TargetPlanes<T>& target, const Plane<T>& weight,
              const TargetPlanes<T>& opposite_target, const Plane<T>& opposite_weight, int64_t count) {
    const auto run = [&](auto kind) {
      return opposites_of<decltype(kind)::value>(sines, cosines, target, weight, opposite_target, opposite_weight,
                                                 count);
    };
    if (loss_ == Loss::squares) return run(std::integral_constant<Loss, Loss::squares>());
    if (loss_ == Loss::huber) return run(std::integral_constant<Loss, Loss::huber>());
    return run(std::integral_constant<Loss, Loss::norm>());
  }

  template <Loss kind>
  [[gnu::noinline]] V opposites_of(Plane<T>& sines, Plane<T>& cosines, const TargetPlanes<T>& target,
                                   const Plane<T>& weight, const TargetPlanes<T>& opposite_target,
                                   const Plane<T>& opposite_weight, int64_t count) {
    const V delta(static_cast<T>(p_.targets.delta));
    V loss;
    for (int64_t i = 0; i < count; i += lanes<T>) {
      const V s = load(sines.values + i), c = load(cosines.values + i);
      const V w = load(weight.values + i), v = load(opposite_weight.values + i);
      const V a = load(target.a + i), b = load(opposite_target.a + i);
      const OppositeAngles<V> omega = opposite_unit_angles(s, c);
      const Residual<V> r = angle_residual(kind, delta, difference_of_angles(omega.angle, a));
      const Residual<V> o = angle_residual(kind, delta, difference_of_angles(omega.opposite, b));
      loss = mul_add(w, r.loss, mul_add(v, o.loss, loss));
      store(sines.values + i, mul_add(w, r.slope, v * o.slope));
      if constexpr (matrix != FitMatrix::none) store(cosines.values + i, mul_add(w, r.weight, v * o.weight));
    }
    return loss;
  }

  // Entries of a list: one target each, its root given or the nearer one. Root 2 is root 1 with the other sign of s, so from
  // there on an entry has one root only.
  [[gnu::noinline]] void listed(int64_t b) {
    const OmegaTargets<T>& t = p_.targets;
    for (int64_t first = t.offsets[b]; first < t.offsets[b + 1]; first += fit_chunk<T>) {
      const int64_t count = smaller(fit_chunk<T>, t.offsets[b + 1] - first);
      alignas(64) int32_t index[fit_room<T>];
      T* root = scratch_.root.values;
      const int32_t* reflection = t.reflection + first;
      const bool any_nearer = t.root ? read_roots(t.root + first, reflection, count, root, index) : true;
      if (!t.root) {
        std::memcpy(index, reflection, static_cast<size_t>(count) * sizeof(int32_t));
        std::memset(root, 0, static_cast<size_t>(count) * sizeof(T));
      }
      for (int64_t i = count; i < count + lanes<T>; ++i) root[i] = 1, index[i] = -1;
      const Planes<T> q = source_.gather(own_.basis, index, count);
      Plane<T>* target = scratch_.target;
      put_targets(loss_ == Loss::chord, t.omega + first, t.weight ? t.weight + first : nullptr, count, target[0].values,
                  target[1].values, target[2].values);
      list_geometry(q, count, any_nearer);
      sums_.add_loss(loss_ == Loss::chord
                         ? list_chords(count)
                         : angles(scratch_.sin1, scratch_.cos1, target[0].values, scratch_.weight1, count),
                     fresh_);
      gradient<true>(q, count);
      if constexpr (matrix == FitMatrix::all) add_rows<true>(q, count);
      fresh_ = false;
    }
  }

  // Roots as numbers, and index -1 for a root that there is not. True where some entry asks for the nearer root.
  [[gnu::noinline]] static bool read_roots(const uint8_t* given, const int32_t* reflection, int64_t count, T* root,
                                           int32_t* index) {
    for (int64_t i = 0; i < count; i += 16) expect_loads(reflection + i);
    for (int64_t i = 0; i < count; i += 64) expect_loads(given + i);
    uint8_t least = 255;
    for (int64_t i = 0; i < count; ++i) {
      const int32_t n = reflection[i];
      const uint8_t number = given[i];
      least = number < least ? number : least;
      index[i] = number <= 2 ? n : -1;
      root[i] = static_cast<T>(number);
    }
    return least == 0;
  }

  // Unit vector and crossing of each entry, with the sign of its root.
  [[gnu::noinline]] void list_geometry(const Planes<T>& planes, int64_t count, bool any_nearer) {
    const Setting<V> setting = broadcast(own_);
    const V zero(T(0)), one(T(1));
    for (int64_t i = 0; i < count; i += lanes<T>) {
      const Reflection<V> r = load(planes, i);
      const Pair<V> pair = pair_of(setting, r.q, r.q2, from_rotated_);
      const Crossing<V>& x = pair.crossing;
      const LaneMask<T> contributing = contributing_lanes(x, setting.beam, cut_);
      const V w = load(scratch_.target[2].values + i), number = load(scratch_.root.values + i);
      if constexpr (counted) sums_.observable += count_true(x.observable && w > zero);
      count_targets(w, x.observable, contributing);
      LaneMask<T> second = number > one;
      if (any_nearer) second = second || (number <= zero && second_is_nearer(root_vectors(x), i));
      const V s = select(second, -x.s, x.s), uxc = x.ux * x.c, uyc = x.uy * x.c;
      store(scratch_.sin1.values + i, mul_add(x.ux, s, uyc)), store(scratch_.cos1.values + i, mul_sub(x.uy, s, uxc));
      store(scratch_.c.values + i, x.c);
      store(scratch_.inverse_s.values + i, select(second, -x.inverse_s, x.inverse_s));
      store(scratch_.ux.values + i, x.ux), store(scratch_.uy.values + i, x.uy);
      store(scratch_.weight1.values + i, select(contributing, w, zero));
    }
  }

  [[gnu::always_inline]] LaneMask<T> second_is_nearer(const RootVectors<V>& v, int64_t i) {
    const V target = load(scratch_.target[0].values + i);
    if (loss_ == Loss::chord) {
      const V cosine = load(scratch_.target[1].values + i);
      return chord_residual(v.sin2, v.cos2, target, cosine).loss < chord_residual(v.sin1, v.cos1, target, cosine).loss;
    }
    return absolute(difference_of_angles(unit_angle(v.sin2, v.cos2), target)) <
           absolute(difference_of_angles(unit_angle(v.sin1, v.cos1), target));
  }

  [[gnu::noinline]] V list_chords(int64_t count) {
    V loss;
    for (int64_t i = 0; i < count; i += lanes<T>) {
      const V w = load(scratch_.weight1.values + i);
      const Residual<V> r = chord_residual(load(scratch_.sin1.values + i), load(scratch_.cos1.values + i),
                                           load(scratch_.target[0].values + i), load(scratch_.target[1].values + i));
      loss = mul_add(w, r.loss, loss);
      store(scratch_.sin1.values + i, w * r.slope);
      if constexpr (matrix != FitMatrix::none) store(scratch_.cos1.values + i, w);
    }
    return loss;
  }

  [[gnu::always_inline]] void count_targets(V weight, LaneMask<T> observable, LaneMask<T> contributing) {
    if constexpr (counted) {
      const V zero(T(0));
      const LaneMask<T> target = weight > zero;
      sums_.matched += count_true(target && contributing);
      sums_.missing += count_true(target && !observable);
      sums_.grazing += count_true(target && observable && !contributing);
      sums_.missing_weight.add(select(observable, zero, weight));
    }
  }

  // Unit vectors and crossings of the chunk; body(i, pair, contributing) sees each vector of pairs.
  template <class Body>
  [[gnu::noinline]] void geometry(const Planes<T>& planes, int64_t count, const Body& body) {
    const Setting<V> setting = broadcast(own_);
    for (int64_t i = 0; i < count; i += lanes<T>) {
      const Reflection<V> r = load(planes, i);
      const Pair<V> pair = pair_of(setting, r.q, r.q2, from_rotated_);
      const Crossing<V>& x = pair.crossing;
      const RootVectors<V> v = root_vectors(x);
      store(scratch_.sin1.values + i, v.sin1), store(scratch_.cos1.values + i, v.cos1);
      store(scratch_.sin2.values + i, v.sin2), store(scratch_.cos2.values + i, v.cos2);
      store(scratch_.c.values + i, x.c), store(scratch_.inverse_s.values + i, x.inverse_s);
      store(scratch_.ux.values + i, x.ux), store(scratch_.uy.values + i, x.uy);
      body(i, pair, contributing_lanes(x, setting.beam, cut_));
    }
  }

  // Residuals of one root: returns the loss, puts slopes in place of the sines and matrix weights in place of the cosines.
  V angles(Plane<T>& sines, Plane<T>& cosines, const T* target, const Plane<T>& weight, int64_t count) {
    if (loss_ == Loss::squares) return angles_of<Loss::squares>(sines, cosines, target, weight, count);
    if (loss_ == Loss::huber) return angles_of<Loss::huber>(sines, cosines, target, weight, count);
    return angles_of<Loss::norm>(sines, cosines, target, weight, count);
  }

  template <Loss kind>
  [[gnu::noinline]] V angles_of(Plane<T>& sines, Plane<T>& cosines, const T* target, const Plane<T>& weight,
                                int64_t count) {
    const V delta(static_cast<T>(p_.targets.delta));
    const V half(T(0.5));
    V loss;
    for (int64_t i = 0; i < count; i += lanes<T>) {
      const V omega = unbounded_angle(load(sines.values + i), load(cosines.values + i)), w = load(weight.values + i);
      const V difference = difference_of_angles(omega, load(target + i));
      const Residual<V> r = angle_residual(kind, delta, difference);
      const V slope = w * r.slope;
      // The loss of squares is slope times difference, halved at the end.
      loss = kind == Loss::squares ? mul_add(slope, difference, loss) : mul_add(w, r.loss, loss);
      store(sines.values + i, slope);
      if constexpr (matrix != FitMatrix::none) store(cosines.values + i, w * r.weight);
    }
    return kind == Loss::squares ? half * loss : loss;
  }

  // Sums of the slopes, from L1. `single`: root 1 only.
  template <bool single>
  [[gnu::always_inline]] void gradient(const Planes<T>& planes, int64_t count) {
    from_rotated_ ? gradient_of<single, true>(planes, count) : gradient_of<single, false>(planes, count);
  }

  template <bool single, bool from_rotated>
  [[gnu::noinline]] void gradient_of(const Planes<T>& planes, int64_t count) {
    const Setting<V> setting = broadcast(own_);
    const V zero(T(0));
    FitPartial<T, matrix> partial;
    for (int64_t i = 0; i < count; i += lanes<T>) {
      const Pair<V> pair = reload(setting, planes, i);
      partial.add(setting, pair, from_rotated, load(scratch_.sin1.values + i),
                  single ? zero : load(scratch_.sin2.values + i));
      if constexpr (matrix == FitMatrix::rotation)
        partial.template add_turns<single>(setting, pair, load(scratch_.cos1.values + i),
                                           single ? zero : load(scratch_.cos2.values + i));
    }
    sums_.add(partial, fresh_);
  }

  [[gnu::always_inline]] Pair<V> reload(const Setting<V>& setting, const Planes<T>& planes, int64_t i) {
    const Reflection<V> r = load(planes, i);
    const Vec3<V> g = multiply(setting.rotation, r.q);
    const auto from = [i](const Plane<T>& plane) { return load(plane.values + i); };
    const V zero(T(0));
    return {r.q, g, from_rotated_ ? dot(g, g) : r.q2,
            Crossing<V>{from(scratch_.c), zero, from(scratch_.inverse_s), from(scratch_.ux), from(scratch_.uy),
                        zero > zero}};
  }

  // Targets of both roots of reflections, and of their opposites.
  struct ChordTargets {
    TargetPlanes<T> one, two, three, four;
  };

  // The chord loss of a chunk. `opposites`: with the opposite reflections, which have the opposite unit vectors.
  template <bool opposites>
  [[gnu::noinline]] void chord(const Planes<T>& planes, const ChordTargets& t, int64_t count) {
    const Setting<V> setting = broadcast(own_);
    const V zero(T(0));
    V loss;
    FitPartial<T, matrix> partial;
    for (int64_t i = 0; i < count; i += lanes<T>) {
      const Reflection<V> r = load(planes, i);
      const Pair<V> pair = pair_of(setting, r.q, r.q2, from_rotated_);
      const RootVectors<V> v = root_vectors(pair.crossing);
      LaneMask<T> contributing = contributing_lanes(pair.crossing, setting.beam, cut_), counting = {};
      if constexpr (opposites) {
        counting = first_lanes<T>(count - i);
        contributing = contributing && counting;
      }
      if constexpr (counted) {
        const LaneMask<T> observable = opposites ? pair.crossing.observable && counting : pair.crossing.observable;
        sums_.observable += (opposites ? 2 : 1) * count_true(observable);
      }
      const auto weight = [&](const TargetPlanes<T>& target) {
        V given = load(target.weight + i);
        if constexpr (opposites && counted) given = select(counting, given, zero);
        count_targets(given, pair.crossing.observable, contributing);
        return select(contributing, given, zero);
      };
      // Adds one target; its slope and matrix weight are added to those of the root.
      const auto add = [&](const TargetPlanes<T>& target, V sine, V cosine, V& slope, V& matrix_weight) {
        const V w = weight(target);
        const Residual<V> residual = chord_residual(sine, cosine, load(target.a + i), load(target.b + i));
        loss = mul_add(w, residual.loss, loss);
        slope = mul_add(w, residual.slope, slope);
        if constexpr (matrix != FitMatrix::none) matrix_weight = matrix_weight + w;
      };
      V slope1, slope2, v1, v2;
      add(t.one, v.sin1, v.cos1, slope1, v1);
      add(t.two, v.sin2, v.cos2, slope2, v2);
      if constexpr (opposites) {
        add(t.three, -v.sin1, -v.cos1, slope1, v1);
        add(t.four, -v.sin2, -v.cos2, slope2, v2);
      }
      partial.add(setting, pair, from_rotated_, slope1, slope2);
      if constexpr (matrix == FitMatrix::rotation) partial.template add_turns<false>(setting, pair, v1, v2);
      if constexpr (matrix == FitMatrix::all) {
        const Crossing<V>& x = pair.crossing;
        store(scratch_.c.values + i, x.c), store(scratch_.inverse_s.values + i, x.inverse_s);
        store(scratch_.ux.values + i, x.ux), store(scratch_.uy.values + i, x.uy);
        store(scratch_.cos1.values + i, v1), store(scratch_.cos2.values + i, v2);
      }
    }
    sums_.add_loss(loss, fresh_);
    sums_.add(partial, fresh_);
  }

  // Rows of J, those of root 2 behind those of root 1, and their products. `single`: root 1 only.
  template <bool single>
  [[gnu::noinline]] void add_rows(const Planes<T>& planes, int64_t count) {
    const Setting<V> setting = broadcast(own_);
    const V zero(T(0)), one(T(1));
    const int64_t padded = (count + lanes<T> - 1) / lanes<T> * lanes<T>;
    FitRows<T>& rows = scratch_.rows;
    for (int64_t i = 0; i < count; i += lanes<T>) {
      const Pair<V> pair = reload(setting, planes, i);
      const TurnRows<V> turn = turn_rows(setting, pair);
      const auto put = [&](int64_t at, V w1, V w2, V x, V y, const Plane<T>& weight) {
        Jacobian<V> row = jacobian(setting, pair, pair_vjp(setting, pair, from_rotated_, w1, w2));
        row.values[0] = x, row.values[1] = y;  // the same bits whatever else is asked for
        put_row(rows, at, row, load(weight.values + i));
      };
      put(i, one, zero, turn.x1, turn.y1, scratch_.cos1);
      if constexpr (!single) put(padded + i, zero, one, turn.x2, turn.y2, scratch_.cos2);
    }
    sums_.normal.add(rows, single ? padded : 2 * padded, fresh_);
  }

  const OmegaLossProblem<T>& p_;
  const T* shared_;
  Loss loss_;
  T cut_;
  bool from_rotated_, usable_ = false, fresh_ = true;  // fresh: nothing of this orientation has been summed
  Setting<T> own_;
  Source<T> source_;
  FitTotals<T, matrix> sums_;
  FitScratch<T> scratch_;
};

template <class T, FitMatrix matrix, bool counted>
static void fit(const OmegaLossProblem<T>& p, const T* shared_targets, int64_t first, int64_t last) {
  Fit<T, matrix, counted> fit(p, shared_targets);
  for (int64_t b = first; b < last; ++b) fit.run(b);
}

// Orientations first ... last - 1. `shared_targets`: what prepare_targets wrote, or NULL.
template <class T>
void omega_loss(const OmegaLossProblem<T>& p, const T* shared_targets, int64_t first, int64_t last) {
  const auto& out = p.output;
  const bool counted = out.observable || out.matched || out.missing || out.grazing || p.targets.missing_loss > 0;
  const bool parameters = out.gradient || out.normal;
  const auto choose = [&](auto with_counts) {
    constexpr bool c = decltype(with_counts)::value;
    if (!parameters)
      fit<T, FitMatrix::none, c>(p, shared_targets, first, last);
    else if (out.parameters == 1)
      fit<T, FitMatrix::rotation, c>(p, shared_targets, first, last);
    else
      fit<T, FitMatrix::all, c>(p, shared_targets, first, last);
  };
  counted ? choose(std::true_type()) : choose(std::false_type());
}

}  // namespace braggrad::cpu::BRG_LEVEL
