// Adjoint and directional derivative of predict on lanes.
#pragma once

#include "cpu/simd/predict.hpp"
#include "cpu/simd/sums.hpp"

namespace braggrad::cpu::BRG_LEVEL {

// Crossings of a chunk in L1, with 1/s = 0 where a pair contributes nothing.
template <class T>
struct CrossingPlanes {
  alignas(64) T c[chunk_room];
  alignas(64) T s[chunk_room];
  alignas(64) T inverse_s[chunk_room];
  alignas(64) T ux[chunk_room];
  alignas(64) T uy[chunk_room];
};

template <class T, bool with_s, bool grazing, bool from_rotated>
[[gnu::noinline]] static void put_crossings(const Setting<T>& own, T grazing_cut, const Planes<T>& planes,
                                            int64_t count, CrossingPlanes<T>& out) {
  using V = Lanes<T>;
  const Setting<V> setting = broadcast(own);
  const V cut(grazing_cut), zero(T(0));
  for (int64_t i = 0; i < count; i += lanes<T>) {
    const Reflection<V> r = load(planes, i);
    const Crossing<V> x = pair_of(setting, r.q, r.q2, from_rotated).crossing;
    V inverse_s = x.inverse_s;
    if constexpr (grazing) inverse_s = select(contributes(x, setting.beam, cut), inverse_s, zero);
    store(out.c + i, x.c), store(out.inverse_s + i, inverse_s);
    store(out.ux + i, x.ux), store(out.uy + i, x.uy);
    if constexpr (with_s) store(out.s + i, x.s);
  }
}

// One orientation's sums, and its part of q_bar (float64 [N,3], added; or NULL). `only_rotation`: nothing else is wanted.
// Two short loops to a chunk, crossings and then sums, leave each of them enough registers.
template <class T, bool only_rotation, bool from_rotated>
class OrientationVjp {
 public:
  using V = Lanes<T>;

  [[gnu::always_inline]] OrientationVjp(const PredictVjpProblem<T>& problem, WantedSums wanted, int64_t b)
      : p_(problem), wanted_(wanted), own_(make_setting(problem.frame, problem.orientations, b)) {
    const auto cotangents = [&](const T* all) { return all ? all + b * problem.reflections.count : nullptr; };
    bar1_ = cotangents(problem.cotangents.omega1), bar2_ = cotangents(problem.cotangents.omega2);
  }

  [[gnu::always_inline]] OrientationSums run(double* q_bar) {
    if (!is_usable(own_)) return {};
    Source<T> source(p_.reflections, p_.orientations.reciprocal_basis != nullptr);
    const T cut = static_cast<T>(p_.frame.grazing_cut);
    for (int64_t first = 0; first < p_.reflections.count; first += chunk_pairs) {
      const int64_t count = smaller(chunk_pairs, p_.reflections.count - first);
      const Planes<T> planes = source.chunk(own_.basis, first, count);
      cut > 0 ? put_crossings<T, !only_rotation, true, from_rotated>(own_, cut, planes, count, crossings_)
              : put_crossings<T, !only_rotation, false, from_rotated>(own_, cut, planes, count, crossings_);
      add(planes, first, count, q_bar);
    }
    return total();
  }

 private:
  [[gnu::noinline]] void add(const Planes<T>& planes, int64_t first, int64_t count, double* q_bar) {
    const Setting<V> setting = broadcast(own_);
    const V zero(T(0));
    const T *bar1 = bar1_ ? bar1_ + first : nullptr, *bar2 = bar2_ ? bar2_ + first : nullptr;
    Mat3<V> partial;
    for (int64_t i = 0; i < count; i += lanes<T>) {
      expect_loads(bar1 + i), expect_loads(bar2 + i);
      const Pair<V> pair = reload(setting, planes, i);
      const LaneMask<T> contributing = pair.crossing.inverse_s != zero;
      const V w1 = bar1 ? load_where(contributing, bar1 + i, count - i) : zero;
      const V w2 = bar2 ? load_where(contributing, bar2 + i, count - i) : zero;
      const CrossingBar<V> bar = pair_vjp(setting, pair, from_rotated, w1, w2);
      add_product<T>(partial, bar.g, pair.q);
      if constexpr (!only_rotation) add_others(setting, pair, bar, w1, w2, first + i, count - i, q_bar);
    }
    rotation_.add(partial);
  }

  [[gnu::always_inline]] Pair<V> reload(const Setting<V>& setting, const Planes<T>& planes, int64_t i) const {
    const Reflection<V> r = load(planes, i);
    const CrossingPlanes<T>& x = crossings_;
    const V zero(T(0)), s = only_rotation ? zero : load(x.s + i);
    const Vec3<V> g = multiply(setting.rotation, r.q);
    return {r.q, g, from_rotated ? dot(g, g) : r.q2,
            Crossing<V>{load(x.c + i), s, load(x.inverse_s + i), load(x.ux + i), load(x.uy + i), zero > zero}};
  }

  // Beyond the rotation: reflections n ... of which `rest` are left in the chunk.
  [[gnu::always_inline]] void add_others(const Setting<V>& setting, const Pair<V>& pair, const CrossingBar<V>& bar,
                                         V w1, V w2, int64_t n, int64_t rest, double* q_bar) {
    if (wanted_.scalars) wavenumber_.add(bar.wavenumber), chi_.add(bar.chi);
    if (wanted_.frame) {
      const FrameRates<V> rates = frame_rates(pair.crossing, setting.beam, pair.g);
      const Vec3<V> beam = w1 * rates.beam1 + w2 * rates.beam2, axis = w1 * rates.axis1 + w2 * rates.axis2;
      beam_x_.add(beam.x), beam_y_.add(beam.y), beam_z_.add(beam.z);
      axis_x_.add(axis.x), axis_y_.add(axis.y), axis_z_.add(axis.z);
    }
    if (!wanted_.basis && !q_bar) return;
    const Vec3<V> q = q_cotangent(setting, pair, bar);
    if (wanted_.basis) {
      const int64_t stride = reflection_planes_stride(p_.reflections.count);
      const T* h = p_.reflections.planes + 4 * stride + n;
      Mat3<V> term;
      add_product<T>(term, q, {load(h), load(h + stride), load(h + 2 * stride)});
      basis_.add(term);
    }
    if (q_bar) {
      alignas(64) T values[3 * lanes<T>];
      store_three(values, q, lanes<T>);
      for (int64_t j = 0; j < 3 * smaller(rest, lanes<T>); ++j) q_bar[3 * n + j] += static_cast<double>(values[j]);
    }
  }

  [[gnu::always_inline]] OrientationSums total() const {
    OrientationSums sums;
    if constexpr (only_rotation) {
      Totals<9> totals;
      rotation_.give(totals);
      double sum[totals.room];
      totals.get(sum);
      sums.rotation = load_matrix<double>(sum, false);
    } else {
      Totals<26> totals;
      rotation_.give(totals), basis_.give(totals);
      for (const Sum<T>* sum : {&wavenumber_, &chi_, &beam_x_, &beam_y_, &beam_z_, &axis_x_, &axis_y_, &axis_z_})
        totals.take(*sum);
      double sum[totals.room];
      totals.get(sum);
      sums = {load_matrix<double>(sum, false), load_matrix<double>(sum + 9, false), sum[18], sum[19],
              load_vector<double>(sum + 20),   load_vector<double>(sum + 23)};
    }
    return sums;
  }

  const PredictVjpProblem<T>& p_;
  WantedSums wanted_;
  Setting<T> own_;
  const T *bar1_, *bar2_;
  MatrixSum<T> rotation_, basis_;
  Sum<T> wavenumber_, chi_, beam_x_, beam_y_, beam_z_, axis_x_, axis_y_, axis_z_;
  CrossingPlanes<T> crossings_;
};

template <class T>
static OrientationSums predict_vjp(const PredictVjpProblem<T>& p, WantedSums wanted, int64_t b, double* q_bar) {
  const bool others = wanted.basis || wanted.scalars || wanted.frame || q_bar;
  if (p.orientations.magnitude_from_rotated)
    return others ? OrientationVjp<T, false, true>(p, wanted, b).run(q_bar)
                  : OrientationVjp<T, true, true>(p, wanted, b).run(nullptr);
  return others ? OrientationVjp<T, false, false>(p, wanted, b).run(q_bar)
                : OrientationVjp<T, true, false>(p, wanted, b).run(nullptr);
}

template <class T>
BRG_SIMD SettingDot<Lanes<T>> broadcast(const SettingDot<T>& dot) {
  using V = Lanes<T>;
  return {core::broadcast<V>(dot.rotation), core::broadcast<V>(dot.basis), V(dot.wavenumber), V(dot.chi),
          core::broadcast<V>(dot.beam),     core::broadcast<V>(dot.axis)};
}

// dq of reflections n ... of which `rest` are left.
template <class T>
BRG_SIMD Vec3<Lanes<T>> load_q_dot(const Reflections<T>& reflections, const OrientationsTangent<T>& tangent,
                                   const SettingDot<Lanes<T>>& change, int64_t n, int64_t rest) {
  Vec3<Lanes<T>> q_dot;
  if (tangent.q) q_dot = load_three(tangent.q + 3 * n, rest);
  if (tangent.reciprocal_basis) {
    const int64_t stride = reflection_planes_stride(reflections.count);
    const T* h = reflections.planes + 4 * stride + n;
    q_dot = q_dot + multiply(change.basis, Vec3<Lanes<T>>{load(h), load(h + stride), load(h + 2 * stride)});
  }
  return q_dot;
}

// Rates of pairs first ... last - 1.
template <class T>
static void predict_jvp(const PredictJvpProblem<T>& p, int64_t first, int64_t last) {
  using V = Lanes<T>;
  const bool from_rotated = p.orientations.magnitude_from_rotated, moves = moves_frame(p.tangent.geometry);
  const V zero(T(0));
  const T cut = static_cast<T>(p.frame.grazing_cut);
  Source<T> source(p.reflections, p.orientations.reciprocal_basis != nullptr);
  for_rows(p.reflections.count, first, last - first, [&](int64_t b, int64_t begin, int64_t at, int64_t row) {
    const Setting<T> own = make_setting(p.frame, p.orientations, b);
    const bool usable = is_usable(own);
    const Setting<V> setting = broadcast(own);
    const SettingDot<V> change = broadcast(make_setting_dot(p.frame, p.orientations, p.tangent, b));
    for (int64_t done = 0; done < row; done += chunk_pairs) {
      const int64_t count = smaller(chunk_pairs, row - done);
      const Planes<T> planes = source.chunk(own.basis, begin + done, count);
      for (int64_t i = 0; i < count; i += lanes<T>) {
        const int64_t n = begin + done + i, rest = count - i, out = first + at + done + i;
        const Reflection<V> r = load(planes, i);
        const Pair<V> pair = pair_of(setting, r.q, r.q2, from_rotated);
        const LaneMask<T> contributing = contributing_lanes(pair.crossing, setting.beam, cut);
        const Roots<V> rates =
            pair_jvp(setting, change, pair, load_q_dot(p.reflections, p.tangent, change, n, rest), from_rotated, moves);
        const auto put = [&](T* to, V value) {
          if (to) store_first(to + out, usable ? select(contributing, value, zero) : zero, rest);
        };
        put(p.roots.omega1, rates.omega1);
        put(p.roots.omega2, rates.omega2);
        if (p.roots.observable) {
          uint8_t flags[most_lanes];
          store_flags<T>(flags, pair.crossing.observable);
          for (int64_t j = 0; j < smaller(rest, lanes<T>); ++j) p.roots.observable[out + j] = usable ? flags[j] : 0;
        }
      }
    }
  });
}

}  // namespace braggrad::cpu::BRG_LEVEL
