#pragma once

namespace walferry {

/// Lets a range-for go through what has a `const Value* next()`, which is nullptr at the end. What it points
/// to is there until the next step.
template <typename Source>
class NextIterator {
  public:
    explicit NextIterator(Source* source) : source_(source) { ++*this; }
    const auto& operator*() const noexcept { return *now_; }
    NextIterator& operator++() {
        now_ = source_ != nullptr ? source_->next() : nullptr;
        return *this;
    }
    bool operator!=(const NextIterator& other) const noexcept { return now_ != other.now_; }

  private:
    Source* source_;
    decltype(source_->next()) now_ = nullptr;
};

}  // namespace walferry
