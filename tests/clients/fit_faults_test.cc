// What `emulsion fit` refuses, what it warns of, and the keys of its result.
#include "clients/fit_at_work.h"
#include "clients/point_file.h"

namespace emulsion::client {
namespace {

using namespace testing;

constexpr const char* kFour = "a,b\n1,2\n2,4\n3,5\n4,9\n";

}  // namespace

TEST_CASE("the keys of the result are there, in their order", "[fit]") {
  const Workbench bench;
  const Captured captured = bench.fit({bench.write("p.csv", kFour), "-k", "1", "--json"});
  REQUIRE(captured.exit_code == 0);
  CHECK(captured.err.empty());
  std::vector<std::string> keys;
  const auto object = nlohmann::ordered_json::parse(captured.out);  // which has to outlive what is read of it
  for (const auto& [key, value] : object.items()) keys.push_back(key);
  const std::vector<std::string> expected = {"dimension", "columns", "points", "weight", "algorithm", "assignment", "mixture", "seed", "restarts",
                                             "iterations", "converged", "log_likelihood", "mean_log_likelihood", "parameters", "bic", "icl", "aic",
                                             "refused_rows", "warnings", "stream", "version", "effective_sample_size", "components"};
  CHECK(keys == expected);
  const Json result = Json::parse(captured.out);
  CHECK(result["warnings"][0] == "component 1 may have collapsed: it takes 4 points, fewer than 3 (d + 1)");
  CHECK(result["columns"] == Json({"a", "b"}));
  CHECK(result["components"][0]["parameters"]["mean"] == Json({2.5, 5.0}));
}

TEST_CASE("what --output writes is what --json prints, and a model to start from", "[fit]") {
  const Workbench bench;
  const std::string file = bench.simulate("p.csv", "two-gaussians", 300);
  const std::string model = bench.path("m.emulsion");
  const Captured printed = bench.fit({file, "-k", "2", "--label-column", "label", "--json", "-q", "-o", model});
  CHECK(bench.read("m.emulsion") == printed.out);
  const Json again = bench.fitted({file, "--init", model, "--label-column", "label"});
  CHECK(again["iterations"].get<int>() <= 1);
  CHECK(again["mean_log_likelihood"].get<double>() == Approx(Json::parse(printed.out)["mean_log_likelihood"].get<double>()).epsilon(1e-8));
}

TEST_CASE("a bad row stops the fit with its line and what was expected", "[fit]") {
  const Workbench bench;
  const std::string file = bench.write("p.csv", "a,b\n1,2\n2,n/a\n3,5\n,\n4,9\n5,1e200\n");
  const Captured stopped = bench.fit({file, "-k", "1"});
  CHECK(stopped.exit_code == 65);
  CHECK(stopped.out.empty());
  CHECK(stopped.err == "emulsion fit: " + file + ":3: column \"b\": \"n/a\" is not a number\n");

  const Captured skipped = bench.fit({file, "-k", "1", "--on-error", "skip", "--json"});
  CHECK(skipped.exit_code == 65);  // there is a result, and there were bad rows
  const Json result = Json::parse(skipped.out);
  CHECK(result["points"] == 3);
  CHECK(result["refused_rows"] == 3);
  CHECK(skipped.err.find(file + ":5: every coordinate is missing\n") != std::string::npos);
  CHECK(skipped.err.find(file + ":7: coordinate 1 is beyond 1e150") != std::string::npos);
  CHECK(skipped.err.find("3 bad rows skipped\n") != std::string::npos);
}

TEST_CASE("a file without points, or that is not there, is bad data", "[fit]") {
  const Workbench bench;
  CHECK(bench.fit({bench.path("none.csv"), "-k", "1"}).exit_code == 65);
  CHECK(bench.fit({bench.write("empty.csv", ""), "-k", "1"}).exit_code == 65);
  CHECK(bench.fit({bench.write("head.csv", "a,b\n"), "-k", "1"}).exit_code == 65);
  const Captured model = bench.fit({bench.write("p.csv", kFour), "--init", bench.write("m.json", "{\"components\": []}")});
  CHECK(model.exit_code == 65);
  CHECK(model.err == "emulsion fit: " + bench.path("m.json") + ": components: none, expected at least 1\n");
  const Captured three = bench.fit({bench.write("p.csv", kFour), "-k", "3", "--init", bench.write("m.json", two_by_hand(0, 0, 1, 1))});
  CHECK(three.exit_code == 65);
  CHECK(three.err.find("the model has 2 components, the mixture has 3") != std::string::npos);
}

TEST_CASE("flags that do not make sense are told before anything is read", "[fit]") {
  const Workbench bench;
  const std::string file = bench.write("p.csv", kFour);
  const auto complaint = [&](Arguments arguments) {
    arguments.insert(arguments.begin(), file);
    const Captured captured = bench.fit(arguments);
    CHECK(captured.exit_code == 2);
    return captured.err.substr(0, captured.err.find('\n'));
  };
  CHECK(complaint({}) == "emulsion fit: how many components? -k N says it, or --mixture FORMULA, or --init FILE");
  CHECK(complaint({"-k", "5..2"}) == "emulsion fit: --components: \"5..2\" goes down; expected a range such as 1..10");
  CHECK(complaint({"-k", "2", "--select", "bic"}) == "emulsion fit: --select needs a range of components, such as -k 1..10");
  CHECK(complaint({"-k", "1..2", "--select", "best"}) == "emulsion fit: --select: \"best\"; allowed: bic, icl, aic");
  CHECK(complaint({"-k", "2", "--passes", "3"}) == "emulsion fit: --passes needs --algorithm online");
  CHECK(complaint({"-k", "2", "--algorithm", "online", "--tolerance", "0"}) == "emulsion fit: --tolerance is for --algorithm batch");
  CHECK(complaint({"--mixture", "2*gaussian(full)", "-k", "3"}) == "emulsion fit: -k says 3, but the mixture has 2 components");
  CHECK(complaint({"--mixture", "gaussian(full)[a,c]"}).find("one of the columns a, b was expected") != std::string::npos);
  CHECK(complaint({"--mixture", "2*gausian(full)"}).find("family \"gausian(full)\" is unknown") != std::string::npos);
  CHECK(complaint({"-k", "1", "--algorithm", "online", "--step", "half-life", "--half-life-seconds", "5"}).find("--time-column") != std::string::npos);
}

TEST_CASE("bad rows leave the same fit as if they had never been there", "[fit]") {
  const Workbench bench;
  std::string good = "a,b\n", mixed = good;
  for (int i = 0; i < 300; ++i) {
    const std::string row = std::to_string(i % 7 + 20 * (i % 2)) + "," + std::to_string(i % 5) + "\n";
    good += row;
    mixed += row;
    if (i % 50 == 3) mixed += i % 4 == 3 ? "inf,1\n-inf,2\n" : "1e155,1\nnan,nan\n2,-1e200\n";
  }
  for (const char* algorithm : {"batch", "online"}) {
    const Json clean = bench.fitted({bench.write("good.csv", good), "-k", "2", "--algorithm", algorithm});
    const Captured dirty = bench.fit({bench.write("mixed.csv", mixed), "-k", "2", "--algorithm", algorithm, "--on-error", "skip", "--json", "--quiet"});
    CHECK(dirty.exit_code == 65);
    const Json found = Json::parse(dirty.out);
    CHECK(found["refused_rows"] > 10);
    CHECK(found["components"] == clean["components"]);
    CHECK(found["log_likelihood"] == clean["log_likelihood"]);
  }
}

TEST_CASE("a mixture names its columns, and -k completes one term", "[fit]") {
  const Workbench bench;
  const std::string file = bench.write("p.csv", kFour);
  CHECK(bench.fitted({file, "--mixture", "gaussian(diagonal)", "-k", "2"})["mixture"] == "2*gaussian(diagonal)");
  CHECK(bench.fitted({file, "--mixture", "gaussian(full)[b]*gaussian(full)[a]"})["mixture"] == "1*gaussian(full)[1]*gaussian(full)[0]");
  CHECK(bench.fitted({file, "--columns", "b", "-k", "1"})["components"][0]["parameters"]["mean"] == Json({5.0}));
}

TEST_CASE("a component with fewer points than it has directions has collapsed, and is named", "[fit]") {
  const Workbench bench;
  std::string text = "a,b\n";
  for (int i = 0; i < 40; ++i) text += std::to_string(i % 7) + "," + std::to_string(i % 5) + "\n";
  text += "1000,1000\n";  // alone
  const Json result = bench.fitted({bench.write("p.csv", text), "-k", "2"});
  REQUIRE(result["warnings"].size() == 1);
  CHECK(result["warnings"][0].get<std::string>().find("has collapsed: it takes 1") != std::string::npos);
  const Captured printed = bench.fit({bench.path("p.csv"), "-k", "2", "--quiet"});
  CHECK(printed.out.find("warning: component ") != std::string::npos);
  CHECK(printed.err.empty());
}

TEST_CASE("a column whose digits are lost, as of times in nanoseconds, is named", "[fit]") {
  const Workbench bench;
  std::string text = "t,a\n";
  for (int i = 0; i < 100; ++i) text += std::to_string(1'700'000'000'000'000'000 + i * 1'000'000'000LL) + "," + std::to_string(i % 7) + "\n";
  const std::string file = bench.write("p.csv", text);
  for (const char* algorithm : {"batch", "online"}) {
    const Json warnings = bench.fitted({file, "-k", "1", "--algorithm", algorithm})["warnings"];
    REQUIRE(warnings.size() == 1);
    CHECK_THAT(warnings[0].get<std::string>(), Catch::StartsWith("t: numbers near 1.7e+18 are multiples of 256, and deviate by "));
  }
  CHECK(bench.fitted({file, "--columns", "a", "-k", "1"})["warnings"].empty());
}

TEST_CASE("each iteration is a line on stderr, and none with --quiet or --json", "[fit]") {
  const Workbench bench;
  const std::string file = bench.simulate("p.csv", "two-gaussians", 300);
  const std::string guess = bench.write("guess.json", two_by_hand(1, 4, 4, 1));
  const Captured told = bench.fit({file, "--init", guess, "--label-column", "label", "--max-iterations", "2"});
  CHECK(told.err.starts_with("iteration 0: "));
  CHECK(std::count(told.err.begin(), told.err.end(), '\n') == 3);
  CHECK(bench.fit({file, "-k", "2", "--label-column", "label", "--quiet"}).err.empty());
  CHECK(bench.fit({file, "-k", "2", "--label-column", "label", "--json"}).err.empty());
}

TEST_CASE("a file that changes between two passes is noticed", "[fit]") {
  const Workbench bench;
  const std::string path = bench.write("p.csv", "a\n1\n2\n3\n4\n");
  auto file = PointFile::open(path, {}, 16);
  REQUIRE(file);
  REQUIRE(file->load({}, 1));
  CHECK_FALSE(file->in_memory());
  CHECK(file->rows() == 4);
  CHECK(file->sample().size() == 2);
  CHECK(file->for_each([](const PointBatch&) { return true; }));
  for (const char* text : {"a\n1\n2\n3\n", "a\n1\n2\n3\n4\n5\n", "a\n1\n2\n3\n5\n"}) {
    bench.write("p.csv", text);
    const auto passed = file->for_each([](const PointBatch&) { return true; });
    REQUIRE_FALSE(passed);
    CHECK(passed.error().message == path + ": changed while it was read");
  }
}

TEST_CASE("a sample of a large file is even, in order, and the same each time", "[fit]") {
  const Workbench bench;
  std::string text = "a\n";
  for (int i = 0; i < 10000; ++i) text += std::to_string(i) + "\n";
  const std::string path = bench.write("p.csv", text);
  const auto sample = [&](std::uint64_t seed) {
    auto file = PointFile::open(path, {}, 1000 * sizeof(double));
    REQUIRE(file);
    REQUIRE(file->load({}, seed));
    return Eigen::MatrixXd(file->sample().points);
  };
  const Eigen::MatrixXd first = sample(1);
  REQUIRE(first.cols() == 1000);
  for (Index i = 1; i < first.cols(); ++i) REQUIRE(first(0, i) > first(0, i - 1));
  // The mean of 1000 of 0 ... 9999 without replacement has a standard error of 87.
  CHECK(std::abs(first.mean() - 4999.5) < 4 * 87);
  CHECK(sample(1) == first);
  CHECK(sample(2) != first);
}

}  // namespace emulsion::client
