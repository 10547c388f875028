#include "host/check/second_uploader.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "archive/archived_forks.hpp"
#include "archive/object_read.hpp"
#include "archive/wal_listing.hpp"
#include "common/error.hpp"
#include "common/ledger/ledger.hpp"
#include "common/store/listing.hpp"
#include "common/store/object_name.hpp"
#include "console/catalogue.hpp"
#include "host/check/timelines_in_use.hpp"

namespace walferry::check {
namespace {

// A page of a listing is a thousand objects.
constexpr int pages = 3;
constexpr int segments_behind = 1000;

std::vector<ObjectName> objects_from(ObjectStore& store, const std::string& prefix, std::string after) {
    std::vector<ObjectName> found;
    for (const ObjectInfo& info : Listing(store, prefix, std::move(after), pages)) {
        if (auto name = ObjectName::parse(std::string_view(info.key).substr(info.key.rfind('/') + 1)))
            found.push_back(std::move(*name));
    }
    return found;
}

/// What this host knows of the newest segments in a store.
struct Known {
    std::unique_ptr<Ledger> ledger;
    SegmentRow newest;
    std::string oldest;    // name of the first segment to look at
    std::string timeline;  // eight digits; what is on earlier ones may be a former primary's
};

std::string timeline_digits(std::uint32_t timeline) {
    std::array<char, 16> digits{};
    std::snprintf(digits.data(), digits.size(), "%08X", timeline);
    return digits.data();
}

std::string timeline_of(const CheckContext& context, const SegmentRow& newest) {
    const std::string known = newest.name.substr(0, 8);
    if (!context.server || !context.server->timeline) return known;
    return std::max(known, timeline_digits(*context.server->timeline));
}

/// nullopt where there is nothing to compare with, which is said.
std::optional<Known> what_is_known(const CheckContext& context, const StoreSettings& store,
                                   console::Findings& findings) {
    try {
        auto ledger = std::make_unique<Ledger>(SpoolPaths(context.settings.spool), Ledger::Open::existing);
        const auto newest = ledger->newest_verified(store.name);
        const auto asked = context.server ? context.server->system_identifier : std::nullopt;
        // An earlier cluster's positions say nothing of this one's.
        if (newest && newest->system_identifier == asked.value_or(newest->system_identifier)) {
            const std::string oldest = ledger->segment_before(*newest, segments_behind);
            return Known{std::move(ledger), *newest, oldest, timeline_of(context, *newest)};
        }
        findings.skip(console::finding_id::second_uploader,
                      "nothing of this host's is verified there yet to compare with");
    } catch (const Error&) {  // said by the part that looks at the ledger
        findings.skip(console::finding_id::second_uploader,
                      "without the ledger its objects cannot be told from others");
    }
    return std::nullopt;
}

/// A cluster of several hosts: what a promoted one writes is on a later timeline, and what differs on an
/// earlier one lies behind the place where that was left.
class Strangers {
  public:
    Strangers(const CheckContext& context, const Known& known, ObjectStore& store, ObjectKeys keys)
        : context_(context), known_(known), asked_{&store, std::move(keys)} {
        const auto timelines = archive::list_timelines(store, asked_.keys);
        // A later timeline may be a copy's that was promoted once: a primary knows its own to go on.
        left_ = !is_primary() && !timelines.empty() && timelines.back() > known.timeline;
    }

    /// Says what is wrong with an object; false where nothing is.
    bool report(const ObjectName& object, console::Findings& findings) {
        const auto name = WalName::parse(object.segment);
        if (!name || object.segment.substr(0, 8) < known_.timeline) return false;
        const std::uint64_t sysid = known_.newest.system_identifier;
        const auto rows = known_.ledger->rows_of(sysid, object.segment);
        const auto ours = [&](const SegmentRow& row) { return row.fingerprint == object.fingerprint; };
        if (std::any_of(rows.begin(), rows.end(), ours)) return false;
        newest_ = object;
        if (object.segment.substr(0, 8) > known_.timeline) {
            ++of_peers_;
            if (!is_primary() || !name->has_header()) return false;
            findings.fail(console::finding_id::second_uploader,
                          "another server was promoted and archives here: it has put " + object.segment +
                              ", while this host's server is the primary of timeline " + known_.timeline);
            return true;
        }
        if (rows.empty()) {
            if (left_ || !name->has_header() || name->kind == WalKind::partial) return false;
            findings.fail(console::finding_id::second_uploader, "a second uploader writes here: it has put " +
                                                                    object.segment +
                                                                    ", which this host has never had");
            return true;
        }
        if (behind_the_fork(*name)) return false;
        findings.contradiction(
            console::finding_id::second_uploader,
            "a second uploader writes here: its " + object.segment + " has another content than this host's");
        return true;
    }

    /// Of the newest object that another host put, where this host can tell who signed it.
    bool report_unknown_writer(console::Findings& findings) {
        const std::vector<std::string>& trusted = context_.settings.trusted_writers;
        if (!newest_ || trusted.empty()) return false;
        try {
            DecodeOptions by_anybody = archive::decode_options(context_.settings);
            by_anybody.trusted_writers.clear();
            Nowhere nowhere;
            const Envelope envelope = archive::read_object(
                *asked_.store, asked_.keys.wal(*newest_), *newest_, *WalName::parse(newest_->segment),
                known_.newest.system_identifier, by_anybody, [&]() -> Sink& { return nowhere; });
            if (std::find(trusted.begin(), trusted.end(), envelope.writer) != trusted.end()) return false;
            findings.fail(console::finding_id::second_uploader,
                          "a second uploader writes here, who is not among trusted_writers: it has put " +
                              newest_->segment);
            return true;
        } catch (const Error&) {
            return false;  // without an identity nothing tells who signed it
        }
    }

    int of_peers() const noexcept { return of_peers_; }

  private:
    struct Nowhere : Sink {
        void write(Bytes /*bytes*/) override {}
        void finish() override {}
    };

    /// By its own word, and on the timeline that is compared.
    bool is_primary() const {
        const auto& server = context_.server;
        return server && !server->in_recovery && server->timeline &&
               timeline_digits(*server->timeline) == known_.timeline;
    }

    bool behind_the_fork(const WalName& name) {
        const std::uint64_t sysid = known_.newest.system_identifier;
        const std::uint64_t size = known_.ledger->known_segment_size(sysid);
        if (!forks_) {
            forks_.emplace();
            archive::add_forks(*forks_, asked_, sysid, size, name.timeline, std::nullopt,
                               known_.ledger->histories(sysid));
            add_timelines_in_use(context_, *known_.ledger, sysid, *forks_);
        }
        return forks_->departure(name, size).kind != archive::Departure::Kind::none;
    }

    const CheckContext& context_;
    const Known& known_;
    const archive::AskedStore asked_;
    bool left_ = false;  // the archive has a later timeline than this host, whose server is no primary
    std::optional<archive::Forks> forks_;
    std::optional<ObjectName> newest_;  // that another host put
    int of_peers_ = 0;
};

}  // namespace

void look_for_second_uploader(const CheckContext& context, const StoreSettings& store, ObjectStore& objects,
                              console::Findings& findings) {
    if (context.server && context.server->in_recovery) {
        findings.skip(console::finding_id::second_uploader,
                      "this server is a standby: what is there is its primary's");
        return;
    }
    const auto known = what_is_known(context, store, findings);
    if (!known) return;
    const ObjectKeys keys(store.prefix, context.settings.cluster, known->newest.system_identifier);
    const std::string begin = keys.wal_directory(known->oldest) + known->oldest;
    Strangers strangers(context, *known, objects, keys);
    for (const ObjectName& object : objects_from(objects, keys.root() + "wal/", begin)) {
        if (strangers.report(object, findings)) return;
    }
    if (strangers.report_unknown_writer(findings)) return;
    findings.pass(
        console::finding_id::second_uploader,
        strangers.of_peers() > 0
            ? "a promoted host of this cluster writes a later timeline there; on this host's own, " +
                  known->timeline + ", no other host has written since " + known->oldest
            : "no other host has written WAL of this cluster there since " + known->oldest);
}

}  // namespace walferry::check
