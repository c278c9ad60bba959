// Adjoint and directional derivative of predict on lanes.
#pragma once

#include "core/batch.hpp"
#include "cpu/simd/predict.hpp"
#include "cpu/simd/sums.hpp"

namespace braggrad::cpu::BRG_LEVEL {

// Adds the first `count` vectors to sums [count,3].
template <class T>
BRG_SIMD void add_vectors(double* sums, const Vec3<Lanes<T>>& v, int64_t count) {
  alignas(64) T values[3 * lanes<T>];
  store_three(values, v, lanes<T>);
  for (int64_t j = 0; j < 3 * smaller(count, lanes<T>); ++j) sums[j] += static_cast<double>(values[j]);
}

// Crossings of a chunk in L1, with 1/s = 0 where a pair contributes nothing.
template <class T>
struct CrossingPlanes {
  alignas(64) T c[chunk_room];
  alignas(64) T s[chunk_room];
  alignas(64) T inverse_s[chunk_room];
  alignas(64) T ux[chunk_room];
  alignas(64) T uy[chunk_room];
};

// Partial sums of a chunk beyond the rotation.
template <class V>
struct OtherPartials {
  Mat3<V> basis;
  V wavenumber, chi;
  Vec3<V> beam, axis;
};

// The adjoints of orientations. `only_rotation`: nothing else is wanted. Two short loops to a chunk, crossings and then sums,
// leave each of them enough registers.
template <class T, bool only_rotation, bool from_rotated>
class OrientationVjp {
 public:
  using V = Lanes<T>;

  [[gnu::always_inline]] OrientationVjp(const PredictVjpProblem<T>& problem, WantedSums wanted)
      : p_(problem),
        wanted_(wanted),
        settings_(problem.frame, problem.orientations),
        source_(problem.reflections, problem.orientations.reciprocal_basis != nullptr) {}

  // Writes what orientation b has of its own. Its part of q_bar (float64 [N,3]) and of the sums over the batch
  // (BatchSums::count numbers) is added, or these are NULL.
  [[gnu::always_inline]] void run(int64_t b, double* q_bar, double* batch) {
    own_ = settings_[b];
    const int64_t length = settings_.is_usable(own_, b) ? p_.reflections.count : 0;
    fresh_ = true;
    for (int64_t first = 0; first < length; first += sum_pairs<T>)
      add(b * length, first, smaller(sum_pairs<T>, length - first), q_bar);
    if (fresh_) sums_.clear();
    double sum[SumList::room];
    sums_.totals(sum);
    if constexpr (only_rotation) {
      store_rotation(p_.frame, p_.orientations, p_.gradient, b, load_matrix<double>(sum, false));
    } else {
      const OrientationSums sums = {
          load_matrix<double>(sum, false), load_matrix<double>(sum + basis, false), sum[wavenumber], sum[chi],
          load_vector<double>(sum + beam), load_vector<double>(sum + axis)};
      store_orientation(p_.frame, p_.orientations, p_.gradient, b, sums);
      if (batch) add_partial(batch, sums);
    }
  }

 private:
  static constexpr int rotation = 0, basis = 9, wavenumber = 18, chi = 19, beam = 20, axis = 23;
  using SumList = Sums<only_rotation ? 9 : 26>;

  template <bool grazing>
  [[gnu::always_inline]] void put_crossings(const Setting<V>& setting, T grazing_cut, const Planes<T>& planes,
                                            int64_t count) {
    const V cut(grazing_cut), zero(T(0));
    CrossingPlanes<T>& out = crossings_;
    for (int64_t i = 0; i < count; i += lanes<T>) {
      const Reflection<V> r = load(planes, i);
      const Crossing<V> x = pair_of(setting, r.q, r.q2, from_rotated).crossing;
      V inverse_s = x.inverse_s;
      if constexpr (grazing) inverse_s = select(contributes(x, setting.beam, cut), inverse_s, zero);
      store(out.c + i, x.c), store(out.inverse_s + i, inverse_s);
      store(out.ux + i, x.ux), store(out.uy + i, x.uy);
      if constexpr (!only_rotation) store(out.s + i, x.s);
    }
  }

  // Reflections first ... first + count - 1 of the orientation whose pairs begin at `row`.
  [[gnu::noinline]] void add(int64_t row, int64_t first, int64_t count, double* q_bar) {
    const Planes<T> planes = source_.chunk(own_.basis, first, count);
    const Setting<V> setting = broadcast(own_);
    const T cut = static_cast<T>(p_.frame.grazing_cut);
    cut > 0 ? put_crossings<true>(setting, cut, planes, count) : put_crossings<false>(setting, cut, planes, count);
    const V zero(T(0));
    const auto cotangents = [&](const T* all) { return all ? all + row + first : zeros_; };
    const T *bar1 = cotangents(p_.cotangents.omega1), *bar2 = cotangents(p_.cotangents.omega2);
    Mat3<V> partial;
    OtherPartials<V> others;
    // cotangent(mask, p): those of the vector at p where the mask is true.
    const auto add_vector = [&](int64_t i, const auto& cotangent) {
      const Pair<V> pair = reload(setting, planes, i);
      const LaneMask<T> contributing = pair.crossing.inverse_s != zero;
      const V w1 = cotangent(contributing, bar1 + i), w2 = cotangent(contributing, bar2 + i);
      const CrossingBar<V> bar = pair_vjp(setting, pair, from_rotated, w1, w2);
      add_product<T>(partial, bar.g, pair.q);
      if constexpr (!only_rotation) add_others(others, setting, pair, bar, w1, w2, first + i, count - i, q_bar);
    };
    int64_t i = 0;
    for (; i + lanes<T> <= count; i += lanes<T>) {
      expect_loads(bar1 + i), expect_loads(bar2 + i);
      add_vector(i, [](LaneMask<T> mask, const T* p) { return load_masked(mask, p); });
    }
    if (i < count)
      add_vector(i, [rest = count - i](LaneMask<T> mask, const T* p) { return load_where(mask, p, rest); });
    put(rotation, partial);
    if constexpr (!only_rotation) {
      put(basis, others.basis), put(wavenumber, others.wavenumber), put(chi, others.chi);
      put(beam, others.beam), put(axis, others.axis);
    }
    fresh_ = false;
  }

  // Sums from number i on grow by those of a chunk; the first chunk sets them.
  template <class Partial>
  [[gnu::always_inline]] void put(int i, const Partial& partial) {
    fresh_ ? sums_.set(i, partial) : sums_.add(i, partial);
  }

  [[gnu::always_inline]] Pair<V> reload(const Setting<V>& setting, const Planes<T>& planes, int64_t i) const {
    const CrossingPlanes<T>& k = crossings_;
    const V x = load(planes.x + i), y = load(planes.y + i), z = load(planes.z + i), zero(T(0));
    const Vec3<V> g = multiply(setting.rotation, Vec3<V>{x, y, z});
    // Finite where G is far too long to diffract, or its product with the zeros of that crossing were NaN.
    const V length2 = from_rotated ? minimum(dot(g, g), V(Limits<T>::largest)) : load(planes.q2 + i);
    return {Vec3<V>{x, y, z}, Vec3<V>{g.x, g.y, g.z}, length2,
            Crossing<V>{load(k.c + i), only_rotation ? zero : load(k.s + i), load(k.inverse_s + i), load(k.ux + i),
                        load(k.uy + i), zero > zero}};
  }

  // Reflections n ... of which `rest` are left in the chunk.
  [[gnu::always_inline]] void add_others(OtherPartials<V>& sum, const Setting<V>& setting, const Pair<V>& pair,
                                         const CrossingBar<V>& bar, V w1, V w2, int64_t n, int64_t rest,
                                         double* q_bar) const {
    sum.wavenumber = sum.wavenumber + bar.wavenumber, sum.chi = sum.chi + bar.chi;
    if (wanted_.frame) {
      const FrameRates<V> rates = frame_rates(pair.crossing, setting.beam, pair.g);
      sum.beam = sum.beam + w1 * rates.beam1 + w2 * rates.beam2;
      sum.axis = sum.axis + w1 * rates.axis1 + w2 * rates.axis2;
    }
    if (!wanted_.basis && !q_bar) return;
    const Vec3<V> q = q_cotangent(setting, pair, bar);
    if (wanted_.basis) {
      const int64_t stride = reflection_planes_stride(p_.reflections.count);
      const T* h = p_.reflections.planes + 4 * stride + n;
      add_product<T>(sum.basis, q, {load(h), load(h + stride), load(h + 2 * stride)});
    }
    if (q_bar) add_vectors(q_bar + 3 * n, q, rest);
  }

  const PredictVjpProblem<T>& p_;
  WantedSums wanted_;
  Settings<T> settings_;
  Source<T> source_;
  Setting<T> own_;
  bool fresh_ = true;  // nothing of this orientation has been summed
  SumList sums_;
  CrossingPlanes<T> crossings_;
  alignas(64) static constexpr T zeros_[chunk_room] = {};  // in place of cotangents that are not given
};

// Orientations first ... last - 1.
template <class T>
static void predict_vjp(const PredictVjpProblem<T>& p, WantedSums wanted, int64_t first, int64_t last, double* q_bar,
                        double* batch) {
  const auto run = [&](auto&& vjp) {
    for (int64_t b = first; b < last; ++b) vjp.run(b, q_bar, batch);
  };
  const bool others = wanted.basis || wanted.scalars || wanted.frame || q_bar;
  if (p.orientations.magnitude_from_rotated)
    others ? run(OrientationVjp<T, false, true>(p, wanted)) : run(OrientationVjp<T, true, true>(p, wanted));
  else
    others ? run(OrientationVjp<T, false, false>(p, wanted)) : run(OrientationVjp<T, true, false>(p, wanted));
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
  const Settings<T> settings(p.frame, p.orientations);
  for_rows(p.reflections.count, first, last - first, [&](int64_t b, int64_t begin, int64_t at, int64_t row) {
    const Setting<T> own = settings[b];
    const bool usable = settings.is_usable(own, b);
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
