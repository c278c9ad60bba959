// Grains and their reflections, simulated from the textbook form of the equation, without the library:
//     a cos w + b sin w = C,   a = Gx cos(chi),  b = -Gy cos(chi),  C = -|G|^2 / (2 k) - Gz sin(chi)
//     w = atan2(b, a) +- acos(C / r),   root 1 has the +
#pragma once

#include <array>
#include <random>
#include <string>
#include <vector>

struct SimulatedGrain {
  std::string id;
  std::array<double, 9> ub;  // 1/Angstrom, without 2 pi, by rows
};

struct Beam {
  double energy = 50.0;  // keV
  double chi = 0;        // degrees
};

struct SimulatedSpot {
  std::string grain;
  std::array<int, 3> hkl;
  int root;
  double omega;         // degrees, in (-180, 180]
  double two_theta;     // degrees
  double eta;           // degrees
  double conditioning;  // |S| / |G|: 0 at the tangent
};

// UB of a cubic crystal of edge a, turned by `angle` degrees about `axis` (any length).
SimulatedGrain cubic_grain(const std::string& id, double a, const std::array<double, 3>& axis, double angle);

// UB of any lattice: rows of `edges` are a, b, c in Angstrom in the sample frame.
SimulatedGrain grain_of_edges(const std::string& id, const std::array<std::array<double, 3>, 3>& edges);

// The same crystal, turned by `angle` degrees about `axis`.
SimulatedGrain turned(const SimulatedGrain& grain, const std::array<double, 3>& axis, double angle);

// Both roots of every hkl with |h|, |k|, |l| <= most that has them.
std::vector<SimulatedSpot> simulate(const SimulatedGrain& grain, const Beam& beam, int most);

// Spots further from the tangent than `least`.
std::vector<SimulatedSpot> well_conditioned(const std::vector<SimulatedSpot>& spots, double least);

// Adds normal noise to omega, degrees.
void add_noise(std::vector<SimulatedSpot>& spots, double sigma, std::mt19937& random);

// grain_id,h,k,l,omega_obs_deg
std::string peaks_text(const std::vector<SimulatedSpot>& spots);

// grain_id,UB11,...,UB33, and a column `note` that nobody needs
std::string grains_text(const std::vector<SimulatedGrain>& grains);

// Angle between two crystals, degrees, after each is freed of its lattice's size (cubic).
double misorientation(const std::array<double, 9>& one, const std::array<double, 9>& other);
