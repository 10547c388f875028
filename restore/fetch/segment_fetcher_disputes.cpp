#include <algorithm>
#include <set>

#include "archive/segment_sinks.hpp"
#include "archive/trusted_content.hpp"
#include "common/wal/lsn.hpp"
#include "restore/fetch/segment_fetcher.hpp"

// What a fetcher makes of a name with several contents.
namespace walferry::fetch {
namespace {

std::string how_to_settle(const WalName& name, const archive::Look& look) {
    std::set<std::string> contents;
    for (const archive::StoreAnswer& answer : look.answers) {
        for (const ObjectName& object : answer.objects) contents.insert(object.fingerprint);
    }
    std::string commands;
    for (const std::string& content : contents)
        commands +=
            (commands.empty() ? "`" : " or `") + ("walferry settle " + name.text + " " + content + "`");
    if (commands.empty()) commands = "`walferry settle " + name.text + " FINGERPRINT`";
    return "find out which one is right (`walferry cat`, pg_waldump), and say so on a host that archives: " +
           commands;
}

}  // namespace

/// The objects in the stores, of one content or of all. nullopt where a store can no longer be asked.
std::optional<std::vector<archive::HeldObject>> SegmentFetcher::held(const archive::Look& look,
                                                                     const std::string& content) {
    std::vector<archive::HeldObject> objects;
    for (std::size_t index = 0; index < look.answers.size(); ++index) {
        for (const ObjectName& object : look.answers[index].objects) {
            if (!content.empty() && object.fingerprint != content) continue;
            try {
                objects.push_back({&race_.connection(index), view_.keys(index).wal(object), object});
            } catch (const Error&) {
                return std::nullopt;
            }
        }
    }
    return objects;
}

std::optional<std::string> SegmentFetcher::trusted_content(const WalName& name, const archive::Look& look,
                                                           const Say& say) {
    const bool settled =
        std::any_of(look.answers.begin(), look.answers.end(),
                    [](const archive::StoreAnswer& answer) { return !answer.settled.empty(); });
    if (settled || decoding_.trusted_writers.empty()) return std::nullopt;
    const auto objects = held(look, {});
    if (!objects) return std::nullopt;
    const auto trusted = archive::only_trusted(*objects, name, view_.system_identifier(), view_.settings());
    if (!trusted) return std::nullopt;
    for (const std::string& other : trusted->others) say(other);
    return trusted->content;
}

/// What a host wrote behind the fork is not replayed, and so may differ from what another host wrote there.
/// False where the contents differ before it, where one cannot be read and so was not compared, and where
/// there is no fork. What no trusted writer signed is not compared.
bool SegmentFetcher::one_up_to_the_fork(Try& now, const archive::Look& look,
                                        const std::vector<archive::StoreAnswer>& answers,
                                        SpoolCopy::Result& spooled) {
    if (!now.cut) return false;
    std::set<std::string> contents;
    for (const archive::StoreAnswer& answer : answers) {
        if (!answer.settled.empty()) return false;
        for (const ObjectName& object : answer.objects) contents.insert(object.fingerprint);
    }
    std::optional<std::string> common, content;
    for (const std::string& each : contents) {
        const Beginning read = beginning(now, look, each, spooled);
        if (read.may_pass) return true;  // now.attempt says what kept it from being compared
        if (!read.fingerprint) {
            const auto objects = held(look, each);
            if (objects &&
                archive::signed_by_strangers(*objects, now.name, view_.system_identifier(), view_.settings()))
                continue;
            return false;
        }
        if (common && *common != *read.fingerprint) return false;
        common = read.fingerprint;
        content = each;
    }
    if (!content) return false;
    now.attempt.trouble.reset();
    now.say(now.name.text + " is archived with several contents, which are the same up to " +
            format_lsn(*now.cut) + ", where its timeline was left");
    const bool waits =
        std::find(spooled.disputed.begin(), spooled.disputed.end(), *content) != spooled.disputed.end();
    if (!(waits && from_spool(now, now.name, *content, spooled)))
        (void)from_stores(now, now.name, look, *content);
    return true;
}

/// The fingerprint of one content up to the fork.
SegmentFetcher::Beginning SegmentFetcher::beginning(Try& now, const archive::Look& look,
                                                    const std::string& content, SpoolCopy::Result& spooled) {
    const OpenSink open = [] { return std::make_shared<archive::FingerprintSink>(); };
    Try reading{now.name, open, now.say, now.cut, {}};
    const bool waits =
        std::find(spooled.disputed.begin(), spooled.disputed.end(), content) != spooled.disputed.end();
    SpoolCopy::Result copied;
    if (!(waits && from_spool(reading, now.name, content, copied)))
        (void)from_stores(reading, now.name, look, content);
    if (reading.attempt.end == Attempt::End::fetched)
        return {std::static_pointer_cast<archive::FingerprintSink>(reading.attempt.file)->digits(), false};
    now.attempt.trouble = reading.attempt.trouble;
    now.attempt.may_pass = reading.attempt.may_pass;
    return {std::nullopt, reading.attempt.may_pass};
}

void SegmentFetcher::several(Try& now, const archive::Verdict& verdict, const archive::Look& look,
                             const std::string& own_history) {
    const auto trusted = trusted_content(now.name, look, now.say);
    if (trusted && (own_history.empty() || own_history == *trusted)) {
        (void)from_stores(now, now.name, look, *trusted);
        return;
    }
    std::string what = verdict.detail;
    if (now.name.kind == WalKind::history)
        what = "two servers chose timeline " + std::to_string(now.name.timeline) + ": " + what;
    if (!own_history.empty()) what += "; this server's pg_wal has " + own_history;
    // One that is damaged could not be compared with the others.
    if (now.attempt.trouble && now.attempt.trouble->kind() == ErrorKind::integrity)
        what += "; one of them cannot be read: " + now.attempt.trouble->message();
    now.attempt.trouble = Error(ErrorKind::conflict, what, how_to_settle(now.name, look));
}

}  // namespace walferry::fetch
