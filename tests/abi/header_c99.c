/* The header is C99 by itself, each of its parts too, and every struct can be made with designated initialisers. */
#include BRAGGRAD_HEADER

#include <braggrad/braggrad.h>

int main(void) {
  brg_geometry geometry = {.struct_size = sizeof geometry};
  brg_items_f64 items = {.struct_size = sizeof items, .count = 0};
  brg_roots_f32 roots = {.struct_size = sizeof roots};
  return (int)(geometry.flags + items.flags + roots.flags);
}
