// The header is C++17 by itself, each of its parts too, and its structs are plain data whose layout is fixed.
#include BRAGGRAD_HEADER

#include <braggrad/braggrad.h>

#include <type_traits>

template <class... Structs>
constexpr bool are_plain = (... && (std::is_trivial_v<Structs> && std::is_standard_layout_v<Structs>));

static_assert(are_plain<brg_context_options, brg_device_properties, brg_geometry, brg_items_f64, brg_items_f32,
                        brg_roots_f64, brg_roots_f32, brg_root_cotangents_f64, brg_items_gradient_f64,
                        brg_items_tangent_f64, brg_orientations_f64, brg_orientations_gradient_f64,
                        brg_orientations_tangent_f64, brg_vectors_f64, brg_vector_cotangents_f64, brg_beams_f64,
                        brg_spots_f64, brg_omega_targets_f64, brg_omega_loss_output_f64>);
static_assert(sizeof(brg_items_f64) == sizeof(brg_items_f32) && sizeof(brg_spots_f64) == sizeof(brg_spots_f32) &&
              sizeof(brg_omega_targets_f64) == sizeof(brg_omega_targets_f32));
static_assert(sizeof(brg_geometry) == 80 && offsetof(brg_geometry, wavenumber) == 8 &&
              offsetof(brg_geometry, chi) == 64);
static_assert(sizeof(brg_context_options) == 32 && offsetof(brg_context_options, max_pairs_per_launch) == 24);
static_assert(sizeof(brg_orientations_f64) == 48 && sizeof(brg_orientations_gradient_f64) == 96);
static_assert(sizeof(brg_omega_targets_f64) == 112 && sizeof(brg_omega_loss_output_f64) == 80);
static_assert(sizeof(brg_spots_f64) == 184 && sizeof(brg_device_properties) == 160);

int main() {}
