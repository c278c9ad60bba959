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
  [[gnu::always_inline]] void add(Lanes<double> partial) { sum_ = sum_ + partial; }
  [[gnu::always_inline]] double total() const { return sum_of_lanes(sum_); }

 private:
  Lanes<double> sum_;
};

#if HWY_TARGET == HWY_SCALAR
template <>
class Sum<float> {
 public:
  [[gnu::always_inline]] void add(Lanes<float> partial) { sum_ += static_cast<double>(hn::GetLane(partial.raw)); }
  [[gnu::always_inline]] double total() const { return sum_; }

 private:
  double sum_ = 0;
};
#else
template <>
class Sum<float> {
 public:
  [[gnu::always_inline]] void add(Lanes<float> partial) {
    const hn::Half<Tag<float>> half;
    low_ = low_ + Lanes<double>(hn::PromoteTo(Tag<double>(), hn::LowerHalf(half, partial.raw)));
    high_ = high_ + Lanes<double>(hn::PromoteTo(Tag<double>(), hn::UpperHalf(half, partial.raw)));
  }
  [[gnu::always_inline]] double total() const { return sum_of_lanes(low_ + high_); }

 private:
  Lanes<double> low_, high_;
};
#endif

template <class T>
struct MatrixSum {
  Sum<T> xx, xy, xz, yx, yy, yz, zx, zy, zz;

  [[gnu::always_inline]] void add(const Mat3<Lanes<T>>& m) {
    xx.add(m.xx), xy.add(m.xy), xz.add(m.xz);
    yx.add(m.yx), yy.add(m.yy), yz.add(m.yz);
    zx.add(m.zx), zy.add(m.zy), zz.add(m.zz);
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
