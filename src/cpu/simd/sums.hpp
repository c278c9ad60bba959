// Running sums in float64: one number per lane, added up at the end; or the sums of a chunk, added up when it is closed. Float32
// terms arrive as partial sums of a chunk, a few terms per lane.
#pragma once

#include "cpu/simd/lanes.hpp"

namespace braggrad::cpu::BRG_LEVEL {

// A partial sum as float64 per lane: two lanes of float32 are added before they become one, as conversions cost more than sums.
BRG_SIMD Lanes<double> widened(Lanes<double> partial) { return partial; }
BRG_SIMD Lanes<double> widened(Lanes<float> partial) {
#if HWY_TARGET == HWY_SCALAR
  return Lanes<double>(static_cast<double>(hn::GetLane(partial.raw)));
#else
  const Tag<double> wide;
  const hn::Half<Tag<float>> half;
  return Lanes<double>(
      hn::PromoteTo(wide, hn::Add(hn::LowerHalf(half, partial.raw), hn::UpperHalf(half, partial.raw))));
#endif
}

// The totals of as many sums as a vector has lanes: together they take hardly more shuffles than one.
BRG_SIMD Lanes<double> totals_of_group(const Lanes<double>* v) {
#if HWY_TARGET == HWY_SCALAR
  return v[0];
#else
  const Tag<double> d;
  const auto pairs = [&](int a, int b) {
    return hn::Add(hn::InterleaveLower(d, v[a].raw, v[b].raw), hn::InterleaveUpper(d, v[a].raw, v[b].raw));
  };
  if constexpr (lanes<double> == 2) {
    return Lanes<double>(pairs(0, 1));
  } else if constexpr (lanes<double> == 4) {
    const auto low = pairs(0, 1), high = pairs(2, 3);
    return Lanes<double>(hn::Add(hn::ConcatLowerLower(d, high, low), hn::ConcatUpperUpper(d, high, low)));
  } else {
    const auto low = pairs(0, 1), high = pairs(2, 3), low2 = pairs(4, 5), high2 = pairs(6, 7);
    const auto halves = [&](auto a, auto b) {
      return hn::Add(hn::ConcatLowerLower(d, b, a), hn::ConcatUpperUpper(d, b, a));
    };
    // Each has sums a, b, a, b ... in its blocks; what is left to add are the two blocks of a half.
    const auto first = halves(low, low2), second = halves(high, high2);
    const auto even = hn::OddEvenBlocks(second, first), odd = hn::OddEvenBlocks(first, second);
    return Lanes<double>(hn::Add(even, hn::SwapAdjacentBlocks(odd)));
  }
#endif
}

// The total of one, in the same order.
BRG_SIMD double total_of(Lanes<double> v) {
  alignas(64) double l[lanes<double>];
  store(l, v);
  if constexpr (lanes<double> == 8)
    return ((l[0] + l[1]) + (l[4] + l[5])) + ((l[2] + l[3]) + (l[6] + l[7]));
  else if constexpr (lanes<double> == 4)
    return (l[0] + l[1]) + (l[2] + l[3]);
  else if constexpr (lanes<double> == 2)
    return l[0] + l[1];
  else
    return l[0];
}

// `count` sums side by side.
template <int count>
class Sums {
 public:
  static constexpr int room = static_cast<int>((count + lanes<double> - 1) / lanes<double> * lanes<double>);

  template <class T>
  [[gnu::always_inline]] void set(int i, Lanes<T> partial) {
    sum_[i] = widened(partial);
  }
  template <class T>
  [[gnu::always_inline]] void add(int i, Lanes<T> partial) {
    sum_[i] = sum_[i] + widened(partial);
  }
  // Three, or nine, from number i on.
  template <class V>
  [[gnu::always_inline]] void set(int i, const Vec3<V>& v) {
    set(i, v.x), set(i + 1, v.y), set(i + 2, v.z);
  }
  template <class V>
  [[gnu::always_inline]] void add(int i, const Vec3<V>& v) {
    add(i, v.x), add(i + 1, v.y), add(i + 2, v.z);
  }
  template <class V>
  [[gnu::always_inline]] void set(int i, const Mat3<V>& m) {
    set(i, m.xx), set(i + 1, m.xy), set(i + 2, m.xz), set(i + 3, m.yx), set(i + 4, m.yy), set(i + 5, m.yz);
    set(i + 6, m.zx), set(i + 7, m.zy), set(i + 8, m.zz);
  }
  template <class V>
  [[gnu::always_inline]] void add(int i, const Mat3<V>& m) {
    add(i, m.xx), add(i + 1, m.xy), add(i + 2, m.xz), add(i + 3, m.yx), add(i + 4, m.yy), add(i + 5, m.yz);
    add(i + 6, m.zx), add(i + 7, m.zy), add(i + 8, m.zz);
  }
  [[gnu::always_inline]] void clear() {
    for (int i = 0; i < count; ++i) sum_[i] = Lanes<double>();
  }

  // Writes up to `room` numbers.
  [[gnu::always_inline]] void totals(double* out) const {
    constexpr int group = static_cast<int>(lanes<double>), rest = count % group;
    constexpr int grouped = rest <= group / 4 ? count - rest : room;  // few are added one by one
    for (int i = 0; i < grouped; i += group) store(out + i, totals_of_group(sum_ + i));
    for (int i = grouped; i < count; ++i) out[i] = total_of(sum_[i]);
  }

 private:
  Lanes<double> sum_[room];
};

// Partial sums of a chunk, side by side. They are closed together: added across their lanes, and to the totals.
template <class T, int count>
class ChunkSums {
 public:
  // Totals have room for as many.
  static constexpr int room = static_cast<int>((count + lanes<double> - 1) / lanes<double> * lanes<double>);

  [[gnu::always_inline]] void set(int i, Lanes<T> partial) { store(partial_ + i * lanes<T>, partial); }
  // Nine from number i on.
  [[gnu::always_inline]] void set(int i, const Mat3<Lanes<T>>& m) {
    set(i, m.xx), set(i + 1, m.xy), set(i + 2, m.xz), set(i + 3, m.yx), set(i + 4, m.yy), set(i + 5, m.yz);
    set(i + 6, m.zx), set(i + 7, m.zy), set(i + 8, m.zz);
  }

  // fresh: the totals are set, not added to. Up to `room` numbers are written.
  [[gnu::always_inline]] void close(double* totals, bool fresh) const {
    constexpr int group = static_cast<int>(lanes<double>);
    unrolled<room / group>([&](auto k) {
      constexpr int first = k * group;
      Lanes<double> wide[group];
      unrolled<group>([&](auto j) {
        if constexpr (first + j < count) wide[j] = widened(load(partial_ + (first + j) * lanes<T>));
      });
      const Lanes<double> sums = totals_of_group(wide);
      store(totals + first, fresh ? sums : load(totals + first) + sums);
    });
  }

 private:
  alignas(64) T partial_[room * lanes<T>] = {};
};

// m += v w^T within a chunk.
template <class T>
BRG_SIMD void add_product(Mat3<Lanes<T>>& m, const Vec3<Lanes<T>>& v, const Vec3<Lanes<T>>& w) {
  m.xx = mul_add(v.x, w.x, m.xx), m.xy = mul_add(v.x, w.y, m.xy), m.xz = mul_add(v.x, w.z, m.xz);
  m.yx = mul_add(v.y, w.x, m.yx), m.yy = mul_add(v.y, w.y, m.yy), m.yz = mul_add(v.y, w.z, m.yz);
  m.zx = mul_add(v.z, w.x, m.zx), m.zy = mul_add(v.z, w.y, m.zy), m.zz = mul_add(v.z, w.z, m.zz);
}

}  // namespace braggrad::cpu::BRG_LEVEL
