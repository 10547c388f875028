#include "archive/content_judge.hpp"

#include "archive/beginnings.hpp"
#include "archive/object_read.hpp"
#include "archive/settlements.hpp"
#include "archive/verdict.hpp"
#include "common/error.hpp"
#include "common/errors_only.hpp"
#include "common/store/object_store.hpp"

namespace walferry::archive {
namespace {

struct Nowhere : Sink {
    void write(Bytes /*bytes*/) override {}
    void finish() override {}
};

}  // namespace

ContentJudge::ContentJudge(const Settings& settings, std::uint64_t system_identifier,
                           JudgesKnowledge knowledge, const std::stop_token& stop)
    : sysid_(system_identifier), knowledge_(std::move(knowledge)) {
    for (const BackupStart& backup : knowledge_.backups) forks_.add_in_use(backup.timeline, backup.lsn);
    if (knowledge_.primary_timeline) forks_.add_in_use(*knowledge_.primary_timeline, in_use_now);
    try {
        decoding_ = decode_options(settings);
    } catch (const Error&) {
        decoding_.reset();  // a host that only archives holds no identity
    }
    for (const StoreSettings& store : settings.stores) ask(store, settings, stop);
}

void ContentJudge::ask(const StoreSettings& settings, const Settings& all, const std::stop_token& stop) {
    try {
        errors_only([&] {
            auto store =
                open_store(settings, decoding_ ? StoreAccess::restore : StoreAccess::write, nullptr, stop);
            const ObjectKeys keys(settings.prefix, all.cluster, sysid_);
            const AskedStore asked{store.get(), keys};
            Forks forks = forks_;
            add_forks(forks, asked, sysid_, knowledge_.segment_size, knowledge_.oldest_timeline, decoding_,
                      knowledge_.histories);
            for (const auto& [name, listed] : list_settlements(*store, keys)) {
                const Settled settled = read_settled(*store, keys, sysid_, listed, all);
                settled_[name].insert(settled.contents.begin(), settled.contents.end());
            }
            forks_ = std::move(forks);
            stores_.push_back(asked);
            names_.push_back(settings.name);
            connections_.push_back(std::move(store));
        });
    } catch (const Error& error) {
        silent_.emplace_back(settings.name, error.what());
    }
}

std::set<std::string> ContentJudge::settlements(const std::string& name) const {
    const auto found = settled_.find(name);
    return found == settled_.end() ? std::set<std::string>() : found->second;
}

std::optional<std::string> ContentJudge::settled(const std::string& name,
                                                 const std::set<std::string>& contents) const {
    return settled_content(settlements(name), contents, silent_.empty());
}

std::set<std::string> ContentJudge::contents(const std::string& name) const {
    std::set<std::string> contents;
    for (const AskedStore& asked : stores_) {
        for (const ObjectName& object : objects_of(asked, name)) contents.insert(object.fingerprint);
    }
    return contents;
}

std::optional<Divergence> ContentJudge::judge(const WalName& name, const std::set<std::string>& contents) {
    const std::uint64_t size = segment_size(name);
    const Departure departure = forks_.departure(name, size);
    if (departure.kind == Departure::Kind::none) return std::nullopt;
    if (departure.kind == Departure::Kind::before) return Divergence{true, describe(departure)};
    if (departure.kind == Departure::Kind::perhaps) return Divergence{false, describe(departure)};
    std::set<std::string> beginnings;
    for (const std::string& content : contents) {
        const auto read = beginning(name, content, departure.at - *name.start_lsn(size));
        if (!read) return Divergence{false, describe(departure)};
        beginnings.insert(*read);
    }
    if (beginnings.size() > 1) return std::nullopt;
    return Divergence{true, describe(departure)};
}

std::uint64_t ContentJudge::segment_size(const WalName& name) {
    if (knowledge_.segment_size != 0 || !decoding_) return knowledge_.segment_size;
    for (const AskedStore& asked : stores_) {
        try {
            for (const ObjectName& object : objects_of(asked, name.text)) {
                Nowhere nowhere;
                knowledge_.segment_size = read_object(*asked.store, asked.keys.wal(object), object, name,
                                                      sysid_, *decoding_, [&]() -> Sink& { return nowhere; })
                                              .segment_size;
                if (knowledge_.segment_size != 0) return knowledge_.segment_size;
            }
        } catch (const Error&) {
            continue;  // another store may have it sound
        }
    }
    return 0;
}

std::optional<std::string> ContentJudge::beginning(const WalName& name, const std::string& content,
                                                   std::uint64_t bytes) {
    if (!decoding_) return std::nullopt;
    auto [found, fresh] = beginnings_.try_emplace({name.text, content});
    if (fresh) {
        const auto read = beginning_of(stores_, name, content, sysid_, segment_size(name), bytes, *decoding_);
        if (read) found->second = read->fingerprint;
    }
    return found->second;
}

}  // namespace walferry::archive
