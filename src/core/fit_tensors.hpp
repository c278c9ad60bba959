// Normal matrix and gradient of all parameters from tensors that are summed in the frame.
//
// J of a root, with t = domega/dG where the length of G is taken along, is in the frame
//
//     turn  G x t          wavenumber  Jk          chi  Jc          strain (e -> e' = R e R^T)  t . e' G
//
// so that all elements of  sum v J J^T  are among
//
//     sum v (t t^T)(G G^T)     sum v t G^T     sum v Jk t G^T     sum v Jc t G^T     sum v {1, Jk, Jc} {1, Jk, Jc}
//
// Both roots share G: their t t^T are added before they are multiplied. The turn about the axis is -1 for both,
//
//     tx Gy = ty Gx + 1
//
// which leaves 27 of the 36 products of the first, and 8 of 9 of the others; and nothing changes where the wavenumber and all of G
// grow alike,
//
//     k Jk = -t . G
//
// so that the third is made from the first. J1 = even + odd and J2 = even - odd as in
// core/fit.hpp. The strain is changed to the crystal's as if R were a rotation; where it is not, the elements err by R^T R - 1.
#pragma once

#include "core/fit.hpp"

namespace braggrad::core {

// Where the sums stand. Products t_i G_j in the order xx, xz, yx, yy, yz, zx, zy, zz; t t^T and G G^T as xx, xy, xz, yy, yz, zz.
struct TensorIndex {
  static constexpr int vectors = 8;
  // Rows t_x t_x, t_x t_y, t_x t_z have G_x G_x, G_x G_z, G_z G_z; the other three have all six.
  static constexpr int square = 0, squares = 27;
  static constexpr int turn = square + squares, chi = turn + vectors;  // with 1 and with Jc
  // sum v {1, Jk, Jc, Jk Jk, Jk Jc, Jc Jc}
  static constexpr int scalars = chi + vectors;
  static constexpr int normals = scalars + 6;
  // Of the gradient: sum l' Jk, sum l' Jc, and sum l' (what the length of q adds to t) q^T, in the crystal frame, as q q^T.
  static constexpr int gradient = normals, length = gradient + 2;
  static constexpr int count = length + 6;
};

// Index of element (i, j) of a symmetric 3x3.
BRG_CORE constexpr int symmetric_index(int i, int j) {
  return i < j ? triangle_index(i, j, 3) : triangle_index(j, i, 3);
}

// t of both roots is even +- odd, even = (uy, -ux, 0). The other three have odd parts only; `length` is the factor of G in t.
// Flat, as are the sums below: where V is a vector, gcc copies nested structs of them through memory.
template <class V>
struct Slant {
  V even_x, even_y, odd_x, odd_y, odd_z, length, wavenumber, chi;
};

template <class V>
BRG_CORE Slant<V> slant_of(const Beam<V>& beam, const Vec3<V>& g, V q2, const Crossing<V>& k) {
  const CrossingBar<V> odd = spread_vjp(k, beam, g.z, q2, k.inverse_s);
  const V twice = odd.q2 + odd.q2;
  return {k.uy,
          -k.ux,
          mul_add(twice, g.x, odd.g.x),
          mul_add(twice, g.y, odd.g.y),
          mul_add(twice, g.z, odd.g.z),
          twice,
          odd.wavenumber,
          odd.chi};
}

// Sums over both roots with their matrix weights: of t t^T, of t, and of t with the sign of the root.
template <class V>
struct SlantSums {
  V xx, xy, xz, yy, yz, zz, x, y, z, odd_x, odd_y, odd_z;
};

template <class V>
BRG_CORE SlantSums<V> slant_sums(const Slant<V>& t, V sum, V difference) {
  const V x = mul_add(sum, t.even_x, difference * t.odd_x), odd_x = mul_add(difference, t.even_x, sum * t.odd_x);
  const V y = mul_add(sum, t.even_y, difference * t.odd_y), odd_y = mul_add(difference, t.even_y, sum * t.odd_y);
  const V z = difference * t.odd_z, odd_z = sum * t.odd_z;
  return {mul_add(t.even_x, x, t.odd_x * odd_x),
          mul_add(t.even_x, y, t.odd_x * odd_y),
          t.odd_z * odd_x,
          mul_add(t.even_y, y, t.odd_y * odd_y),
          t.odd_z * odd_y,
          t.odd_z * odd_z,
          x,
          y,
          z,
          odd_x,
          odd_y,
          odd_z};
}

// Element j of the strain, 11, 22, 33, 23, 13, 12, stands in row and column:
BRG_CORE constexpr int strain_row(int j) { return j < 3 ? j : j == 3 ? 1 : 0; }
BRG_CORE constexpr int strain_column(int j) { return j < 3 ? j : j == 5 ? 1 : 2; }

// All of them, those that were left out too: their products have a factor tx Gy.
template <class V>
struct Tensors {
  V square[6][6];     // t t^T by G G^T
  V turn[9], chi[9];  // t_i G_j by rows
};

// sum v (t_i G_j)(t_k G_l)
template <class V>
BRG_CORE V product(const Tensors<V>& tensors, int i, int j, int k, int l) {
  return tensors.square[symmetric_index(i, k)][symmetric_index(j, l)];
}

template <class V>
BRG_CORE void complete_vectors(const V* sums, V one, V* out) {
  out[0] = sums[0], out[1] = sums[2] + one;
  for (int i = 1; i < 8; ++i) out[i + 1] = sums[i];
}

template <class V>
BRG_CORE void complete(Tensors<V>& all, const V* sums) {
  const V *square = sums + TensorIndex::square, *turn = sums + TensorIndex::turn,
          *scalars = sums + TensorIndex::scalars;
  constexpr int xx = 0, xy = 1, xz = 2, yy = 3, yz = 4, zz = 5;
  V(&to)[6][6] = all.square;
  for (int t = xx; t <= xz; ++t)
    to[t][xx] = square[3 * t], to[t][xz] = square[3 * t + 1], to[t][zz] = square[3 * t + 2];
  for (int t = yy; t <= zz; ++t)
    for (int g = 0; g < 6; ++g) to[t][g] = square[9 + 6 * (t - yy) + g];
  to[xx][xy] = to[xy][xx] + turn[0], to[xx][yz] = to[xy][xz] + turn[1];
  to[xx][yy] = to[yy][xx] + (turn[2] + turn[2]) + scalars[0];
  to[xy][xy] = to[yy][xx] + turn[2], to[xy][yy] = to[yy][xy] + turn[3], to[xy][yz] = to[yy][xz] + turn[4];
  to[xz][xy] = to[yz][xx] + turn[5], to[xz][yy] = to[yz][xy] + turn[6], to[xz][yz] = to[yz][xz] + turn[7];
  complete_vectors(turn, scalars[0], all.turn);
  complete_vectors(sums + TensorIndex::chi, scalars[2], all.chi);
}

// Strain of the frame, e' = R e R^T, for each element of the crystal's: rates[frame][crystal].
template <class V>
struct StrainChange {
  V rates[6][6];
};

template <class V>
BRG_CORE void set_change(StrainChange<V>& change, const Mat3<V>& m) {
  const V r[3][3] = {{m.xx, m.xy, m.xz}, {m.yx, m.yy, m.yz}, {m.zx, m.zy, m.zz}};
  unrolled<36>([&](auto element) {
    constexpr int crystal = element / 6, frame = element % 6;
    constexpr int a = strain_row(crystal), b = strain_column(crystal), i = strain_row(frame), j = strain_column(frame);
    const V one = r[i][a] * r[j][b];
    change.rates[frame][crystal] = a == b ? one : i == j ? one + one : mul_add(r[i][b], r[j][a], one);
  });
}

template <class V>
BRG_CORE V by_crystal(const StrainChange<V>& change, const V* by_frame, int crystal) {
  V sum = by_frame[0] * change.rates[0][crystal];
  unrolled<5>([&](auto i) { sum = mul_add(by_frame[i + 1], change.rates[i + 1][crystal], sum); });
  return sum;
}

// Element j of t G^T by the strain.
template <int j, class V>
BRG_CORE V strain_element(const V* vectors) {
  constexpr int i = strain_row(j), k = strain_column(j);
  return i == k ? vectors[4 * i] : vectors[3 * i + k] + vectors[3 * k + i];
}

// t_i G_k of a turn with element j of the strain.
template <int i, int k, int j, class V>
BRG_CORE V turn_by_strain(const Tensors<V>& tensors) {
  constexpr int a = strain_row(j), b = strain_column(j);
  const V one = product(tensors, i, k, a, b);
  return a == b ? one : one + product(tensors, i, k, b, a);
}

template <int j, int k, class V>
BRG_CORE V strain_by_strain(const Tensors<V>& tensors) {
  constexpr int a = strain_row(j), b = strain_column(j);
  const V one = turn_by_strain<a, b, k>(tensors);
  return a == b ? one : one + turn_by_strain<b, a, k>(tensors);
}

// The normal matrix of all parameters, by turns of the frame and strain of the crystal, from the sums of one orientation, its
// M R and 1/k.
template <class V>
BRG_CORE void expand_normal(const V* sums, const Mat3<V>& rotation, V inverse_wavenumber, V* out) {
  Tensors<V> t;
  complete(t, sums);
  StrainChange<V> change;
  set_change(change, rotation);
  const V* scalar = sums + TensorIndex::scalars;
  const auto element = [&](int a, int b) -> V& { return out[triangle_index(a, b, fit_parameters)]; };
  // Turns x = zy - yz, y = xz - zx, axis = -1.
  constexpr int x = 0, y = 1, z = 2;
  const V xx = product(t, z, y, y, z), yy = product(t, x, z, z, x);
  element(0, 0) = product(t, z, y, z, y) - (xx + xx) + product(t, y, z, y, z);
  element(1, 1) = product(t, x, z, x, z) - (yy + yy) + product(t, z, x, z, x);
  element(0, 1) = product(t, z, y, x, z) - product(t, z, y, z, x) - product(t, y, z, x, z) + product(t, y, z, z, x);
  element(0, 2) = t.turn[5] - t.turn[7], element(1, 2) = t.turn[6] - t.turn[2], element(2, 2) = scalar[0];
  element(0, 4) = t.chi[7] - t.chi[5], element(1, 4) = t.chi[2] - t.chi[6];
  element(2, 3) = -scalar[1], element(2, 4) = -scalar[2];
  element(3, 3) = scalar[3], element(3, 4) = scalar[4], element(4, 4) = scalar[5];

  V turn_x[6], turn_y[6], axis[6], chi[6];  // these by strain of the frame
  unrolled<6>([&](auto j) {
    turn_x[j] = turn_by_strain<z, y, j>(t) - turn_by_strain<y, z, j>(t);
    turn_y[j] = turn_by_strain<x, z, j>(t) - turn_by_strain<z, x, j>(t);
    axis[j] = -strain_element<j>(t.turn), chi[j] = strain_element<j>(t.chi);
  });
  unrolled<6>([&](auto b) {
    element(0, 5 + b) = by_crystal(change, turn_x, b), element(1, 5 + b) = by_crystal(change, turn_y, b);
    element(2, 5 + b) = by_crystal(change, axis, b), element(4, 5 + b) = by_crystal(change, chi, b);
  });

  V half[6][6];  // strain of the crystal by strain of the frame
  unrolled<6>([&](auto j) {
    V row[6];
    unrolled<6>([&](auto k) { row[k] = strain_by_strain<j, k>(t); });
    unrolled<6>([&](auto b) { half[b][j] = by_crystal(change, row, b); });
  });
  unrolled<6>(
      [&](auto b) { unrolled<b + 1>([&](auto a) { element(5 + a, 5 + b) = by_crystal(change, half[b], a); }); });

  const auto by_wavenumber = [&](V one, V two, V three) { return -(inverse_wavenumber * (one + two + three)); };
  element(0, 3) = by_wavenumber(element(0, 5), element(0, 6), element(0, 7));
  element(1, 3) = by_wavenumber(element(1, 5), element(1, 6), element(1, 7));
  unrolled<6>([&](auto b) {
    const auto strain = [&](int a) { return a < b ? element(5 + a, 5 + b) : element(5 + b, 5 + a); };
    element(3, 5 + b) = by_wavenumber(strain(0), strain(1), strain(2));
  });
}

// The gradient, by turns of the frame and strain of the crystal. rotation: sum l' G_bar q^T.
template <class V>
BRG_CORE void expand_gradient(const V* sums, const Mat3<V>& rotation_sum, const Mat3<V>& rotation, V* out) {
  const Mat3<V> in_frame = multiply(rotation_sum, transpose(rotation));
  out[0] = in_frame.zy - in_frame.yz, out[1] = in_frame.xz - in_frame.zx, out[2] = in_frame.yx - in_frame.xy;
  out[3] = sums[TensorIndex::gradient], out[4] = sums[TensorIndex::gradient + 1];
  const Mat3<V> t = multiply(transpose(rotation), rotation_sum);
  const V* length = sums + TensorIndex::length;
  out[5] = t.xx + length[0], out[6] = t.yy + length[3], out[7] = t.zz + length[5];
  out[8] = t.yz + t.zy + (length[4] + length[4]), out[9] = t.xz + t.zx + (length[2] + length[2]);
  out[10] = t.xy + t.yx + (length[1] + length[1]);
}

}  // namespace braggrad::core
