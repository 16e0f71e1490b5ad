#include "emulsion/formula.h"

#include <catch2/catch.hpp>

namespace emulsion {
namespace {

const std::vector<std::string> kColumns = {"temperature", "humidity", "count", "two words"};

// The formula as text() writes it, or what is wrong with it.
std::string read(const std::string& text, const std::vector<std::string>& columns = {}, Index components = 1) {
  const auto formula = parse_formula(text, columns, components);
  return formula ? formula->text() : formula.error().message;
}

std::string component(const std::string& text, const std::vector<std::string>& columns = {}) {
  const auto factors = parse_component(text, columns);
  return factors ? component_name(*factors) : factors.error().message;
}

TEST_CASE("a formula is terms with counts") {
  const auto formula = parse_formula("2*gaussian(full) + 1*exponential+3 * student_t");
  REQUIRE(formula);
  REQUIRE(formula->terms.size() == 3);
  CHECK(formula->terms[0].components == 2);
  CHECK(formula->terms[0].family == "gaussian(full)");
  CHECK(formula->terms[1].family == "exponential");
  CHECK(formula->terms[2].components == 3);
  CHECK(formula->components() == 6);
  CHECK(formula->text() == "2*gaussian(full) + 1*exponential + 3*student_t");
}

TEST_CASE("what a formula writes, it reads") {
  for (const std::string text :
       {"2*gaussian(full) + 1*exponential", "1*gaussian(full)[0,2]*poisson[1]", "4096*categorical(4)"}) {
    CHECK(read(text) == text);
    CHECK(read(read(text)) == text);
  }
}

TEST_CASE("a single term without a count has as many components as asked for; several have one each") {
  CHECK(read("gaussian(full)", {}, 5) == "5*gaussian(full)");
  CHECK(read("1*gaussian(full)", {}, 5) == "1*gaussian(full)");
  CHECK(read("gamma + poisson", {}, 5) == "1*gamma + 1*poisson");
  CHECK(read("gamma[0] * poisson[1]", {}, 5) == "5*gamma[0]*poisson[1]");
}

TEST_CASE("a component may stand in parentheses") {
  CHECK(read("2*(gamma[0]*poisson[1]) + (gaussian(full))") == "2*gamma[0]*poisson[1] + 1*gaussian(full)");
  CHECK(read(" ( gamma [0] * poisson[1] ) ", {}, 3) == "3*gamma[0]*poisson[1]");
}

TEST_CASE("spaces do not matter, and a hyphen is as good as an underscore") {
  CHECK(read("  2 *\tlog-normal\n") == "2*log_normal");
  CHECK(component(" von-mises_fisher [ 0 , 1 ] ") == "von_mises_fisher[0,1]");
  CHECK(component("gaussian ( full )") == "gaussian(full)");
}

TEST_CASE("columns are named, quoted, or counted from 0") {
  CHECK(component("gaussian(full)[temperature,humidity]*poisson[count]", kColumns) == "gaussian(full)[0,1]*poisson[2]");
  CHECK(component("gamma[\"two words\"]", kColumns) == "gamma[3]");
  CHECK(component("gamma[3,x2,0]", kColumns) == "gamma[3,2,0]");
  CHECK(component("gamma[x12,7]") == "gamma[12,7]");
  CHECK(component("gamma[x1]", {"x1", "x0"}) == "gamma[0]");  // a name goes before a position
}

TEST_CASE("what is no formula is told with its place and what was expected") {
  CHECK(read("") == "mixture \"\": it ends where the name of a family was expected");
  CHECK(read("2*") == "mixture \"2*\": it ends where the name of a family was expected");
  CHECK(read("2") == "mixture \"2\": it ends where \"*\" was expected");
  CHECK(read("2 gamma") == "mixture \"2 gamma\": there is \"gamma\" where \"*\" was expected");
  CHECK(read("gamma +") == "mixture \"gamma +\": it ends where the name of a family was expected");
  CHECK(read("gamma poisson") ==
        "mixture \"gamma poisson\": there is \"poisson\" where \"+\", \"*\" or the end was expected");
  CHECK(read("gamma * 2") == "mixture \"gamma * 2\": there is \"2\" where the name of a family, or one count before all of a component, was expected");
  CHECK(read("gamma & poisson") ==
        "mixture \"gamma & poisson\": there is \"& poisson\" where \"+\", \"*\" or the end was expected");
  CHECK(read("gaussian()") == "mixture \"gaussian()\": there is \")\" where an argument was expected");
  CHECK(read("gaussian(full") == "mixture \"gaussian(full\": it ends where \")\", or columns in brackets, was expected");
  CHECK(read("2*(gamma[0] * poisson[1]") == "mixture \"2*(gamma[0] * poisson[1]\": it ends where \"*\" or \")\" was expected");
  CHECK(read("gamma[0") == "mixture \"gamma[0\": it ends where \",\" or \"]\" was expected");
  CHECK(read("gamma[]") == "mixture \"gamma[]\": there is \"]\" where the position of a column was expected");
  CHECK(read("gamma[a]") == "mixture \"gamma[a]\": there is \"a]\" where the position of a column was expected");
  CHECK(read("gamma[99999999999999999999]") ==
        "mixture \"gamma[99999999999999999999]\": there is \"99999999999999999999\" where the position of a column was "
        "expected");
  CHECK(read("gamma[cold]", kColumns) ==
        "mixture \"gamma[cold]\": there is \"cold]\" where one of the columns temperature, humidity, count, two words "
        "was expected");
  CHECK(read("gamma[4]", kColumns) ==
        "mixture \"gamma[4]\": there is \"4]\" where one of the columns temperature, humidity, count, two words was "
        "expected");
  CHECK(read("gamma[\"count]", kColumns) ==
        "mixture \"gamma[\"count]\": there is \"count]\" where a column and a closing quote was expected");
}

TEST_CASE("a count is from 1 to 4096") {
  const std::string expected = "where a count of components from 1 to 4096 was expected";
  for (const std::string count : {"0", "4097", "99999999999999999999"}) {
    CHECK(read(count + "*gamma") == "mixture \"" + count + "*gamma\": there is \"" + count +
                                        (count.size() > 13 ? "" : "*gamma") + "\" " + expected);
  }
  CHECK(read("4096*gamma") == "4096*gamma");
}

TEST_CASE("a component has no count and no sum") {
  CHECK(component("2*gamma") == "mixture \"2*gamma\": there is \"2*gamma\" where the name of a family, or one count before all of a "
        "component, was expected");
  CHECK(component("gamma + poisson") ==
        "mixture \"gamma + poisson\": there is \"+ poisson\" where \"*\" or the end was expected");
}

TEST_CASE("a long formula is shown by its beginning") {
  const std::string reason = read(std::string(5000, '+'));
  CHECK(reason.size() < 300);
}

}  // namespace
}  // namespace emulsion
