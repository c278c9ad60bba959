// Numbers of text files: whole fields only, independent of the locale.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace braggrad::cli {

// Infinities and NaN are numbers here; the caller refuses them where it must.
std::optional<double> parse_number(std::string_view text);

// An integer, also one that is written as 3.0.
std::optional<int32_t> parse_integer(std::string_view text);

// The shortest text that reads back as the same number.
std::string shortest(double value);

// Appends a number with a fixed number of decimals.
void append_fixed(std::string& text, double value, int decimals);

// With a fixed number of decimals.
std::string fixed(double value, int decimals);

}  // namespace braggrad::cli
