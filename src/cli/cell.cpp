// Cells.
#include "cell.hpp"

#include <cmath>
#include <vector>

#include "failure.hpp"
#include "numbers.hpp"
#include "units.hpp"

namespace braggrad::cli {

Cell parse_cell(const std::string& text) {
  std::vector<double> values;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    const auto value = parse_number(std::string_view(text).substr(begin, end - begin));
    if (!value) throw Refusal("--cell is \"" + text + "\": it must be numbers separated by commas");
    values.push_back(*value);
    begin = end + 1;
  }
  if (values.size() != 1 && values.size() != 6)
    throw Refusal("--cell has " + std::to_string(values.size()) +
                  " numbers: it must be one (a cubic edge) or six (a,b,c,alpha,beta,gamma)");
  const double a = values[0];
  const Cell cell =
      values.size() == 1 ? Cell{a, a, a, 90, 90, 90} : Cell{a, values[1], values[2], values[3], values[4], values[5]};
  reciprocal_basis(cell);
  return cell;
}

Matrix3 reciprocal_basis(const Cell& cell) {
  Matrix3 basis;
  const brg_status status = brg_reciprocal_basis(cell.data(), basis.data());
  if (status == BRG_ERROR_INVALID_ARGUMENT) throw Refusal(std::string("not a cell: ") + brg_last_error());
  check(status);
  return basis;
}

Cell cell_of(const Matrix3& ub) {
  const Matrix3 edges = two_pi * ub.inverse();
  const Vector3 a = edges.row(0), b = edges.row(1), c = edges.row(2);
  const auto angle = [](const Vector3& u, const Vector3& v) {
    return std::atan2(u.cross(v).norm(), u.dot(v)) / degree;
  };
  return {a.norm(), b.norm(), c.norm(), angle(b, c), angle(a, c), angle(a, b)};
}

}  // namespace braggrad::cli
