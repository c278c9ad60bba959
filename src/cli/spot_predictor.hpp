// The spots of a chunk of grains by the library: observable roots inside the windows, their 2 theta and eta.
#pragma once

#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "grains.hpp"
#include "session.hpp"
#include "spot_writer.hpp"

namespace braggrad::cli {

struct OmegaWindow {
  double low, high;  // rad, half-open
};

class SpotPredictor {
 public:
  // `basis` is of any grain: each has its own in the calls.
  SpotPredictor(const Session& session, const brg_geometry& geometry, std::vector<Hkl> hkl, const Matrix3& basis,
                std::span<const OmegaWindow> windows);

  // Calls `sink` with the index of the grain in the chunk and a spot, ordered by grain, reflection, root.
  void predict(std::span<const Grain> grains, const std::function<void(size_t, const Spot&)>& sink);

 private:
  int64_t find(std::span<const Grain> grains);
  void find_directions(std::span<const Grain> grains, size_t count);

  const Session* session_;
  brg_geometry geometry_;
  std::vector<Hkl> hkl_;
  ReflectionSet set_;
  brg_spots_f64 windows_;
  DeviceArray<double> rotation_, basis_, omega_, g_, two_theta_, eta_;
  DeviceArray<int64_t> offsets_;
  DeviceArray<int32_t> reflection_;
  DeviceArray<uint8_t> root_;
  std::vector<int64_t> host_offsets_;
  std::vector<int32_t> host_reflection_;
  std::vector<uint8_t> host_root_;
  std::vector<double> host_omega_, host_two_theta_, host_eta_, numbers_;
};

}  // namespace braggrad::cli
