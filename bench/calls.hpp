// Every operation that is measured, as a call without arguments on the arrays of a workbench: by the library, by the naive
// baseline, and the bare filling of the same outputs.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "naive.hpp"
#include "workbench.hpp"

namespace bench {

enum class Kind {
  predict,
  predict_vjp,
  predict_jvp,
  solve,
  solve_vjp,
  solve_jvp,
  rotate,
  rotate_vjp,
  rotate_jvp,
  diffracted_beam,
  predict_spots,
  loss,
  convention_angles
};

// What a call asks for, or is given, besides.
enum class Form {
  usual,
  rotated,    // Q of the rotated vector: what has no kernel for the usual form
  flags,      // of the roots, the flags alone
  one_root,   // of the roots, the first alone
  gradient,   // of the fit, no normal equations
  crystals,   // of the adjoint, the cell, wavenumber and tilt of each orientation, not the rotation
  for_batch,  // of the adjoint, the reflections' too: a sum over the batch
  geometry,   // of the adjoint, the geometry's too: another
  lattices,   // each orientation has a lattice of its own
};

enum class TargetList {
  shared,    // dense [N], one for each root, with weights
  per_pair,  // dense [B,N], one for each root, with weights
  roots,     // CSR: an entry per reflection and root, with weights
  nearer,    // the same without root numbers: the nearer root
};

struct Operation {
  std::string name;
  Kind kind;
  List list = List::shuffled;
  double chi = 0.05;  // rad
  brg_loss loss = BRG_LOSS_SQUARES;
  TargetList targets = TargetList::shared;
  uint32_t parameters = 0;   // of the fit; gradient and normal equations are asked for where it is not 0
  bool rotation_bar = true;  // of the fit
  Form form = Form::usual;
};

const std::vector<Operation>& operations();

// What is counted on a GPU besides: the rest of the interface, and fits without rotation_bar.
const std::vector<Operation>& more_operations();

// Ends the program where there is no such operation.
const Operation& find_operation(const std::string& name);

// B orientations of N reflections.
struct Shape {
  int64_t orientations, reflections;
  int64_t pairs() const { return orientations * reflections; }
};

struct Call {
  std::function<void()> run;
  int64_t pairs;  // of one run
};

// Memory that one pair of an operation reads and writes once, without what stays in the first cache.
size_t bytes_per_pair(const Operation& operation, size_t size_of_real);

template <class T>
Call library_call(Workbench& workbench, const Operation& operation, Shape shape, brg_context* context);

// The baseline of the operation's kind (the angle loss for both losses). Each run takes the next `rows` orientations.
template <class T>
Call naive_call(Workbench& workbench, const Operation& operation, Shape shape, int64_t rows,
                naive::Adjoint adjoint = naive::Adjoint::chain_rule);

// memset of the outputs of predict, the rows divided between threads.
template <class T>
Call fill_call(Workbench& workbench, Shape shape, int threads);

// Outputs of the last call, for the check.
template <class T>
struct Outputs {
  T *omega1, *omega2, *loss, *rotation_bar;
  uint8_t* observable;
};
template <class T>
Outputs<T> outputs(Workbench& workbench, Shape shape);

}  // namespace bench
