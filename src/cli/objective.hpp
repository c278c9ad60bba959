// Loss, gradient and normal matrix of each grain by the library, for any model of the same grains and peaks.
#pragma once

#include <string>
#include <vector>

#include "model.hpp"
#include "peaks.hpp"
#include "session.hpp"

namespace braggrad::cli {

struct Loss {
  brg_loss kind = BRG_LOSS_SQUARES;
  double delta = 0;  // rad, of Huber
  // What a row without a root costs: the most that any residual can, so that losing a row never pays.
  double missing() const;
};

Loss parse_loss(const std::string& name);

// Loss and counts of each grain; gradient [P] and normal matrix [P(P+1)/2, upper triangle by rows] of each grain in
// the library's parameters.
struct Evaluation {
  std::vector<double> loss;          // rows without a root included
  std::vector<double> matched_loss;  // without them
  std::vector<double> gradient, normal;
  std::vector<int32_t> matched, missing;
  size_t parameters = 0;
};

class Objective {
 public:
  Objective(const Session& session, const Peaks& peaks, const Model& start);

  // `mask` of BRG_FIT_*.
  Evaluation evaluate(const Model& model, const Loss& loss, uint32_t mask);

  // Sum of the weights of the rows of each grain.
  const std::vector<double>& weight_sum() const { return weight_sum_; }

 private:
  void upload_model(const Model& model);

  const Session* session_;
  size_t grains_;
  ReflectionSet set_;
  DeviceArray<int64_t> offsets_;
  DeviceArray<int32_t> reflection_;
  DeviceArray<double> omega_, weight_, rotation_, basis_, loss_, gradient_, normal_;
  DeviceArray<int32_t> matched_, missing_;
  std::vector<double> rotations_, bases_, weight_sum_;
};

}  // namespace braggrad::cli
