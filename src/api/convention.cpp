// Group 13: the conventions of other programs.
#include "braggrad/convention.h"

#include <cmath>
#include <limits>

#include "api/arrays.hpp"
#include "api/call.hpp"
#include "api/geometry.hpp"
#include "core/convention.hpp"

namespace braggrad {
namespace {

constexpr double icenine_wavenumber_per_keV = 0.506773182;

bool is_system(brg_system system) { return system >= BRG_SYSTEM_ICENINE && system <= BRG_SYSTEM_DIALS; }

brg_convention defaults_of(brg_system system) {
  brg_convention c{};
  c.struct_size = sizeof c;
  c.system = system;
  c.omega_sign = 1;
  for (int i = 0; i < 3; ++i) c.setting[4 * i] = c.fixed[4 * i] = 1;
  if (system == BRG_SYSTEM_DIALS) {
    c.axis[0] = 1;
    c.flags = BRG_RANGE_START;
  }
  return c;
}

bool is_unwrapped(const brg_convention& c) { return (c.flags & BRG_HEXRD_UNWRAPPED) != 0; }

template <int n>
bool are_finite(const double (&values)[n]) {
  for (const double value : values)
    if (!std::isfinite(value)) return false;
  return true;
}

bool is_rotation(const double (&m)[9]) {
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) {
      const double product = m[3 * i] * m[3 * j] + m[3 * i + 1] * m[3 * j + 1] + m[3 * i + 2] * m[3 * j + 2];
      if (!(std::fabs(product - (i == j)) <= 1e-6)) return false;
    }
  const double determinant =
      m[0] * (m[4] * m[8] - m[5] * m[7]) - m[1] * (m[3] * m[8] - m[5] * m[6]) + m[2] * (m[3] * m[7] - m[4] * m[6]);
  return determinant > 0;
}

template <int n>
bool are_equal(const double (&a)[n], const double (&b)[n]) {
  for (int i = 0; i < n; ++i)
    if (a[i] != b[i]) return false;
  return true;
}

// A member that the system does not have is at its default: what is not used must not look as if it were.
void require_members(const brg_convention& c) {
  const brg_convention untouched = defaults_of(c.system);
  const bool dials = c.system == BRG_SYSTEM_DIALS, imaged11 = c.system == BRG_SYSTEM_IMAGED11;
  const bool has_wedge = imaged11 || c.system == BRG_SYSTEM_MIDAS || c.system == BRG_SYSTEM_XFAB;
  const bool has_chi =
      imaged11 || c.system == BRG_SYSTEM_ICENINE || c.system == BRG_SYSTEM_HEXRD || c.system == BRG_SYSTEM_XFAB;
  const char* unused = nullptr;
  if (!has_wedge && c.wedge != 0) unused = "wedge";
  if (!has_chi && c.chi != 0) unused = "chi";
  if (!imaged11 && c.omega_sign != 1) unused = "omega_sign";
  if (c.system != BRG_SYSTEM_MIDAS && (c.flags & BRG_MIDAS_WEDGE_UNTIL_2026_08)) unused = "flags";
  if (c.system != BRG_SYSTEM_HEXRD && (c.flags & BRG_HEXRD_UNWRAPPED)) unused = "flags";
  if ((dials || c.system == BRG_SYSTEM_XFAB) && c.wavelength != 0) unused = "wavelength";
  if ((dials || c.system == BRG_SYSTEM_XFAB) && c.energy != 0) unused = "energy";
  if (!dials && !are_equal(c.s0, untouched.s0)) unused = "s0";
  if (!dials && !are_equal(c.axis, untouched.axis)) unused = "axis";
  if (!dials && !are_equal(c.setting, untouched.setting)) unused = "setting";
  if (!dials && !are_equal(c.fixed, untouched.fixed)) unused = "fixed";
  if (!(c.flags & BRG_RANGE_START) && c.range_start != 0) unused = "range_start";
  if (unused)
    fail(BRG_ERROR_INVALID_ARGUMENT,
         std::string("convention.") + unused + " is set, and this system (or its flags) does not use it");
}

brg_convention read_convention(const brg_convention* given) {
  const brg_convention c =
      read_struct(given, "convention", BRG_MIDAS_WEDGE_UNTIL_2026_08 | BRG_RANGE_START | BRG_HEXRD_UNWRAPPED);
  require(is_system(c.system), "convention.system is ", c.system, ": it must be one of BRG_SYSTEM_*");
  require_members(c);
  require(!is_unwrapped(c) || !(c.flags & BRG_RANGE_START),
          "convention.flags have BRG_HEXRD_UNWRAPPED and BRG_RANGE_START: give one");
  require(c.omega_sign == 1 || c.omega_sign == -1, "convention.omega_sign is ", c.omega_sign, ": it must be 1 or -1");
  require(std::isfinite(c.wavelength) && c.wavelength >= 0, "convention.wavelength is ", c.wavelength,
          ": it must be finite and not negative");
  require(std::isfinite(c.energy) && c.energy >= 0, "convention.energy is ", c.energy,
          ": it must be finite and not negative");
  require(c.wavelength == 0 || c.energy == 0, "convention has a wavelength and an energy: give one");
  require(std::isfinite(c.chi), "convention.chi is not finite");
  require(std::isfinite(c.wedge), "convention.wedge is not finite");
  require(std::isfinite(c.range_start), "convention.range_start is not finite");
  if (c.system == BRG_SYSTEM_DIALS) {
    const double length2 = c.s0[0] * c.s0[0] + c.s0[1] * c.s0[1] + c.s0[2] * c.s0[2];
    require(std::isfinite(length2) && length2 > 0, "convention.s0 has no length");
    require(are_finite(c.axis) &&
                std::fabs(c.axis[0] * c.axis[0] + c.axis[1] * c.axis[1] + c.axis[2] * c.axis[2] - 1) <= 1e-6,
            "convention.axis is no unit vector");
    require(is_rotation(c.setting), "convention.setting is no rotation");
    require(is_rotation(c.fixed), "convention.fixed is no rotation");
  }
  return c;
}

// In the unit of the system's vectors; 0 where the convention does not say.
double wavenumber_of(const brg_convention& c) {
  switch (c.system) {
    case BRG_SYSTEM_XFAB:
      return 0.5;  // |g| = sin(theta)
    case BRG_SYSTEM_DIALS:
      return std::hypot(c.s0[0], c.s0[1], c.s0[2]);
    case BRG_SYSTEM_ICENINE:
      return c.energy > 0 ? icenine_wavenumber_per_keV * c.energy : c.wavelength > 0 ? core::two_pi / c.wavelength : 0;
    default:
      return c.energy > 0 ? wavenumber_of_energy(c.energy) / core::two_pi : c.wavelength > 0 ? 1 / c.wavelength : 0;
  }
}

core::ProgramFrame frame_of(const brg_convention& c) {
  switch (c.system) {
    case BRG_SYSTEM_HEXRD:
      return core::hexrd_frame(c.chi);
    case BRG_SYSTEM_MIDAS: {
      const double wedge = c.wedge * (core::pi / 180);
      return core::tilted_frame(c.flags & BRG_MIDAS_WEDGE_UNTIL_2026_08 ? wedge : -wedge);
    }
    case BRG_SYSTEM_IMAGED11:
      return core::imaged11_frame(c.wedge, c.chi, c.omega_sign);
    case BRG_SYSTEM_XFAB:
      return core::tilted_frame(c.wedge);
    case BRG_SYSTEM_DIALS:
      return core::dials_frame(c.s0, c.axis, c.setting, c.fixed);
    default:
      return core::tilted_frame(c.chi);
  }
}

brg_geometry geometry_of(const brg_convention& c) {
  const core::ProgramFrame frame = frame_of(c);
  brg_geometry g{};
  g.struct_size = sizeof g;
  g.wavenumber = wavenumber_of(c);
  for (int i = 0; i < 3; ++i) g.beam[i] = frame.beam[i], g.axis[i] = frame.axis[i];
  g.chi = frame.chi;
  return g;
}

// Our number of the root that the system gives first.
int first_root(const brg_convention& c) {
  switch (c.system) {
    case BRG_SYSTEM_HEXRD:
    case BRG_SYSTEM_XFAB:
      return 2;
    case BRG_SYSTEM_IMAGED11:
      return c.omega_sign == 1 ? 2 : 1;
    default:
      return 1;
  }
}

core::AngleRule rule_of(const brg_convention& c) {
  const bool degrees = c.system == BRG_SYSTEM_MIDAS || c.system == BRG_SYSTEM_IMAGED11;
  core::AngleRule rule{};
  rule.per_radian = degrees ? 180 / core::pi : 1;
  rule.turn = degrees ? 360 : core::two_pi;
  rule.has_start = (c.flags & BRG_RANGE_START) != 0;
  rule.start = c.range_start;
  rule.unwrapped = is_unwrapped(c);
  rule.missing = c.system == BRG_SYSTEM_HEXRD ? std::numeric_limits<double>::quiet_NaN() : 0;
  return rule;
}

template <class RootsStruct>
void angles(brg_context& context, const brg_convention* convention, int64_t count, const RootsStruct* roots,
            const RootsStruct* answers) {
  using T = Element<decltype(RootsStruct::omega1)>;
  const brg_convention c = read_convention(convention);
  require_count(count, "count");
  const core::RootsOutput<T> given = read_roots(roots, "roots"), asked = read_roots(answers, "answers");
  const bool swapped = first_root(c) == 2;
  core::AnglesProblem<T> p{};
  p.count = count;
  p.rule = rule_of(c);
  p.first = swapped ? given.omega2 : given.omega1, p.second = swapped ? given.omega1 : given.omega2;
  p.observable = given.observable;
  p.first_answer = asked.omega1, p.second_answer = asked.omega2, p.observable_answer = asked.observable;
  require(!asked.omega1 || p.first || count == 0, swapped ? "roots.omega2" : "roots.omega1",
          " is NULL, and answers.omega1 comes from it");
  require(!asked.omega2 || p.second || count == 0, swapped ? "roots.omega1" : "roots.omega2",
          " is NULL, and answers.omega2 comes from it");
  require(!p.rule.unwrapped || (p.first && p.second) || count == 0, p.first ? "roots.omega1" : "roots.omega2",
          " is NULL: BRG_HEXRD_UNWRAPPED needs both roots");
  require(p.observable || count == 0 || (!asked.observable && c.system != BRG_SYSTEM_HEXRD),
          "roots.observable is NULL: answers.observable, and HEXRD's NaN, come from it");
  Scratch scratch(context);
  context.backend().operations(T{}).convention_angles(p, scratch);
}

template <class ItemsStruct, class RootsStruct>
void solve_as(brg_context& context, const brg_convention* convention, const ItemsStruct* items,
              const RootsStruct* answers) {
  using T = Element<decltype(RootsStruct::omega1)>;
  const brg_convention c = read_convention(convention);
  const brg_geometry geometry = geometry_of(c);
  core::SolveProblem<T> p;
  p.items = read_items(items);
  require(!p.items.chi, "items.chi is given: the tilt of a convention is its own");
  const core::RootsOutput<T> asked = read_roots(answers, "answers");
  require(asked.observable || p.items.count == 0 || c.system != BRG_SYSTEM_HEXRD,
          "answers.observable is NULL: HEXRD's NaN come from it");
  require(!is_unwrapped(c) || (asked.omega1 && asked.omega2) || p.items.count == 0,
          asked.omega1 ? "answers.omega2" : "answers.omega1", " is NULL: BRG_HEXRD_UNWRAPPED needs both answers");
  p.frame = read_frame(context, &geometry, p.items.wavenumber != nullptr);
  // What is not observable is 0 and stays 0: where 0 is outside the range the flags are needed, asked for or not. Neither of the two
  // steps has working memory of its own.
  const core::AngleRule rule = rule_of(c);
  const bool own_flags = !asked.observable && core::answered(T(0), true, rule) != T(0);
  Scratch scratch(context);
  const Slot<uint8_t> slot = scratch.reserve<uint8_t>(own_flags ? p.items.count : 0);
  if (!scratch.ready()) return;
  uint8_t* flags = own_flags ? scratch[slot] : asked.observable;
  // Each root goes where its answer will stand, and is turned into it there.
  const bool swapped = first_root(c) == 2;
  p.roots = {swapped ? asked.omega2 : asked.omega1, swapped ? asked.omega1 : asked.omega2, flags};
  Scratch none(context);
  context.backend().operations(T{}).solve(p, none);
  const core::AnglesProblem<T> in_place = {p.items.count, rule,         asked.omega1, asked.omega2,
                                           flags,         asked.omega1, asked.omega2, asked.observable};
  Scratch none_either(context);
  context.backend().operations(T{}).convention_angles(in_place, none_either);
}

}  // namespace
}  // namespace braggrad

using braggrad::called;

extern "C" {

brg_status brg_convention_init(brg_convention* convention, size_t struct_size, brg_system system) {
  return braggrad::guarded("brg_convention_init", [&] {
    braggrad::require(braggrad::is_system(system), "system is ", system, ": it must be one of BRG_SYSTEM_*");
    braggrad::init_struct(convention, struct_size, braggrad::defaults_of(system), "convention");
  });
}

brg_status brg_convention_geometry(const brg_convention* convention, brg_geometry* geometry) {
  return braggrad::guarded("brg_convention_geometry", [&] {
    const brg_geometry made = braggrad::geometry_of(braggrad::read_convention(convention));
    braggrad::read_geometry(&made);
    braggrad::init_struct(geometry, geometry ? geometry->struct_size : 0, made, "geometry");
  });
}

brg_status brg_convention_angles_f64(brg_context* context, const brg_convention* convention, int64_t count,
                                     const brg_roots_f64* roots, const brg_roots_f64* answers) {
  return called("brg_convention_angles_f64", context,
                [&] { braggrad::angles(*context, convention, count, roots, answers); });
}

brg_status brg_convention_angles_f32(brg_context* context, const brg_convention* convention, int64_t count,
                                     const brg_roots_f32* roots, const brg_roots_f32* answers) {
  return called("brg_convention_angles_f32", context,
                [&] { braggrad::angles(*context, convention, count, roots, answers); });
}

brg_status brg_convention_solve_f64(brg_context* context, const brg_convention* convention, const brg_items_f64* items,
                                    const brg_roots_f64* answers) {
  return called("brg_convention_solve_f64", context, [&] { braggrad::solve_as(*context, convention, items, answers); });
}

brg_status brg_convention_solve_f32(brg_context* context, const brg_convention* convention, const brg_items_f32* items,
                                    const brg_roots_f32* answers) {
  return called("brg_convention_solve_f32", context, [&] { braggrad::solve_as(*context, convention, items, answers); });
}

}  // extern "C"
