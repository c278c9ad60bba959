// The spots of a chunk of grains by the library.
#include "spot_predictor.hpp"

namespace braggrad::cli {

SpotPredictor::SpotPredictor(const Session& session, const brg_geometry& geometry, std::vector<Hkl> hkl,
                             const Matrix3& basis, std::span<const OmegaWindow> windows)
    : session_(&session),
      geometry_(geometry),
      hkl_(std::move(hkl)),
      set_(session, hkl_, basis),
      windows_(zeroed<brg_spots_f64>()),
      rotation_(session),
      basis_(session),
      omega_(session),
      g_(session),
      two_theta_(session),
      eta_(session),
      offsets_(session),
      reflection_(session),
      root_(session) {
  windows_.window_count = static_cast<int32_t>(windows.size());
  for (size_t i = 0; i < windows.size(); ++i) {
    windows_.window_low[i] = windows[i].low;
    windows_.window_high[i] = windows[i].high;
  }
}

int64_t SpotPredictor::find(std::span<const Grain> grains) {
  numbers_.clear();
  for (const Grain& grain : grains) numbers_.insert(numbers_.end(), grain.rotation.data(), grain.rotation.data() + 9);
  rotation_.upload(numbers_);
  numbers_.clear();
  for (const Grain& grain : grains) numbers_.insert(numbers_.end(), grain.basis.data(), grain.basis.data() + 9);
  basis_.upload(numbers_);

  auto orientations = zeroed<brg_orientations_f64>();
  orientations.count = static_cast<int64_t>(grains.size());
  orientations.rotation = rotation_.data();
  orientations.reciprocal_basis = basis_.data();

  // Two roots of every pair are the most that there can be.
  const size_t capacity = 2 * grains.size() * hkl_.size();
  offsets_.resize(grains.size() + 1);
  reflection_.resize(capacity), root_.resize(capacity), omega_.resize(capacity);
  brg_spots_f64 spots = windows_;
  spots.capacity = static_cast<int64_t>(capacity);
  spots.offsets = offsets_.data();
  spots.reflection = reflection_.data();
  spots.root = root_.data();
  spots.omega = omega_.data();
  int64_t count = 0;
  check(brg_predict_spots_f64(session_->context(), &geometry_, set_.get(), &orientations, &spots, &count));

  offsets_.download(host_offsets_);
  reflection_.resize(static_cast<size_t>(count)), root_.resize(static_cast<size_t>(count));
  omega_.resize(static_cast<size_t>(count));
  reflection_.download(host_reflection_);
  root_.download(host_root_);
  omega_.download(host_omega_);
  return count;
}

void SpotPredictor::find_directions(std::span<const Grain> grains, size_t count) {
  numbers_.clear();
  for (size_t b = 0; b < grains.size(); ++b) {
    const Matrix3 ub = grains[b].rotation * grains[b].basis;
    for (int64_t i = host_offsets_[b]; i < host_offsets_[b + 1]; ++i) {
      const Hkl& hkl = hkl_[static_cast<size_t>(host_reflection_[static_cast<size_t>(i)])];
      const Vector3 g = ub * Vector3(hkl[0], hkl[1], hkl[2]);
      numbers_.insert(numbers_.end(), g.begin(), g.end());
    }
  }
  g_.upload(numbers_);
  two_theta_.resize(count), eta_.resize(count);
  auto items = zeroed<brg_items_f64>();
  items.count = static_cast<int64_t>(count);
  items.g = g_.data();
  auto beams = zeroed<brg_beams_f64>();
  beams.two_theta = two_theta_.data();
  beams.eta = eta_.data();
  check(brg_diffracted_beam_f64(session_->context(), &geometry_, &items, omega_.data(), &beams));
  two_theta_.download(host_two_theta_);
  eta_.download(host_eta_);
}

void SpotPredictor::predict(std::span<const Grain> grains, const std::function<void(size_t, const Spot&)>& sink) {
  if (grains.empty() || hkl_.empty()) return;
  const auto count = static_cast<size_t>(find(grains));
  if (count == 0) return;
  find_directions(grains, count);
  for (size_t b = 0; b < grains.size(); ++b)
    for (auto i = static_cast<size_t>(host_offsets_[b]); i < static_cast<size_t>(host_offsets_[b + 1]); ++i)
      sink(b, {hkl_[static_cast<size_t>(host_reflection_[i])], host_root_[i], host_omega_[i], host_two_theta_[i],
               host_eta_[i]});
}

}  // namespace braggrad::cli
