#include "tests/fault/crash/counter.hpp"

#include <utility>

namespace walferry::crash {

const Counter::Counted* Counter::look(const Call& call, Verdict& verdict) {
    verdict = Verdict::go_on;
    auto at = calls_.find(call.thread);
    if (call.moment == Moment::after) {
        if (at == calls_.end()) return nullptr;
        ended_ = std::move(at->second);
        calls_.erase(at);
        busy_ = false;
        return &ended_;
    }
    if (at == calls_.end()) {
        const auto text = touch_.describe(call);
        if (!text) return nullptr;
        at = calls_.emplace(call.thread, Counted{0, *text}).first;
    }
    if (busy_ && threads_ == Threads::in_turn) {
        verdict = Verdict::wait;
        return nullptr;
    }
    busy_ = true;
    at->second.number = ++count_;
    return &at->second;
}

}  // namespace walferry::crash
