#include "daemon/label_queue.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <random>

using namespace emulsion;
using namespace emulsion::service;

namespace {

const std::vector<std::uint64_t> kIds = {11, 12};

// Labels of `count` points, numbered from `first`: the density of a point is its number.
Labels labels_of(int first, int count, std::vector<Labels::Span> spans, bool with_responsibilities = false) {
  Labels labels;
  for (int i = first; i < first + count; ++i) {
    labels.components.push_back(i % 2);
    labels.log_densities.push_back(i);
    if (with_responsibilities) labels.responsibilities.insert(labels.responsibilities.end(), {i + 0.25, i + 0.75});
  }
  labels.spans = std::move(spans);
  return labels;
}

wire::WaitingMessage message(std::uint64_t sequence, std::uint32_t rows, std::vector<std::uint32_t> refused = {}) {
  return {"a", 3, sequence, rows, std::move(refused)};
}

std::vector<std::pair<std::uint64_t, std::uint32_t>> spans_of(const wire::LabelsMessage& labels) {
  std::vector<std::pair<std::uint64_t, std::uint32_t>> spans;
  for (const wire::ModelSpan& span : labels.model_spans) spans.emplace_back(span.model_version, span.rows);
  return spans;
}

// What is complete now.
std::vector<wire::LabelsMessage> fill(LabelQueue& queue, const Labels& labels, std::uint64_t current_version, std::size_t responsibilities) {
  ReusedList<wire::LabelsMessage> complete;
  queue.fill({labels, kIds, current_version, responsibilities}, complete);
  return {complete.begin(), complete.end()};
}

using Spans = std::vector<std::pair<std::uint64_t, std::uint32_t>>;

}  // namespace

TEST_CASE("a message leaves when its last row has a label, in the order of coming") {
  LabelQueue queue;
  queue.push(message(5, 2));
  queue.push(message(6, 3));
  CHECK(fill(queue, {}, 0, 0).empty());
  CHECK(queue.waiting().size() == 2);

  const auto first = fill(queue, labels_of(0, 4, {{1, 4}}), 1, 0);
  REQUIRE(first.size() == 1);
  CHECK(first[0].producer == "a");
  CHECK(first[0].session == 3);
  CHECK(first[0].sequence == 5);
  CHECK(first[0].component_ids == std::vector<std::uint64_t>{11, 12});
  CHECK(first[0].log_densities == std::vector<double>{0, 1});
  CHECK(first[0].responsibilities.empty());

  const auto second = fill(queue, labels_of(4, 1, {{1, 1}}), 1, 0);
  REQUIRE(second.size() == 1);
  CHECK(second[0].sequence == 6);
  CHECK(second[0].log_densities == std::vector<double>{2, 3, 4});
  CHECK(queue.waiting().empty());
}

TEST_CASE("spans follow the model within a message and across messages") {
  LabelQueue queue;
  queue.push(message(0, 3));
  queue.push(message(1, 4));
  const auto done = fill(queue, labels_of(0, 7, {{4, 2}, {5, 3}, {6, 2}}), 6, 0);
  REQUIRE(done.size() == 2);
  CHECK(spans_of(done[0]) == Spans{{4, 2}, {5, 1}});
  CHECK(spans_of(done[1]) == Spans{{5, 2}, {6, 2}});
}

TEST_CASE("refused rows keep their place, without component and density, and belong to a neighbour's span") {
  LabelQueue queue;
  queue.push(message(0, 6, {0, 2, 5}));
  const auto done = fill(queue, labels_of(0, 3, {{4, 1}, {5, 2}}, true), 5, 2);
  REQUIRE(done.size() == 1);
  CHECK(done[0].component_ids == std::vector<std::uint64_t>{0, 11, 0, 12, 11, 0});
  for (const std::size_t row : {0, 2, 5}) {
    CHECK(std::isnan(done[0].log_densities[row]));
    CHECK(std::isnan(done[0].responsibilities[2 * row]));
    CHECK(std::isnan(done[0].responsibilities[2 * row + 1]));
  }
  CHECK(done[0].responsibilities[2 * 3] == 1.25);
  CHECK(done[0].responsibilities[2 * 4 + 1] == 2.75);
  CHECK(spans_of(done[0]) == Spans{{4, 3}, {5, 3}});
}

TEST_CASE("a message without any good row is answered in its turn by the current model, responsibilities included") {
  LabelQueue queue;
  queue.push(message(0, 1));
  queue.push(message(1, 2, {0, 1}));
  CHECK(fill(queue, {}, 0, 2).empty());
  const auto done = fill(queue, labels_of(0, 1, {{8, 1}}, true), 9, 2);
  REQUIRE(done.size() == 2);
  CHECK(done[1].component_ids == std::vector<std::uint64_t>{0, 0});
  CHECK(done[1].responsibilities.size() == 4);
  CHECK(spans_of(done[1]) == Spans{{9, 2}});
}

TEST_CASE("however labels come, every row gets its own once, in order, and spans add up to the rows") {
  std::mt19937 random(GENERATE(1, 2, 3, 4));
  LabelQueue queue;
  int good_rows = 0;
  std::vector<wire::WaitingMessage> sent;
  for (std::uint64_t sequence = 0; sequence < 60; ++sequence) {
    const auto rows = static_cast<std::uint32_t>(1 + random() % 9);
    const auto kind = random() % 4;  // 0 all refused, 1 none, others some
    wire::WaitingMessage next = message(sequence, rows);
    for (std::uint32_t row = 0; row < rows; ++row)
      if (kind == 0 || (kind > 1 && random() % 3 == 0)) next.refused_rows.push_back(row);
    good_rows += static_cast<int>(rows - next.refused_rows.size());
    sent.push_back(next);
    queue.push(next);
  }
  std::vector<wire::LabelsMessage> done;
  for (int first = 0; first < good_rows;) {
    const int count = std::min<int>(good_rows - first, 1 + static_cast<int>(random() % 20));
    std::vector<Labels::Span> spans;  // version of a point: its number / 10
    for (int i = first; i < first + count; ++i) {
      const auto version = static_cast<std::uint64_t>(i / 10);
      if (spans.empty() || spans.back().version != version) spans.push_back({version, 0});
      ++spans.back().points;
    }
    for (auto& labels : fill(queue, labels_of(first, count, spans, true), static_cast<std::uint64_t>(first / 10), 2))
      done.push_back(std::move(labels));
    first += count;
  }
  REQUIRE(done.size() == sent.size());
  CHECK(queue.waiting().empty());
  int point = 0;
  for (std::size_t m = 0; m < sent.size(); ++m) {
    REQUIRE(done[m].sequence == sent[m].sequence);
    REQUIRE(done[m].component_ids.size() == sent[m].rows);
    REQUIRE(done[m].log_densities.size() == sent[m].rows);
    REQUIRE(done[m].responsibilities.size() == 2 * sent[m].rows);
    std::vector<std::uint64_t> versions;
    for (const wire::ModelSpan& span : done[m].model_spans) versions.insert(versions.end(), span.rows, span.model_version);
    REQUIRE(versions.size() == sent[m].rows);
    for (std::uint32_t row = 0; row < sent[m].rows; ++row) {
      const bool was_refused =
          std::find(sent[m].refused_rows.begin(), sent[m].refused_rows.end(), row) != sent[m].refused_rows.end();
      if (was_refused) {
        REQUIRE(done[m].component_ids[row] == wire::kNoComponent);
        continue;
      }
      REQUIRE(done[m].component_ids[row] == kIds[static_cast<std::size_t>(point % 2)]);
      REQUIRE(done[m].log_densities[row] == point);
      REQUIRE(done[m].responsibilities[2 * row] == point + 0.25);
      REQUIRE(versions[row] == static_cast<std::uint64_t>(point / 10));
      ++point;
    }
  }
  CHECK(point == good_rows);
}

TEST_CASE("what waits can be taken to another queue") {
  LabelQueue queue;
  queue.push(message(7, 3, {1}));
  LabelQueue other;
  for (auto& waiting : queue.waiting()) other.push(waiting);
  const auto done = fill(other, labels_of(0, 2, {{1, 2}}), 1, 0);
  REQUIRE(done.size() == 1);
  CHECK(done[0].component_ids == std::vector<std::uint64_t>{11, 0, 12});
  queue.clear();
  CHECK(queue.waiting().empty());
}
