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
BRG_CORE constexpr int symmetric_index(int i, int j) { return i + j + (i > 0 && j > 0); }

// All of them, those that were left out too: their products have a factor tx Gy.
struct AllTensors {
  static constexpr int square = 0;          // t t^T by G G^T, 6 x 6
  static constexpr int turn = square + 36;  // t_i G_j by rows
  static constexpr int chi = turn + 9;
  static constexpr int count = chi + 9;
};
// Which of them are summed: element gg of G G^T with element tt of t t^T; number i of t_i G_j.
BRG_CORE constexpr bool is_summed(int tt, int gg) { return tt >= 3 || gg == 0 || gg == 2 || gg == 5; }
BRG_CORE constexpr bool is_summed(int i) { return i != 1; }

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

// What a pair adds to the sums of TensorIndex and AllTensors. v1, v2 of the scalars: matrix weights of the roots, as sum and difference.
template <class V>
BRG_CORE void add_scalars(V* scalars, const Slant<V>& t, V sum, V difference) {
  const V by_wavenumber = sum * t.wavenumber;
  scalars[0] = scalars[0] + sum;
  scalars[1] = mul_add(difference, t.wavenumber, scalars[1]), scalars[2] = mul_add(difference, t.chi, scalars[2]);
  scalars[3] = mul_add(by_wavenumber, t.wavenumber, scalars[3]);
  scalars[4] = mul_add(by_wavenumber, t.chi, scalars[4]), scalars[5] = mul_add(sum * t.chi, t.chi, scalars[5]);
}

// factor v v^T
template <class V>
BRG_CORE void add_symmetric(V* sums, V factor, const Vec3<V>& v) {
  const V x = factor * v.x, y = factor * v.y, z = factor * v.z;
  sums[0] = mul_add(x, v.x, sums[0]), sums[1] = mul_add(x, v.y, sums[1]), sums[2] = mul_add(x, v.z, sums[2]);
  sums[3] = mul_add(y, v.y, sums[3]), sums[4] = mul_add(y, v.z, sums[4]), sums[5] = mul_add(z, v.z, sums[5]);
}

// The gradient's, from TensorIndex::gradient on. odd: the difference of the slopes.
template <class V>
BRG_CORE void add_gradient(V* sums, const Slant<V>& t, V odd, const Vec3<V>& q, bool from_rotated) {
  sums[0] = mul_add(odd, t.wavenumber, sums[0]), sums[1] = mul_add(odd, t.chi, sums[1]);
  if (!from_rotated) add_symmetric(sums + 2, odd * t.length, q);
}

// Row tt of AllTensors::square, from G G^T.
template <int tt, class V>
BRG_CORE void add_square(V* row, V square, const V* products) {
  unrolled<6>([&](auto number) {
    constexpr int gg = decltype(number)::value;
    if constexpr (is_summed(tt, gg)) row[gg] = mul_add(square, products[gg], row[gg]);
  });
}

// t_i G_j by rows, those that are summed.
template <class V>
BRG_CORE void add_vector_products(V* sums, const Vec3<V>& t, const Vec3<V>& g) {
  sums[0] = mul_add(t.x, g.x, sums[0]), sums[2] = mul_add(t.x, g.z, sums[2]);
  sums[3] = mul_add(t.y, g.x, sums[3]), sums[4] = mul_add(t.y, g.y, sums[4]), sums[5] = mul_add(t.y, g.z, sums[5]);
  sums[6] = mul_add(t.z, g.x, sums[6]), sums[7] = mul_add(t.z, g.y, sums[7]), sums[8] = mul_add(t.z, g.z, sums[8]);
}

// Element j of the strain, 11, 22, 33, 23, 13, 12, stands in row and column:
BRG_CORE constexpr int strain_row(int j) { return j < 3 ? j : j == 3 ? 1 : 0; }
BRG_CORE constexpr int strain_column(int j) { return j < 3 ? j : j == 5 ? 1 : 2; }

// The products that were left out, from those that were summed. `all` as in AllTensors, `scalars` as in TensorIndex.
template <class V>
BRG_CORE void complete(V* all, const V* scalars) {
  constexpr int xx = 0, xy = 1, xz = 2, yy = 3, yz = 4;
  V *turn = all + AllTensors::turn, *chi = all + AllTensors::chi;
  const auto square = [all](int tt, int gg) -> V& { return all[AllTensors::square + 6 * tt + gg]; };
  square(xx, xy) = square(xy, xx) + turn[0], square(xx, yz) = square(xy, xz) + turn[2];
  square(xy, xy) = square(yy, xx) + turn[3], square(xy, yy) = square(yy, xy) + turn[4];
  square(xy, yz) = square(yy, xz) + turn[5];
  square(xz, xy) = square(yz, xx) + turn[6], square(xz, yy) = square(yz, xy) + turn[7];
  square(xz, yz) = square(yz, xz) + turn[8];
  turn[1] = turn[3] + scalars[0], chi[1] = chi[3] + scalars[2];
  square(xx, yy) = square(xy, xy) + turn[1];
}

// Rows of the normal matrix that are made of tensors one by one: those of three turns and chi, and of the strain of the frame.
struct TensorRow {
  static constexpr int axis = 2, chi = 3, strain = 4, count = 10;
};

// sum v (t_i G_k) t G^T
template <class V>
BRG_CORE Mat3<V> products(const V* all, int i, int k) {
  const auto at = [=](int j, int l) {
    return all[AllTensors::square + 6 * symmetric_index(i, j) + symmetric_index(k, l)];
  };
  return {at(0, 0), at(0, 1), at(0, 2), at(1, 0), at(1, 1), at(1, 2), at(2, 0), at(2, 1), at(2, 2)};
}

// sum v J t G^T of a row's J.
template <class V>
BRG_CORE Mat3<V> tensor_row(const V* all, int row) {
  if (row == TensorRow::axis) {
    const V* t = all + AllTensors::turn;
    return {-t[0], -t[1], -t[2], -t[3], -t[4], -t[5], -t[6], -t[7], -t[8]};
  }
  if (row == TensorRow::chi) return load_matrix<V>(all + AllTensors::chi, false);
  // Turns x = zy - yz and y = xz - zx.
  const int element = row - TensorRow::strain;
  const int i = row == 0   ? 2
                : row == 1 ? 0
                           : strain_row(element),
            k = row == 0   ? 1
                : row == 1 ? 2
                           : strain_column(element);
  const Mat3<V> one = products(all, i, k);
  if (i == k) return one;
  const Mat3<V> other = products(all, k, i);
  const V sign(Scalar<V>(row < 2 ? -1 : 1));
  return {mul_add(sign, other.xx, one.xx), mul_add(sign, other.xy, one.xy), mul_add(sign, other.xz, one.xz),
          mul_add(sign, other.yx, one.yx), mul_add(sign, other.yy, one.yy), mul_add(sign, other.yz, one.yz),
          mul_add(sign, other.zx, one.zx), mul_add(sign, other.zy, one.zy), mul_add(sign, other.zz, one.zz)};
}

// By the elements of a strain, xy standing for both xy and yx.
template <class V>
struct Strain {
  V xx, yy, zz, yz, xz, xy;
};
template <class V>
BRG_CORE Strain<V> strain_of(const Mat3<V>& by) {
  return {by.xx, by.yy, by.zz, by.yz + by.zy, by.xz + by.zx, by.xy + by.yx};
}
template <class V>
BRG_CORE void put_strain(V* out, const Strain<V>& s) {
  out[0] = s.xx, out[1] = s.yy, out[2] = s.zz, out[3] = s.yz, out[4] = s.xz, out[5] = s.xy;
}

// By the strain of the crystal, e' = R e R^T, from that by the strain e' of the frame, as an upper triangle: R^T s R and its transpose.
template <class V>
BRG_CORE Strain<V> crystal_strain(const Strain<V>& s, const Mat3<V>& r) {
  const auto times = [&s](const Vec3<V>& v) {
    return Vec3<V>{mul_add(s.xx, v.x, mul_add(s.xy, v.y, s.xz * v.z)), mul_add(s.yy, v.y, s.yz * v.z), s.zz * v.z};
  };
  const Vec3<V> x = {r.xx, r.yx, r.zx}, y = {r.xy, r.yy, r.zy}, z = {r.xz, r.yz, r.zz};
  const Vec3<V> sx = times(x), sy = times(y), sz = times(z);
  return {
      dot(x, sx), dot(y, sy), dot(z, sz), dot(y, sz) + dot(z, sy), dot(x, sz) + dot(z, sx), dot(x, sy) + dot(y, sx)};
}

// The normal matrix by turns of the frame and strain of the crystal is made of its rows, in any order, each of which has its
// elements in `normal`, or for the strain of the frame in half[frame][crystal]; then of the columns of `half`; and of the scalars.
template <class V>
BRG_CORE void expand_row(const V* all, int row, const Mat3<V>& rotation, V inverse_wavenumber, V* normal, V* half) {
  const Mat3<V> by = tensor_row(all, row);
  const int parameter = row < TensorRow::chi ? row : row + 1;
  put_strain(row < TensorRow::strain ? normal + triangle_index(parameter, 5, fit_parameters)
                                     : half + 6 * (row - TensorRow::strain),
             crystal_strain(strain_of(by), rotation));
  if (row >= TensorRow::strain) return;
  normal[parameter] = by.zy - by.yz;
  if (row > 0) normal[triangle_index(1, parameter, fit_parameters)] = by.xz - by.zx;
  if (row < 2) normal[triangle_index(row, 3, fit_parameters)] = -(inverse_wavenumber * (by.xx + by.yy + by.zz));
}

// Column b of the strain of the crystal.
template <class V>
BRG_CORE void expand_column(const V* half, int b, const Mat3<V>& rotation, V inverse_wavenumber, V* normal) {
  const V* column = half + b;
  V by[6];
  put_strain(by,
             crystal_strain(Strain<V>{column[0], column[6], column[12], column[18], column[24], column[30]}, rotation));
  for (int a = 0; a < 6; ++a)
    if (a <= b) normal[triangle_index(5 + a, 5 + b, fit_parameters)] = by[a];
  normal[triangle_index(3, 5 + b, fit_parameters)] = -(inverse_wavenumber * (column[0] + column[6] + column[12]));
}

template <class V>
BRG_CORE void expand_scalars(const V* scalars, V* normal) {
  const auto element = [&](int a, int b) -> V& { return normal[triangle_index(a, b, fit_parameters)]; };
  element(2, 2) = scalars[0], element(2, 3) = -scalars[1], element(2, 4) = -scalars[2];
  element(3, 3) = scalars[3], element(3, 4) = scalars[4], element(4, 4) = scalars[5];
}

// All of it from the sums of one orientation, its M R and 1/k.
template <class V>
BRG_CORE void expand_normal(const V* sums, const Mat3<V>& rotation, V inverse_wavenumber, V* normal) {
  V all[AllTensors::count], half[36];
  int from = TensorIndex::square;
  unrolled<36>([&](auto i) {
    if constexpr (is_summed(i / 6, i % 6)) all[AllTensors::square + i] = sums[from++];
  });
  from = 0;
  unrolled<9>([&](auto i) {
    if constexpr (!is_summed(i)) return;
    all[AllTensors::turn + i] = sums[TensorIndex::turn + from];
    all[AllTensors::chi + i] = sums[TensorIndex::chi + from++];
  });
  complete(all, sums + TensorIndex::scalars);
  unrolled<TensorRow::count>([&](auto row) { expand_row(all, row, rotation, inverse_wavenumber, normal, half); });
  unrolled<6>([&](auto column) { expand_column(half, column, rotation, inverse_wavenumber, normal); });
  expand_scalars(sums + TensorIndex::scalars, normal);
}

// The gradient, by turns of the frame and strain of the crystal. sums: from TensorIndex::gradient on; rotation_sum:
// sum l' G_bar q^T.
template <class V>
BRG_CORE void expand_gradient(const V* sums, const Mat3<V>& rotation_sum, const Mat3<V>& rotation, V* out) {
  const Vec3<V> turn = axial(multiply(rotation_sum, transpose(rotation)));
  out[0] = turn.x, out[1] = turn.y, out[2] = turn.z, out[3] = sums[0], out[4] = sums[1];
  put_strain(out + 5, strain_of(multiply(transpose(rotation), rotation_sum)));
  const V* length = sums + 2;
  out[5] = out[5] + length[0], out[6] = out[6] + length[3], out[7] = out[7] + length[5];
  out[8] = out[8] + (length[4] + length[4]), out[9] = out[9] + (length[2] + length[2]);
  out[10] = out[10] + (length[1] + length[1]);
}

}  // namespace braggrad::core
