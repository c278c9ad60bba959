// Reflections as the kernels of this folder read them: planes x, y, z, |q|^2 of a chunk, whole vectors at a time. They lie
// in the handle, or are made in L1 from a view's interleaved q or as B hkl of one orientation.
#pragma once

#include "core/problem.hpp"
#include "cpu/simd/lanes.hpp"

namespace braggrad::cpu::BRG_LEVEL {

using core::Mat3;
using core::Vec3;

inline constexpr int64_t chunk_pairs = 256;
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

  // The reflections with these indices; an index out of range gives a zero vector, which is never observable.
  [[gnu::always_inline]] Planes<T> gather(const Mat3<T>& basis, const int32_t* index, int64_t count) {
    const T* plane = given_.planes ? given_.planes + (own_basis_ ? 4 * stride_ : 0) : nullptr;
    for (int64_t i = 0; i < count; ++i) {
      const int64_t n = index[i];
      if (n < 0 || n >= given_.count) {
        x_[i] = y_[i] = z_[i] = q2_[i] = 0;
      } else if (plane) {
        x_[i] = plane[n], y_[i] = plane[stride_ + n], z_[i] = plane[2 * stride_ + n];
        if (!own_basis_) q2_[i] = plane[3 * stride_ + n];
      } else {
        x_[i] = given_.q[3 * n], y_[i] = given_.q[3 * n + 1], z_[i] = given_.q[3 * n + 2];
      }
    }
    clear_rest(count);
    if (own_basis_) {
      const Mat3<V> b = core::broadcast<V>(basis);
      for (int64_t i = 0; i < count; i += lanes<T>)
        keep(i, multiply(b, Vec3<V>{load(x_ + i), load(y_ + i), load(z_ + i)}));
    } else if (!plane) {
      for (int64_t i = 0; i < count; i += lanes<T>) keep(i, {load(x_ + i), load(y_ + i), load(z_ + i)});
    }
    return {x_, y_, z_, q2_};
  }

 private:
  [[gnu::always_inline]] void clear_rest(int64_t count) {
    for (int64_t i = count; i < (count + lanes<T> - 1) / lanes<T> * lanes<T>; ++i) x_[i] = y_[i] = z_[i] = q2_[i] = 0;
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
