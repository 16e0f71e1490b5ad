// A list that is filled and emptied again and again, and keeps the memory of its elements.
#pragma once

#include <cassert>
#include <cstddef>
#include <span>
#include <vector>

namespace emulsion::service {

template <typename Element>
class ReusedList {
 public:
  // A further element. It holds what an earlier one left in it: whoever adds it sets or clears every member.
  Element& add() {
    if (size_ == elements_.size()) elements_.emplace_back();
    return elements_[size_++];
  }

  void clear() { size_ = 0; }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  Element* begin() { return elements_.data(); }
  Element* end() { return elements_.data() + size_; }
  const Element* begin() const { return elements_.data(); }
  const Element* end() const { return elements_.data() + size_; }
  Element& operator[](std::size_t i) {
    assert(i < size_);
    return elements_[i];
  }
  const Element& operator[](std::size_t i) const {
    assert(i < size_);
    return elements_[i];
  }

 private:
  std::vector<Element> elements_;
  std::size_t size_ = 0;
};

}  // namespace emulsion::service
