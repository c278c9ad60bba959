// Fused loss, gradient and normal equations on CUDA: a group of lanes per orientation, sums in registers, one reduction.
#include "kernels/cuda_operations.hpp"
#include "kernels/fit_sums.cuh"
#include "kernels/group_sums.cuh"
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
// caller has them. All three for calls of the usual form; any: dense, for any form. listed: by offsets, for any form.
enum class TargetSource { planes, opposites, given, any, listed };

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
  uint32_t group;                   // lanes of an orientation, by N alone: the order of the sums is part of the answer
  bool usual, counted;              // the call has the usual form; counts are wanted
  int8_t position[fit_parameters];  // of a parameter among the chosen ones, or -1
  // How many are chosen, and the elements of their matrix: row, column, and place in the sums.
  uint8_t parameters, row[fit_normals], column[fit_normals], slot[fit_normals];
};

struct Counts {
  int32_t observable = 0, matched = 0, missing = 0, grazing = 0;
  double missing_weight = 0;
};

// One orientation, of a lane's group.
template <class T, FitPart part, LossKind kind, TargetSource source>
class Fit {
 public:
  using Slots = FitSlots<part>;
  static constexpr bool is_known_usual = source != TargetSource::any && source != TargetSource::listed;

  __device__ __forceinline__ Fit(const OmegaLossProblem<T>& p, const FitPlan<T>& plan, int64_t b, Group group)
      : p_(p), plan_(plan), group_(group), b_(b), setting_(plan.beams.setting(p.frame, p.orientations, b)) {}

  // Sums into total[Slots::count]. For all lanes of a warp, of which those that are not active have nothing to sum.
  __device__ __forceinline__ void sum(bool active, SumTile<T>& tile, double* total) {
    // Dense targets have fewer than 2^31 to an orientation.
    using Index = std::conditional_t<source == TargetSource::listed, int64_t, uint32_t>;
    Index at = group_.lane, last = static_cast<Index>(p_.reflections.count);
    if constexpr (source == TargetSource::opposites) last /= 2;
    if constexpr (source == TargetSource::listed) at += p_.targets.offsets[b_], last = p_.targets.offsets[b_ + 1];
    if (!active) last = at;
    sum_group(tile, group_, at, last, sums_.values, total, [&](Index index) {
      if constexpr (source == TargetSource::listed)
        add_listed(index);
      else
        add_dense(index);
    });
    if (plan_.counted) {
      for (uint32_t step = group_.size / 2; step > 0; step /= 2) {
        const auto add = [&](auto& count) { count += __shfl_xor_sync(~0u, count, step); };
        add(counts_.observable), add(counts_.matched), add(counts_.missing), add(counts_.grazing);
        add(counts_.missing_weight);
      }
    }
  }

  // Writes what the part has of the outputs.
  __device__ __forceinline__ void store_all(const double* total) const {
    const OmegaLossOutput<T>& out = p_.output;
    if constexpr (Slots::with_loss) {
      if (out.rotation_bar)
        for (uint32_t i = group_.lane; i < 9; i += group_.size) {
          const uint32_t r = i / 3, c = i % 3;
          store(out.rotation_bar + 9 * b_ + (p_.orientations.column_major ? 3 * c + r : i), rotation_bar(total, r, c),
                out.accumulate);
        }
      if (group_.lane == 0) {
        const double missing = p_.targets.missing_loss > 0 ? p_.targets.missing_loss * counts_.missing_weight : 0;
        if (out.loss) store(out.loss + b_, 0.5 * total[Slots::loss] + missing, out.accumulate);
        store_count(out.observable, b_, counts_.observable, out.accumulate);
        store_count(out.matched, b_, counts_.matched, out.accumulate);
        store_count(out.missing, b_, counts_.missing, out.accumulate);
        store_count(out.grazing, b_, counts_.grazing, out.accumulate);
      }
    }
    if constexpr (Slots::with_loss && part != FitPart::none)
      if (out.gradient) store_gradient(total);
    if constexpr (Slots::block_rows > 0)
      if (out.normal) store_normal(total);
  }

 private:
  __device__ __forceinline__ bool is_chord() const {
    return kind == LossKind::chord || (kind == LossKind::any && static_cast<Loss>(p_.targets.loss) == Loss::chord);
  }

  __device__ __forceinline__ Pair<T> pair_at(uint32_t n) const {
    if (!is_known_usual && !plan_.usual) return load_pair(setting_, p_.orientations, p_.reflections, n);
    const Record<T> r = load_record(p_.reflections.records, reflection_planes_stride(p_.reflections.count), n);
    return pair_of(setting_, r.q, r.q2, false);
  }

  // A residual with its weight: to the loss, and to slope and matrix weight of its root.
  __device__ __forceinline__ void add(const Residual<T>& residual, T weight, T& slope, T& matrix_weight) {
    if constexpr (Slots::with_loss)
      sums_.values[Slots::loss] = mul_add(weight, residual.twice_loss, sums_.values[Slots::loss]);
    slope = mul_add(weight, residual.slope, slope), matrix_weight = mul_add(weight, residual.weight, matrix_weight);
  }

  __device__ __forceinline__ Residual<T> residual_of_angle(T omega, T target) const {
    const Loss loss = kind == LossKind::squares ? Loss::squares : static_cast<Loss>(p_.targets.loss);
    return angle_residual(loss, static_cast<T>(p_.targets.delta), difference_of_angles(omega, target));
  }

  // Not for a normal matrix alone whose matrix weights are the weights.
  __device__ __forceinline__ bool needs_slopes() const {
    const Loss loss = static_cast<Loss>(p_.targets.loss);
    return Slots::with_loss || (loss != Loss::squares && loss != Loss::chord);
  }

  // A root with this direction. `mate`: the target of the opposite reflection.
  __device__ __forceinline__ void add_root(T sine, T cosine, const ReadyTarget<T>& own, const ReadyTarget<T>& mate,
                                           T& slope, T& weight) {
    constexpr bool opposites = source == TargetSource::opposites;
    if (!needs_slopes()) {
      weight += own.weight;
    } else if (is_chord()) {
      add(chord_residual(sine, cosine, own.a, own.b), own.weight, slope, weight);
      if constexpr (opposites) add(opposite_chord_residual(sine, cosine, mate.a, mate.b), mate.weight, slope, weight);
    } else {
      const T omega = unbounded_angle(sine, cosine);
      add(residual_of_angle(omega, own.a), own.weight, slope, weight);
      if constexpr (opposites) add(residual_of_angle(omega - static_cast<T>(pi), mate.a), mate.weight, slope, weight);
    }
  }

  __device__ __forceinline__ void count(T weight, const Crossing<T>& x, bool contributing) {
    if (!(weight > T(0))) return;
    counts_.matched += contributing, counts_.missing += !x.observable, counts_.grazing += x.observable && !contributing;
    if constexpr (Slots::with_loss)
      if (!x.observable) counts_.missing_weight += static_cast<double>(weight);
  }

  __device__ __forceinline__ void add_dense(uint32_t n) {
    constexpr bool opposites = source == TargetSource::opposites;
    const Pair<T> pair = pair_at(n);
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
  __device__ __forceinline__ void add_listed(int64_t i) {
    const OmegaTargets<T>& t = p_.targets;
    const ReadyTarget<T> target = make_ready(t.omega[i], t.weight ? t.weight[i] : T(1), is_chord());
    if (!(target.weight > T(0))) return;
    const auto n = static_cast<uint32_t>(t.reflection[i]);
    const int root = t.root ? t.root[i] : 0;
    const bool exists = n < p_.reflections.count && root <= 2;
    Pair<T> pair{};
    if (exists) pair = pair_at(n);
    Crossing<T>& x = pair.crossing;
    const bool contributing = exists && is_contributing(x, setting_, p_.frame);
    if (contributing) {
      if (root == 2 || (root == 0 && second_is_nearer(x, target))) x.s = -x.s, x.inverse_s = -x.inverse_s;
      const T sine = mul_add(x.ux, x.s, x.uy * x.c), cosine = mul_sub(x.uy, x.s, x.ux * x.c);
      Slopes<T> s{};
      add_root(sine, cosine, target, {}, s.slope1, s.weight1);
      sums_.add(setting_, pair, from_rotated(), s);
    }
    if (!plan_.counted) return;
    counts_.observable += x.observable;
    count(target.weight, x, contributing);
  }

  // The target t is nearer to root 2 where (sin t, cos t) . (root 1 - root 2) = 2 s (ux sin t + uy cos t) < 0.
  __device__ __forceinline__ bool second_is_nearer(const Crossing<T>& x, const ReadyTarget<T>& target) const {
    const SineCosine<T> t = is_chord() ? SineCosine<T>{target.a, target.b} : sine_cosine(target.a);
    return mul_add(x.ux, t.sine, x.uy * t.cosine) * x.s < T(0);
  }

  __device__ __forceinline__ bool from_rotated() const {
    return !is_known_usual && !plan_.usual && p_.orientations.magnitude_from_rotated;
  }

  // M^T sum: element (r, c).
  __device__ __forceinline__ double rotation_bar(const double* total, uint32_t r, uint32_t c) const {
    const double* sum = total + Slots::rotation + c;
    if (p_.frame.identity) return sum[3 * r];
    const Mat3<double>& m = p_.frame.m;
    const auto column = [&](double x, double y, double z) {
      return mul_add(x, sum[0], mul_add(y, sum[3], z * sum[6]));
    };
    return r == 0 ? column(m.xx, m.yx, m.zx) : r == 1 ? column(m.xy, m.yy, m.zy) : column(m.xz, m.yz, m.zz);
  }

  // By turns from sum w l' G_bar q^T, by strain from the same and its part along q.
  __device__ __forceinline__ void store_gradient(const double* total) const {
    if (group_.lane != 0) return;
    const Mat3<double> sum = load_matrix<double>(total + Slots::rotation, false),
                       r = convert<double>(setting_.rotation);
    const Vec3<double> in_frame = axial(multiply(sum, transpose(r)));
    const Vec3<double> turn = p_.frame.identity ? in_frame : multiply_transposed(p_.frame.m, in_frame);
    double values[fit_parameters] = {turn.x, turn.y, turn.z};
    if constexpr (Slots::with_gradient) {
      const double* along = total + Slots::along;
      values[3] = total[Slots::scalar_gradient], values[4] = total[Slots::scalar_gradient + 1];
      const Mat3<double> m = multiply(transpose(r), sum);
      values[5] = m.xx + along[0], values[6] = m.yy + along[1], values[7] = m.zz + along[2];
      values[8] = m.yz + m.zy + along[3], values[9] = m.xz + m.zx + along[4], values[10] = m.xy + m.yx + along[5];
    }
    T* out = p_.output.gradient + b_ * plan_.parameters;
    constexpr int count = Slots::with_gradient ? fit_parameters : 3;
    bool finite = true;
#pragma unroll
    for (int a = 0; a < count; ++a) finite = finite && is_finite(values[a]);
    if (!finite) {
      // Sums of a rotation that is not finite are 0: so are its derivatives, not 0 times NaN.
      bool nothing = true;
      for (int i = 0; i < 9; ++i) nothing = nothing && total[Slots::rotation + i] == 0;
#pragma unroll
      for (int a = 0; a < count; ++a) values[a] = nothing && !is_finite(values[a]) ? 0 : values[a];
    }
#pragma unroll
    for (int a = 0; a < count; ++a)
      if (plan_.position[a] >= 0) store(out + plan_.position[a], values[a], p_.output.accumulate);
  }

  __device__ __forceinline__ void store_normal(const double* total) const {
    const uint32_t count = plan_.parameters * (plan_.parameters + 1u) / 2;
    T* out = p_.output.normal + b_ * count;
    const auto element = [&](int a, int b) { return total[Slots::slot(a, b)]; };
    for (uint32_t i = group_.lane; i < count; i += group_.size) {
      store(out + i,
            p_.frame.identity ? total[plan_.slot[i]]
                              : turned_normal<double>(p_.frame, plan_.row[i], plan_.column[i], element),
            p_.output.accumulate);
    }
  }

  const OmegaLossProblem<T>& p_;
  const FitPlan<T>& plan_;
  Group group_;
  int64_t b_;
  Setting<T> setting_;
  LaneSums<T, part> sums_;
  Counts counts_;
};

// True where a part is made as gradient and matrix.
template <class T, FitPart part>
constexpr bool is_parted = part == FitPart::all && sizeof(T) == 8;

// Of a block of threads.
template <class T, FitPart part>
using FitMemory = GroupMemory<T, FitSlots<is_parted<T, part> ? FitPart::matrix : part>::count>;

// The orientations of this block of threads: `block` of those of a part.
template <class T, FitPart part, LossKind kind, TargetSource source, class Memory>
__device__ __forceinline__ void run_fit(const OmegaLossProblem<T>& p, Range rows, const FitPlan<T>& plan,
                                        uint32_t block, Memory& memory) {
  const Group group = {plan.group, threadIdx.x % plan.group};
  const int64_t b = rows.start + (int64_t{block} * blockDim.x + threadIdx.x) / plan.group;
  const bool active = b < rows.stop;
  double* total = memory.totals(group);
  Fit<T, part, kind, source> fit(p, plan, min(b, rows.stop - 1), group);
  fit.sum(active, memory.tile(), total);
  if (active) fit.store_all(total);
}

// `part` all in float64: every block does one of the two parts of its orientations.
template <class T, FitPart part, LossKind kind, TargetSource source>
__global__ void __launch_bounds__(group_threads, 1)  // as many registers as the sums need
    brg_omega_loss_kernel(const __grid_constant__ OmegaLossProblem<T> p, Range rows,
                          const __grid_constant__ FitPlan<T> plan) {
  __shared__ FitMemory<T, part> memory;
  if constexpr (is_parted<T, part>) {
    static_assert(FitSlots<FitPart::matrix>::count >= FitSlots<FitPart::gradient>::count);
    if (blockIdx.x % 2 == 0)
      run_fit<T, FitPart::gradient, kind, source>(p, rows, plan, blockIdx.x / 2, memory);
    else
      run_fit<T, FitPart::matrix, kind, source>(p, rows, plan, blockIdx.x / 2, memory);
  } else {
    run_fit<T, part, kind, source>(p, rows, plan, blockIdx.x, memory);
  }
}

namespace {

template <FitPart part, class T>
FitPlan<T> make_plan(const OmegaLossProblem<T>& p, const Two<T>* planes) {
  using MatrixSlots = FitSlots<is_parted<T, part> ? FitPart::matrix : part>;
  const auto& out = p.output;
  FitPlan<T> plan{Beams<T>(p.frame, p.orientations),
                  planes,
                  group_size(p.reflections.count),
                  is_usual(p.reflections, p.orientations),
                  out.observable || out.matched || out.missing || out.grazing || p.targets.missing_loss > 0,
                  {},
                  static_cast<uint8_t>(fit_parameter_count(out.parameters)),
                  {},
                  {},
                  {}};
  for (int8_t& position : plan.position) position = -1;
  for (int i = 0, element = 0; i < plan.parameters; ++i) {
    const int a = fit_parameter(out.parameters, i);
    plan.position[a] = static_cast<int8_t>(i);
    for (int j = i; j < plan.parameters; ++j, ++element) {
      plan.row[element] = static_cast<uint8_t>(a);
      plan.column[element] = static_cast<uint8_t>(fit_parameter(out.parameters, j));
      plan.slot[element] = static_cast<uint8_t>(MatrixSlots::slot(plan.row[element], plan.column[element]));
    }
  }
  return plan;
}

template <FitPart part, LossKind kind, TargetSource source, class T>
void launch_fit(const Engine& engine, const OmegaLossProblem<T>& p, const FitPlan<T>& plan) {
  constexpr int64_t parts = is_parted<T, part> ? 2 : 1;
  const uint32_t threads = FitMemory<T, part>::threads(plan.group);
  const int64_t groups = threads / plan.group;
  const int64_t per_launch = rows_per_launch(engine.max_pairs(), p.reflections.count, groups);
  engine.for_ranges(p.orientations.count, per_launch, [&](Range rows) {
    engine.launch_blocks("brg_omega_loss_kernel", brg_omega_loss_kernel<T, part, kind, source>,
                         parts * blocks_of(rows.stop - rows.start, groups), threads, p, rows, plan);
  });
}

template <FitPart part, TargetSource source, class T>
void launch_fit(const Engine& engine, const OmegaLossProblem<T>& p, const FitPlan<T>& plan) {
  const Loss loss = static_cast<Loss>(p.targets.loss);
  if constexpr (source == TargetSource::any || source == TargetSource::listed)
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
  if (p.targets.offsets) return launch_fit<part, TargetSource::listed>(engine, p, plan);
  if constexpr (part == FitPart::none || part == FitPart::turns) {
    if (plan.usual && p.targets.orientation_stride == 0 && opposites_share(p.frame, p.orientations, p.reflections))
      return launch_fit<part, TargetSource::opposites>(engine, p, plan);
    if (!plan.planes && plan.usual && p.targets.omega1 && p.targets.omega2)
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
