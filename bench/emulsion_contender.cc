// Emulsion as a contender: batch EM steps, and streams in process.
#include "bench/contender.h"
#include "bench/data_set.h"
#include "bench/emulsion_steps.h"
#include "bench/stopwatch.h"

namespace {

using namespace emulsion::bench;

class Em final : public StepContender {
 public:
  explicit Em(const nlohmann::json& request)
      : steps_(read_data_set(request.at("data")), request.at("threads"), request.value("skip", true),
               {request.value("incomplete_points", Eigen::Index{0}), request.value("spread", false)}) {}

  double log_likelihood() override { return steps_.log_likelihood(); }

  double seconds(int steps) override {
    const Stopwatch watch;
    for (int i = 0; i < steps; ++i) steps_.step();
    return watch.seconds() / steps;
  }

 private:
  BatchSteps steps_;
};

class Stream final : public StepContender {
 public:
  explicit Stream(const nlohmann::json& request)
      : steps_(read_data_set(request.at("data")), request.at("message_rows"), request.at("batch_points"),
               request.at("threads")) {}

  double seconds(int steps) override {
    const Stopwatch watch;
    for (int i = 0; i < steps; ++i) steps_.step();
    return watch.seconds() / steps;
  }

 private:
  StreamSteps steps_;
};

std::unique_ptr<Contender> make(const nlohmann::json& request) {
  if (request.at("contender") == "stream") return std::make_unique<Stream>(request);
  return std::make_unique<Em>(request);
}

}  // namespace

int main() { return serve(make); }
