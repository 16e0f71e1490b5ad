// Text for people: aligned tables, and numbers with as many digits as they deserve.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace emulsion::client {

// Widest line that is printed where it can be helped.
inline constexpr std::size_t kTableWidth = 100;

enum class Align { left, right };

// Rows under headings, columns two spaces apart.
class Table {
 public:
  // Call order: column+ row*
  void column(std::string heading, Align align);
  void row(std::vector<std::string> cells);  // as many as columns; missing ones are empty

  // Lines that end in a newline. Columns that do not fit into `width` follow in further blocks, each of which begins
  // with the first column again; a single column wider than that stays whole.
  std::string render(std::size_t width = kTableWidth) const;

 private:
  struct Column {
    std::string heading;
    Align align;
    std::size_t width;
  };
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// Characters that a UTF-8 text takes on a terminal, for texts without wide ones.
std::size_t display_width(std::string_view text);

// At most `width` characters of it, the last an ellipsis where something was cut off.
std::string fit(std::string_view text, std::size_t width);

// A number with so many significant digits: 0.0312, 21.3, 1024, 1.07e+09; "-" where it is not finite.
std::string significant(double value, int digits);

// `mean ± sd` for each pair, three significant digits of the deviation and as many decimals of the mean, aligned at the
// sign.
std::vector<std::string> with_spread(const std::vector<std::pair<double, double>>& pairs);

// 950, 12.3 k, 4.56 M: for rates.
std::string short_count(double value);

// A span of time: 0.8 s, 42 s, 3 min 12 s, 2 h 5 min, 3 d 4 h.
std::string short_time(double seconds);

// "1 row", "2 rows".
std::string counted(unsigned long long count, std::string_view noun);

}  // namespace emulsion::client
