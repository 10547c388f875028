#include "restore/store_pace.hpp"

#include <algorithm>
#include <tuple>

namespace walferry::restore {
namespace {

constexpr std::uint64_t least_measured = std::uint64_t{1} << 20;  // less says nothing but the delay
constexpr double about_as_fast = 1.0 / 3;
constexpr std::chrono::duration<double> time_to_begin{3};
constexpr double too_long_untried = 20;  // seconds of rest that make it worth trying a store not known yet
constexpr double worth_beginning_again = 3;

}  // namespace

double StorePace::best_rate() const {
    double best = 0;
    for (const Store& store : stores_) {
        if (!store.failed) best = std::max(best, store.rate);
    }
    return best;
}

std::vector<std::size_t> StorePace::order() const {
    const double best = best_rate();
    std::vector<std::size_t> indexes;
    for (std::size_t i = 0; i < stores_.size(); ++i) indexes.push_back(i);
    const auto rank = [&](std::size_t i) {
        const Store& store = stores_[i];
        const bool slow = store.rate > 0 && store.rate < best * about_as_fast;
        return std::tuple(store.failed, slow, slow ? 0 : store.active, slow ? -store.rate : 0.0);
    };
    std::stable_sort(indexes.begin(), indexes.end(),
                     [&](std::size_t a, std::size_t b) { return rank(a) < rank(b); });
    return indexes;
}

void StorePace::measured(std::size_t store, std::uint64_t bytes, std::chrono::duration<double> took) {
    if (bytes < least_measured && took < time_to_begin) return;
    const double rate = static_cast<double>(bytes) / std::max(took.count(), 0.001);
    double& known = stores_[store].rate;
    known = known == 0 ? std::max(rate, 1.0) : (known + rate) / 2;
}

bool StorePace::is_stalling(std::size_t store, std::uint64_t done, std::uint64_t size,
                            std::chrono::duration<double> took) const {
    if (took < time_to_begin || done >= size) return false;
    const double rate = std::max(static_cast<double>(done) / took.count(), 1.0);
    const double rest = static_cast<double>(size - done) / rate;
    for (std::size_t i = 0; i < stores_.size(); ++i) {
        if (i == store || stores_[i].failed) continue;
        const double other = stores_[i].rate;
        if (other == 0 ? rest > too_long_untried
                       : rest > worth_beginning_again * static_cast<double>(size) / other + 1)
            return true;
    }
    return false;
}

}  // namespace walferry::restore
