#include "maintenance/verify/heal.hpp"

#include <algorithm>
#include <utility>

#include "common/codec/digest.hpp"
#include "common/error.hpp"
#include "common/store/listing.hpp"
#include "common/store/object_name.hpp"
#include "common/store/read_back.hpp"
#include "maintenance/verify/named_hash.hpp"

namespace walferry::verify {
namespace {

// A segment has 1 GiB at the most and a piece less. A store that says more has something else.
constexpr std::uint64_t largest = std::uint64_t{5} << 28;

struct TooLong {};

}  // namespace

/// An object on its way from one store to another.
struct Healer::Copy : public Receiver {
    Copy(BlockPool& blocks, std::string directory) : pool(blocks), work_dir(std::move(directory)) {}

    void begin() override {
        hash.restart();
        body.reset();
        body.emplace(pool, work_dir);
    }
    void announced(std::uint64_t length) override {
        if (length > largest) throw TooLong{};
    }
    void write(Bytes bytes) override {
        announced(body->size() + bytes.size());
        hash.update(bytes);
        body->write(bytes);
    }

    BlockPool& pool;
    const std::string work_dir;
    Sha256 hash;
    std::optional<ObjectBuffer> body;
    BodyDigest digest{};
};

Healer::Healer(ObjectStore& store, std::string root, std::vector<Source> sources, Options options)
    : store_(store),
      root_(std::move(root)),
      sources_(std::move(sources)),
      options_(std::move(options)),
      connections_(sources_.size()) {}

ObjectStore& Healer::connection(std::size_t source) {
    if (!connections_[source]) connections_[source] = sources_[source].open();
    return *connections_[source];
}

/// False where the source's copy is not there, or not sound either.
bool Healer::fetch(ObjectStore& source, const std::string& key, Copy& copy) {
    try {
        source.get(key, copy);
    } catch (const TooLong&) {
        return false;
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::not_found || error.kind() == ErrorKind::rejected) return false;
        throw;
    }
    copy.digest.sha256 = copy.hash.finish();
    return hex(copy.digest.sha256).starts_with(*hash_in_name(key));
}

void Healer::put(const std::string& key, const Copy& copy, bool in_place) {
    if (in_place) {
        store_.replace(key, *copy.body, copy.digest);
    } else {
        store_.put(key, *copy.body, copy.digest);
    }
    const ReadBack seen = read_back(store_, key, copy.body->size());
    if (seen.sha256 == hex(copy.digest.sha256)) return;
    throw Error(ErrorKind::integrity, key + " came back with other bytes than were written to heal it",
                "look into the store, and at proxies on the way");
}

/// Asks one store after the other; `from` gives nullopt where that one does not have it.
Healing Healer::from_any(const std::string& what,
                         const std::function<std::optional<Healing>(ObjectStore&, const Source&)>& from) {
    Healing result;
    for (std::size_t i = 0; i < sources_.size(); ++i) {
        const Source& source = sources_[i];
        try {
            if (auto healed = from(connection(i), source)) {
                healed->from = source.name;
                return *healed;
            }
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::interrupted) throw;
            if (!result.why_not.empty()) result.why_not += "; ";
            result.why_not += error.message();
            result.outage = true;
        }
    }
    if (result.why_not.empty()) {
        result.why_not =
            sources_.empty() ? "there is no other store to take it from" : "no other store has " + what;
    }
    return result;
}

Healing Healer::replace(const std::string& key) {
    const std::string tail = key.substr(root_.size());
    // "wal/TTTTTTTT/NAME-FINGERPRINT-": what every encoding of the same content begins with.
    std::string stem;
    const std::string name = key.substr(key.rfind('/') + 1);
    if (const auto wal = ObjectName::parse(name))
        stem = tail.substr(0, tail.size() - name.size()) + wal->segment + "-" + wal->fingerprint + "-";
    return from_any("a sound copy of it",
                    [&](ObjectStore& source, const Source& from) -> std::optional<Healing> {
                        Copy copy(pool_, options_.work_dir);
                        if (fetch(source, from.root + tail, copy)) {
                            put(key, copy, true);
                            return Healing{};
                        }
                        if (stem.empty()) return std::nullopt;
                        const auto other = bring_other(source, from, stem, name);
                        if (!other) return std::nullopt;
                        store_.remove(key);
                        return Healing{{}, *other, {}, false};
                    });
}

Healing Healer::bring(const std::string& stem) {
    const std::string tail = stem.substr(root_.size());
    return from_any("a sound object of it",
                    [&](ObjectStore& source, const Source& from) -> std::optional<Healing> {
                        const auto key = bring_other(source, from, tail, "");
                        if (!key) return std::nullopt;
                        return Healing{{}, *key, {}, false};
                    });
}

/// Any sound object whose name begins with the stem, put under its own name. Returns its key here.
std::optional<std::string> Healer::bring_other(ObjectStore& source, const Source& from,
                                               const std::string& stem, const std::string& except) {
    for (const ObjectInfo& info : Listing(source, from.root + stem)) {
        const std::string name = info.key.substr(info.key.rfind('/') + 1);
        if (name == except || !hash_in_name(name)) continue;
        Copy copy(pool_, options_.work_dir);
        if (!fetch(source, info.key, copy)) continue;
        const std::string here = root_ + info.key.substr(from.root.size());
        put(here, copy, false);
        return here;
    }
    return std::nullopt;
}

}  // namespace walferry::verify
