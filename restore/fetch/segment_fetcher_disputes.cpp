#include <algorithm>
#include <set>

#include "archive/segment_sinks.hpp"
#include "archive/trusted_content.hpp"
#include "common/wal/lsn.hpp"
#include "restore/fetch/segment_fetcher.hpp"

// What a fetcher makes of a name with several contents.
namespace walferry::fetch {
namespace {

std::set<std::string> contents_of(const std::vector<archive::StoreAnswer>& answers) {
    std::set<std::string> contents;
    for (const archive::StoreAnswer& answer : answers) {
        for (const ObjectName& object : answer.objects) contents.insert(object.fingerprint);
    }
    return contents;
}

bool any_settled(const std::vector<archive::StoreAnswer>& answers) {
    return std::any_of(answers.begin(), answers.end(),
                       [](const archive::StoreAnswer& answer) { return !answer.settled.empty(); });
}

std::string how_to_settle(const WalName& name, const archive::Look& look) {
    std::string commands;
    for (const std::string& content : contents_of(look.answers))
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
    if (any_settled(look.answers) || decoding_.trusted_writers.empty()) return std::nullopt;
    const auto objects = held(look, {});
    if (!objects) return std::nullopt;
    const auto trusted = archive::only_trusted(*objects, name, view_.system_identifier(), view_.settings());
    if (!trusted) return std::nullopt;
    for (const std::string& other : trusted->others) say(other);
    return trusted->content;
}

/// The beginnings of all contents, up to the fork. What no trusted writer signed is left out.
std::optional<std::map<std::string, archive::Beginning>> SegmentFetcher::beginnings(
    Try& now, const archive::Look& look, const std::set<std::string>& contents, SpoolCopy::Result& spooled) {
    std::map<std::string, archive::Beginning> found;
    for (const std::string& each : contents) {
        ReadBeginning read = beginning(now, look, each, spooled);
        if (read.beginning) {
            found.emplace(each, *std::move(read.beginning));
            continue;
        }
        if (read.may_pass) return std::nullopt;
        const auto objects = held(look, each);
        if (!objects ||
            !archive::signed_by_strangers(*objects, now.name, view_.system_identifier(), view_.settings()))
            return std::nullopt;
    }
    now.attempt.trouble.reset();
    return found;
}

void SegmentFetcher::deliver(Try& now, const archive::Look& look, const std::string& content,
                             SpoolCopy::Result& spooled) {
    const bool waits =
        std::find(spooled.disputed.begin(), spooled.disputed.end(), content) != spooled.disputed.end();
    SpoolCopy::Result copied;
    if (!(waits && from_spool(now, now.name, content, copied)))
        (void)from_stores(now, now.name, look, content);
}

/// What a host wrote behind the fork is not replayed, and so may differ from what another host wrote there.
/// False where the contents differ before it, where one cannot be read and so was not compared, and where
/// there is no fork. What no trusted writer signed is not compared.
bool SegmentFetcher::one_up_to_the_fork(Try& now, const archive::Look& look,
                                        const std::vector<archive::StoreAnswer>& answers,
                                        SpoolCopy::Result& spooled) {
    if (!now.cut || any_settled(answers)) return false;
    const auto found = beginnings(now, look, contents_of(answers), spooled);
    if (!found) return now.attempt.may_pass;  // now.attempt says what kept it from being compared
    if (found->empty()) return false;
    const bool same = std::all_of(found->begin(), found->end(), [&](const auto& each) {
        return each.second.fingerprint == found->begin()->second.fingerprint;
    });
    if (!same) return false;
    now.say(now.name.text + " is archived with different contents, which are the same up to " +
            format_lsn(*now.cut) + ", where its timeline was left");
    deliver(now, look, found->begin()->first, spooled);
    return true;
}

/// One content up to the fork.
SegmentFetcher::ReadBeginning SegmentFetcher::beginning(Try& now, const archive::Look& look,
                                                        const std::string& content,
                                                        SpoolCopy::Result& spooled) {
    const OpenSink open = [place = *now.cut] { return std::make_shared<archive::BeginningSink>(place); };
    Try reading{now.name, open, now.say, now.deadline, now.cut, {}};
    deliver(reading, look, content, spooled);
    if (reading.attempt.end == Attempt::End::fetched)
        return {std::static_pointer_cast<archive::BeginningSink>(reading.attempt.file)->beginning(), false};
    now.attempt.trouble = reading.attempt.trouble;
    now.attempt.may_pass = reading.attempt.may_pass;
    return {std::nullopt, reading.attempt.may_pass};
}

/// Of a timeline's last segment only what was written before the timeline was left, and only NAME.partial may
/// have been archived. False where there is none.
bool SegmentFetcher::unfinished_end(Try& now, std::uint64_t fork) {
    const WalName partial = *WalName::parse(now.name.text + ".partial");
    Try unfinished{partial, now.open, now.say, now.deadline, fork, {}};
    SpoolCopy::Result spooled;
    // What waits here may be another host's that was promoted earlier in that segment.
    const OpenSink open = [fork] { return std::make_shared<archive::BeginningSink>(fork); };
    Try reading{partial, open, now.say, now.deadline, fork, {}};
    if (from_spool(reading, partial, {}, spooled) &&
        std::static_pointer_cast<archive::BeginningSink>(reading.attempt.file)->beginning().leads_there &&
        from_spool(unfinished, partial, {}, spooled)) {
        now.attempt = std::move(unfinished.attempt);
        return true;
    }
    const archive::Look look = view_.look(partial, false, now.deadline);
    if (!note_troubles(unfinished, look)) {
        now.attempt = std::move(unfinished.attempt);
        return true;
    }
    const std::vector<archive::StoreAnswer> answers = all_answers(unfinished, look, spooled);
    const archive::Verdict verdict =
        archive::judge(partial, answers, view_.asks_all() && unfinished.attempt.unreachable.empty());
    if (verdict.kind == archive::Verdict::Kind::absent) {
        if (!spooled.trouble) return false;
        now.attempt.trouble = spooled.trouble;
        return context_.asker != Asker::standby;
    }
    from_unfinished(unfinished, verdict, look, answers, spooled);
    now.attempt = std::move(unfinished.attempt);
    return true;
}

/// A host that was promoted earlier in that segment has archived less of it, and something else from there
/// on.
void SegmentFetcher::from_unfinished(Try& now, const archive::Verdict& verdict, const archive::Look& look,
                                     const std::vector<archive::StoreAnswer>& answers,
                                     SpoolCopy::Result& spooled) {
    if (verdict.kind == archive::Verdict::Kind::unknown) return;  // now.attempt has what a store said
    std::set<std::string> contents = contents_of(answers);
    if (any_settled(answers)) {
        if (verdict.kind == archive::Verdict::Kind::found)
            return deliver(now, look, verdict.content, spooled);
        return several(now, verdict, look, {});
    }
    const auto found = beginnings(now, look, contents, spooled);
    if (!found && now.attempt.may_pass) return;
    const auto content = found ? archive::content_that_leads_there(*found) : std::nullopt;
    if (content) {
        now.say(now.name.text.substr(0, 24) + " was archived as .partial only; it is used up to " +
                format_lsn(*now.cut) + ", where its timeline was left");
        return deliver(now, look, *content, spooled);
    }
    const bool none_leads = found && std::none_of(found->begin(), found->end(),
                                                  [](const auto& each) { return each.second.leads_there; });
    if (none_leads) {
        now.attempt.trouble = Error(
            ErrorKind::integrity,
            now.name.text + " ends before " + format_lsn(*now.cut) +
                ", where its timeline was left, and there is no other one: a gap",
            "the host that was promoted there has the rest: let its drain run, or recover to an earlier "
            "target or timeline");
        return;
    }
    if (verdict.kind == archive::Verdict::Kind::several) several(now, verdict, look, {});
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
