// What a refinement changes.
#include "model.hpp"

#include "failure.hpp"

namespace braggrad::cli {

Freedom parse_freedom(const std::string& text) {
  Freedom freedom;
  if (text == "none") return freedom;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    const std::string word = text.substr(begin, end - begin);
    if (word == "orientation")
      freedom.orientation = true;
    else if (word == "cell")
      freedom.cell = true;
    else if (word == "energy")
      freedom.energy = true;
    else if (word == "chi")
      freedom.chi = true;
    else
      throw Refusal("--free has \"" + word + "\": it must be none, or a list of orientation, cell, energy, chi");
    begin = end + 1;
  }
  return freedom;
}

}  // namespace braggrad::cli
