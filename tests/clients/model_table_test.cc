#include "clients/model_table.h"

#include <catch2/catch.hpp>
#include <sstream>

#include "clients/example_messages.h"

namespace emulsion::client {
namespace {

std::size_t longest_line(const std::string& text) {
  std::istringstream stream(text);
  std::size_t longest = 0;
  for (std::string line; std::getline(stream, line);) longest = std::max(longest, display_width(line));
  return longest;
}

wire::ComponentMessage component(const std::string& family, std::vector<double> covariance) {
  wire::ComponentMessage result;
  result.id = 1;
  result.weight = 1;
  set_gaussian(result, family, {1, 2}, std::move(covariance));
  return result;
}

}  // namespace

TEST_CASE("standard deviations and correlations are read from every shape of covariance") {
  const auto full = component("gaussian(full)", {4, 3, 9});
  CHECK(coordinates(full) == std::vector<std::pair<double, double>>{{1, 2}, {2, 3}});
  CHECK(correlation(full, 1, 0) == Approx(0.5));
  const auto tied = component("gaussian(tied)", {4, -6, 9});
  CHECK(correlation(tied, 1, 0) == Approx(-1));
  const auto diagonal = component("gaussian(diagonal)", {4, 9});
  CHECK(coordinates(diagonal) == std::vector<std::pair<double, double>>{{1, 2}, {2, 3}});
  CHECK(correlation(diagonal, 1, 0) == 0);
  const auto spherical = component("gaussian(spherical)", {25});
  CHECK(coordinates(spherical) == std::vector<std::pair<double, double>>{{1, 5}, {2, 5}});
}

TEST_CASE("components of other families show their parameters, and columns their names") {
  wire::ModelMessage model = example_model();
  model.columns = {"waiting", "count"};
  wire::ComponentMessage& mixed = model.components[1];
  mixed.family = "exponential[0]*poisson[1]";
  mixed.parameters = {{"exponential[0].rate", {0.25}}, {"poisson[1].rate", {4}}};
  mixed.means = {4, 4};
  mixed.variances = {16, 4};
  mixed.starved = false;
  CHECK(model_table(model) ==
        "stream \"room\": model 7, learned from 8143 points, 512 effective; -3.215 nats/point\n"
        "component  family                     weight  points  waiting ± sd    count ± sd  r(waiting,count)\n"
        "        1  gaussian(full)              0.750     384  20.50 ± 2.00  -1.00 ± 3.00             +0.50\n"
        "       12  exponential[0]*poisson[1]   0.250     128   4.00 ± 4.00   4.00 ± 2.00             +0.00\n"
        "\n"
        "component  parameters\n"
        "        1\n"
        "       12  rate 0.250, rate 4.00\n");
}

TEST_CASE("a model is a line about the whole and a line for each component") {
  CHECK(model_table(example_model()) ==
        "stream \"room\": model 7, learned from 8143 points, 512 effective; -3.215 nats/point\n"
        "component  weight  points       x0 ± sd        x1 ± sd  r(x0,x1)  note\n"
        "        1   0.750     384  20.50 ± 2.00   -1.00 ± 3.00     +0.50\n"
        "       12   0.250     128   0.00 ± 1.00  426.00 ± 4.00     +0.00  starved\n");
}

TEST_CASE("a model in many dimensions keeps to 100 columns and says what it leaves out") {
  wire::ModelMessage model = example_model();
  model.dimension = 40;
  model.components.resize(1);
  set_gaussian(model.components[0], "gaussian(diagonal)", std::vector<double>(40, 1234.5), std::vector<double>(40, 0.25));
  const std::string text = model_table(model);
  CHECK(longest_line(text) <= 100);
  CHECK(text.find("x23 ± sd") != std::string::npos);
  CHECK(text.find("x24 ± sd") == std::string::npos);
  CHECK(text.find("24 of 40 coordinates; --json shows all") != std::string::npos);
}

TEST_CASE("a model without correlations has no columns for them") {
  wire::ModelMessage model = example_model();
  for (auto& each : model.components) {
    set_gaussian(each, "gaussian(spherical)", {1, 2}, {4});
    each.starved = false;
  }
  const std::string text = model_table(model);
  CHECK(text.find("r(") == std::string::npos);
  CHECK(text.find("note") == std::string::npos);
}

TEST_CASE("a model as CSV has a line for each component") {
  CHECK(model_csv_heading(2) ==
        "stream,model_version,points_learned,component,weight,effective_sample_size,starved,mean_0,mean_1,sd_0,sd_1\n");
  CHECK(model_csv(example_model()) ==
        "room,7,8143,1,0.75,384.19,0,20.5,-1,2,3\n"
        "room,7,8143,12,0.25,128.06,1,0,426,1,4\n");
}

}  // namespace emulsion::client
