#include <cmath>

#include "clients/fit_at_work.h"
#include "emulsion/learner.h"
#include "emulsion/wire/model.h"
#include "emulsion/wire/model_json.h"
#include "emulsion/wire/point_reader.h"

namespace emulsion::client {
namespace {

using namespace testing;

Eigen::VectorXd vector_of(const Json& numbers) {
  const auto values = numbers.get<std::vector<double>>();
  return Eigen::Map<const Eigen::VectorXd>(values.data(), static_cast<Index>(values.size()));
}

PointBatch points_of(const std::string& path) {
  wire::PointReaderOptions options;
  options.label_column = "label";
  return (*wire::PointReader::open(path, options)->read(1'000'000))->batch;
}

}  // namespace

TEST_CASE("the log likelihood of batch EM never falls from one iteration to the next", "[fit]") {
  const Workbench bench;
  const std::string file = bench.simulate("p.csv", "stationary", 800, 4);
  const std::string shape = GENERATE("full", "diagonal", "spherical", "tied");
  CAPTURE(shape);
  const Json result = bench.fitted({file, "-k", "5", "--covariance", shape, "--init", "random", "--label-column", "label", "--history",
                                    bench.path("h.jsonl")});
  const auto lines = bench.read_lines("h.jsonl");
  REQUIRE(lines.size() > 3);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    CHECK(lines[i]["iteration"] == i);
    CHECK(lines[i]["model"]["components"].size() == 5);
    if (i > 0) CHECK(lines[i]["mean_log_likelihood"].get<double>() >= lines[i - 1]["mean_log_likelihood"].get<double>() - 1e-12);
  }
  CHECK(lines.back()["iteration"] == result["iterations"]);
  CHECK(lines.back()["model"]["components"][0]["parameters"] == result["components"][0]["parameters"]);
}

TEST_CASE("the reported log likelihood is that of the final parameters, by an independent sum", "[fit]") {
  const Workbench bench;
  const std::string file = bench.simulate("p.csv", "two-gaussians", 300);
  const Json result = bench.fitted({file, "-k", "2", "--label-column", "label"});
  double sum = 0;
  const PointBatch batch = points_of(file);
  for (Index i = 0; i < batch.size(); ++i) {
    double density = 0;
    for (const Json& component : result["components"]) {
      const auto mean = vector_of(component["parameters"]["mean"]);
      const auto covariance = component["parameters"]["covariance"].get<std::vector<std::vector<double>>>();
      const double determinant = covariance[0][0] * covariance[1][1] - covariance[0][1] * covariance[1][0];
      const Eigen::Vector2d x = batch.points.col(i) - mean;
      const double distance =
          (covariance[1][1] * x[0] * x[0] - 2 * covariance[0][1] * x[0] * x[1] + covariance[0][0] * x[1] * x[1]) / determinant;
      density += component["weight"].get<double>() * std::exp(-distance / 2) / (2 * M_PI * std::sqrt(determinant));
    }
    sum += std::log(density);
  }
  CHECK(result["log_likelihood"].get<double>() == Approx(sum).epsilon(1e-12));
  CHECK(result["mean_log_likelihood"].get<double>() == Approx(sum / 300).epsilon(1e-12));
  CHECK(result["parameters"] == 11);
  CHECK(result["bic"].get<double>() == Approx(11 * std::log(300) - 2 * sum).epsilon(1e-12));
  CHECK(result["aic"].get<double>() == Approx(22 - 2 * sum).epsilon(1e-12));
  CHECK(result["icl"].get<double>() >= result["bic"].get<double>());
}

TEST_CASE("after hard EM every component has the mean of the points that are its own", "[fit]") {
  const Workbench bench;
  const std::string file = bench.simulate("p.csv", "two-gaussians", 500);
  const Json result = bench.fitted({file, "-k", "2", "--assignment", "hard", "--prior-points", "0", "--prior-weight-points", "0",
                                    "--label-column", "label", "-o", bench.path("m.emulsion")});
  CHECK(result["assignment"] == "hard");
  CHECK(result["converged"] == true);
  std::istringstream labels(bench.score({bench.path("m.emulsion"), file, "--label-column", "label", "--quiet"}).out);
  std::string line;
  std::getline(labels, line);
  const PointBatch batch = points_of(file);
  Eigen::MatrixXd sums = Eigen::MatrixXd::Zero(2, 2);
  Eigen::Vector2d counts = Eigen::Vector2d::Zero();
  for (Index i = 0; i < batch.size(); ++i) {
    REQUIRE(std::getline(labels, line));
    const Index k = std::stoi(line) - 1;
    sums.col(k) += batch.points.col(i);
    counts[k] += 1;
  }
  for (Index k = 0; k < 2; ++k) {
    const Json& component = result["components"][static_cast<std::size_t>(k)];
    CHECK((vector_of(component["parameters"]["mean"]) - sums.col(k) / counts[k]).norm() < 1e-9);
    CHECK(component["weight"].get<double>() == Approx(counts[k] / 500));
  }
}

TEST_CASE("a model by hand is where EM starts, and further starts only make it better", "[fit]") {
  const Workbench bench;
  const std::string file = bench.simulate("p.csv", "two-gaussians", 400);
  // Both components on one side: a poor place to start from.
  const std::string guess = bench.write("guess.json", two_by_hand(0, 5, 0.1, 5.1));
  const Json alone = bench.fitted({file, "--init", guess, "--label-column", "label", "--max-iterations", "3", "--history", bench.path("h.jsonl")});
  CHECK(alone["restarts"] == 1);
  CHECK(alone["iterations"] == 3);
  CHECK(alone["converged"] == false);
  CHECK(alone["warnings"][0] == "not converged after 3 iterations");
  const auto lines = bench.read_lines("h.jsonl");
  CHECK(lines[0]["model"]["components"][1]["parameters"]["mean"] == Json({0.1, 5.1}));
  CHECK(lines[0]["model"]["components"][1]["weight"].get<double>() == Approx(0.6));
  const Json best = bench.fitted({file, "--init", guess, "--label-column", "label", "--restarts", "5"});
  CHECK(best["mean_log_likelihood"].get<double>() > alone["mean_log_likelihood"].get<double>());
  CHECK(best["adjusted_rand_index"].get<double>() > 0.9);
}

TEST_CASE("components of another shape than those of the given model stand where they do", "[fit]") {
  const Workbench bench;
  const std::string file = bench.simulate("p.csv", "two-gaussians", 200);
  const std::string guess = bench.write("guess.json", two_by_hand(1, 1, 4, 4));
  for (const std::string shape : {"diagonal", "spherical", "tied"}) {
    CAPTURE(shape);
    bench.fitted({file, "--init", guess, "--covariance", shape, "--label-column", "label", "--history", bench.path("h.jsonl")});
    const Json start = bench.read_lines("h.jsonl")[0]["model"]["components"];
    CHECK(start[0]["family"] == "gaussian(" + shape + ")");
    CHECK(start[0]["parameters"]["mean"] == Json({1.0, 1.0}));
    CHECK(start[1]["parameters"]["covariance"] == Json({{1.0, 0.0}, {0.0, 1.0}}));
  }
}

TEST_CASE("the criteria find how many clusters there are", "[fit]") {
  const Workbench bench;
  const std::string file = bench.simulate("p.csv", "stationary", 1500, 3);
  const std::string criterion = GENERATE("bic", "icl");
  const Json result = bench.fitted({file, "-k", "1..5", "--select", criterion, "--label-column", "label", "--restarts", "3"});
  CHECK(result["components"].size() == 3);
  CHECK(result["selection"]["criterion"] == criterion);
  CHECK(result["selection"]["chosen"] == 3);
  REQUIRE(result["selection"]["fits"].size() == 5);
  for (const Json& fit : result["selection"]["fits"]) CHECK(fit[criterion].get<double>() >= result[criterion].get<double>());
  const Captured table = bench.fit({file, "-k", "1..3", "--label-column", "label", "--restarts", "2", "--quiet"});
  CHECK(table.out.find("least bic") != std::string::npos);
  CHECK(table.out.find("3*gaussian(full): 1500 points of 2 coordinates") != std::string::npos);
}

TEST_CASE("a weight counts as repeated rows", "[fit]") {
  const Workbench bench;
  const PointBatch batch = points_of(bench.simulate("p.csv", "two-gaussians", 120));
  std::string weighted = "a,b,w\n", repeated = "a,b\n";
  for (Index i = 0; i < batch.size(); ++i) {
    const std::string row = std::to_string(batch.points(0, i)) + "," + std::to_string(batch.points(1, i));
    weighted += row + "," + std::to_string(1 + i % 3) + "\n";
    for (Index times = 0; times < 1 + i % 3; ++times) repeated += row + "\n";
  }
  const std::string guess = bench.write("guess.json", two_by_hand(0, 5, 5, 0));
  const Json one = bench.fitted({bench.write("w.csv", weighted), "--weights-column", "w", "--init", guess});
  const Json other = bench.fitted({bench.write("r.csv", repeated), "--init", guess});
  CHECK(one["points"] == 120);
  CHECK(other["points"] == 240);
  CHECK(one["weight"] == 240.0);
  for (const char* key : {"mean_log_likelihood", "bic", "icl"}) CHECK(one[key].get<double>() == Approx(other[key].get<double>()).epsilon(1e-9));
  for (std::size_t k = 0; k < 2; ++k)
    CHECK((vector_of(one["components"][k]["parameters"]["mean"]) - vector_of(other["components"][k]["parameters"]["mean"])).norm() < 1e-8);
}

TEST_CASE("learning online gives the bits of a learner with the same options", "[fit]") {
  const Workbench bench;
  const std::string file = bench.simulate("p.csv", "stationary", 3000, 3);
  const Json result = bench.fitted({file, "-k", "3", "--algorithm", "online", "--batch-points", "100", "--step", "half-life", "--half-life-points",
                                    "700", "--label-column", "label", "--history", bench.path("h.jsonl")});
  LearnerOptions options;
  options.components = 3;
  options.batch_points = 100;
  options.seed.points = 1000;
  options.step.kind = StepKind::half_life;
  options.step.half_life_points = 700;
  auto learner = Learner::make(options, 2);
  REQUIRE(learner);
  learner->learn(points_of(file), false);
  learner->flush(false);
  const Json expected = Json::parse(wire::to_json(wire::to_message(learner->snapshot())));
  CHECK(result["components"] == expected["components"]);
  CHECK(result["algorithm"] == "online");
  CHECK(result["iterations"] == learner->progress().batches);
  // One line for each update, and one for the seed.
  const auto lines = bench.read_lines("h.jsonl");
  CHECK(lines.size() == learner->progress().batches + 1);
  CHECK(lines.front()["points"] == learner->points_to_seed());
  CHECK(lines.back()["points"] == 3000);
  CHECK(lines.back()["model"]["components"] == expected["components"]);
}

TEST_CASE("a file that does not fit into memory gives the same result to the last bit", "[fit]") {
  const Workbench bench;
  const std::string file = bench.simulate("p.csv", "two-gaussians", 20000);
  const std::string guess = bench.write("guess.json", two_by_hand(1, 4, 4, 1));
  const std::string small = "1e-6";  // a thousand bytes
  for (const Arguments& how : {Arguments{"--algorithm", "batch"}, {"--algorithm", "online"}}) {
    Arguments arguments = {file, "--init", guess, "--label-column", "label"};
    arguments.insert(arguments.end(), how.begin(), how.end());
    const Json in_memory = bench.fitted(arguments);
    arguments.insert(arguments.end(), {"--memory-limit", small});
    CHECK(bench.fitted(arguments) == in_memory);
  }
  // Starts are found on a sample, so that these are not the same bits.
  const double whole = bench.fitted({file, "-k", "2", "--label-column", "label"})["mean_log_likelihood"];
  const double sampled = bench.fitted({file, "-k", "2", "--label-column", "label", "--memory-limit", "1e-4"})["mean_log_likelihood"];
  CHECK(sampled == Approx(whole).epsilon(1e-6));
}

TEST_CASE("threads change nothing", "[fit]") {
  const Workbench bench;
  const std::string file = bench.simulate("p.csv", "stationary", 2000, 3);
  for (const Arguments& how : {Arguments{"-k", "3"}, {"-k", "1..4"}, {"-k", "3", "--algorithm", "online"}}) {
    Arguments arguments = {file, "--label-column", "label", "--restarts", "3", "--threads", "1"};
    arguments.insert(arguments.end(), how.begin(), how.end());
    const Json one = bench.fitted(arguments);
    arguments[6] = "4";
    CHECK(bench.fitted(arguments) == one);
  }
}

TEST_CASE("the notebook's stopping rule ends EM when the means have come to rest", "[fit]") {
  const Workbench bench;
  const std::string file = bench.simulate("p.csv", "two-gaussians", 200);
  const std::string guess = bench.write("guess.json", two_by_hand(1, 1, 4, 4));
  const Json result = bench.fitted({file, "--init", guess, "--label-column", "label", "--shift-tolerance", "0.01", "--history", bench.path("h.jsonl")});
  const auto lines = bench.read_lines("h.jsonl");
  CHECK(result["converged"] == true);
  CHECK(lines.back()["shift"].get<double>() < 0.01);
  for (std::size_t i = 1; i + 1 < lines.size(); ++i) CHECK(lines[i]["shift"].get<double>() >= 0.01);
}

}  // namespace emulsion::client
