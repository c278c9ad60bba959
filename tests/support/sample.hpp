// Reproducible inputs: random rotations, a lattice, an energy, and geometries of every kind.
#pragma once

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "support/session.hpp"

class Random {
 public:
  explicit Random(uint32_t seed) : engine_(seed) {}
  double uniform(double low, double high) {
    return low + (high - low) * (static_cast<double>(engine_()) / 4294967296.0);
  }
  double normal() { return std::sqrt(-2 * std::log(uniform(1e-12, 1))) * std::cos(2 * M_PI * uniform(0, 1)); }
  int integer(int low, int high) { return low + static_cast<int>(engine_() % static_cast<uint32_t>(high - low + 1)); }
  std::vector<double> uniforms(size_t count, double low, double high) {
    std::vector<double> values(count);
    for (double& value : values) value = uniform(low, high);
    return values;
  }
  // [count,3,3] by rows, rounded to T so that every family sees the same numbers.
  template <class T>
  std::vector<T> rotations(size_t count) {
    std::vector<T> out;
    for (size_t i = 0; i < count; ++i) {
      double q[4], norm = 0;
      for (double& value : q) value = normal(), norm += value * value;
      for (double& value : q) value /= std::sqrt(norm);
      const double w = q[0], x = q[1], y = q[2], z = q[3];
      const double m[9] = {1 - 2 * (y * y + z * z), 2 * (x * y - w * z),     2 * (x * z + w * y),
                           2 * (x * y + w * z),     1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
                           2 * (x * z - w * y),     2 * (y * z + w * x),     1 - 2 * (x * x + y * y)};
      for (const double value : m) out.push_back(static_cast<T>(value));
    }
    return out;
  }

 private:
  std::mt19937 engine_;
};

// count reflections of a triclinic lattice, none of them (000).
inline std::vector<int32_t> some_hkl(size_t count) {
  std::vector<int32_t> hkl;
  for (int l = 1; hkl.size() < 3 * count; ++l)
    for (int k = -2; k <= 2 && hkl.size() < 3 * count; ++k)
      for (int h = -3; h <= 3 && hkl.size() < 3 * count; ++h) hkl.insert(hkl.end(), {h, k, l % 7});
  for (size_t i = 0; i < hkl.size(); i += 3)
    if (hkl[i] == 0 && hkl[i + 1] == 0 && hkl[i + 2] == 0) hkl[i] = 1;
  return hkl;
}

inline std::vector<double> some_basis() {
  const double cell[6] = {4.1, 4.9, 5.3, 85, 97, 103};
  std::vector<double> basis(9);
  EXPECT_BRG(brg_reciprocal_basis(cell, basis.data()));
  return basis;
}

// Named kinds of geometry at 60 keV: the default, a tilted beam, two general ones, and a beam tilted beyond 90 degrees.
struct NamedGeometry {
  std::string name;
  brg_geometry geometry;
};

inline brg_geometry plain_geometry(double energy = 60) {
  brg_geometry g;
  EXPECT_BRG(BRG_INIT(brg_geometry_init, &g));
  EXPECT_BRG(brg_geometry_set_energy(&g, energy));
  return g;
}

inline std::vector<NamedGeometry> geometries() {
  brg_geometry tilted = plain_geometry();
  tilted.chi = 0.13;
  brg_geometry turned = plain_geometry();
  const double beam[3] = {0.6, 0, 0.8}, axis[3] = {0.48, 0.8, -0.36};
  std::memcpy(turned.beam, beam, sizeof beam), std::memcpy(turned.axis, axis, sizeof axis);
  turned.chi = -0.2;
  brg_geometry oblique = plain_geometry();
  const double beam2[3] = {2.0 / 3, -1.0 / 3, 2.0 / 3}, axis2[3] = {0, 0.6, 0.8};
  std::memcpy(oblique.beam, beam2, sizeof beam2), std::memcpy(oblique.axis, axis2, sizeof axis2);
  brg_geometry beyond = turned;
  beyond.chi = 2.9;
  return {
      {"plain", plain_geometry()}, {"tilted", tilted}, {"turned", turned}, {"oblique", oblique}, {"beyond", beyond}};
}
