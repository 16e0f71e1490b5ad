#include "bench/contender.h"

#include <iostream>
#include <map>
#include <stdexcept>
#include <string>

namespace emulsion::bench {

nlohmann::json StepContender::answer(const nlohmann::json& request) {
  const std::string what = request.at("do");
  if (what == "seconds") return {{"seconds", seconds(request.at("steps"))}};
  if (what == "log_likelihood") return {{"log_likelihood", log_likelihood()}};
  throw std::invalid_argument("no request is called " + what);
}

double StepContender::log_likelihood() { throw std::invalid_argument("this contender has no likelihood"); }

int serve(const MakeContender& make) {
  std::map<int, std::unique_ptr<Contender>> contenders;
  for (std::string line; std::getline(std::cin, line);) {
    nlohmann::json answer = nlohmann::json::object();
    try {
      const auto request = nlohmann::json::parse(line);
      const int id = request.at("id");
      if (request.at("do") == "prepare")
        contenders[id] = make(request);
      else if (request.at("do") == "drop")
        contenders.erase(id);
      else
        answer = contenders.at(id)->answer(request);
    } catch (const std::exception& error) {
      answer = {{"error", error.what()}};
    }
    std::cout << answer.dump() << std::endl;
  }
  return 0;
}

}  // namespace emulsion::bench
