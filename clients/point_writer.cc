#include "clients/point_writer.h"

#include <charconv>
#include <cmath>

namespace emulsion::client {
namespace {

template <typename Number>
void append_number(std::string& text, Number number) {
  char digits[32];  // the longest double has 24
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  text.append(digits, end);
}

void append_key(std::string& line, Index i) {
  line += i == 0 ? "{\"x" : ",\"x";
  append_number(line, i);
  line += "\":";
}

}  // namespace

std::string csv_header(Index dimension, bool labels) {
  std::string line;
  for (Index i = 0; i < dimension; ++i) {
    line += i == 0 ? "x" : ",x";
    append_number(line, i);
  }
  line += labels ? ",label\n" : "\n";
  return line;
}

std::string points_as_text(const Eigen::MatrixXd& points, const std::vector<std::int64_t>* labels, PointText form) {
  const bool json = form == PointText::json_lines;
  std::string text;
  for (Index column = 0; column < points.cols(); ++column) {
    for (Index i = 0; i < points.rows(); ++i) {
      if (json) {
        append_key(text, i);
      } else if (i > 0) {
        text += ',';
      }
      if (std::isnan(points(i, column))) {
        text += json ? "null" : "nan";
      } else {
        append_number(text, points(i, column));
      }
    }
    if (labels != nullptr) {
      text += json ? ",\"label\":" : ",";
      append_number(text, (*labels)[static_cast<std::size_t>(column)]);
    }
    text += json ? "}\n" : "\n";
  }
  return text;
}

}  // namespace emulsion::client
