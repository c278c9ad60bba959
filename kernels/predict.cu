// Rotate and solve, fused, on CUDA, with VJP and JVP.
#include "core/predict.hpp"
#include "kernels/cuda_operations.hpp"
#include "kernels/group_sums.cuh"
#include "kernels/opposites.cuh"
#include "kernels/orientation_vjp.cuh"
#include "kernels/pairs.cuh"
#include "kernels/settings.cuh"

namespace braggrad::cuda {

using namespace core;

// The roots that are asked for. `all`: it is known that none is NULL, which saves the questions for each pair.
template <bool all, class T>
__device__ __forceinline__ RootsOutput<T> asked_roots(const RootsOutput<T>& out) {
  if constexpr (all) {
    __builtin_assume(out.omega1 != nullptr);
    __builtin_assume(out.omega2 != nullptr);
    __builtin_assume(out.observable != nullptr);
  }
  return out;
}

// Makes what is asked for of a crossing's roots.
template <class T>
__device__ __forceinline__ void store_crossing(const RootsOutput<T>& out, uint32_t i, const Crossing<T>& x) {
  if (out.omega1) out.omega1[i] = roots(x).omega1;
  if (out.omega2) out.omega2[i] = roots(x).omega2;
  if (out.observable) out.observable[i] = x.observable;
}

// The usual call.
template <class T, bool all>
__global__ void __launch_bounds__(block_threads)
    brg_predict_kernel(const __grid_constant__ PredictProblem<T> p, const __grid_constant__ PairTiles tiles,
                       const __grid_constant__ Beams<T> beams) {
  const int64_t stride = reflection_planes_stride(p.reflections.count);
  const RootsOutput<T> out = asked_roots<all>(p.roots);
  for_pairs<PairSetting<T>>(
      tiles, OrientationRows<T, false>{p.orientations},
      [&](const Orientations<T>& one) { return PairSetting<T>::of(beams.setting(p.frame, one, 0)); },
      [&](const PairSetting<T>& setting, uint32_t n, uint32_t i) {
        const Record<T> r = load_record(p.reflections.records, stride, n);
        store_crossing(out, i, pair_of<false>(setting.get(), r.q, r.q2, false).crossing);
      });
}

// The same of a list whose second half is the opposite of its first, at chi = 0: the roots of -G are those of G half a turn on.
template <class T, bool all>
__global__ void __launch_bounds__(block_threads, 1)  // as many registers as it needs
    brg_predict_friedel_kernel(const __grid_constant__ PredictProblem<T> p, Range rows,
                               const __grid_constant__ OppositeTiles tiles, const __grid_constant__ Beams<T> beams) {
  const int64_t stride = reflection_planes_stride(p.reflections.count);
  const RootsOutput<T> out = asked_roots<all>(p.roots);
  for_opposites<PairSetting<T>>(
      out, rows, tiles, OrientationRows<T, false>{p.orientations},
      [&](const Orientations<T>& one) { return PairSetting<T>::of(beams.setting(p.frame, one, 0)); },
      [&](const PairSetting<T>& setting, uint32_t n, const auto& put) {
        const Record<T> r = load_record(p.reflections.records, stride, n);
        const Crossing<T> x = pair_of<false>(setting.get(), r.q, r.q2, false).crossing;
        const RootVectors<T> v = root_vectors(x);
        using Angles = OppositeAngles<T>;
        const auto angles = [&](const T* asked, T sine, T cosine) {
          if (!asked) return Angles{};
          const Angles a = opposite_unit_angles(sine, cosine);
          return Angles{select(x.observable, a.angle, T(0)), select(x.observable, a.opposite, T(0))};
        };
        put(angles(out.omega1, v.sin1, v.cos1), angles(out.omega2, v.sin2, v.cos2), x.observable);
      });
}

// Any call.
template <class T>
__global__ void __launch_bounds__(block_threads)
    brg_predict_general_kernel(const __grid_constant__ PredictProblem<T> p, const __grid_constant__ PairTiles tiles,
                               const __grid_constant__ Beams<T> beams) {
  __shared__ typename WarpVectors<T>::Memory memory;
  const WarpVectors<T> vectors(memory);
  for_pairs<Setting<T>>(
      tiles, OrientationRows<T>{p.orientations},
      [&](const Orientations<T>& one) { return beams.setting(p.frame, one, 0); },
      [&](const Setting<T>& setting, uint32_t n, uint32_t i) {
        const Lanes lanes = lanes_of(tiles, i);
        const auto load = [&](const auto* table) { return vectors.load_row(lanes, table, n); };
        store_crossing(p.roots, i, load_pair<false>(setting, p.orientations, p.reflections, n, load).crossing);
      });
}

// Shorter lists cost less instructions pair by pair.
template <class T>
constexpr int64_t enough_opposites = sizeof(T) == 4 ? 10 : 6;

template <class T>
void CudaOperations<T>::predict(const PredictProblem<T>& p, Scratch& scratch) {
  if (!scratch.ready()) return;
  const Beams<T> beams(p.frame, p.orientations);
  const int64_t rows = p.orientations.count, length = p.reflections.count;
  const auto launch = [&]<class Setting>(const Call& call, auto kernel) {
    launch_pairs<Setting>(
        engine_, call, kernel, rows, length, p,
        [](PredictProblem<T>& part, int64_t pairs) { part.roots = advanced(part.roots, pairs); }, beams);
  };
  const bool all = p.roots.omega1 && p.roots.omega2 && p.roots.observable;
  if (!is_usual(p.reflections, p.orientations))
    launch.template operator()<Setting<T>>("brg_predict_general_kernel", brg_predict_general_kernel<T>);
  else if (opposites_share(p.frame, p.orientations, p.reflections) && length >= enough_opposites<T>)
    launch_opposites<T>(engine_, "brg_predict_friedel_kernel",
                        all ? brg_predict_friedel_kernel<T, true> : brg_predict_friedel_kernel<T, false>, rows,
                        length / 2, p, beams);
  else
    launch.template operator()<PairSetting<T>>("brg_predict_kernel",
                                               all ? brg_predict_kernel<T, true> : brg_predict_kernel<T, false>);
}

template <class T>
__global__ void __launch_bounds__(block_threads)
    brg_predict_jvp_kernel(const __grid_constant__ PredictJvpProblem<T> p, const __grid_constant__ PairTiles tiles,
                           const __grid_constant__ Beams<T> beams) {
  __shared__ typename WarpVectors<T>::Memory memory;
  const WarpVectors<T> vectors(memory);
  for_pairs<MovingSetting<T>>(
      tiles, MovingRows<T>{{p.orientations}, p.tangent},
      [&](const auto& one) {
        return MovingSetting<T>{beams.setting(p.frame, one.orientations, 0),
                                make_setting_dot(p.frame, one.orientations, one.tangent, 0)};
      },
      [&](const MovingSetting<T>& s, uint32_t n, uint32_t i) {
        const Lanes lanes = lanes_of(tiles, i);
        const auto load = [&](const auto* table) { return vectors.load_row(lanes, table, n); };
        const Pair<T> pair = load_pair(s.setting, p.orientations, p.reflections, n, load);
        const Vec3<T> q_dot = load_q_dot(s.change, p.reflections, p.tangent, load);
        Roots<T> rates{};
        if (is_contributing(pair.crossing, s.setting, p.frame))
          rates = pair_jvp(s.setting, s.change, pair, q_dot, p.orientations.magnitude_from_rotated,
                           core::moves_frame(p.tangent.geometry));
        store_roots(p.roots, i, rates, pair.crossing.observable);
      });
}

template <class T>
void CudaOperations<T>::predict_jvp(const PredictJvpProblem<T>& p, Scratch& scratch) {
  if (!scratch.ready()) return;
  launch_pairs<MovingSetting<T>>(
      engine_, "brg_predict_jvp_kernel", brg_predict_jvp_kernel<T>, p.orientations.count, p.reflections.count, p,
      [](PredictJvpProblem<T>& part, int64_t pairs) { part.roots = advanced(part.roots, pairs); },
      Beams<T>(p.frame, p.orientations));
}

// A pair with the cotangents of its inputs.
template <class T>
struct PairAdjoint {
  Pair<T> pair;
  T w1, w2;
  CrossingBar<T> bar;
  bool contributes;  // else the rest is not to be used
};

template <class T, class Load>
__device__ __forceinline__ PairAdjoint<T> load_adjoint(const PredictVjpProblem<T>& p, const Setting<T>& setting,
                                                       int64_t b, int64_t n, const Load& load) {
  PairAdjoint<T> a;
  a.pair = load_pair(setting, p.orientations, p.reflections, n, load);
  a.contributes = is_contributing(a.pair.crossing, setting, p.frame);
  if (!a.contributes) return a;
  const int64_t at = b * p.reflections.count + n;
  a.w1 = p.cotangents.omega1 ? p.cotangents.omega1[at] : T(0);
  a.w2 = p.cotangents.omega2 ? p.cotangents.omega2[at] : T(0);
  a.bar = pair_vjp(setting, a.pair, p.orientations.magnitude_from_rotated, a.w1, a.w2);
  return a;
}

template <class T>
__global__ void __launch_bounds__(block_threads)
    brg_predict_vjp_kernel(const __grid_constant__ PredictVjpProblem<T> p, Range rows, int64_t per_block,
                           double* partial) {
  __shared__ typename WarpVectors<T>::Memory memory;
  const WarpVectors<T> vectors(memory);
  const WantedSums wanted = wanted_sums(p.gradient);
  sum_orientations(p, p.frame, wanted, rows, per_block, partial,
                   [&](OrientationSums& sums, const Setting<T>& setting, int64_t b, int64_t n) {
                     const Lanes lanes = Lanes::of(p.reflections.count - n);
                     const auto load = [&](const auto* table) { return vectors.load(lanes, table + 3 * n); };
                     const PairAdjoint<T> a = load_adjoint(p, setting, b, n, load);
                     const Vec3<T> hkl = wanted.basis ? load(p.reflections.hkl) : Vec3<T>{};
                     if (!a.contributes) return;
                     accumulate(sums, wanted, setting, a.pair, a.bar, hkl, a.w1, a.w2);
                   });
}

template <class T>
__global__ void __launch_bounds__(block_threads)
    brg_predict_q_bar_kernel(const __grid_constant__ PredictVjpProblem<T> p, Range rows, int64_t tiles,
                             double* block_q) {
  __shared__ typename WarpVectors<T>::Memory memory;
  const WarpVectors<T> vectors(memory);
  sum_q_bar<T>(p, p.frame, rows, tiles, block_q, [&](Lanes lanes, int64_t n) {
    const Vec3<T> given = p.orientations.reciprocal_basis ? vectors.load(lanes, p.reflections.hkl + 3 * n)
                                                          : vectors.load(lanes, p.reflections.q + 3 * n);
    return [&p, n, given](const Setting<T>& setting, int64_t b) {
      const PairAdjoint<T> a = load_adjoint(p, setting, b, n, [&](const auto*) { return given; });
      return a.contributes ? q_cotangent(setting, a.pair, a.bar) : Vec3<T>{};
    };
  });
}

// The sums, a rotation's and its rotation vector's cotangents; odd: groups in other banks.
constexpr int rotation_sums = 9, rotation_room = rotation_sums + 3 + 1;

struct RotationLengths {
  Divisor matrix, vector;
};

// The rotations of the usual call: a group of lanes per orientation.
template <class T>
__global__ void __launch_bounds__(group_threads, 1)  // as many registers as it needs
    brg_predict_rotation_vjp_kernel(const __grid_constant__ PredictVjpProblem<T> p, Range rows,
                                    const __grid_constant__ Beams<T> beams, uint32_t group_lanes,
                                    const __grid_constant__ RotationLengths lengths) {
  constexpr int count = rotation_sums;
  __shared__ GroupMemory<T, rotation_room> memory;
  const Group group = {group_lanes, threadIdx.x % group_lanes};
  const uint32_t groups = blockDim.x / group_lanes;
  const int64_t block = rows.start + int64_t{blockIdx.x} * groups, orientation = block + threadIdx.x / group_lanes;
  const int64_t b = min(orientation, rows.stop - 1), first = b * p.reflections.count;
  const bool active = orientation < rows.stop;
  const Setting<T> setting = beams.setting(p.frame, p.orientations, b);
  double* total = memory.totals(group);
  T values[count];
  sum_group(memory.tile(), group, group.lane, active ? static_cast<uint32_t>(p.reflections.count) : 0, values, total,
            [&](uint32_t n) {
              const Record<T> r = load_record(p.reflections.records, reflection_planes_stride(p.reflections.count), n);
              const Pair<T> pair = pair_of(setting, r.q, r.q2, false);
              const Crossing<T>& x = pair.crossing;
              if (!is_contributing(x, setting, p.frame)) return;
              const T w1 = p.cotangents.omega1 ? p.cotangents.omega1[first + n] : T(0);
              const T w2 = p.cotangents.omega2 ? p.cotangents.omega2[first + n] : T(0);
              const Vec3<T> bar = solve_vjp(x, setting.beam, pair.g.z, pair.q2, w1, w2).g;
              const T g[3] = {bar.x, bar.y, bar.z}, q[3] = {r.q.x, r.q.y, r.q.z};
#pragma unroll
              for (int i = 0; i < count; ++i) values[i] = mul_add(g[i / 3], q[i % 3], values[i]);
            });
  const OrientationsGradient<T>& out = p.gradient;
  if (group.lane == 0) {
    const Mat3<double> bar = rotation_cotangent(p.frame, load_matrix<double>(total, false));
    store_matrix(total, bar, p.orientations.column_major, false);
    if (out.rotation_vector) store_vector(total + count, rotation_vector_cotangent(p.orientations, b, bar), false);
  }
  __syncthreads();
  const BlockRows written = {memory.totals(group, 0), rotation_room, block,
                             static_cast<uint32_t>(min(int64_t{groups}, rows.stop - block))};
  const auto store_rows = [&](T* rows_out, const Divisor& length, int slot) {
    written.store(rows_out, length, out.accumulate, [&](const double* of, uint32_t i) { return of[slot + i]; });
  };
  if (out.rotation) store_rows(out.rotation, lengths.matrix, 0);
  if (out.rotation_vector) store_rows(out.rotation_vector, lengths.vector, count);
}

template <class T>
void CudaOperations<T>::predict_vjp(const PredictVjpProblem<T>& p, Scratch& scratch) {
  PredictVjpProblem<T> part = p;
  OrientationsGradient<T>& out = part.gradient;
  // The rotations' own kernel serves them whatever else is wanted: the same bits for any subset of the outputs.
  const bool by_groups = (out.rotation || out.rotation_vector) && is_usual(p.reflections, p.orientations);
  if (by_groups) out.rotation = out.rotation_vector = nullptr;
  if (!run_orientation_vjp<T>(engine_, p.frame, part, {"brg_predict_vjp_kernel", brg_predict_vjp_kernel<T>},
                              {"brg_predict_q_bar_kernel", brg_predict_q_bar_kernel<T>}, scratch) ||
      !by_groups)
    return;
  const uint32_t group = group_size(p.reflections.count), threads = GroupMemory<T, rotation_room>::threads(group);
  const int64_t groups = threads / group,
                per_launch = rows_per_launch(engine_.max_pairs(), p.reflections.count, groups);
  engine_.for_ranges(p.orientations.count, per_launch, [&](Range rows) {
    engine_.launch_blocks("brg_predict_rotation_vjp_kernel", brg_predict_rotation_vjp_kernel<T>,
                          blocks_of(rows.stop - rows.start, groups), threads, p, rows,
                          Beams<T>(p.frame, p.orientations), group, RotationLengths{Divisor(9), Divisor(3)});
  });
}

template void CudaOperations<BRG_REAL>::predict(const PredictProblem<BRG_REAL>&, Scratch&);
template void CudaOperations<BRG_REAL>::predict_vjp(const PredictVjpProblem<BRG_REAL>&, Scratch&);
template void CudaOperations<BRG_REAL>::predict_jvp(const PredictJvpProblem<BRG_REAL>&, Scratch&);

}  // namespace braggrad::cuda
