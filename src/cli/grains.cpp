// Grains from files.
#include "grains.hpp"

#include <cmath>

#include "failure.hpp"
#include "numbers.hpp"
#include "rotation.hpp"
#include "units.hpp"

namespace braggrad::cli {
namespace {

// Determinant over the product of the lengths of the columns: 1 for an orthogonal lattice, 0 for a flat one.
double handedness(const Matrix3& ub) {
  return ub.determinant() / (ub.col(0).norm() * ub.col(1).norm() * ub.col(2).norm());
}

void refuse_other_scale(const std::string& place, const Matrix3& deformation) {
  const double scale = std::cbrt(deformation.determinant());
  if (scale > 0.5 && scale < 2) return;
  throw Refusal(place + ": the lattice of UB is " + fixed(scale, 3) +
                " times the reciprocal lattice of --cell; see --two-pi, and the unit 1/Angstrom");
}

}  // namespace

GrainReader::GrainReader(const std::string& path, const GrainFormat& format) : format_(format), reader_(path) {
  for (size_t i = 0; i < 9; ++i)
    ub_columns_[i] = reader_.column("UB" + std::to_string(i / 3 + 1) + std::to_string(i % 3 + 1));
  if (!format.id_column.empty() && reader_.has_column(format.id_column))
    id_column_ = reader_.column(format.id_column);
  else if (reader_.has_column("grain_id"))
    id_column_ = reader_.column("grain_id");
}

std::optional<Grain> GrainReader::next() {
  if (!reader_.next(fields_)) return std::nullopt;
  Grain grain;
  grain.id = id_column_ ? fields_[*id_column_] : "0";
  if (grain.id.empty()) throw Refusal(reader_.place() + ": the grain has no id");
  Matrix3 ub;
  for (size_t i = 0; i < 9; ++i) ub.data()[i] = reader_.number(fields_, ub_columns_[i]);
  if (!format_.two_pi) ub *= two_pi;
  const double volume = handedness(ub);
  if (!(std::abs(volume) > 1e-9)) throw Refusal(reader_.place() + ": UB is singular, it spans no lattice");
  if (volume < 0) throw Refusal(reader_.place() + ": UB is left-handed, its determinant is negative");
  grain.cell = format_.cell ? *format_.cell : cell_of(ub);
  grain.basis = reciprocal_basis(grain.cell);
  const Matrix3 deformation = ub * grain.basis.inverse();
  refuse_other_scale(reader_.place(), deformation);
  grain.rotation = nearest_rotation(deformation);
  return grain;
}

}  // namespace braggrad::cli
