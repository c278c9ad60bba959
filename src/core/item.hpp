// One item of brg_solve, or a vector of them: a scattering vector with its beam, in the frame.
#pragma once

#include "core/problem.hpp"

namespace braggrad::core {

template <class V>
struct Item {
  Vec3<V> given;  // in the sample frame
  Vec3<V> g;
  V q2;
  Beam<V> beam;
  Crossing<V> crossing;
};

// `m`: the frame's matrix, not used where it is the identity.
template <bool derivatives = true, class V>
BRG_CORE Item<V> item_of(const Mat3<V>& m, bool identity, const Vec3<V>& given, V q2, const Beam<V>& beam) {
  const Vec3<V> g = identity ? given : multiply(m, given);
  return {given, g, q2, beam,
          intersect<derivatives>(circle_of<derivatives>(g.x, g.y), mul_add(g.z, beam.tan_chi, q2 * beam.half),
                                 beam.cos_chi)};
}

// Item i, whose vector is `given`.
template <bool derivatives = true, class T>
BRG_CORE Item<T> load_item(const Frame& frame, const Items<T>& items, int64_t i, const Vec3<T>& given,
                           const Beam<T>& beam) {
  const T q2 = items.g_magnitude ? items.g_magnitude[i] * items.g_magnitude[i] : dot(given, given);
  return item_of<derivatives>(convert<T>(frame.m), frame.identity, given, q2, beam);
}

// Cotangents of one item, and its part of the sums for beam and axis (in the frame).
template <class V>
struct ItemBar {
  Vec3<V> g;
  V g_magnitude, wavenumber, chi;
  Vec3<V> beam, axis;
};

// Of an item that contributes. `magnitude` is the item's own |G|, where it has one.
template <class V>
BRG_CORE ItemBar<V> item_bar(const Mat3<V>& m, bool identity, const Item<V>& item, bool own_magnitude, V magnitude,
                             V w1, V w2, bool wants_frame) {
  const V two(Scalar<V>(2));
  const CrossingBar<V> bar = solve_vjp(item.crossing, item.beam, item.g.z, item.q2, w1, w2);
  ItemBar<V> out{};
  out.g = identity ? bar.g : multiply_transposed(m, bar.g);
  if (own_magnitude)
    out.g_magnitude = two * magnitude * bar.q2;
  else
    out.g = out.g + (two * bar.q2) * item.given;
  out.wavenumber = bar.wavenumber;
  out.chi = bar.chi;
  if (wants_frame) {
    const FrameRates<V> rates = frame_rates(item.crossing, item.beam, item.g);
    out.beam = w1 * rates.beam1 + w2 * rates.beam2;
    out.axis = w1 * rates.axis1 + w2 * rates.axis2;
  }
  return out;
}

template <class T>
BRG_CORE ItemBar<T> item_vjp(const Frame& frame, const Item<T>& item, const Items<T>& items, int64_t i, T w1, T w2,
                             bool wants_frame) {
  if (!contributes(item.crossing, item.beam, static_cast<T>(frame.grazing_cut))) return {};
  return item_bar(convert<T>(frame.m), frame.identity, item, items.g_magnitude != nullptr,
                  items.g_magnitude ? items.g_magnitude[i] : T(0), w1, w2, wants_frame);
}

template <class T>
BRG_CORE void store_item(const ItemsGradient<T>& out, int64_t i, const ItemBar<T>& bar) {
  if (out.g) store_vector(out.g + 3 * i, convert<double>(bar.g), out.accumulate);
  if (out.g_magnitude) store(out.g_magnitude + i, static_cast<double>(bar.g_magnitude), out.accumulate);
  if (out.wavenumber) store(out.wavenumber + i, static_cast<double>(bar.wavenumber), out.accumulate);
  if (out.chi) store(out.chi + i, static_cast<double>(bar.chi), out.accumulate);
}

// A direction of one item.
template <class V>
struct ItemDot {
  Vec3<V> given;
  V g_magnitude, wavenumber, chi;
  Vec3<V> beam, axis;  // in the frame
};

// Of an item that contributes.
template <class V>
BRG_CORE Roots<V> item_rates(const Mat3<V>& m, bool identity, const Item<V>& item, bool own_magnitude, V magnitude,
                             const ItemDot<V>& change, bool moves) {
  const V two(Scalar<V>(2));
  const Vec3<V> g_dot = identity ? change.given : multiply(m, change.given);
  const V q2_dot = own_magnitude ? two * magnitude * change.g_magnitude : two * dot(item.given, change.given);
  Roots<V> rates = solve_jvp(item.crossing, item.beam, item.g, item.q2, g_dot, q2_dot, change.wavenumber, change.chi);
  if (moves) add_frame_rates(rates, frame_rates(item.crossing, item.beam, item.g), change.beam, change.axis);
  return rates;
}

// Along the tangent of item i, whose vector is `given`.
template <class T>
BRG_CORE Roots<T> item_jvp(const Frame& frame, const Item<T>& item, const Items<T>& items,
                           const ItemsTangent<T>& tangent, int64_t i, const Vec3<T>& given) {
  if (!contributes(item.crossing, item.beam, static_cast<T>(frame.grazing_cut))) return {T(0), T(0)};
  ItemDot<T> change;
  change.given = given;
  change.g_magnitude = tangent.g_magnitude ? tangent.g_magnitude[i] : T(0);
  change.wavenumber = items.wavenumber ? (tangent.wavenumber ? tangent.wavenumber[i] : T(0))
                                       : static_cast<T>(tangent.geometry.wavenumber);
  change.chi = items.chi ? (tangent.chi ? tangent.chi[i] : T(0)) : static_cast<T>(tangent.geometry.chi);
  change.beam = convert<T>(multiply(frame.m, tangent.geometry.beam));
  change.axis = convert<T>(multiply(frame.m, tangent.geometry.axis));
  return item_rates(convert<T>(frame.m), frame.identity, item, items.g_magnitude != nullptr,
                    items.g_magnitude ? items.g_magnitude[i] : T(0), change, moves_frame(tangent.geometry));
}

}  // namespace braggrad::core
