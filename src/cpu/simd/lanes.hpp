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

// Square root of a > 0 and its reciprocal. With AVX-512 both grow from an estimate of 14 bits, whose digits each step doubles:
// r = 1/2 - g h;  g += g r -> sqrt(a);  h += h r -> 1 / (2 sqrt(a)).
template <class T>
BRG_SIMD RootPair<Lanes<T>> root_pair(Lanes<T> a) {
#if HWY_TARGET == HWY_AVX3
  const Lanes<T> half(T(0.5));
  Lanes<T> estimate;
  if constexpr (sizeof(T) == 8)
    estimate = Lanes<T>(hn::Vec<Tag<T>>{_mm512_rsqrt14_pd(a.raw.raw)});
  else
    estimate = Lanes<T>(hn::Vec<Tag<T>>{_mm512_rsqrt14_ps(a.raw.raw)});
  Lanes<T> g = a * estimate, h = half * estimate;
  Lanes<T> r = negative_mul_add(g, h, half);
  g = mul_add(g, r, g), h = mul_add(h, r, h);
  if constexpr (sizeof(T) == 8) {
    r = negative_mul_add(g, h, half);
    g = mul_add(g, r, g), h = mul_add(h, r, h);
  }
  return {g, h + h};
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
  std::memcpy(buffer, p, static_cast<size_t>(count) * sizeof(T));
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
BRG_SIMD void store_three(T* p, Vec3<Lanes<T>> v, int64_t count) {
  if (count >= lanes<T>) return hn::StoreInterleaved3(v.x.raw, v.y.raw, v.z.raw, Tag<T>(), p);
  alignas(64) T buffer[3 * lanes<T>];
  hn::StoreInterleaved3(v.x.raw, v.y.raw, v.z.raw, Tag<T>(), buffer);
  std::memcpy(p, buffer, static_cast<size_t>(3 * count) * sizeof(T));
}

// Indices for gather_lanes; one that is not in [0, count) becomes `count`.
template <class T>
BRG_SIMD auto indices(const int32_t* index, int32_t count) {
  using Index = hwy::MakeSigned<T>;
  const hn::Rebind<Index, Tag<T>> d;
  const auto end = hn::Set(d, static_cast<Index>(count));
  auto n = hn::Zero(d);
  if constexpr (sizeof(T) == 8)
    n = hn::PromoteTo(d, hn::LoadU(hn::Rebind<int32_t, Tag<T>>(), index));
  else
    n = hn::LoadU(d, index);
  return hn::IfThenElse(hn::And(hn::Gt(n, hn::Set(d, Index{-1})), hn::Lt(n, end)), n, end);
}
template <class T, class Indices>
BRG_SIMD Lanes<T> gather_lanes(const T* p, Indices n) {
  return lanes_of<T>(hn::GatherIndex(Tag<T>(), p, n));
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
BRG_SIMD int32_t count_true(LaneMask<T> mask) {
  return static_cast<int32_t>(hn::CountTrue(Tag<T>(), mask.raw));
}

// Sum over the lanes in float64, in an order that depends on the number of lanes only.
BRG_SIMD double sum_of_lanes(Lanes<double> v) { return hn::GetLane(hn::SumOfLanes(Tag<double>(), v.raw)); }
BRG_SIMD double sum_of_lanes(Lanes<float> v) {
#if HWY_TARGET == HWY_SCALAR
  return static_cast<double>(hn::GetLane(v.raw));
#else
  const Tag<double> wide;
  const hn::Half<Tag<float>> half;
  return hn::GetLane(hn::SumOfLanes(
      wide, hn::Add(hn::PromoteTo(wide, hn::LowerHalf(half, v.raw)), hn::PromoteTo(wide, hn::UpperHalf(half, v.raw)))));
#endif
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
BRG_CORE Vec3<V> broadcast(Vec3<T> v) {
  return {V(v.x), V(v.y), V(v.z)};
}
template <class V, class T>
BRG_CORE Mat3<V> broadcast(const Mat3<T>& m) {
  return {V(m.xx), V(m.xy), V(m.xz), V(m.yx), V(m.yy), V(m.yz), V(m.zx), V(m.zy), V(m.zz)};
}

}  // namespace braggrad::core
