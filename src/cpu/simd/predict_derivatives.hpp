// Adjoint and directional derivative of predict on lanes.
#pragma once

#include "cpu/simd/predict.hpp"
#include "cpu/simd/sums.hpp"

namespace braggrad::cpu::BRG_LEVEL {

// One orientation's sums, and its part of q_bar (float64 [N,3], added; or NULL). `only_rotation`: nothing else is wanted.
template <class T, bool only_rotation>
BRG_SIMD OrientationSums orientation_vjp(const PredictVjpProblem<T>& p, WantedSums wanted, int64_t b, double* q_bar) {
  using V = Lanes<T>;
  const Setting<T> own = make_setting(p.frame, p.orientations, b);
  if (!is_usable(own)) return {};
  const Setting<V> setting = broadcast(own);
  const bool from_rotated = p.orientations.magnitude_from_rotated;
  const int64_t length = p.reflections.count, stride = reflection_planes_stride(length);
  const V cut(static_cast<T>(p.frame.grazing_cut)), zero(T(0));
  const auto cotangents = [&](const T* all) { return all ? all + b * length : nullptr; };
  const T *bar1 = cotangents(p.cotangents.omega1), *bar2 = cotangents(p.cotangents.omega2);
  Source<T> source(p.reflections, p.orientations.reciprocal_basis != nullptr);
  MatrixSum<T> rotation, basis;
  Sum<T> wavenumber, chi, beam_x, beam_y, beam_z, axis_x, axis_y, axis_z;

  for (int64_t first = 0; first < length; first += chunk_pairs) {
    const int64_t count = smaller(chunk_pairs, length - first);
    const Planes<T> planes = source.chunk(own.basis, first, count);
    Mat3<V> partial;
    for (int64_t i = 0; i < count; i += lanes<T>) {
      const int64_t n = first + i, rest = length - n;
      expect_loads(bar1 + n), expect_loads(bar2 + n);
      const Reflection<V> r = load(planes, i);
      const Pair<V> pair = pair_of(setting, r.q, r.q2, from_rotated);
      const LaneMask<T> contributing = contributes(pair.crossing, setting.beam, cut);
      const V w1 = bar1 ? select(contributing, load_first(bar1 + n, rest), zero) : zero;
      const V w2 = bar2 ? select(contributing, load_first(bar2 + n, rest), zero) : zero;
      const CrossingBar<V> bar = pair_vjp(setting, pair, from_rotated, w1, w2);
      add_product<T>(partial, bar.g, pair.q);
      if constexpr (!only_rotation) {
        if (wanted.scalars) wavenumber.add(bar.wavenumber), chi.add(bar.chi);
        if (wanted.frame) {
          const FrameRates<V> rates = frame_rates(pair.crossing, setting.beam, pair.g);
          const Vec3<V> beam = w1 * rates.beam1 + w2 * rates.beam2, axis = w1 * rates.axis1 + w2 * rates.axis2;
          beam_x.add(beam.x), beam_y.add(beam.y), beam_z.add(beam.z);
          axis_x.add(axis.x), axis_y.add(axis.y), axis_z.add(axis.z);
        }
        if (wanted.basis || q_bar) {
          const Vec3<V> q = q_cotangent(setting, pair, bar);
          if (wanted.basis) {
            const T* h = p.reflections.planes + 4 * stride + n;
            Mat3<V> term;
            add_product<T>(term, q, {load(h), load(h + stride), load(h + 2 * stride)});
            basis.add(term);
          }
          if (q_bar) {
            alignas(64) T values[3 * lanes<T>];
            store_three(values, q, lanes<T>);
            for (int64_t j = 0; j < 3 * smaller(rest, lanes<T>); ++j)
              q_bar[3 * n + j] += static_cast<double>(values[j]);
          }
        }
      }
    }
    rotation.add(partial);
  }
  OrientationSums sums;
  sums.rotation = rotation.total();
  if constexpr (!only_rotation) {
    sums.basis = basis.total();
    sums.wavenumber = wavenumber.total(), sums.chi = chi.total();
    sums.beam = {beam_x.total(), beam_y.total(), beam_z.total()};
    sums.axis = {axis_x.total(), axis_y.total(), axis_z.total()};
  }
  return sums;
}

template <class T>
static OrientationSums predict_vjp(const PredictVjpProblem<T>& p, WantedSums wanted, int64_t b, double* q_bar) {
  if (wanted.basis || wanted.scalars || wanted.frame || q_bar) return orientation_vjp<T, false>(p, wanted, b, q_bar);
  return orientation_vjp<T, true>(p, wanted, b, nullptr);
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
  const V cut(static_cast<T>(p.frame.grazing_cut)), zero(T(0));
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
        const LaneMask<T> contributing = contributes(pair.crossing, setting.beam, cut);
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
