// What a backend is given: checked inputs and outputs of each operation, as plain pointers into the context's memory.
#pragma once

#include "core/frame.hpp"

namespace braggrad::core {

template <class T>
struct Items {
  int64_t count;
  const T *g, *g_magnitude, *wavenumber, *chi;
};

template <class T>
struct RootsOutput {
  T *omega1, *omega2;
  uint8_t* observable;
};

template <class T>
struct SolveProblem {
  Frame frame;
  Items<T> items;
  RootsOutput<T> roots;
};

// One item in the frame.
template <class T>
struct Item {
  Vec3<T> g;
  T q2;
  Beam<T> beam;
  Crossing<T> crossing;
};

template <class T>
BRG_CORE Item<T> load_item(const Frame& frame, const Items<T>& items, int64_t i) {
  Item<T> item;
  const Vec3<T> g = load_vector<T>(items.g + 3 * i);
  item.g = frame.identity ? g : multiply(convert<T>(frame.m), g);
  item.q2 = items.g_magnitude ? items.g_magnitude[i] * items.g_magnitude[i] : dot(g, g);
  item.beam = beam_of(frame, items.wavenumber, items.chi, i);
  const T bad = item.beam.half - item.beam.half;  // NaN where the beam is not usable
  const T offset = item.q2 / (T(2) * item.beam.wavenumber * item.beam.cos_chi) + bad;
  item.crossing = intersect(item.g.x, item.g.y, mul_add(item.g.z, item.beam.tan_chi, offset), item.beam.cos_chi);
  return item;
}

}  // namespace braggrad::core
