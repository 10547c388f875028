#include "archive/verdict.hpp"

#include <algorithm>

namespace walferry::archive {
namespace {

std::string joined(const std::set<std::string>& contents) {
    std::string list;
    for (const std::string& content : contents) list += (list.empty() ? "" : ", ") + content;
    return list;
}

bool all_answered(std::span<const StoreAnswer> answers) {
    return std::all_of(answers.begin(), answers.end(),
                       [](const StoreAnswer& answer) { return answer.answered; });
}

void drop_those_of_nothing(std::set<std::string>& settled, const std::set<std::string>& contents,
                           bool all_asked) {
    if (all_asked) std::erase_if(settled, [&](const auto& content) { return !contents.contains(content); });
}

Verdict when_nowhere(const WalName& name, std::span<const StoreAnswer> answers,
                     const std::set<std::string>& settled) {
    if (!all_answered(answers)) return {Verdict::Kind::unknown, {}, {}};
    if (!settled.empty()) {
        return {Verdict::Kind::several,
                {},
                name.text + " was settled for content " + joined(settled) +
                    ", which none of the stores that were asked has"};
    }
    const bool needed_in_order = name.kind == WalKind::segment || name.kind == WalKind::history;
    for (const StoreAnswer& answer : answers) {
        if (needed_in_order && !answer.later.empty()) return {Verdict::Kind::gap, {}, answer.later};
    }
    return {Verdict::Kind::absent, {}, {}};
}

}  // namespace

std::optional<std::string> settled_content(std::set<std::string> settled,
                                           const std::set<std::string>& contents, bool all_asked) {
    drop_those_of_nothing(settled, contents, all_asked);
    if (settled.size() != 1 || !contents.contains(*settled.begin())) return std::nullopt;
    return *settled.begin();
}

Verdict judge(const WalName& name, std::span<const StoreAnswer> answers, bool all_asked) {
    std::set<std::string> contents;
    std::set<std::string> settled;
    for (const StoreAnswer& answer : answers) {
        if (!answer.answered) continue;
        for (const ObjectName& object : answer.objects) contents.insert(object.fingerprint);
        settled.insert(answer.settled.begin(), answer.settled.end());
    }
    drop_those_of_nothing(settled, contents, all_asked && all_answered(answers));
    if (contents.empty()) return when_nowhere(name, answers, settled);
    if (settled.size() > 1) {
        return {Verdict::Kind::several,
                {},
                name.text + " was settled for different contents at different times: " + joined(settled)};
    }
    if (auto content = settled_content(settled, contents, false)) {
        return {Verdict::Kind::found, std::move(*content), {}};
    }
    if (settled.size() == 1) {
        return {Verdict::Kind::several,
                {},
                name.text + " was settled for content " + *settled.begin() +
                    ", which none of the stores that answered has"};
    }
    if (contents.size() > 1) {
        return {Verdict::Kind::several,
                {},
                name.text + " is archived with different contents: " + joined(contents)};
    }
    return {Verdict::Kind::found, *contents.begin(), {}};
}

}  // namespace walferry::archive
