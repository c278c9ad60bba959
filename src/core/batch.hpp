// Sums over the batch: partial sums of fixed blocks, and what is written of the total.
#pragma once

#include "core/item.hpp"
#include "core/partition.hpp"
#include "core/predict.hpp"

namespace braggrad::core {

template <class T>
BRG_CORE void store_roots(const RootsOutput<T>& out, int64_t i, Roots<T> omega, bool observable) {
  if (out.omega1) out.omega1[i] = omega.omega1;
  if (out.omega2) out.omega2[i] = omega.omega2;
  if (out.observable) out.observable[i] = observable;
}

template <class T>
BRG_CORE void add_item(OrientationSums& sums, const ItemBar<T>& bar) {
  sums.wavenumber += static_cast<double>(bar.wavenumber);
  sums.chi += static_cast<double>(bar.chi);
  sums.beam = sums.beam + convert<double>(bar.beam);
  sums.axis = sums.axis + convert<double>(bar.axis);
}

// The batch's part of the sums, as BatchSums::count numbers.
BRG_CORE void store_partial(double* out, const OrientationSums& sums) {
  out[BatchSums::wavenumber] = sums.wavenumber;
  out[BatchSums::chi] = sums.chi;
  store_vector(out + BatchSums::beam, sums.beam, false);
  store_vector(out + BatchSums::axis, sums.axis, false);
  store_matrix(out + BatchSums::basis, sums.basis, false, false);
}

BRG_CORE void add_partial(double* out, const OrientationSums& sums) {
  double values[BatchSums::count];
  store_partial(values, sums);
  for (int i = 0; i < BatchSums::count; ++i) out[i] += values[i];
}

// `total` has the sums of the whole batch, beam and axis in the frame.
template <class T>
BRG_CORE void store_geometry(const Frame& frame, const GeometryGradient<T>& out, bool accumulate, const double* total) {
  if (out.wavenumber) store(out.wavenumber, out.own_wavenumber ? total[BatchSums::wavenumber] : 0, accumulate);
  if (out.chi) store(out.chi, out.own_chi ? total[BatchSums::chi] : 0, accumulate);
  if (out.beam)
    store_vector(out.beam, multiply_transposed(frame.m, load_vector<double>(total + BatchSums::beam)), accumulate);
  if (out.axis)
    store_vector(out.axis, multiply_transposed(frame.m, load_vector<double>(total + BatchSums::axis)), accumulate);
}

}  // namespace braggrad::core
