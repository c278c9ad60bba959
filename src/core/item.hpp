// One item of brg_solve: a scattering vector with its beam, in the frame.
#pragma once

#include "core/problem.hpp"

namespace braggrad::core {

template <class T>
struct Item {
  Vec3<T> given;  // in the sample frame
  Vec3<T> g;
  T q2;
  Beam<T> beam;
  Crossing<T> crossing;
};

template <class T>
BRG_CORE Item<T> load_item(const Frame& frame, const Items<T>& items, int64_t i) {
  Item<T> item;
  item.given = load_vector<T>(items.g + 3 * i);
  item.g = frame.identity ? item.given : multiply(convert<T>(frame.m), item.given);
  item.q2 = items.g_magnitude ? items.g_magnitude[i] * items.g_magnitude[i] : dot(item.given, item.given);
  item.beam = beam_of(frame, items.wavenumber, items.chi, i);
  const T bad = item.beam.half - item.beam.half;  // NaN where the beam is not usable
  const T offset = item.q2 / (T(2) * item.beam.wavenumber * item.beam.cos_chi) + bad;
  item.crossing = intersect(item.g.x, item.g.y, mul_add(item.g.z, item.beam.tan_chi, offset), item.beam.cos_chi);
  return item;
}

// Cotangents of one item, and its part of the sums for beam and axis (in the frame).
template <class T>
struct ItemBar {
  Vec3<T> g;
  T g_magnitude, wavenumber, chi;
  Vec3<T> beam, axis;
};

template <class T>
BRG_CORE ItemBar<T> item_vjp(const Frame& frame, const Item<T>& item, const Items<T>& items, int64_t i, T w1, T w2,
                             bool wants_frame) {
  if (!contributes(item.crossing, item.beam, static_cast<T>(frame.grazing_cut))) return {};
  const CrossingBar<T> bar = solve_vjp(item.crossing, item.beam, item.g.z, item.q2, w1, w2);
  ItemBar<T> out{};
  out.g = frame.identity ? bar.g : multiply_transposed(convert<T>(frame.m), bar.g);
  if (items.g_magnitude)
    out.g_magnitude = T(2) * items.g_magnitude[i] * bar.q2;
  else
    out.g = out.g + (T(2) * bar.q2) * item.given;
  out.wavenumber = bar.wavenumber;
  out.chi = bar.chi;
  if (wants_frame) {
    const FrameRates<T> rates = frame_rates(item.crossing, item.beam, item.g);
    out.beam = w1 * rates.beam1 + w2 * rates.beam2;
    out.axis = w1 * rates.axis1 + w2 * rates.axis2;
  }
  return out;
}

template <class T>
BRG_CORE void store_item(const ItemsGradient<T>& out, int64_t i, const ItemBar<T>& bar) {
  if (out.g) store_vector(out.g + 3 * i, convert<double>(bar.g), out.accumulate);
  if (out.g_magnitude) store(out.g_magnitude + i, static_cast<double>(bar.g_magnitude), out.accumulate);
  if (out.wavenumber) store(out.wavenumber + i, static_cast<double>(bar.wavenumber), out.accumulate);
  if (out.chi) store(out.chi + i, static_cast<double>(bar.chi), out.accumulate);
}

template <class T>
BRG_CORE Roots<T> item_jvp(const Frame& frame, const Item<T>& item, const Items<T>& items,
                           const ItemsTangent<T>& tangent, int64_t i) {
  if (!contributes(item.crossing, item.beam, static_cast<T>(frame.grazing_cut))) return {T(0), T(0)};
  const Vec3<T> given_dot = tangent.g ? load_vector<T>(tangent.g + 3 * i) : Vec3<T>{};
  const Vec3<T> g_dot = frame.identity ? given_dot : multiply(convert<T>(frame.m), given_dot);
  const T q2_dot = items.g_magnitude
                       ? T(2) * items.g_magnitude[i] * (tangent.g_magnitude ? tangent.g_magnitude[i] : T(0))
                       : T(2) * dot(item.given, given_dot);
  const T wavenumber_dot = items.wavenumber ? (tangent.wavenumber ? tangent.wavenumber[i] : T(0))
                                            : static_cast<T>(tangent.geometry.wavenumber);
  const T chi_dot = items.chi ? (tangent.chi ? tangent.chi[i] : T(0)) : static_cast<T>(tangent.geometry.chi);
  Roots<T> rates = solve_jvp(item.crossing, item.beam, item.g, item.q2, g_dot, q2_dot, wavenumber_dot, chi_dot);
  if (tangent.geometry.moves_frame())
    add_frame_rates(rates, frame_rates(item.crossing, item.beam, item.g),
                    convert<T>(multiply(frame.m, tangent.geometry.beam)),
                    convert<T>(multiply(frame.m, tangent.geometry.axis)));
  return rates;
}

}  // namespace braggrad::core
