// Running sums in float64: one number per lane, added up at the end. Float32 terms arrive as partial sums of a chunk, a few
// terms per lane.
#pragma once

#include "cpu/simd/lanes.hpp"

namespace braggrad::cpu::BRG_LEVEL {

template <class T>
class Sum;

template <>
class Sum<double> {
 public:
  [[gnu::always_inline]] void set(Lanes<double> partial) { sum_ = partial; }
  [[gnu::always_inline]] void add(Lanes<double> partial) { sum_ = sum_ + partial; }
  [[gnu::always_inline]] Lanes<double> per_lane() const { return sum_; }
  [[gnu::always_inline]] double total() const { return sum_of_lanes(sum_); }

 private:
  Lanes<double> sum_;
};

#if HWY_TARGET == HWY_SCALAR
template <>
class Sum<float> {
 public:
  [[gnu::always_inline]] void set(Lanes<float> partial) { sum_ = static_cast<double>(hn::GetLane(partial.raw)); }
  [[gnu::always_inline]] void add(Lanes<float> partial) { sum_ += static_cast<double>(hn::GetLane(partial.raw)); }
  [[gnu::always_inline]] Lanes<double> per_lane() const { return Lanes<double>(sum_); }
  [[gnu::always_inline]] double total() const { return sum_; }

 private:
  double sum_ = 0;
};
#else
template <>
class Sum<float> {
 public:
  [[gnu::always_inline]] void set(Lanes<float> partial) {
    const hn::Half<Tag<float>> half;
    low_ = Lanes<double>(hn::PromoteTo(Tag<double>(), hn::LowerHalf(half, partial.raw)));
    high_ = Lanes<double>(hn::PromoteTo(Tag<double>(), hn::UpperHalf(half, partial.raw)));
  }
  [[gnu::always_inline]] void add(Lanes<float> partial) {
    const hn::Half<Tag<float>> half;
    low_ = low_ + Lanes<double>(hn::PromoteTo(Tag<double>(), hn::LowerHalf(half, partial.raw)));
    high_ = high_ + Lanes<double>(hn::PromoteTo(Tag<double>(), hn::UpperHalf(half, partial.raw)));
  }
  [[gnu::always_inline]] Lanes<double> per_lane() const { return low_ + high_; }
  [[gnu::always_inline]] double total() const { return sum_of_lanes(per_lane()); }

 private:
  Lanes<double> low_, high_;
};
#endif

// The totals of several sums together: with eight lanes, eight sums take the shuffles of three.
template <int most>
class Totals {
 public:
  template <class T>
  [[gnu::always_inline]] void take(const Sum<T>& sum) {
    sums_[count_++] = sum.per_lane();
  }
  // The numbers in the order in which they were taken.
  [[gnu::always_inline]] void get(double* out) const {
    int i = 0;
#if HWY_TARGET == HWY_AVX3
    for (; i + 8 <= room; i += 8) eight(sums_ + i, out + i);
#endif
    for (; i < count_; ++i) out[i] = sum_of_lanes(sums_[i]);
  }
  static constexpr int room = (most + 7) / 8 * 8;  // numbers that get() may write

 private:
#if HWY_TARGET == HWY_AVX3
  [[gnu::always_inline]] static void eight(const Lanes<double>* v, double* out) {
    const Tag<double> d;
    const auto halves = [&](int a, int b) {
      return hn::Add(hn::ConcatLowerLower(d, v[b].raw, v[a].raw), hn::ConcatUpperUpper(d, v[b].raw, v[a].raw));
    };
    const auto quarters = [&](auto a, auto b) {
      return hn::Add(hn::OddEvenBlocks(b, a), hn::SwapAdjacentBlocks(hn::OddEvenBlocks(a, b)));
    };
    const auto low = quarters(halves(0, 1), halves(2, 3)), high = quarters(halves(4, 5), halves(6, 7));
    alignas(64) double sum[8];
    hn::Store(hn::Add(hn::InterleaveLower(d, low, high), hn::InterleaveUpper(d, low, high)), d, sum);
    out[0] = sum[0], out[4] = sum[1], out[2] = sum[2], out[6] = sum[3];
    out[1] = sum[4], out[5] = sum[5], out[3] = sum[6], out[7] = sum[7];
  }
#endif

  Lanes<double> sums_[room];
  int count_ = 0;
};

template <class T>
struct MatrixSum {
  Sum<T> xx, xy, xz, yx, yy, yz, zx, zy, zz;

  [[gnu::always_inline]] void add(const Mat3<Lanes<T>>& m) {
    xx.add(m.xx), xy.add(m.xy), xz.add(m.xz);
    yx.add(m.yx), yy.add(m.yy), yz.add(m.yz);
    zx.add(m.zx), zy.add(m.zy), zz.add(m.zz);
  }
  template <int most>
  [[gnu::always_inline]] void give(Totals<most>& totals) const {
    totals.take(xx), totals.take(xy), totals.take(xz);
    totals.take(yx), totals.take(yy), totals.take(yz);
    totals.take(zx), totals.take(zy), totals.take(zz);
  }
  [[gnu::always_inline]] Mat3<double> total() const {
    return {xx.total(), xy.total(), xz.total(), yx.total(), yy.total(), yz.total(), zx.total(), zy.total(), zz.total()};
  }
};

// m += v w^T within a chunk.
template <class T>
BRG_SIMD void add_product(Mat3<Lanes<T>>& m, Vec3<Lanes<T>> v, Vec3<Lanes<T>> w) {
  m.xx = mul_add(v.x, w.x, m.xx), m.xy = mul_add(v.x, w.y, m.xy), m.xz = mul_add(v.x, w.z, m.xz);
  m.yx = mul_add(v.y, w.x, m.yx), m.yy = mul_add(v.y, w.y, m.yy), m.yz = mul_add(v.y, w.z, m.yz);
  m.zx = mul_add(v.z, w.x, m.zx), m.zy = mul_add(v.z, w.y, m.zy), m.zz = mul_add(v.z, w.z, m.zz);
}

}  // namespace braggrad::cpu::BRG_LEVEL
