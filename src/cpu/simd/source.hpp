// Reflections as the kernels of this folder read them: planes x, y, z, |q|^2 of a chunk, whole vectors at a time. They lie
// in the handle, or are made in L1 from a view's interleaved q or as B hkl of one orientation.
#pragma once

#include "core/problem.hpp"
#include "cpu/simd/lanes.hpp"

namespace braggrad::cpu::BRG_LEVEL {

using core::Mat3;
using core::Vec3;

inline constexpr int64_t chunk_pairs = 256;
// Pairs of a chunk whose terms are summed. In float32 at most 32 to a number of float64, which takes two lanes of vectors.
template <class T>
inline constexpr int64_t sum_pairs = sizeof(T) == 8  ? chunk_pairs
                                     : lanes<T> == 1 ? 32
                                                     : 16 * lanes<T>;
inline constexpr int64_t chunk_room = chunk_pairs + most_lanes;

BRG_SIMD int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

template <class T>
struct Planes {
  const T *x, *y, *z, *q2;
};

template <class V>
struct Reflection {
  Vec3<V> q;
  V q2;
};

template <class T>
BRG_SIMD Reflection<Lanes<T>> load(const Planes<T>& planes, int64_t i) {
  return {{load(planes.x + i), load(planes.y + i), load(planes.z + i)}, load(planes.q2 + i)};
}

template <class T>
class Source {
 public:
  using V = Lanes<T>;

  [[gnu::always_inline]] Source(const core::Reflections<T>& reflections, bool own_basis)
      : given_(reflections), own_basis_(own_basis), stride_(core::reflection_planes_stride(reflections.count)) {}

  // Reflections first ... first + count - 1, count <= chunk_pairs; valid until the next call. `basis` is the orientation's.
  [[gnu::always_inline]] Planes<T> chunk(const Mat3<T>& basis, int64_t first, int64_t count) {
    if (given_.planes && !own_basis_) {
      const T* x = given_.planes + first;
      return {x, x + stride_, x + 2 * stride_, x + 3 * stride_};
    }
    if (own_basis_)
      transform(basis, first, count);
    else if (first != first_ || count > count_)
      separate(first, count);
    return {x_, y_, z_, q2_};
  }

  // The reflections with these indices, whole vectors of them; all are in [0, count], and that of the count itself is a zero
  // vector, which is never observable.
  [[gnu::noinline]] Planes<T> gather(const Mat3<T>& basis, const int32_t* index, int64_t count) {
    if (!given_.planes)
      gather_view(index, count);
    else if (own_basis_)
      gather_hkl(basis, index, count);
    else
      for (int64_t i = 0; i < count; i += lanes<T>) {
        const Rows<T> r = load_rows(given_.records, index + i);
        store(x_ + i, r.x), store(y_ + i, r.y), store(z_ + i, r.z), store(q2_ + i, r.w);
      }
    return {x_, y_, z_, q2_};
  }

 private:
  [[gnu::noinline]] void gather_view(const int32_t* index, int64_t count) {
    for (int64_t i = 0; i < count; i += lanes<T>) {
      alignas(64) T q[3 * lanes<T>] = {};
      for (int64_t j = 0; j < lanes<T>; ++j)
        if (index[i + j] < given_.count) std::memcpy(q + 3 * j, given_.q + 3 * index[i + j], 3 * sizeof(T));
      keep(i, load_three(q, lanes<T>));
    }
  }

  [[gnu::noinline]] void gather_hkl(const Mat3<T>& basis, const int32_t* index, int64_t count) {
    const Mat3<V> b = core::broadcast<V>(basis);
    const T* plane = given_.planes + 4 * stride_;  // zero beyond the last reflection
    for (int64_t i = 0; i < count; i += lanes<T>) {
      alignas(64) T h[3][lanes<T>];
      for (int64_t j = 0; j < lanes<T>; ++j)
        for (int64_t k = 0; k < 3; ++k) h[k][j] = plane[k * stride_ + index[i + j]];
      keep(i, multiply(b, Vec3<V>{load(h[0]), load(h[1]), load(h[2])}));
    }
  }

  // B hkl.
  [[gnu::noinline]] void transform(const Mat3<T>& basis, int64_t first, int64_t count) {
    const Mat3<V> b = core::broadcast<V>(basis);
    const T* h = given_.planes + 4 * stride_ + first;
    for (int64_t i = 0; i < count; i += lanes<T>)
      keep(i, multiply(b, Vec3<V>{load(h + i), load(h + stride_ + i), load(h + 2 * stride_ + i)}));
  }

  // From x, y, z of one reflection after the other.
  [[gnu::noinline]] void separate(int64_t first, int64_t count) {
    for (int64_t i = 0; i < count; i += lanes<T>) keep(i, load_three(given_.q + 3 * (first + i), count - i));
    first_ = first, count_ = count;
  }

  [[gnu::always_inline]] void keep(int64_t i, Vec3<V> q) {
    const V most(core::Limits<T>::largest_component), zero(T(0));
    const auto usable = absolute(q.x) <= most && absolute(q.y) <= most && absolute(q.z) <= most;
    const Vec3<V> kept = {select(usable, q.x, zero), select(usable, q.y, zero), select(usable, q.z, zero)};
    store(x_ + i, kept.x), store(y_ + i, kept.y), store(z_ + i, kept.z), store(q2_ + i, dot(kept, kept));
  }

  const core::Reflections<T>& given_;
  bool own_basis_;
  int64_t stride_, first_ = -1, count_ = 0;
  alignas(64) T x_[chunk_room];
  alignas(64) T y_[chunk_room];
  alignas(64) T z_[chunk_room];
  alignas(64) T q2_[chunk_room];
};

}  // namespace braggrad::cpu::BRG_LEVEL
