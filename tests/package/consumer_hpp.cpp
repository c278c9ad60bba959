// Which reflections of gold diffract in the orientation that is the identity, through the C++ header.
#include <braggrad.hpp>
#include <cmath>
#include <cstdio>

int main() try {
  const braggrad::Cell cell = {4.0782, 4.0782, 4.0782, 90, 90, 90};
  const braggrad::Context context;
  const brg_geometry geometry = braggrad::geometry_of_energy(50.02099);
  const std::vector<int32_t> hkl = braggrad::enumerate_hkl(cell, 'F', 1.4);
  const braggrad::Basis basis = braggrad::reciprocal_basis(cell);
  const braggrad::Reflections gold(context, hkl, basis);
  const size_t n = gold.size();

  // Arrays in the memory of the context, whatever its backend is.
  const std::vector<double> identity = {1, 0, 0, 0, 1, 0, 0, 0, 1};
  const braggrad::Buffer<double> rotation(context, identity), omega1(context, n);
  const braggrad::Buffer<uint8_t> observable(context, n);
  braggrad::predict<double>(context, geometry, gold, {.rotation = rotation},
                            {.omega1 = omega1, .observable = observable});

  const std::vector<double> omega = omega1.download(context);
  const std::vector<uint8_t> flag = observable.download(context);
  size_t diffracting = 0;
  for (size_t i = 0; i < n; ++i) {
    if (!flag[i]) continue;
    ++diffracting;
    // F(omega) = gx cos - gy sin + Q / 2k = 0
    double g[3], q2 = 0;
    for (size_t a = 0; a < 3; ++a) g[a] = basis[4 * a] * hkl[3 * i + a], q2 += g[a] * g[a];
    const double f = g[0] * std::cos(omega[i]) - g[1] * std::sin(omega[i]) + q2 / (2 * geometry.wavenumber);
    if (std::fabs(f) > 1e-12) return 1;
  }
  std::printf("%zu of %zu reflections of gold diffract\n", diffracting, n);
  return diffracting > 0 ? 0 : 1;
} catch (const braggrad::Error& error) {
  std::printf("%s\n", error.what());
  return 1;
}
