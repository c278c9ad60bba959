// Rows of a few numbers, three of a vector or nine of a matrix, one a lane. The rows of a warp are a run of memory: its lanes
// read and write it side by side, in whole sectors, and hand each other what is theirs in shared memory. The numbers of a row
// are odd, so that neither runs nor rows meet in a bank.
#pragma once

#include "core/vector.hpp"
#include "kernels/engine.hpp"

namespace braggrad::cuda {

// The number of lanes of a warp, as a constant.
struct WholeWarp {
  __device__ __forceinline__ constexpr operator uint32_t() const { return warp_threads; }
};

// The first `count` lanes of a warp, which have a row each; the others take no part.
struct Lanes {
  uint32_t lane, count;

  // `rest`: rows from this thread's own on, at least one.
  template <class Index>
  __device__ __forceinline__ static Lanes of(Index rest) {
    const uint32_t lane = threadIdx.x % warp_threads;
    return {lane, static_cast<uint32_t>(min(rest + static_cast<Index>(lane), Index{warp_threads}))};
  }
  __device__ __forceinline__ void sync() const { sync(count); }
  template <class Count>
  __device__ __forceinline__ static void sync(Count count) {
    __syncwarp(~0u >> (warp_threads - count));
  }
  // body(count), a constant for whole warps: distances and masks that cost nothing.
  template <class Body>
  __device__ __forceinline__ void with_count(const Body& body) const {
    if (count == warp_threads)
      body(WholeWarp{});
    else
      body(count);
  }
};

// put(at, from[at]) for a lane's share of `width` numbers for each of `count` lanes; `from` begins with its first.
template <int width, class Count, class From, class Put>
__device__ __forceinline__ void move_share(Count count, const From* from, const Put& put) {
  static_assert(width % 2 == 1);
#pragma unroll
  for (int k = 0; k < width; ++k) {
    const int at = k * static_cast<int>(count);
    put(at, from[at]);
  }
}

// The lanes' rows of `width` numbers, from a run of memory to shared memory; to be seen after a sync().
template <int width, class T, class From>
__device__ __forceinline__ void copy_rows(Lanes lanes, const From* run, T* tile) {
  T* to = tile + lanes.lane;
  lanes.with_count([&](auto count) {
    move_share<width>(count, run + lanes.lane, [&](int at, From value) { to[at] = static_cast<T>(value); });
  });
}

// The vectors of a warp of a block, by way of shared memory.
template <class T>
class WarpVectors {
 public:
  struct Memory {
    T tiles[block_warps][3 * warp_threads];
  };

  __device__ __forceinline__ explicit WarpVectors(Memory& memory) : tile_(memory.tiles[threadIdx.x / warp_threads]) {}

  // What each lane has at its place of a run. `own`: the place of this lane.
  template <class From>
  __device__ __forceinline__ core::Vec3<T> load(Lanes lanes, const From* own) const {
    core::Vec3<T> v;
    lanes.with_count([&](auto count) {
      move_share<3>(count, own - 2 * lanes.lane, [&](int at, From x) { tile_[lanes.lane + at] = static_cast<T>(x); });
      v = taken(count, lanes.lane);
    });
    return v;
  }

  // Row n of a table, for the lanes of a pair each: their rows follow each other but for the end of the table.
  template <class From>
  __device__ __forceinline__ core::Vec3<T> load_row(Lanes lanes, const From* table, uint32_t n) const {
    if (lanes.count < warp_threads) return core::load_vector<T>(table + 3 * uint64_t{n});  // once a launch
#pragma unroll
    for (int k = 0; k < 3; ++k) {
      const uint32_t i = lanes.lane + k * warp_threads, row = __shfl_sync(~0u, n, i / 3);
      tile_[i] = static_cast<T>((table + i % 3)[3 * uint64_t{row}]);
    }
    return taken(WholeWarp{}, lanes.lane);
  }

  // To each lane's place of a run.
  __device__ __forceinline__ void store(Lanes lanes, T* own, const core::Vec3<T>& v, bool accumulate = false) const {
    T* to = own - 2 * lanes.lane;
    lanes.with_count([&](auto count) {
      core::store_components(tile_ + 3 * lanes.lane, v);
      Lanes::sync(count);
      move_share<3>(count, tile_ + lanes.lane,
                    [&](int at, T value) { core::store(to + at, static_cast<double>(value), accumulate); });
      Lanes::sync(count);
    });
  }

 private:
  template <class Count>
  __device__ __forceinline__ core::Vec3<T> taken(Count count, uint32_t lane) const {
    Lanes::sync(count);
    const core::Vec3<T> v = core::load_vector<T>(tile_ + 3 * lane);
    Lanes::sync(count);
    return v;
  }

  T* tile_;
};

}  // namespace braggrad::cuda
