// Fused loss, gradient and normal equations on CUDA: a group of lanes per orientation, sums in registers, one reduction.
#include "kernels/cuda_operations.hpp"
#include "kernels/fit_sums.cuh"
#include "kernels/group_sums.cuh"
#include "kernels/group_vectors.cuh"
#include "kernels/pairs.cuh"
#include "kernels/settings.cuh"
#include "runtime/scratch.hpp"

namespace braggrad::cuda {

using namespace core;

// Losses that a kernel is compiled for; `any` looks at it while running.
enum class LossKind { squares, chord, any };

// Where targets come from. planes: all orientations share them, and brg_prepare_targets_kernel has made them ready.
// opposites: all share them, and the list's second half is the opposite of its first, at chi = 0; ready or as the caller has
// them, so that the order of the sums does not depend on the number of orientations. given: dense and of both roots, as the
// caller has them. All three for calls of the usual form; any: dense, for any form. listed: by offsets, of
// reflections with records; listed_vectors: by offsets, where pairs are made of the vectors of a table.
enum class TargetSource { planes, opposites, given, any, listed, listed_vectors };

// A target of one root, ready for its residual: the angle, or its sine and cosine; weight 0 where there is none.
template <class T>
struct ReadyTarget {
  T weight, a, b;
};
template <class T>
struct ReadyTargets {
  ReadyTarget<T> one, two;
};

template <class T>
__device__ __forceinline__ ReadyTarget<T> make_ready(T omega, T weight, bool is_chord) {
  const Target<T> target = target_of(omega, weight);
  if (!is_chord) return {target.weight, target.omega, T(0)};
  const SineCosine<T> direction = sine_cosine(target.omega);
  return {target.weight, direction.sine, direction.cosine};
}

// Dense targets of a pair; `at` is its place in them. `both`: it is known that there are angles of both roots.
template <class T>
__device__ __forceinline__ ReadyTargets<T> read_given(const OmegaTargets<T>& t, int64_t at, bool is_chord, bool both) {
  const auto read = [&](const T* omega, const T* weight) -> ReadyTarget<T> {
    if (!both && !omega) return {T(0), T(0), T(0)};
    return make_ready(omega[at], weight ? weight[at] : T(1), is_chord);
  };
  return {read(t.omega1, t.weight1), read(t.omega2, t.weight2)};
}

// Two numbers in one read.
template <class T>
struct alignas(2 * sizeof(T)) Two {
  T first, second;
};

// Planes of pairs of numbers: the weights of both roots; their angles, or sine and cosine of the first and of the second.
constexpr int target_planes = 3;

template <class T>
__device__ __forceinline__ ReadyTargets<T> read_planes(const Two<T>* planes, int64_t stride, uint32_t n,
                                                       bool is_chord) {
  const Two<T> weights = planes[n], one = planes[stride + n];
  if (!is_chord) return {{weights.first, one.first, T(0)}, {weights.second, one.second, T(0)}};
  const Two<T> two = planes[2 * stride + n];
  return {{weights.first, one.first, one.second}, {weights.second, two.first, two.second}};
}

template <class T>
__global__ void __launch_bounds__(block_threads)
    brg_prepare_targets_kernel(const __grid_constant__ OmegaTargets<T> targets, Range range, int64_t stride,
                               Two<T>* planes) {
  const int64_t n = flat_index(range);
  if (n >= range.stop) return;
  const bool is_chord = static_cast<Loss>(targets.loss) == Loss::chord;
  const auto [one, two] = read_given(targets, n, is_chord, false);
  planes[n] = {one.weight, two.weight};
  planes[stride + n] = is_chord ? Two<T>{one.a, one.b} : Two<T>{one.a, two.a};
  if (is_chord) planes[2 * stride + n] = {two.a, two.b};
}

// What a launch knows beside its problem.
template <class T>
struct FitPlan {
  Beams<T> beams;
  const Two<T>* planes;
  uint32_t group;   // lanes of an orientation, by N alone: the order of the sums is part of the answer
  bool of_vectors;  // pairs are made of the vectors of a table, not of records
  bool counted;     // counts are wanted
  // How many parameters are chosen, how many elements their matrix has, and how many a rotation.
  Divisor parameters, normals, rotation;
  double frame[9];                      // M by rows
  uint8_t turn_row[9], turn_column[9];  // of the elements of a rotation, in the order of the caller's
  // Which parameters; and the elements of the matrix: row, column, and place among all.
  uint8_t parameter[fit_parameters], row[fit_normals], column[fit_normals], slot[fit_normals];
};

struct Counts {
  int32_t observable = 0, matched = 0, missing = 0, grazing = 0;
  double missing_weight = 0;
};

// Of a block of threads.
template <class T, FitPart part>
using FitMemory = GroupMemory<T, FitSlots<part>::room, part == FitPart::all ? 16 : 32>;

// One orientation, of a lane's group.
template <class T, FitPart part, LossKind kind, TargetSource source>
class Fit {
 public:
  using Slots = FitSlots<part>;
  static constexpr bool is_listed = source == TargetSource::listed || source == TargetSource::listed_vectors;
  static constexpr bool is_known_usual = source != TargetSource::any && !is_listed;

  // total: room for Slots::room numbers.
  __device__ __forceinline__ Fit(const OmegaLossProblem<T>& p, const FitPlan<T>& plan, int64_t b, Group group,
                                 double* total)
      : p_(p),
        plan_(plan),
        group_(group),
        b_(b),
        total_(total),
        setting_(plan.beams.setting(p.frame, p.orientations, b)) {
    if (is_crowded && group_.lane == 0)
      store_matrix(total_ + Slots::kept_rotation, convert<double>(setting_.rotation), false, false);
  }

  // Makes the sums. For all lanes of a warp, of which those that are not active have nothing to sum.
  __device__ __forceinline__ void sum(bool active, SumTile<T>& tile) {
    // Dense targets have fewer than 2^31 to an orientation.
    using Index = std::conditional_t<is_listed, int64_t, uint32_t>;
    Index at = group_.lane, last = static_cast<Index>(p_.reflections.count);
    if constexpr (source == TargetSource::opposites) last /= 2;
    if constexpr (is_listed) at += p_.targets.offsets[b_], last = p_.targets.offsets[b_ + 1];
    if (!active) last = at;
    sum_group(tile, group_, at, last, sums_.values, total_, [&](Index index) {
      const auto vectors = [&] {
        const Index rest = last - index + group_.lane;  // of the group
        return GroupVectors<T>(tile, group_, static_cast<uint32_t>(min(rest, Index{group_.size})));
      };
      if constexpr (is_listed)
        add_listed(index, vectors);
      else
        add_dense(index, vectors);
    });
    if (plan_.counted) {
      for (uint32_t step = group_.size / 2; step > 0; step /= 2) {
        const auto add = [&](auto& count) { count += __shfl_xor_sync(~0u, count, step); };
        add(counts_.observable), add(counts_.matched), add(counts_.missing), add(counts_.grazing);
        add(counts_.missing_weight);
      }
    }
  }

  // Makes the normal matrix of all parameters from the tensors among the sums. For all lanes of a warp.
  __device__ __forceinline__ void expand() {
    double *tensors = total_ + Slots::tensors, *normal = total_ + Slots::normal, *half = total_ + Slots::half;
    if (group_.lane == 0) {
      complete(tensors, total_ + Slots::scalars);
      expand_scalars(total_ + Slots::scalars, normal);
    }
    __syncwarp();
    const Mat3<double> rotation = usable_rotation();
    const double inverse_wavenumber = usable_inverse_wavenumber();
#pragma unroll 1
    for (uint32_t row = group_.lane; row < TensorRow::count; row += group_.size)
      expand_row(tensors, static_cast<int>(row), rotation, inverse_wavenumber, normal, half);
    __syncwarp();
#pragma unroll 1
    for (uint32_t column = group_.lane; column < 6; column += group_.size)
      expand_column(half, static_cast<int>(column), rotation, inverse_wavenumber, normal);
    __syncwarp();
  }

  // Makes the gradient, by turns of the sample. For all lanes of a warp.
  __device__ __forceinline__ void make_gradient() {
    if (!p_.output.gradient) return;
    if (group_.lane == 0) {
      const Mat3<double> sum = load_matrix<double>(total_ + Slots::rotation, false), rotation = usable_rotation();
      double* out = total_ + Slots::made_gradient;
      if constexpr (Slots::with_gradient)
        expand_gradient(total_ + Slots::gradient, sum, rotation, out);
      else
        put_vector(out, axial(multiply(sum, transpose(rotation))));
      if (!p_.frame.identity) put_vector(out, multiply_transposed(p_.frame.m, Vec3<double>{out[0], out[1], out[2]}));
    }
    __syncwarp();
  }

  // Makes the loss, and writes the counts. For the first lane of a group.
  __device__ __forceinline__ void finish() {
    double& loss = total_[Slots::loss];
    loss *= 0.5;
    if (!plan_.counted) return;
    const OmegaLossOutput<T>& out = p_.output;
    if (p_.targets.missing_loss > 0) loss += p_.targets.missing_loss * counts_.missing_weight;
    store_count(out.observable, b_, counts_.observable, out.accumulate);
    store_count(out.matched, b_, counts_.matched, out.accumulate);
    store_count(out.missing, b_, counts_.missing, out.accumulate);
    store_count(out.grazing, b_, counts_.grazing, out.accumulate);
  }

 private:
  __device__ __forceinline__ bool is_chord() const {
    return kind == LossKind::chord || (kind == LossKind::any && static_cast<Loss>(p_.targets.loss) == Loss::chord);
  }

  // Beside the sums of tensors in float64 there are no registers for rotation and basis: they are read again for each pair.
  static constexpr bool is_crowded = Slots::with_tensors && sizeof(T) == 8;

  __device__ __forceinline__ Mat3<T> rotation() const {
    if constexpr (is_crowded) {
      const volatile double* r = total_ + Slots::kept_rotation;
      return {r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8]};
    } else {
      return setting_.rotation;
    }
  }

  // vectors(): of the group's lanes.
  template <class Vectors>
  __device__ __forceinline__ Pair<T> pair_at(uint32_t n, const Vectors& vectors) const {
    Setting<T> setting = setting_;
    setting.rotation = rotation();
    if (source == TargetSource::listed_vectors || (source == TargetSource::any && plan_.of_vectors)) {
      if (is_crowded && p_.orientations.reciprocal_basis)
        setting.basis = load_matrix<T>(p_.orientations.reciprocal_basis + 9 * b_, p_.orientations.column_major);
      return load_pair(setting, p_.orientations, p_.reflections, n, [&](const auto* table) {
        if constexpr (is_listed)
          return vectors().staged_row(table, n);
        else
          return vectors().load(table + 3 * int64_t{n});  // the lanes' reflections follow each other
      });
    }
    const Record<T> r = load_record(p_.reflections.records, reflection_planes_stride(p_.reflections.count), n);
    return pair_of(setting, r.q, r.q2, from_rotated());
  }

  __device__ __forceinline__ void add_difference(T omega, const ReadyTarget<T>& target, T& slope, T& weight) {
    const Loss loss = kind == LossKind::squares ? Loss::squares : static_cast<Loss>(p_.targets.loss);
    add_angle(loss, static_cast<T>(p_.targets.delta), difference_of_angles(omega, target.a), target.weight,
              sums_.values[Slots::loss], slope, weight);
  }

  // A root with this direction. `mate`: the target of the opposite reflection.
  __device__ __forceinline__ void add_root(T sine, T cosine, const ReadyTarget<T>& own, const ReadyTarget<T>& mate,
                                           T& slope, T& weight) {
    constexpr bool opposites = source == TargetSource::opposites;
    if (is_chord()) {
      T& loss = sums_.values[Slots::loss];
      add_chord(chord_residual(sine, cosine, own.a, own.b), own.weight, loss, slope, weight);
      if constexpr (opposites)
        add_chord(opposite_chord_residual(sine, cosine, mate.a, mate.b), mate.weight, loss, slope, weight);
    } else {
      const T omega = unbounded_angle(sine, cosine);
      add_difference(omega, own, slope, weight);
      if constexpr (opposites) add_difference(omega - static_cast<T>(pi), mate, slope, weight);
    }
  }

  __device__ __forceinline__ void count(T weight, const Crossing<T>& x, bool contributing) {
    if (!(weight > T(0))) return;
    counts_.matched += contributing, counts_.missing += !x.observable, counts_.grazing += x.observable && !contributing;
    if (!x.observable) counts_.missing_weight += static_cast<double>(weight);
  }

  template <class Vectors>
  __device__ __forceinline__ void add_dense(uint32_t n, const Vectors& vectors) {
    constexpr bool opposites = source == TargetSource::opposites;
    const Pair<T> pair = pair_at(n, vectors);
    const Crossing<T>& x = pair.crossing;
    const bool contributing = is_contributing(x, setting_, p_.frame);
    ReadyTargets<T> own, mates{};
    if (source == TargetSource::planes || (opposites && plan_.planes))
      own = read_planes(plan_.planes, p_.reflections.count, n, is_chord());
    else
      own = read_given(p_.targets, b_ * p_.targets.orientation_stride + n, is_chord(), source == TargetSource::given);
    if constexpr (opposites) {
      const int64_t mate = n + p_.reflections.count / 2;
      mates = plan_.planes ? read_planes(plan_.planes, p_.reflections.count, static_cast<uint32_t>(mate), is_chord())
                           : read_given(p_.targets, mate, is_chord(), false);
    }
    if (contributing) {
      const RootVectors<T> v = root_vectors(x);
      Slopes<T> s{};
      add_root(v.sin1, v.cos1, own.one, mates.one, s.slope1, s.weight1);
      add_root(v.sin2, v.cos2, own.two, mates.two, s.slope2, s.weight2);
      sums_.add(setting_, pair, from_rotated(), s);
    }
    if (!plan_.counted) return;
    counts_.observable += (opposites ? 2 : 1) * x.observable;
    count(own.one.weight, x, contributing), count(own.two.weight, x, contributing);
    if constexpr (opposites) count(mates.one.weight, x, contributing), count(mates.two.weight, x, contributing);
  }

  // An entry of a list: one target, its root given or the nearer one. Root 2 is root 1 with the other sign of s, so from there on
  // an entry has one root only.
  template <class Vectors>
  __device__ __forceinline__ void add_listed(int64_t i, const Vectors& vectors) {
    const OmegaTargets<T>& t = p_.targets;
    const auto n = static_cast<uint32_t>(t.reflection[i]);
    if constexpr (source == TargetSource::listed_vectors) {
      // By all lanes, before some of them turn out to have nothing to add.
      const uint32_t row = min(n, static_cast<uint32_t>(p_.reflections.count) - 1);
      const auto stage = [&](const auto* table) { vectors().stage_row(table, row); };
      p_.orientations.reciprocal_basis ? stage(p_.reflections.hkl) : stage(p_.reflections.q);
    }
    const ReadyTarget<T> target = make_ready(t.omega[i], t.weight ? t.weight[i] : T(1), is_chord());
    if (!(target.weight > T(0))) return;
    const int root = t.root ? t.root[i] : 0;
    const bool exists = n < p_.reflections.count && root <= 2;
    Pair<T> pair{};
    if (exists) pair = pair_at(n, vectors);
    Crossing<T>& x = pair.crossing;
    const bool contributing = exists && is_contributing(x, setting_, p_.frame);
    if (contributing) {
      if (root == 2 || (root == 0 && is_second_nearer(x, target))) x.s = -x.s, x.inverse_s = -x.inverse_s;
      const SineCosine<T> v = root_vector(x, x.s);
      Slopes<T> s{};
      add_root(v.sine, v.cosine, target, {}, s.slope1, s.weight1);
      sums_.add(setting_, pair, from_rotated(), s);
    }
    if (!plan_.counted) return;
    counts_.observable += x.observable;
    count(target.weight, x, contributing);
  }

  // Whether root 2 is nearer to the target than root 1.
  __device__ __forceinline__ bool is_second_nearer(const Crossing<T>& x, const ReadyTarget<T>& target) const {
    const SineCosine<T> t = is_chord() ? SineCosine<T>{target.a, target.b} : sine_cosine(target.a);
    return second_is_nearer(x, side_of(x, t));
  }

  __device__ __forceinline__ bool from_rotated() const {
    return !is_known_usual && p_.orientations.magnitude_from_rotated;
  }

  // Nothing of a rotation that is not finite diffracts: its derivatives are 0, not 0 times NaN.
  __device__ __forceinline__ Mat3<double> usable_rotation() const {
    const Mat3<T> r = rotation();
    const T none(0), zero = mul_add(r.xx, none, mul_add(r.xy, none, r.xz * none)) +
                            mul_add(r.yx, none, mul_add(r.yy, none, r.yz * none)) +
                            mul_add(r.zx, none, mul_add(r.zy, none, r.zz * none));
    return zero == none ? convert<double>(r) : Mat3<double>{};
  }

  __device__ __forceinline__ double usable_inverse_wavenumber() const {
    const auto inverse = static_cast<double>(setting_.beam.inverse_wavenumber);
    return is_finite(inverse) ? inverse : 0;
  }

  __device__ __forceinline__ static void put_vector(double* out, const Vec3<double>& v) {
    out[0] = v.x, out[1] = v.y, out[2] = v.z;
  }

  const OmegaLossProblem<T>& p_;
  const FitPlan<T>& plan_;
  Group group_;
  int64_t b_;
  double* total_;  // sums, and what is made of them
  Setting<T> setting_;
  LaneSums<T, part> sums_;
  Counts counts_;
};

// The outputs of a block of threads.
template <class T, FitPart part>
struct FitRows {
  using Slots = FitSlots<part>;

  const OmegaLossProblem<T>& p;
  const FitPlan<T>& plan;
  BlockRows block;

  __device__ __forceinline__ void store_all() const {
    const OmegaLossOutput<T>& out = p.output;
    if (out.loss && threadIdx.x < block.count)
      store(out.loss + block.first + threadIdx.x, block.totals[threadIdx.x * Slots::room + Slots::loss],
            out.accumulate);
    if (out.rotation_bar)
      store_rows(out.rotation_bar, plan.rotation, [&](const double* total, uint32_t i) {
        return rotation_bar(total, plan.turn_row[i], plan.turn_column[i]);
      });
    if constexpr (part != FitPart::none)
      if (out.gradient)
        store_rows(out.gradient, plan.parameters,
                   [&](const double* total, uint32_t i) { return total[Slots::made_gradient + plan.parameter[i]]; });
    if constexpr (Slots::normal_rows > 0)
      if (out.normal)
        store_rows(out.normal, plan.normals, [&](const double* total, uint32_t i) {
          if (p.frame.identity) return total[Slots::normal + plan.slot[i]];
          return turned_normal<double>(p.frame, plan.row[i], plan.column[i], [&](int a, int b) {
            return total[Slots::normal + triangle_index(a, b, Slots::normal_rows)];
          });
        });
  }

 private:
  template <class Value>
  __device__ __forceinline__ void store_rows(T* rows, const Divisor& length, const Value& value) const {
    block.store(rows, length, p.output.accumulate, value);
  }

  // M^T sum: element (r, c).
  __device__ __forceinline__ double rotation_bar(const double* total, uint32_t r, uint32_t c) const {
    const double *sum = total + Slots::rotation + c, *m = plan.frame + r;
    if (p.frame.identity) return sum[3 * r];
    return mul_add(m[0], sum[0], mul_add(m[3], sum[3], m[6] * sum[6]));
  }
};

// The orientations of a block of threads.
template <class T, FitPart part, LossKind kind, TargetSource source>
__global__ void __launch_bounds__(group_threads, 1)  // as many registers as the sums need
    brg_omega_loss_kernel(const __grid_constant__ OmegaLossProblem<T> p, Range rows,
                          const __grid_constant__ FitPlan<T> plan) {
  __shared__ FitMemory<T, part> memory;
  const Group group = {plan.group, threadIdx.x % plan.group};
  const uint32_t groups = blockDim.x / plan.group;
  const int64_t first = rows.start + int64_t{blockIdx.x} * groups, b = first + threadIdx.x / plan.group;
  const bool active = b < rows.stop;
  Fit<T, part, kind, source> fit(p, plan, min(b, rows.stop - 1), group, memory.totals(group));
  fit.sum(active, memory.tile());
  if constexpr (FitSlots<part>::with_tensors) fit.expand();
  if constexpr (part != FitPart::none) fit.make_gradient();
  if (active && group.lane == 0) fit.finish();
  __syncthreads();
  const auto count = static_cast<uint32_t>(min(int64_t{groups}, rows.stop - first));
  FitRows<T, part>{p, plan, {memory.totals(group, 0), FitSlots<part>::room, first, count}}.store_all();
}

namespace {

template <FitPart part, class T>
FitPlan<T> make_plan(const OmegaLossProblem<T>& p, const Two<T>* planes) {
  const auto& out = p.output;
  const int parameters = fit_parameter_count(out.parameters);
  const auto elements = [](int count) { return Divisor(static_cast<uint32_t>(std::max(count, 1))); };
  FitPlan<T> plan{Beams<T>(p.frame, p.orientations),
                  planes,
                  group_size(p.reflections.count),
                  p.reflections.count > 0 && (p.orientations.reciprocal_basis || !p.reflections.records),
                  out.observable || out.matched || out.missing || out.grazing || p.targets.missing_loss > 0,
                  elements(parameters),
                  elements(parameters * (parameters + 1) / 2),
                  elements(9),
                  {},
                  {},
                  {},
                  {},
                  {},
                  {},
                  {}};
  store_matrix(plan.frame, p.frame.m, false, false);
  for (uint8_t slow = 0, i = 0; slow < 3; ++slow)
    for (uint8_t fast = 0; fast < 3; ++fast, ++i) {
      plan.turn_row[i] = p.orientations.column_major ? fast : slow;
      plan.turn_column[i] = p.orientations.column_major ? slow : fast;
    }
  for (int i = 0, element = 0; i < parameters; ++i) {
    plan.parameter[i] = static_cast<uint8_t>(fit_parameter(out.parameters, i));
    for (int j = i; j < parameters; ++j, ++element) {
      plan.row[element] = plan.parameter[i];
      plan.column[element] = static_cast<uint8_t>(fit_parameter(out.parameters, j));
      plan.slot[element] =
          static_cast<uint8_t>(triangle_index(plan.row[element], plan.column[element], FitSlots<part>::normal_rows));
    }
  }
  return plan;
}

template <FitPart part, LossKind kind, TargetSource source, class T>
void launch_fit(const Engine& engine, const OmegaLossProblem<T>& p, const FitPlan<T>& plan) {
  const uint32_t threads = FitMemory<T, part>::threads(plan.group);
  const int64_t groups = threads / plan.group;
  const int64_t per_launch = rows_per_launch(engine.max_pairs(), p.reflections.count, groups);
  engine.for_ranges(p.orientations.count, per_launch, [&](Range rows) {
    engine.launch_blocks("brg_omega_loss_kernel", brg_omega_loss_kernel<T, part, kind, source>,
                         blocks_of(rows.stop - rows.start, groups), threads, p, rows, plan);
  });
}

template <FitPart part, TargetSource source, class T>
void launch_fit(const Engine& engine, const OmegaLossProblem<T>& p, const FitPlan<T>& plan) {
  const Loss loss = static_cast<Loss>(p.targets.loss);
  if constexpr (source == TargetSource::any || source == TargetSource::listed || source == TargetSource::listed_vectors)
    launch_fit<part, LossKind::any, source>(engine, p, plan);
  else if (loss == Loss::squares)
    launch_fit<part, LossKind::squares, source>(engine, p, plan);
  else if (loss == Loss::chord)
    launch_fit<part, LossKind::chord, source>(engine, p, plan);
  else
    launch_fit<part, LossKind::any, source>(engine, p, plan);
}

template <FitPart part, class T>
void launch_fit(const Engine& engine, const OmegaLossProblem<T>& p, const Two<T>* planes) {
  const FitPlan<T> plan = make_plan<part>(p, planes);
  if (p.targets.offsets)
    return plan.of_vectors ? launch_fit<part, TargetSource::listed_vectors>(engine, p, plan)
                           : launch_fit<part, TargetSource::listed>(engine, p, plan);
  if constexpr (part == FitPart::none || part == FitPart::turns) {
    const bool usual = is_usual(p.reflections, p.orientations);
    if (usual && p.targets.orientation_stride == 0 && opposites_share(p.frame, p.orientations, p.reflections))
      return launch_fit<part, TargetSource::opposites>(engine, p, plan);
    if (!plan.planes && usual && p.targets.omega1 && p.targets.omega2)
      return launch_fit<part, TargetSource::given>(engine, p, plan);
  }
  plan.planes ? launch_fit<part, TargetSource::planes>(engine, p, plan)
              : launch_fit<part, TargetSource::any>(engine, p, plan);
}

}  // namespace

template <class T>
void CudaOperations<T>::omega_loss(const OmegaLossProblem<T>& p, Scratch& scratch) {
  // A launch that makes the targets ready pays from a few orientations on.
  constexpr int64_t enough_orientations = 8;
  const int64_t length = p.reflections.count;
  const bool shared = is_usual(p.reflections, p.orientations) && !p.targets.offsets &&
                      p.targets.orientation_stride == 0 && p.orientations.count >= enough_orientations && length > 0;
  const Slot<Two<T>> slot = scratch.reserve<Two<T>>(shared ? target_planes * length : 0);
  if (!scratch.ready()) return;
  Two<T>* planes = shared ? scratch[slot] : nullptr;
  if (shared)
    engine_.launch_flat("brg_prepare_targets_kernel", brg_prepare_targets_kernel<T>, length, p.targets, length, planes);
  if (!p.output.gradient && !p.output.normal)
    launch_fit<FitPart::none>(engine_, p, planes);
  else if (p.output.parameters == 1)
    launch_fit<FitPart::turns>(engine_, p, planes);
  else if (!p.output.normal)
    launch_fit<FitPart::gradient>(engine_, p, planes);
  else
    launch_fit<FitPart::all>(engine_, p, planes);
}

template void CudaOperations<BRG_REAL>::omega_loss(const OmegaLossProblem<BRG_REAL>&, Scratch&);

}  // namespace braggrad::cuda
