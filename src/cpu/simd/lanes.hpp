// A vector of numbers with the operations of core/arithmetic.hpp, on Google Highway: with it the formulas of core run on
// all lanes at once. The files of this folder are compiled once per instruction set (BRG_LEVEL), in a namespace of its own.
#pragma once

#if defined(BRG_LEVEL_SCALAR)
#define HWY_COMPILE_ONLY_SCALAR
#else
#define HWY_COMPILE_ONLY_STATIC
#endif
#include <hwy/highway.h>

#include <cstring>
#include <type_traits>

#include "core/vector.hpp"

#define BRG_SIMD [[maybe_unused, gnu::always_inline]] static inline

namespace braggrad::cpu::BRG_LEVEL {

namespace hn = hwy::HWY_NAMESPACE;
using namespace core;

template <class T>
using Tag = hn::ScalableTag<T>;
template <class T>
inline constexpr int64_t lanes = static_cast<int64_t>(hn::MaxLanes(Tag<T>()));
inline constexpr int64_t most_lanes = 16;

template <class T>
struct LaneMask {
  hn::Mask<Tag<T>> raw;
};

template <class T>
struct Lanes {
  hn::Vec<Tag<T>> raw;
  [[gnu::always_inline]] Lanes() : raw(hn::Zero(Tag<T>())) {}
  [[gnu::always_inline]] explicit Lanes(T value) : raw(hn::Set(Tag<T>(), value)) {}
  [[gnu::always_inline]] explicit Lanes(hn::Vec<Tag<T>> v) : raw(v) {}
};

template <class T>
BRG_SIMD Lanes<T> lanes_of(hn::Vec<Tag<T>> v) {
  return Lanes<T>(v);
}

template <class T>
BRG_SIMD Lanes<T> operator+(Lanes<T> a, Lanes<T> b) {
  return lanes_of<T>(hn::Add(a.raw, b.raw));
}
template <class T>
BRG_SIMD Lanes<T> operator-(Lanes<T> a, Lanes<T> b) {
  return lanes_of<T>(hn::Sub(a.raw, b.raw));
}
template <class T>
BRG_SIMD Lanes<T> operator*(Lanes<T> a, Lanes<T> b) {
  return lanes_of<T>(hn::Mul(a.raw, b.raw));
}
template <class T>
BRG_SIMD Lanes<T> operator/(Lanes<T> a, Lanes<T> b) {
  return lanes_of<T>(hn::Div(a.raw, b.raw));
}
template <class T>
BRG_SIMD Lanes<T> operator-(Lanes<T> a) {
  return lanes_of<T>(hn::Neg(a.raw));
}
template <class T>
BRG_SIMD LaneMask<T> operator<(Lanes<T> a, Lanes<T> b) {
  return {hn::Lt(a.raw, b.raw)};
}
template <class T>
BRG_SIMD LaneMask<T> operator>(Lanes<T> a, Lanes<T> b) {
  return {hn::Gt(a.raw, b.raw)};
}
template <class T>
BRG_SIMD LaneMask<T> operator<=(Lanes<T> a, Lanes<T> b) {
  return {hn::Le(a.raw, b.raw)};
}
template <class T>
BRG_SIMD LaneMask<T> operator>=(Lanes<T> a, Lanes<T> b) {
  return {hn::Ge(a.raw, b.raw)};
}
template <class T>
BRG_SIMD LaneMask<T> operator!=(Lanes<T> a, Lanes<T> b) {
  return {hn::Ne(a.raw, b.raw)};
}
template <class T>
BRG_SIMD LaneMask<T> operator&&(LaneMask<T> a, LaneMask<T> b) {
  return {hn::And(a.raw, b.raw)};
}
template <class T>
BRG_SIMD LaneMask<T> operator||(LaneMask<T> a, LaneMask<T> b) {
  return {hn::Or(a.raw, b.raw)};
}
template <class T>
BRG_SIMD LaneMask<T> operator!(LaneMask<T> a) {
  return {hn::Not(a.raw)};
}

template <class T>
BRG_SIMD Lanes<T> mul_add(Lanes<T> a, Lanes<T> b, Lanes<T> c) {
  return lanes_of<T>(hn::MulAdd(a.raw, b.raw, c.raw));
}
template <class T>
BRG_SIMD Lanes<T> mul_sub(Lanes<T> a, Lanes<T> b, Lanes<T> c) {
  return lanes_of<T>(hn::MulSub(a.raw, b.raw, c.raw));
}
template <class T>
BRG_SIMD Lanes<T> negative_mul_add(Lanes<T> a, Lanes<T> b, Lanes<T> c) {
  return lanes_of<T>(hn::NegMulAdd(a.raw, b.raw, c.raw));
}
template <class T>
BRG_SIMD Lanes<T> negative_mul_sub(Lanes<T> a, Lanes<T> b, Lanes<T> c) {
  return lanes_of<T>(hn::NegMulSub(a.raw, b.raw, c.raw));
}
template <class T>
BRG_SIMD Lanes<T> select(LaneMask<T> mask, Lanes<T> yes, Lanes<T> no) {
  return lanes_of<T>(hn::IfThenElse(mask.raw, yes.raw, no.raw));
}
template <class T>
BRG_SIMD Lanes<T> square_root(Lanes<T> a) {
  return lanes_of<T>(hn::Sqrt(a.raw));
}
template <class T>
BRG_SIMD Lanes<T> absolute(Lanes<T> a) {
  return lanes_of<T>(hn::Abs(a.raw));
}
template <class T>
BRG_SIMD Lanes<T> minimum(Lanes<T> a, Lanes<T> b) {
  return lanes_of<T>(hn::Min(a.raw, b.raw));
}
template <class T>
BRG_SIMD Lanes<T> maximum(Lanes<T> a, Lanes<T> b) {
  return lanes_of<T>(hn::Max(a.raw, b.raw));
}
template <class T>
BRG_SIMD Lanes<T> with_sign_of(Lanes<T> a, Lanes<T> sign) {
  return lanes_of<T>(hn::CopySign(a.raw, sign.raw));
}
template <class T>
BRG_SIMD Lanes<T> nearest_integer(Lanes<T> a) {
  return lanes_of<T>(hn::Round(a.raw));
}

// 1/a for normal a with a normal reciprocal, to about one unit in the last place. With AVX-512 an estimate of 14 bits whose
// digits Newton's step doubles is faster than the division.
template <class T>
BRG_SIMD Lanes<T> reciprocal(Lanes<T> a) {
#if HWY_TARGET == HWY_AVX3
  const Lanes<T> one(T(1));
  if constexpr (sizeof(T) == 8) {
    Lanes<T> r(hn::Vec<Tag<T>>{_mm512_rcp14_pd(a.raw.raw)});
    r = mul_add(r, negative_mul_add(a, r, one), r);
    return mul_add(r, negative_mul_add(a, r, one), r);
  } else {
    const Lanes<T> r(hn::Vec<Tag<T>>{_mm512_rcp14_ps(a.raw.raw)});
    return mul_add(r, negative_mul_add(a, r, one), r);
  }
#else
  return lanes_of<T>(hn::Div(hn::Set(Tag<T>(), T(1)), a.raw));
#endif
}

// Square root of a > 0 and its reciprocal. With AVX-512 both grow from an estimate y of 14 bits: with g = a y and r = 1 - g y,
// 1/sqrt(a) = y (1 - r)^(-1/2) and sqrt(a) = g (1 - r)^(-1/2); the series ends where its rest, of the order of r^2 (float32)
// or r^4 (float64), is below the rounding.
template <class T>
BRG_SIMD RootPair<Lanes<T>> root_pair(Lanes<T> a) {
#if HWY_TARGET == HWY_AVX3
  const Lanes<T> one(T(1)), half(T(0.5));
  if constexpr (sizeof(T) == 8) {
    const Lanes<T> y(hn::Vec<Tag<T>>{_mm512_rsqrt14_pd(a.raw.raw)}), g = a * y, r = negative_mul_add(g, y, one);
    const Lanes<T> series = mul_add(mul_add(Lanes<T>(5.0 / 16), r, Lanes<T>(3.0 / 8)), r, half);
    return {mul_add(g * r, series, g), mul_add(y * r, series, y)};
  } else {
    const Lanes<T> y(hn::Vec<Tag<T>>{_mm512_rsqrt14_ps(a.raw.raw)}), g = a * y, r = negative_mul_add(g, y, one);
    return {mul_add(half * g, r, g), mul_add(half * y, r, y)};
  }
#else
  const Lanes<T> root = square_root(a);
  return {root, reciprocal(root)};
#endif
}

// Memory. The unchecked forms read and write whole vectors.
template <class T>
BRG_SIMD Lanes<T> load(const T* p) {
  return lanes_of<T>(hn::LoadU(Tag<T>(), p));
}
template <class T>
BRG_SIMD void store(T* p, Lanes<T> v) {
  hn::StoreU(v.raw, Tag<T>(), p);
}

// Fetches the line that a loop will write some rows later: the outputs are more streams, and shorter ones, than the hardware
// follows by itself. Nothing is written, so the end of an array is no limit.
BRG_SIMD void expect_stores(const void* p) {
  constexpr uintptr_t ahead = 4096;
  __builtin_prefetch(reinterpret_cast<const void*>(reinterpret_cast<uintptr_t>(p) + ahead), 1);
}

// The same for what a loop will read.
BRG_SIMD void expect_loads(const void* p) {
  constexpr uintptr_t ahead = 4096;
  __builtin_prefetch(reinterpret_cast<const void*>(reinterpret_cast<uintptr_t>(p) + ahead), 0);
}

// The lanes below `count`.
template <class T>
BRG_SIMD LaneMask<T> first_lanes(int64_t count) {
  return {hn::FirstN(Tag<T>(), static_cast<size_t>(count < lanes<T> ? count : lanes<T>))};
}
// The first `count` lanes, at most all of them; zero beyond, and no memory beyond is touched.
template <class T>
BRG_SIMD Lanes<T> load_first(const T* p, int64_t count) {
  if (count >= lanes<T>) return load(p);
#if HWY_MEM_OPS_MIGHT_FAULT
  alignas(64) T buffer[lanes<T>] = {};
  // The smaller of both, or gcc without optimisation sees an overflow in the branch that is not taken.
  std::memcpy(buffer, p, static_cast<size_t>(count < lanes<T> ? count : lanes<T>) * sizeof(T));
  return load(buffer);
#else
  return lanes_of<T>(hn::MaskedLoad(hn::FirstN(Tag<T>(), static_cast<size_t>(count)), Tag<T>(), p));
#endif
}
// Those of the first `count` lanes where the mask is true; zero elsewhere.
template <class T>
BRG_SIMD Lanes<T> load_where(LaneMask<T> mask, const T* p, int64_t count) {
#if HWY_MEM_OPS_MIGHT_FAULT
  return select(mask, load_first(p, count), Lanes<T>());
#else
  if (count < lanes<T>) mask = mask && first_lanes<T>(count);
  return lanes_of<T>(hn::MaskedLoad(mask.raw, Tag<T>(), p));
#endif
}
// A whole vector, zero where the mask is false.
template <class T>
BRG_SIMD Lanes<T> load_masked(LaneMask<T> mask, const T* p) {
#if HWY_TARGET == HWY_AVX3
  return lanes_of<T>(hn::MaskedLoad(mask.raw, Tag<T>(), p));
#else
  return lanes_of<T>(hn::IfThenElseZero(mask.raw, hn::LoadU(Tag<T>(), p)));
#endif
}
template <class T>
BRG_SIMD void store_first(T* p, Lanes<T> v, int64_t count) {
  if (count >= lanes<T>) return store(p, v);
#if HWY_MEM_OPS_MIGHT_FAULT
  alignas(64) T buffer[lanes<T>];
  store(buffer, v);
  std::memcpy(p, buffer, static_cast<size_t>(count) * sizeof(T));
#else
  hn::BlendedStore(v.raw, hn::FirstN(Tag<T>(), static_cast<size_t>(count)), Tag<T>(), p);
#endif
}

// x, y, z of one vector after the other: the first `count`, at most all lanes.
template <class T>
BRG_SIMD Vec3<Lanes<T>> load_three(const T* p, int64_t count) {
  alignas(64) T buffer[3 * lanes<T>];
  if (count < lanes<T>) {
    std::memset(buffer, 0, sizeof buffer);
    std::memcpy(buffer, p, static_cast<size_t>(3 * count) * sizeof(T));
    p = buffer;
  }
  Vec3<Lanes<T>> v;
  hn::LoadInterleaved3(Tag<T>(), p, v.x.raw, v.y.raw, v.z.raw);
  return v;
}
template <class T>
BRG_SIMD void store_three(T* p, const Vec3<Lanes<T>>& v, int64_t count) {
  if (count >= lanes<T>) return hn::StoreInterleaved3(v.x.raw, v.y.raw, v.z.raw, Tag<T>(), p);
  alignas(64) T buffer[3 * lanes<T>];
  hn::StoreInterleaved3(v.x.raw, v.y.raw, v.z.raw, Tag<T>(), buffer);
  std::memcpy(p, buffer, static_cast<size_t>(3 * count) * sizeof(T));
}

// Rows x, y, z, w of a table, one to a lane.
template <class T>
struct Rows {
  Lanes<T> x, y, z, w;
};

#if HWY_TARGET == HWY_AVX3
BRG_SIMD Rows<double> load_rows(const double* table, const int32_t* index) {
  const Tag<double> d;
  const hn::Half<Tag<double>> half;
  const auto two = [&](int a, int b) {
    return hn::Combine(d, hn::LoadU(half, table + 4 * int64_t{index[b]}),
                       hn::LoadU(half, table + 4 * int64_t{index[a]}));
  };
  const auto a = two(0, 2), b = two(1, 3), e = two(4, 6), f = two(5, 7);
  // Blocks x0 x1, z0 z1, x2 x3, z2 z3; and so on.
  const auto low = hn::InterleaveLower(d, a, b), low2 = hn::InterleaveLower(d, e, f);
  const auto high = hn::InterleaveUpper(d, a, b), high2 = hn::InterleaveUpper(d, e, f);
  const auto even = [](auto u, auto v) { return Lanes<double>(decltype(u){_mm512_shuffle_f64x2(u.raw, v.raw, 0x88)}); };
  const auto odd = [](auto u, auto v) { return Lanes<double>(decltype(u){_mm512_shuffle_f64x2(u.raw, v.raw, 0xdd)}); };
  return {even(low, low2), even(high, high2), odd(low, low2), odd(high, high2)};
}
#elif HWY_TARGET != HWY_SCALAR
BRG_SIMD Rows<double> load_rows(const double* table, const int32_t* index) {
  alignas(64) double rows[lanes<double>][4];
  for (int64_t j = 0; j < lanes<double>; ++j) std::memcpy(rows[j], table + 4 * int64_t{index[j]}, sizeof rows[j]);
  Rows<double> r;
  hn::LoadInterleaved4(Tag<double>(), rows[0], r.x.raw, r.y.raw, r.z.raw, r.w.raw);
  return r;
}
#endif

#if HWY_TARGET == HWY_SCALAR
template <class T>
BRG_SIMD Rows<T> load_rows(const T* table, const int32_t* index) {
  const T* row = table + 4 * int64_t{index[0]};
  return {Lanes<T>(row[0]), Lanes<T>(row[1]), Lanes<T>(row[2]), Lanes<T>(row[3])};
}
#else
// A row fills a block of four floats: block j of vector i gets row i + 4 j.
template <class D>
BRG_SIMD hn::Vec<D> row_blocks(D d, const float* table, const int32_t* index) {
  if constexpr (hn::MaxLanes(d) == 4) {
    return hn::LoadU(d, table + 4 * int64_t{index[0]});
  } else {
    const hn::Half<D> half;
    return hn::Combine(d, row_blocks(half, table, index + hn::MaxLanes(half)), row_blocks(half, table, index));
  }
}
BRG_SIMD Rows<float> load_rows(const float* table, const int32_t* index) {
  const Tag<float> d;
  const Tag<double> pairs;
  const auto a = row_blocks(d, table, index), b = row_blocks(d, table, index + 1);
  const auto e = row_blocks(d, table, index + 2), f = row_blocks(d, table, index + 3);
  const auto low = hn::BitCast(pairs, hn::InterleaveLower(d, a, b));  // x0 x1 y0 y1 of each block
  const auto low2 = hn::BitCast(pairs, hn::InterleaveLower(d, e, f));
  const auto high = hn::BitCast(pairs, hn::InterleaveUpper(d, a, b));
  const auto high2 = hn::BitCast(pairs, hn::InterleaveUpper(d, e, f));
  const auto lanes_from = [&](auto v) { return Lanes<float>(hn::BitCast(d, v)); };
  return {lanes_from(hn::InterleaveLower(pairs, low, low2)), lanes_from(hn::InterleaveUpper(pairs, low, low2)),
          lanes_from(hn::InterleaveLower(pairs, high, high2)), lanes_from(hn::InterleaveUpper(pairs, high, high2))};
}
#endif

// As many vectors as each has lanes, rows for columns.
BRG_SIMD void transpose([[maybe_unused]] Lanes<double>* v) {
#if HWY_TARGET != HWY_SCALAR
  const Tag<double> d;
  constexpr int n = static_cast<int>(lanes<double>);
  Lanes<double> low[n / 2], high[n / 2];  // columns 0, 2, 4 ... and 1, 3, 5 ... of two rows, in blocks of two numbers
  unrolled<n / 2>([&](auto i) {
    low[i] = Lanes<double>(hn::InterleaveLower(d, v[2 * i].raw, v[2 * i + 1].raw));
    high[i] = Lanes<double>(hn::InterleaveUpper(d, v[2 * i].raw, v[2 * i + 1].raw));
  });
  const auto put_blocks = [&](const Lanes<double>* from, int first) {
    if constexpr (n == 2) {
      v[first] = from[0];
    } else if constexpr (n == 4) {
      v[first] = Lanes<double>(hn::ConcatLowerLower(d, from[1].raw, from[0].raw));
      v[first + 2] = Lanes<double>(hn::ConcatUpperUpper(d, from[1].raw, from[0].raw));
    } else {
#if HWY_TARGET == HWY_AVX3
      using Raw = decltype(from[0].raw);
      const auto even = [](Raw a, Raw b) { return Raw{_mm512_shuffle_f64x2(a.raw, b.raw, 0x88)}; };
      const auto odd = [](Raw a, Raw b) { return Raw{_mm512_shuffle_f64x2(a.raw, b.raw, 0xdd)}; };
      const Raw a = even(from[0].raw, from[1].raw), b = even(from[2].raw, from[3].raw);
      const Raw e = odd(from[0].raw, from[1].raw), f = odd(from[2].raw, from[3].raw);
      v[first] = Lanes<double>(even(a, b)), v[first + 4] = Lanes<double>(odd(a, b));
      v[first + 2] = Lanes<double>(even(e, f)), v[first + 6] = Lanes<double>(odd(e, f));
#endif
    }
  };
  put_blocks(low, 0), put_blocks(high, 1);
#endif
}

// A byte 0 or 1 per lane. Writes lanes<T> bytes.
template <class T>
BRG_SIMD void store_flags(uint8_t* p, LaneMask<T> mask) {
  const hn::CappedTag<uint8_t, static_cast<size_t>(lanes<T>)> bytes;
#if HWY_TARGET == HWY_AVX3
  uint8_t bits[8] = {};
  hn::StoreMaskBits(Tag<T>(), mask.raw, bits);
  hn::StoreU(hn::IfThenElseZero(hn::LoadMaskBits(bytes, bits), hn::Set(bytes, uint8_t{1})), bytes, p);
#else
  using Bits = hwy::MakeUnsigned<T>;
  const hn::Rebind<Bits, Tag<T>> words;
  hn::StoreU(hn::TruncateTo(bytes, hn::IfThenElseZero(hn::RebindMask(words, mask.raw), hn::Set(words, Bits{1}))), bytes,
             p);
#endif
}

template <class T>
BRG_SIMD T first_lane(Lanes<T> v) {
  return hn::GetLane(v.raw);
}

template <class T>
BRG_SIMD int32_t count_true(LaneMask<T> mask) {
  return static_cast<int32_t>(hn::CountTrue(Tag<T>(), mask.raw));
}

template <class T>
BRG_SIMD bool all_true(LaneMask<T> mask) {
  return hn::AllTrue(Tag<T>(), mask.raw);
}

}  // namespace braggrad::cpu::BRG_LEVEL

namespace braggrad::core {

template <class T>
struct Lane<cpu::BRG_LEVEL::Lanes<T>> {
  using Scalar = T;
  using Mask = cpu::BRG_LEVEL::LaneMask<T>;
};

// The same value on all lanes.
template <class V, class T>
BRG_CORE Vec3<V> broadcast(const Vec3<T>& v) {
  return {V(v.x), V(v.y), V(v.z)};
}
template <class V, class T>
BRG_CORE Mat3<V> broadcast(const Mat3<T>& m) {
  return {V(m.xx), V(m.xy), V(m.xz), V(m.yx), V(m.yy), V(m.yz), V(m.zx), V(m.zy), V(m.zz)};
}

}  // namespace braggrad::core
