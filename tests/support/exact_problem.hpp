// The problems of tests/reference/predict.json, and of the shared file of the same form where it is.
#pragma once

#include <fstream>
#include <nlohmann/json.hpp>

#include "support/sample.hpp"

// All numbers of nested arrays in their order; null is NaN.
inline std::vector<double> numbers(const nlohmann::json& values) {
  if (values.is_null()) return {std::nan("")};
  if (values.is_string()) return {std::stod(values.get<std::string>())};
  if (!values.is_array()) return {values.get<double>()};
  std::vector<double> out;
  for (const auto& value : values)
    for (const double number : numbers(value)) out.push_back(number);
  return out;
}

inline std::vector<nlohmann::json> own_exact_problems() {
  return nlohmann::json::parse(std::ifstream(BRAGGRAD_REFERENCE "/predict.json"))["problems"];
}

inline std::vector<nlohmann::json> shared_exact_problems() {
  std::ifstream file(BRAGGRAD_SHARED_DATA "/reference/predict_vjp.json");
  if (!file) return {};
  const auto document = nlohmann::json::parse(file);
  return document.is_array() ? document : document["problems"];
}

// Its inputs, in a context's memory.
struct ExactProblem {
  ExactProblem(brg_context* context, const nlohmann::json& p) : geometry(plain_geometry()), rotation(numbers(p["R"])) {
    geometry.wavenumber = p["wavenumber"];
    geometry.chi = p.value("chi", 0.0);
    if (p.contains("beam"))
      for (size_t i = 0; i < 3; ++i) geometry.beam[i] = numbers(p["beam"])[i], geometry.axis[i] = numbers(p["axis"])[i];
    for (const double index : numbers(p["hkl"])) hkl.push_back(static_cast<int32_t>(index));
    brg_reflections* made = nullptr;
    EXPECT_BRG(
        brg_reflections_create(context, static_cast<int64_t>(length()), hkl.data(), numbers(p["B"]).data(), &made));
    set.reset(made);
    rotation_array = Array<double>(context, rotation);
    orientations.count = static_cast<int64_t>(rows()), orientations.rotation = rotation_array.data();
  }
  size_t rows() const { return rotation.size() / 9; }
  size_t length() const { return hkl.size() / 3; }

  brg_geometry geometry;
  std::vector<double> rotation;
  std::vector<int32_t> hkl;
  Reflections set;
  Array<double> rotation_array;
  brg_orientations_f64 orientations = make<brg_orientations_f64>();
};

// Every number to a part of the largest.
inline void expect_exact(const std::vector<double>& got, const nlohmann::json& expected, const char* key) {
  ASSERT_TRUE(expected.contains(key)) << key;
  const auto wanted = numbers(expected[key]);
  ASSERT_EQ(got.size(), wanted.size()) << key;
  double size = 0;
  for (const double value : wanted) size = std::max(size, std::fabs(value));
  for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], wanted[i], 1e-11 * size) << key << " " << i;
}
