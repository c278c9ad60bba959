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
        from_rotated_(problem.orientations.magnitude_from_rotated),
        source_(problem.reflections, problem.orientations.reciprocal_basis != nullptr) {}

  [[gnu::always_inline]] void run(int64_t b) {
    own_ = make_setting(p_.frame, p_.orientations, b);
    usable_ = is_usable(own_);
    // Nothing of an orientation that is not finite diffracts: q = 0 in place of its rotation does the same.
    if (!usable_) own_ = {Mat3<T>{}, Mat3<T>{}, make_beam<T>(1, 0, 1)};
    sums_ = FitTotals<T, matrix>();
    if (p_.targets.offsets)
      listed(b);
    else
      dense(b);
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
        chord(q, one, two, count);
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
        sums_.loss.add(loss);
        gradient(q, count);
      }
      if constexpr (matrix == FitMatrix::all) {
        add_rows(q, count, scratch_.cos1, [](int64_t) { return std::pair{V(T(1)), V(T(0))}; });
        add_rows(q, count, scratch_.cos2, [](int64_t) { return std::pair{V(T(0)), V(T(1))}; });
      }
    }
  }

  // Entries of a list: one target each, its root given or the nearer one.
  [[gnu::noinline]] void listed(int64_t b) {
    const OmegaTargets<T>& t = p_.targets;
    const V zero(T(0)), first_root(T(1)), second_root(T(2));
    for (int64_t first = t.offsets[b]; first < t.offsets[b + 1]; first += fit_chunk<T>) {
      const int64_t count = smaller(fit_chunk<T>, t.offsets[b + 1] - first);
      alignas(64) int32_t index[fit_room<T>];
      Plane<T>& root = scratch_.root;
      bool any_nearer = false;
      for (int64_t i = 0; i < count; ++i) {
        const int number = t.root ? t.root[first + i] : 0;
        index[i] = number <= 2 ? t.reflection[first + i] : -1;
        root.values[i] = static_cast<T>(number);
        any_nearer |= number == 0;
      }
      for (int64_t i = count; i < count + lanes<T>; ++i) root.values[i] = 1;
      const Planes<T> q = source_.gather(own_.basis, index, count);
      T *a = scratch_.target[0].values, *cosine = scratch_.target[1].values, *weight = scratch_.target[2].values;
      put_targets(loss_ == Loss::chord, t.omega + first, t.weight ? t.weight + first : nullptr, count, a, cosine,
                  weight);

      geometry(q, count, [&](int64_t i, const Pair<V>& pair, LaneMask<T> contributing) {
        const V w = load(weight + i);
        if constexpr (counted) sums_.observable += count_true(pair.crossing.observable && w > zero);
        count_targets(w, pair.crossing.observable, contributing);
        store(scratch_.weight1.values + i, select(contributing, w, zero));
      });
      V loss;
      for (int64_t i = 0; i < count; i += lanes<T>) {
        const V sin1 = load(scratch_.sin1.values + i), cos1 = load(scratch_.cos1.values + i);
        const V sin2 = load(scratch_.sin2.values + i), cos2 = load(scratch_.cos2.values + i);
        const V target = load(a + i), number = load(root.values + i), w = load(scratch_.weight1.values + i);
        LaneMask<T> second = number > first_root;
        Residual<V> taken;
        if (loss_ == Loss::chord) {
          const V c = load(cosine + i);
          const Residual<V> r1 = chord_residual(sin1, cos1, target, c), r2 = chord_residual(sin2, cos2, target, c);
          second = second || (number <= zero && r2.loss < r1.loss);
          taken = {select(second, r2.loss, r1.loss), select(second, r2.slope, r1.slope), r1.weight};
        } else {
          V difference;
          if (any_nearer) {
            const V d1 = difference_of_angles(unit_angle(sin1, cos1), target),
                    d2 = difference_of_angles(unit_angle(sin2, cos2), target);
            second = second || (number <= zero && absolute(d2) < absolute(d1));
            difference = select(second, d2, d1);
          } else {
            difference =
                difference_of_angles(unit_angle(select(second, sin2, sin1), select(second, cos2, cos1)), target);
          }
          taken = angle_residual(loss_, V(static_cast<T>(t.delta)), difference);
        }
        loss = mul_add(w, taken.loss, loss);
        const V slope = w * taken.slope, v = w * taken.weight;
        store(scratch_.sin1.values + i, select(second, zero, slope));
        store(scratch_.sin2.values + i, select(second, slope, zero));
        if constexpr (matrix != FitMatrix::none) {
          store(scratch_.cos1.values + i, matrix == FitMatrix::all ? v : select(second, zero, v));
          store(scratch_.cos2.values + i, select(second, v, zero));
        }
        if constexpr (matrix == FitMatrix::all) store(root.values + i, select(second, second_root, first_root));
      }
      sums_.loss.add(loss);
      gradient(q, count);
      if constexpr (matrix == FitMatrix::all)
        add_rows(q, count, scratch_.cos1, [&](int64_t i) {
          const LaneMask<T> second = load(root.values + i) > first_root;
          return std::pair{select(second, zero, first_root), select(second, first_root, zero)};
        });
    }
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
    const V cut(static_cast<T>(p_.frame.grazing_cut));
    for (int64_t i = 0; i < count; i += lanes<T>) {
      const Reflection<V> r = load(planes, i);
      const Pair<V> pair = pair_of(setting, r.q, r.q2, from_rotated_);
      const Crossing<V>& x = pair.crossing;
      const RootVectors<V> v = root_vectors(x);
      store(scratch_.sin1.values + i, v.sin1), store(scratch_.cos1.values + i, v.cos1);
      store(scratch_.sin2.values + i, v.sin2), store(scratch_.cos2.values + i, v.cos2);
      store(scratch_.c.values + i, x.c), store(scratch_.inverse_s.values + i, x.inverse_s);
      store(scratch_.ux.values + i, x.ux), store(scratch_.uy.values + i, x.uy);
      body(i, pair, contributes(x, setting.beam, cut));
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
    V loss;
    for (int64_t i = 0; i < count; i += lanes<T>) {
      const V omega = unit_angle(load(sines.values + i), load(cosines.values + i)), w = load(weight.values + i);
      const Residual<V> r = angle_residual(kind, delta, difference_of_angles(omega, load(target + i)));
      loss = mul_add(w, r.loss, loss);
      store(sines.values + i, w * r.slope);
      if constexpr (matrix != FitMatrix::none) store(cosines.values + i, w * r.weight);
    }
    return loss;
  }

  // Sums of the slopes, from L1.
  [[gnu::noinline]] void gradient(const Planes<T>& planes, int64_t count) {
    const Setting<V> setting = broadcast(own_);
    FitPartial<T, matrix> partial;
    for (int64_t i = 0; i < count; i += lanes<T>) {
      const Pair<V> pair = reload(setting, planes, i);
      const V slope1 = load(scratch_.sin1.values + i), slope2 = load(scratch_.sin2.values + i);
      partial.add(setting, pair, from_rotated_, slope1, slope2);
      if constexpr (matrix == FitMatrix::rotation)
        partial.add_rotation(setting, pair, from_rotated_, load(scratch_.cos1.values + i),
                             load(scratch_.cos2.values + i));
    }
    sums_.add(partial);
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

  [[gnu::noinline]] void chord(const Planes<T>& planes, const TargetPlanes<T>& one, const TargetPlanes<T>& two,
                               int64_t count) {
    const Setting<V> setting = broadcast(own_);
    const V cut(static_cast<T>(p_.frame.grazing_cut)), zero(T(0));
    V loss;
    FitPartial<T, matrix> partial;
    for (int64_t i = 0; i < count; i += lanes<T>) {
      const Reflection<V> r = load(planes, i);
      const Pair<V> pair = pair_of(setting, r.q, r.q2, from_rotated_);
      const RootVectors<V> v = root_vectors(pair.crossing);
      const LaneMask<T> contributing = contributes(pair.crossing, setting.beam, cut);
      if constexpr (counted) sums_.observable += count_true(pair.crossing.observable);
      const V given1 = load(one.weight + i), given2 = load(two.weight + i);
      count_targets(given1, pair.crossing.observable, contributing);
      count_targets(given2, pair.crossing.observable, contributing);
      const V w1 = select(contributing, given1, zero), w2 = select(contributing, given2, zero);
      const Residual<V> r1 = chord_residual(v.sin1, v.cos1, load(one.a + i), load(one.b + i));
      const Residual<V> r2 = chord_residual(v.sin2, v.cos2, load(two.a + i), load(two.b + i));
      loss = mul_add(w1, r1.loss, mul_add(w2, r2.loss, loss));
      partial.add(setting, pair, from_rotated_, w1 * r1.slope, w2 * r2.slope);
      if constexpr (matrix == FitMatrix::rotation) partial.add_rotation(setting, pair, from_rotated_, w1, w2);
      if constexpr (matrix == FitMatrix::all) {
        const Crossing<V>& x = pair.crossing;
        store(scratch_.c.values + i, x.c), store(scratch_.inverse_s.values + i, x.inverse_s);
        store(scratch_.ux.values + i, x.ux), store(scratch_.uy.values + i, x.uy);
        store(scratch_.cos1.values + i, w1), store(scratch_.cos2.values + i, w2);
      }
    }
    sums_.loss.add(loss);
    sums_.add(partial);
  }

  // J of one root per pair, chosen by the unit cotangents that roots(i) returns, and its products.
  template <class Roots>
  [[gnu::noinline]] void add_rows(const Planes<T>& planes, int64_t count, const Plane<T>& weight, const Roots& roots) {
    const Setting<V> setting = broadcast(own_);
    for (int64_t i = 0; i < count; i += lanes<T>) {
      const Pair<V> pair = reload(setting, planes, i);
      const auto [w1, w2] = roots(i);
      put_row(scratch_.rows, i, jacobian(setting, pair, pair_vjp(setting, pair, from_rotated_, w1, w2)));
    }
    sums_.normal.add(scratch_.rows, weight, count);
  }

  const OmegaLossProblem<T>& p_;
  const T* shared_;
  Loss loss_;
  bool from_rotated_, usable_ = false;
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
static void omega_loss(const OmegaLossProblem<T>& p, const T* shared_targets, int64_t first, int64_t last) {
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
