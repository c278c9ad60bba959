// What a refinement changes: the grains, and the energy and tilt of the beam that all of them share.
#pragma once

#include <vector>

#include "grains.hpp"

namespace braggrad::cli {

struct Model {
  std::vector<Grain> grains;
  double wavenumber = 0;  // 1/Angstrom
  double chi = 0;         // rad
};

// Which of it is free.
struct Freedom {
  bool orientation = false, cell = false, energy = false, chi = false;
  bool none() const { return !orientation && !cell && !energy && !chi; }
  bool own() const { return orientation || cell; }  // parameters of each grain
  bool common() const { return energy || chi; }     // parameters of all grains
};

// "none" or a list like "orientation,cell,energy,chi".
Freedom parse_freedom(const std::string& text);

}  // namespace braggrad::cli
