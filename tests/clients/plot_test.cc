#include "clients/plot.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <nlohmann/json.hpp>

#include "clients/plot_document.h"
#include "clients/plot_example.h"
#include "clients/plot_view.h"
#include "clients/true_labels.h"

namespace emulsion::client {
namespace {

using Json = nlohmann::json;

PlottedModel plotted_model(const std::string& json) {
  auto read = model_of_text(json, "test");
  REQUIRE(read);
  return *read;
}

// Points at (0, 0) to (0, 5), then at (10, 0) to (10, 3).
PlottedPoints ten_points() {
  PlottedPoints points;
  points.points.resize(2, 10);
  for (Index i = 0; i < 10; ++i) points.points.col(i) << (i < 6 ? 0 : 10), static_cast<double>(i < 6 ? i : i - 6);
  points.columns = {"left", "up"};
  points.total = 10;
  return points;
}

PlotOptions scatter_of(const PlottedPoints& points) {
  PlotOptions options;
  options.axes = {0, 1};
  options.names = points.columns;
  return options;
}

}  // namespace

TEST_CASE("points are chosen evenly, the first one among them") {
  CHECK(evenly_chosen(10, 5) == std::vector<Index>{0, 2, 4, 6, 8});
  CHECK(evenly_chosen(10, 4) == std::vector<Index>{0, 2, 5, 7});
  CHECK(evenly_chosen(3, 5) == std::vector<Index>{0, 1, 2});
  CHECK(evenly_chosen(0, 5).empty());
}

TEST_CASE("of a long file some rows are kept, evenly, each with its label") {
  const Files files;
  std::string csv = "x,label\n";
  for (int i = 0; i < 1003; ++i) csv += std::to_string(i) + ",l" + std::to_string(i) + "\n";
  wire::PointReaderOptions options;
  options.label_column = "label";
  const auto read = read_points(files.write("long.csv", csv), options, 100);
  REQUIRE(read);
  CHECK(read->total == 1003);
  CHECK(read->columns == std::vector<std::string>{"x"});
  REQUIRE(read->points.cols() == 100);
  CHECK(read->points(0, 0) == 0);
  for (Index i = 0; i < 100; ++i) {
    CHECK(read->labels[static_cast<std::size_t>(i)] == "l" + std::to_string(static_cast<int>(read->points(0, i))));
    if (i == 0) continue;
    const double gap = read->points(0, i) - read->points(0, i - 1);
    CHECK((gap == 8 || gap == 16));  // every eighth row was kept on the way
  }
  CHECK(read->points(0, 99) > 980);
}

TEST_CASE("a row without any coordinate is left out, and a file of such rows has no points") {
  const Files files;
  const auto read = read_points(files.write("gaps.csv", "x,y\n1,2\n,\n3,\n"), {}, 100);
  REQUIRE(read);
  CHECK(read->total == 2);
  CHECK(std::isnan(read->points(1, 1)));
  const auto none = read_points(files.write("none.csv", "x,y\n,\n"), {}, 100);
  REQUIRE_FALSE(none);
  CHECK(none.error().exit_code == 65);
}

TEST_CASE("a point's label is the component that it most probably came from") {
  // With equal spread the border is where the log odds of the weights meet the distance: x = 5 + ln(3) / 10.
  const auto two = plotted_model(kTwo);
  const double border = 5 + std::log(3.0) / 10;
  Eigen::MatrixXd points(2, 3);
  points << 0, border - 0.01, border + 0.01, 0, 100, -100;
  CHECK(labels_of(*two.mixture, points) == std::vector<Index>{0, 0, 1});
  CHECK(labels_of(*two.mixture, Eigen::MatrixXd::Zero(2, 1000)) == std::vector<Index>(1000, 0));
}

TEST_CASE("a component has the style of its id, unless another one has that colour") {
  CHECK(styles_of({1, 2, 3}) == std::vector<std::uint64_t>{0, 1, 2});
  CHECK(styles_of({3}) == std::vector<std::uint64_t>{2});
  CHECK(styles_of({1, 8}) == std::vector<std::uint64_t>{0, 8});  // 7 would be the colour of 0 again
  std::vector<std::uint64_t> ids;
  std::vector<std::uint64_t> styles;
  for (std::uint64_t id = 1; id <= 15; ++id) {
    ids.push_back(id);
    styles.push_back(id - 1);
  }
  CHECK(styles_of(ids) == styles);
}

TEST_CASE("true labels are sorted as numbers where they are numbers") {
  const TrueLabels labels = true_labels({"10", "b", "9", "10", "a"});
  CHECK(labels.names == std::vector<std::string>{"9", "10", "a", "b"});
  CHECK(labels.of_point == std::vector<Index>{1, 3, 0, 1, 2});
}

TEST_CASE("groups and components are paired by the points that they share") {
  // Group 0 shares three points with component 1 and one with component 0; group 1 shares two with component 1.
  const auto matches = best_matches({0, 0, 0, 0, 1, 1, 2}, {1, 1, 1, 0, 1, 1, -1}, 3, 2);
  CHECK(matches[0] == Index{1});
  CHECK_FALSE(matches[1]);
  CHECK_FALSE(matches[2]);
}

TEST_CASE("the picture's numbers: points, labels, ellipses, styles") {
  PlottedPoints points = ten_points();
  points.labels = {"b", "b", "b", "b", "b", "b", "a", "a", "a", "c"};
  PlotOptions options = scatter_of(points);
  options.truth_name = "species";
  const Json document = Json::parse(models_document(points, {{plotted_model(kTwo), "out.png", "a title"}}, options));
  CHECK(document["axes"] == Json({"left", "up"}));
  CHECK(document["points"][0] == Json({0, 0, 0, 0, 0, 0, 10, 10, 10, 10}));
  CHECK(document["note"] == "");
  const Json& picture = document["pictures"][0];
  CHECK(picture["kind"] == "scatter");
  CHECK(picture["path"] == "out.png");
  CHECK(picture["title"] == "a title");
  CHECK(picture["of_point"] == Json({0, 0, 0, 0, 0, 0, 1, 1, 1, 1}));
  CHECK(picture["components"][0]["style"] == 0);
  const Json& second = picture["components"][1];
  CHECK(second["id"] == 4);
  CHECK(second["weight"] == 0.25);
  CHECK(second["style"] == 3);
  CHECK(second["ellipses"] == Json({{{"axes", {0, 1}}, {"centre", {10, 0}}, {"half_axes", {2, 1}}, {"degrees", 90}}}));
  // Labels have the colours of the clusters that they match; the one that matches none has a free one.
  const Json& truth = document["truth"];
  CHECK(truth["name"] == "species");
  CHECK(truth["groups"] == Json({{{"name", "a"}, {"style", 3}}, {{"name", "b"}, {"style", 0}}, {{"name", "c"}, {"style", 1}}}));
  CHECK(truth["of_point"] == Json({1, 1, 1, 1, 1, 1, 0, 0, 0, 2}));
}

TEST_CASE("an axis shows all points, and components as far as they are near") {
  // Across: points from 0 to 10, of which components may add 1.5 on either side; 2.2 deviations of 1 would be more.
  // Up: points from 0 to 5; 2.2 deviations of 2 reach down to -4.4, but 0.75 is all they get.
  const PlottedPoints points = ten_points();
  const Json document = Json::parse(models_document(points, {{plotted_model(kTwo), "out.png", ""}}, scatter_of(points)));
  const Json& ranges = document["ranges"];
  CHECK(ranges[0][0].get<double>() == Approx(-1.5 - 0.04 * 13));
  CHECK(ranges[0][1].get<double>() == Approx(11.5 + 0.04 * 13));
  CHECK(ranges[1][0].get<double>() == Approx(-0.75 - 0.04 * 5.75));
  CHECK(ranges[1][1].get<double>() == Approx(5 + 0.04 * 5.75));
}

TEST_CASE("a component that is not symmetric adds nothing to an axis, and whole numbers have room for their bars") {
  PlottedPoints points;
  points.points = Eigen::RowVector3d(1, 2, 6);
  points.columns = {"n"};
  points.total = 3;
  PlotOptions options;
  options.kind = PlotKind::density;
  options.axes = {0};
  options.names = points.columns;
  const auto counts = plotted_model(R"json({"components": [{"weight": 1, "family": "poisson", "parameters": {"rate": [3]}}]})json");
  const Json document = Json::parse(models_document(points, {{counts, "out.png", ""}}, options));
  CHECK(document["ranges"] == Json({{0.4, 6.6}}));
  CHECK(document["discrete"] == Json({true}));
  CHECK(document["histograms"][0]["values"] == Json({1, 2, 3, 4, 5, 6}));
}

TEST_CASE("a point that no component can have given has no label") {
  const auto positive =
      plotted_model(R"json({"components": [{"weight": 1, "family": "exponential", "parameters": {"rate": [1]}}]})json");
  CHECK(labels_of(*positive.mixture, Eigen::RowVector3d(1, -1, 2)) == std::vector<Index>{0, -1, 0});
}

TEST_CASE("noise has neither ellipse nor style, and takes no colour from the others") {
  const auto noisy = plotted_model(R"json({"components": [
      {"id": 1, "weight": 0.1, "family": "uniform", "parameters": {"lowest": [-5, -5], "highest": [15, 15]}},
      {"id": 2, "weight": 0.9, "mean": [0, 2], "covariance": [[1, 0], [0, 4]]}]})json");
  const PlottedPoints points = ten_points();
  const Json picture = Json::parse(models_document(points, {{noisy, "out.png", ""}}, scatter_of(points)))["pictures"][0];
  CHECK(picture["components"][0]["style"].is_null());
  CHECK(picture["components"][0]["ellipses"].empty());
  CHECK(picture["components"][1]["style"] == 1);
  CHECK(picture["components"][1]["ellipses"].size() == 1);
}

TEST_CASE("with more points than are wanted some are drawn, and the picture says so") {
  const PlottedPoints points = ten_points();
  PlotOptions options = scatter_of(points);
  options.most_points = 5;
  const Json document = Json::parse(models_document(points, {{plotted_model(kTwo), "out.png", ""}}, options));
  CHECK(document["points"][1] == Json({0, 2, 4, 0, 2}));
  CHECK(document["note"] == "5 of 10\npoints drawn");
}

TEST_CASE("the density of one coordinate: all points in bars of area 1, curves of area 1 together") {
  const PlottedPoints points = ten_points();
  PlotOptions options = scatter_of(points);
  options.kind = PlotKind::density;
  options.axes = {0};
  options.most_points = 3;  // bars count all points
  const Json document = Json::parse(models_document(points, {{plotted_model(kTwo), "out.png", ""}}, options));
  CHECK(document["note"] == "");
  const auto area = [](const Json& x, const Json& y) {
    double sum = 0;
    for (std::size_t i = 0; i < y.size(); ++i) sum += (x[i + 1].get<double>() - x[i].get<double>()) * y[i].get<double>();
    return sum;
  };
  const Json& bars = document["histograms"][0];
  CHECK(area(bars["edges"], bars["heights"]) == Approx(1));
  Json total = document["pictures"][0]["totals"][0];
  total["y"].erase(0);
  CHECK(area(total["x"], total["y"]) == Approx(1).epsilon(0.05));  // up to 1.5 deviations outside the points
}

TEST_CASE("pairs have every ellipse and every density, and no curve where nothing is asked for") {
  const auto three =
      plotted_model(R"({"components": [{"weight": 1, "mean": [0, 0, 0], "covariance": [[4, 0, 0], [0, 1, 0], [0, 0, 9]]}]})");
  PlottedPoints none;
  none.points.resize(3, 0);
  PlotOptions options;
  options.kind = PlotKind::pairs;
  options.axes = {0, 2};
  options.names = {"a", "b", "c"};
  const Json document = Json::parse(models_document(none, {{three, "out.png", ""}}, options));
  CHECK(document["axes"] == Json({"a", "c"}));
  CHECK(document["histograms"] == Json({nullptr, nullptr}));
  const Json& component = document["pictures"][0]["components"][0];
  REQUIRE(component["ellipses"].size() == 1);
  CHECK(component["ellipses"][0]["half_axes"] == Json({3, 2}));
  CHECK(component["curves"].size() == 2);
  options.kind = PlotKind::scatter;
  const Json scatter = Json::parse(models_document(none, {{three, "out.png", ""}}, options));
  CHECK(scatter["pictures"][0]["components"][0]["curves"].empty());
}

TEST_CASE("pictures of a history share axes and styles") {
  const PlottedPoints points = ten_points();
  const auto first = plotted_model(R"({"components": [{"id": 4, "weight": 1, "mean": [5, 2], "covariance": [[1, 0], [0, 1]]}]})");
  const Json document =
      Json::parse(models_document(points, {{first, "0.png", ""}, {plotted_model(kTwo), "1.png", ""}}, scatter_of(points)));
  REQUIRE(document["pictures"].size() == 2);
  CHECK(document["ranges"].size() == 2);
  CHECK(document["pictures"][0]["components"][0]["style"] == document["pictures"][1]["components"][1]["style"]);
}

TEST_CASE("the log likelihood is drawn over iterations, or over points where all lines have them") {
  const auto lines = [](const std::string& points) {
    auto history = history_of_text("{\"iteration\": 0, \"mean_log_likelihood\": -5" + points +
                                       "}\n\n{\"iteration\": 3, \"mean_log_likelihood\": null" + points +
                                       "}\n{\"iteration\": 4, \"mean_log_likelihood\": -4.15541" + points + "}",
                                   "history.jsonl");
    REQUIRE(history);
    return *history;
  };
  const Json picture = Json::parse(log_likelihood_document(lines(""), "ll.svg", "fit", {}))["pictures"][0];
  CHECK(picture["kind"] == "log-likelihood");
  CHECK(picture["x"] == Json({0, 3, 4}));
  CHECK(picture["y"] == Json({-5, nullptr, -4.15541}));
  CHECK(picture["x_label"] == "iteration");
  CHECK(picture["final"] == "−4.1554");
  const Json online = Json::parse(log_likelihood_document(lines(", \"points\": 256"), "ll.svg", "", {}))["pictures"][0];
  CHECK(online["x"] == Json({256, 256, 256}));
  CHECK(online["x_label"] == "points learned");
}

TEST_CASE("a line of a history that is none is named") {
  const auto message = [](const std::string& text) {
    const auto history = history_of_text(text, "h.jsonl");
    REQUIRE_FALSE(history);
    CHECK(history.error().exit_code == 65);
    return history.error().message;
  };
  CHECK(message("") == "h.jsonl: no iterations");
  CHECK(message("{\"iteration\": 0, \"mean_log_likelihood\": 1}\n{") == "h.jsonl:2: not JSON");
  CHECK(message("[]") == "h.jsonl:1: not a JSON object");
  CHECK(message("{\"iteration\": -1}") == "h.jsonl:1: iteration: missing, or not a whole number >= 0");
  CHECK(message("{\"iteration\": 1, \"mean_log_likelihood\": \"x\"}") ==
        "h.jsonl:1: mean_log_likelihood: missing, or not a number");
}

TEST_CASE("a pattern is filled with the number of the iteration") {
  CHECK(numbered_path("frames/i-%03d.png", 7) == "frames/i-007.png");
  CHECK(numbered_path("%d.png", 12) == "12.png");
  CHECK_FALSE(numbered_path("i.png", 7));
  CHECK_FALSE(numbered_path("%d-%d.png", 7));
}

TEST_CASE("the kind of a picture follows from the number of its axes") {
  const auto seven = [] {
    Json covariance = Json::array();
    for (int i = 0; i < 7; ++i) {
      covariance.push_back(std::vector<double>(7, 0.0));
      covariance[static_cast<std::size_t>(i)][static_cast<std::size_t>(i)] = 1;
    }
    const Json json = {{"components",
                        {{{"weight", 0.5}, {"mean", std::vector<int>(7, 0)}, {"covariance", covariance}},
                         {{"weight", 0.5}, {"mean", {1, 0, 3, 4, 5, 6, 7}}, {"covariance", covariance}}}}};
    return plotted_model(json.dump());
  }();
  const std::vector<std::string> names{"a", "b", "c", "d", "e", "f", "g"};
  const auto view = [&](const std::string& kind, const std::vector<std::string>& axes) {
    return view_of(kind, axes, names, seven);
  };

  CHECK(view("auto", {"c"})->kind == PlotKind::density);
  CHECK(view("auto", {"c", "0"})->kind == PlotKind::scatter);
  CHECK(view("auto", {"c", "0"})->axes == std::vector<Index>{2, 0});
  CHECK(view("auto", {"a", "b", "c"})->kind == PlotKind::pairs);
  CHECK(view("auto", {})->axes == std::vector<Index>{0, 2, 3, 4, 5, 6});  // the means agree in b
  CHECK(view("auto", {})->chosen_here);
  CHECK(view("scatter", {})->axes == std::vector<Index>{5, 6});
  CHECK(view("pairs", {"a", "b"})->kind == PlotKind::pairs);
  CHECK(view("pairs", names)->axes.size() == 7);

  CHECK(view("auto", {"z"}).error().message == "there is no column \"z\"; there are a, b, c, d, e, f, g");
  CHECK(view("auto", {"a", "0"}).error().message == "column \"0\" is named twice");
  CHECK(view("density", {}).error().message == "a density has one column; --x chooses it");
  CHECK(view("scatter", {"a", "b", "c"}).error().message == "a scatter has two columns");
  CHECK(view("scatter", {"a"}).error().message == "--kind scatter needs more than one column");
}

}  // namespace emulsion::client
