// Cells: a, b, c in Angstrom, alpha, beta, gamma in degrees.
#pragma once

#include <array>
#include <string>

#include "linear.hpp"

namespace braggrad::cli {

using Cell = std::array<double, 6>;

// "4.0782" (a cubic edge) or "a,b,c,alpha,beta,gamma". Refuses what is no cell.
Cell parse_cell(const std::string& text);

// Reciprocal basis of the library, 1/Angstrom with 2 pi. Refuses what is no cell.
Matrix3 reciprocal_basis(const Cell& cell);

// Cell of any reciprocal basis UB (1/Angstrom with 2 pi), from its metric: the rows of 2 pi UB^-1 are a, b, c.
Cell cell_of(const Matrix3& ub);

}  // namespace braggrad::cli
