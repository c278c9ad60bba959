// solve on lanes, with its adjoint and directional derivative.
#pragma once

#include "core/batch.hpp"
#include "cpu/simd/setting.hpp"
#include "cpu/simd/sums.hpp"

namespace braggrad::cpu::BRG_LEVEL {

// Items of a call, a vector at a time.
template <class T>
class ItemLoader {
 public:
  using V = Lanes<T>;
  [[gnu::always_inline]] ItemLoader(const Frame& frame, const Items<T>& items)
      : frame_(frame), items_(items), m_(core::broadcast<V>(convert<T>(frame.m))) {
    if (!items.wavenumber && !items.chi) common_ = broadcast(beam_of<T>(frame, nullptr, nullptr, 0));
  }

  const Mat3<V>& m() const { return m_; }

  // Items i ... of which `rest` are left; the lanes beyond are not observable.
  [[gnu::always_inline]] Item<V> load_item(int64_t i, int64_t rest) const {
    const Vec3<V> given = load_three(items_.g + 3 * i, rest);
    const V length = magnitude(i, rest);
    return item_of(m_, frame_.identity, given, items_.g_magnitude ? length * length : dot(given, given),
                   beam(i, smaller(rest, lanes<T>)));
  }
  [[gnu::always_inline]] V magnitude(int64_t i, int64_t rest) const {
    return items_.g_magnitude ? load_first(items_.g_magnitude + i, rest) : V(T(0));
  }

 private:
  [[gnu::always_inline]] Beam<V> beam(int64_t i, int64_t count) const {
    if (!items_.wavenumber && !items_.chi) return common_;
    alignas(64) T values[6][lanes<T>] = {};
    for (int64_t j = 0; j < count; ++j) {
      const Beam<T> one = beam_of(frame_, items_.wavenumber, items_.chi, i + j);
      values[0][j] = one.tan_chi, values[1][j] = one.cos_chi, values[2][j] = one.wavenumber;
      values[3][j] = one.inverse_wavenumber, values[4][j] = one.inverse_cos_chi, values[5][j] = one.half;
    }
    return {load(values[0]), load(values[1]), load(values[2]), load(values[3]), load(values[4]), load(values[5])};
  }

  const Frame& frame_;
  const Items<T>& items_;
  Mat3<V> m_;
  Beam<V> common_;
};

template <class T>
BRG_SIMD void store_roots(const RootsOutput<T>& out, int64_t i, int64_t rest, const Roots<Lanes<T>>& omega,
                          LaneMask<T> observable) {
  if (out.omega1) store_first(out.omega1 + i, omega.omega1, rest);
  if (out.omega2) store_first(out.omega2 + i, omega.omega2, rest);
  if (!out.observable) return;
  uint8_t flags[most_lanes];
  store_flags<T>(flags, observable);
  std::memcpy(out.observable + i, flags, static_cast<size_t>(smaller(rest, lanes<T>)));
}

template <class T>
static void solve(const SolveProblem<T>& p, int64_t first, int64_t last) {
  const ItemLoader<T> loader(p.frame, p.items);
  const bool angles = p.roots.omega1 || p.roots.omega2;
  for (int64_t i = first; i < last; i += lanes<T>) {
    const Item<Lanes<T>> item = loader.load_item(i, last - i);
    store_roots(p.roots, i, last - i, angles ? roots(item.crossing) : Roots<Lanes<T>>{}, item.crossing.observable);
  }
}

template <class T>
static void solve_jvp(const SolveJvpProblem<T>& p, int64_t first, int64_t last) {
  using V = Lanes<T>;
  const ItemLoader<T> loader(p.frame, p.items);
  const V cut(static_cast<T>(p.frame.grazing_cut)), zero(T(0));
  const auto& t = p.tangent;
  const bool moves = moves_frame(t.geometry);
  ItemDot<V> change;
  change.wavenumber = V(p.items.wavenumber ? T(0) : static_cast<T>(t.geometry.wavenumber));
  change.chi = V(p.items.chi ? T(0) : static_cast<T>(t.geometry.chi));
  change.beam = core::broadcast<V>(convert<T>(multiply(p.frame.m, t.geometry.beam)));
  change.axis = core::broadcast<V>(convert<T>(multiply(p.frame.m, t.geometry.axis)));
  for (int64_t i = first; i < last; i += lanes<T>) {
    const int64_t rest = last - i;
    const Item<V> item = loader.load_item(i, rest);
    if (t.g) change.given = load_three(t.g + 3 * i, rest);
    if (t.g_magnitude) change.g_magnitude = load_first(t.g_magnitude + i, rest);
    if (p.items.wavenumber && t.wavenumber) change.wavenumber = load_first(t.wavenumber + i, rest);
    if (p.items.chi && t.chi) change.chi = load_first(t.chi + i, rest);
    const Roots<V> rates = item_rates(loader.m(), p.frame.identity, item, p.items.g_magnitude != nullptr,
                                      loader.magnitude(i, rest), change, moves);
    const LaneMask<T> contributing = contributes(item.crossing, item.beam, cut);
    store_roots(p.roots, i, rest, {select(contributing, rates.omega1, zero), select(contributing, rates.omega2, zero)},
                item.crossing.observable);
  }
}

// Items first ... last - 1, a block of the sums over the batch: `partial` has BatchSums::count numbers, or is NULL.
template <class T>
static void solve_vjp(const SolveVjpProblem<T>& p, int64_t first, int64_t last, double* partial) {
  using V = Lanes<T>;
  const ItemLoader<T> loader(p.frame, p.items);
  const V cut(static_cast<T>(p.frame.grazing_cut)), zero(T(0));
  const ItemsGradient<T>& out = p.gradient;
  const bool frame = out.geometry.beam || out.geometry.axis;
  Sums<8> sums;  // wavenumber, chi, beam, axis
  for (int64_t i = first; i < last; i += lanes<T>) {
    const int64_t rest = last - i;
    const Item<V> item = loader.load_item(i, rest);
    const LaneMask<T> contributing = contributes(item.crossing, item.beam, cut);
    const auto kept = [&](V value) { return select(contributing, value, zero); };
    const auto kept_vector = [&](Vec3<V> v) { return Vec3<V>{kept(v.x), kept(v.y), kept(v.z)}; };
    const auto cotangent = [&](const T* all) { return all ? kept(load_first(all + i, rest)) : zero; };
    const ItemBar<V> bar =
        item_bar(loader.m(), p.frame.identity, item, p.items.g_magnitude != nullptr, loader.magnitude(i, rest),
                 cotangent(p.cotangents.omega1), cotangent(p.cotangents.omega2), frame);
    const auto put = [&](T* to, V value) {
      if (to) store_first(to + i, out.accumulate ? load_first(to + i, rest) + value : value, rest);
    };
    const V by_wavenumber = kept(bar.wavenumber), by_chi = kept(bar.chi);
    if (out.g) {
      const Vec3<V> g = kept_vector(bar.g);
      store_three(out.g + 3 * i, out.accumulate ? load_three(out.g + 3 * i, rest) + g : g, rest);
    }
    put(out.g_magnitude, kept(bar.g_magnitude));
    put(out.wavenumber, by_wavenumber);
    put(out.chi, by_chi);
    if (!partial) continue;
    sums.add(0, by_wavenumber), sums.add(1, by_chi);
    if (!frame) continue;
    const Vec3<V> beam = kept_vector(bar.beam), axis = kept_vector(bar.axis);
    sums.add(2, beam.x), sums.add(3, beam.y), sums.add(4, beam.z);
    sums.add(5, axis.x), sums.add(6, axis.y), sums.add(7, axis.z);
  }
  if (!partial) return;
  double sum[Sums<8>::room];
  sums.totals(sum);
  OrientationSums total;
  total.wavenumber = sum[0], total.chi = sum[1];
  total.beam = load_vector<double>(sum + 2), total.axis = load_vector<double>(sum + 5);
  store_partial(partial, total);
}

}  // namespace braggrad::cpu::BRG_LEVEL
