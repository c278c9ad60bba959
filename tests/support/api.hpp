// Both symbol families under one name: Api<float>::solve is brg_solve_f32.
#pragma once

#include "braggrad/braggrad.h"

template <class T>
struct Api;

#define BRG_TEST_FAMILY(type, suffix)                                         \
  template <>                                                                 \
  struct Api<type> {                                                          \
    using Items = brg_items_##suffix;                                         \
    using ItemsGradient = brg_items_gradient_##suffix;                        \
    using ItemsTangent = brg_items_tangent_##suffix;                          \
    using Roots = brg_roots_##suffix;                                         \
    using RootCotangents = brg_root_cotangents_##suffix;                      \
    using Orientations = brg_orientations_##suffix;                           \
    using OrientationsGradient = brg_orientations_gradient_##suffix;          \
    using OrientationsTangent = brg_orientations_tangent_##suffix;            \
    using Vectors = brg_vectors_##suffix;                                     \
    using VectorCotangents = brg_vector_cotangents_##suffix;                  \
    using Beams = brg_beams_##suffix;                                         \
    using Spots = brg_spots_##suffix;                                         \
    using Targets = brg_omega_targets_##suffix;                               \
    using LossOutput = brg_omega_loss_output_##suffix;                        \
    static constexpr auto solve = brg_solve_##suffix;                         \
    static constexpr auto solve_vjp = brg_solve_vjp_##suffix;                 \
    static constexpr auto solve_jvp = brg_solve_jvp_##suffix;                 \
    static constexpr auto rotate = brg_rotate_##suffix;                       \
    static constexpr auto rotate_vjp = brg_rotate_vjp_##suffix;               \
    static constexpr auto rotate_jvp = brg_rotate_jvp_##suffix;               \
    static constexpr auto predict = brg_predict_##suffix;                     \
    static constexpr auto predict_vjp = brg_predict_vjp_##suffix;             \
    static constexpr auto predict_jvp = brg_predict_jvp_##suffix;             \
    static constexpr auto diffracted_beam = brg_diffracted_beam_##suffix;     \
    static constexpr auto predict_spots = brg_predict_spots_##suffix;         \
    static constexpr auto omega_loss = brg_omega_loss_##suffix;               \
    static constexpr auto convention_angles = brg_convention_angles_##suffix; \
    static constexpr auto convention_solve = brg_convention_solve_##suffix;   \
    static constexpr auto reflections_view = brg_reflections_view_##suffix;   \
    static constexpr const char* name = #suffix;                              \
  };

BRG_TEST_FAMILY(double, f64)
BRG_TEST_FAMILY(float, f32)
#undef BRG_TEST_FAMILY

// A struct with its size set and everything else zero.
template <class S>
S make() {
  S s{};
  s.struct_size = sizeof s;
  return s;
}
