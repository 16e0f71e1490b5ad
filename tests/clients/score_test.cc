#include <cmath>

#include "clients/fit_at_work.h"

namespace emulsion::client {
namespace {

using namespace testing;

// Components far apart, so that responsibilities are clear: ids 4 and 9.
const char* const kModel =
    R"({"columns": ["a", "b"], "components": [
        {"id": 4, "weight": 0.25, "mean": [0, 0], "covariance": [[1, 0], [0, 1]]},
        {"id": 9, "weight": 0.75, "mean": [10, 0], "covariance": [[4, 0], [0, 1]]}]})";

// Log density of a row under kModel.
double log_density(double a, double b) {
  return std::log(0.25 / (2 * M_PI) * std::exp(-(a * a + b * b) / 2) + 0.75 / (4 * M_PI) * std::exp(-(a - 10) * (a - 10) / 8 - b * b / 2));
}

}  // namespace

TEST_CASE("each row has the id of its component and its log density", "[score]") {
  const Workbench bench;
  const Captured scored = bench.score({bench.write("m.json", kModel), bench.write("p.csv", "a,b\n0,0\n12,1\n")});
  CHECK(scored.exit_code == 0);
  std::istringstream lines(scored.out);
  std::string line;
  std::getline(lines, line);
  CHECK(line == "label,log_density");
  std::getline(lines, line);
  CHECK(line.starts_with("4,"));
  CHECK(std::stod(line.substr(2)) == Approx(log_density(0, 0)).epsilon(1e-9));
  std::getline(lines, line);
  CHECK(line.starts_with("9,"));
  CHECK(std::stod(line.substr(2)) == Approx(log_density(12, 1)).epsilon(1e-9));
  CHECK(scored.err.starts_with("2 rows: log likelihood -"));
}

TEST_CASE("as JSON lines with responsibilities, which sum to 1", "[score]") {
  const Workbench bench;
  const Captured scored = bench.score({bench.write("m.json", kModel), bench.write("p.csv", "a,b\n5,0\n"), "--json", "--responsibilities", "-q"});
  const Json row = Json::parse(scored.out);
  CHECK(scored.err.empty());
  CHECK(row["responsibilities"]["4"].get<double>() + row["responsibilities"]["9"].get<double>() == Approx(1).epsilon(1e-14));
  // By Bayes: 0.25 exp(-25/2) against 0.75 / 2 exp(-25/8).
  const double first = 0.25 * std::exp(-12.5), second = 0.375 * std::exp(-3.125);
  CHECK(row["responsibilities"]["4"].get<double>() == Approx(first / (first + second)).epsilon(1e-9));
  CHECK(row["label"] == 9);
  const Captured csv = bench.score({bench.path("m.json"), bench.path("p.csv"), "--responsibilities", "-q"});
  CHECK(csv.out.starts_with("label,log_density,responsibility_4,responsibility_9\n9,"));
}

TEST_CASE("columns are found by the model's names, wherever they stand", "[score]") {
  const Workbench bench;
  const std::string model = bench.write("m.json", kModel);
  const std::string ordered = bench.score({model, bench.write("p.csv", "a,b\n0,0\n12,1\n")}).out;
  CHECK(bench.score({model, bench.write("q.csv", "b,other,a\n0,7,0\n1,7,12\n")}).out == ordered);
  CHECK(bench.score({model, bench.write("r.csv", "u,v\n0,0\n12,1\n")}).out == ordered);
  const Captured three = bench.score({model, bench.write("s.csv", "u,v,w\n0,0,1\n")});
  CHECK(three.exit_code == 65);
  CHECK(three.err == "emulsion score: " + bench.path("s.csv") + " has 3 coordinates (u, v, w), the model has 2; --columns chooses\n");
  CHECK(bench.score({model, bench.path("s.csv"), "--columns", "v,u"}).exit_code == 0);
}

TEST_CASE("the summary has the totals and the agreement, and weights count", "[score]") {
  const Workbench bench;
  const std::string file = bench.write("p.csv", "a,b,kind,w\n0,0,x,2\n12,1,y,1\n1,1,x,1\n9,0,y,1\n");
  const Captured captured = bench.score({bench.write("m.json", kModel), file, "--label-column", "kind", "--weights-column", "w", "--summary", "--json"});
  const Json totals = Json::parse(captured.out);
  CHECK(totals["rows"] == 4);
  CHECK(totals["weight"] == 5.0);
  CHECK(totals["log_likelihood"].get<double>() == Approx(2 * log_density(0, 0) + log_density(12, 1) + log_density(1, 1) + log_density(9, 0)).epsilon(1e-9));
  CHECK(totals["mean_log_likelihood"].get<double>() == Approx(totals["log_likelihood"].get<double>() / 5));
  CHECK(totals["adjusted_rand_index"] == 1.0);
  CHECK(totals["nmi"].get<double>() == Approx(1));
  const Captured text = bench.score({bench.path("m.json"), file, "--label-column", "kind", "--columns", "a,b", "--summary"});
  CHECK(text.out.starts_with("4 rows: log likelihood "));
  CHECK(text.err.empty());
}

TEST_CASE("a bad row stops scoring after the rows before it, or is skipped", "[score]") {
  const Workbench bench;
  const std::string model = bench.write("m.json", kModel);
  const std::string file = bench.write("p.csv", "a,b\n0,0\n1,x\n2,0\n");
  const Captured stopped = bench.score({model, file});
  CHECK(stopped.exit_code == 65);
  CHECK(std::count(stopped.out.begin(), stopped.out.end(), '\n') == 2);
  CHECK(stopped.err.find(file + ":3: column \"b\": \"x\" is not a number") != std::string::npos);
  const Captured skipped = bench.score({model, file, "--on-error", "skip"});
  CHECK(skipped.exit_code == 65);
  CHECK(std::count(skipped.out.begin(), skipped.out.end(), '\n') == 3);
}

TEST_CASE("what is no model is told with its place", "[score]") {
  const Workbench bench;
  const std::string file = bench.write("p.csv", "a,b\n0,0\n");
  const Captured captured = bench.score({bench.write("m.json", R"({"components": [{"weight": 1, "mean": [0, 0], "covariance": [[1, 0]]}]})"), file});
  CHECK(captured.exit_code == 65);
  CHECK(captured.err.find("components[0].covariance: 1 x 2, expected 2 x 2") != std::string::npos);
  CHECK(bench.score({bench.path("none.json"), file}).exit_code == 65);
  CHECK(bench.score({"-", "-"}).exit_code == 2);
}

TEST_CASE("the mean log likelihood of a fit is that of its score", "[score]") {
  const Workbench bench;
  const std::string file = bench.simulate("p.csv", "stationary", 1000, 3);
  const Json fit = bench.fitted({file, "-k", "3", "--label-column", "label", "-o", bench.path("m.emulsion")});
  const Captured captured = bench.score({bench.path("m.emulsion"), file, "--label-column", "label", "--summary", "--json"});
  const Json totals = Json::parse(captured.out);
  CHECK(totals["mean_log_likelihood"].get<double>() == Approx(fit["mean_log_likelihood"].get<double>()).epsilon(1e-12));
  CHECK(totals["adjusted_rand_index"] == fit["adjusted_rand_index"]);
}

}  // namespace emulsion::client
