#include "archive/settlements.hpp"

#include "archive/plain_read.hpp"
#include "common/codec/settlement.hpp"
#include "common/error.hpp"
#include "common/store/listing.hpp"

namespace walferry::archive {
namespace {

/// Throws integrity for one that counts for nothing.
void check(ObjectStore& store, const std::string& key, std::uint64_t system_identifier,
           const SettlementName& name, const std::vector<std::string>& trusted_writers) {
    const Settlement settlement = parse_settlement(read_plain(store, key, name.sha256, max_settlement_size));
    check_signature(settlement, trusted_writers);
    if (settlement.system_identifier != system_identifier || settlement.name != name.segment ||
        settlement.fingerprint != name.fingerprint)
        throw Error(ErrorKind::integrity,
                    "it is about another cluster, segment or content than its name says");
}

}  // namespace

ListedSettlements list_settlements(ObjectStore& store, const ObjectKeys& keys) {
    ListedSettlements listed;
    const std::string root = keys.settled_directory();
    for (const ObjectInfo& info : Listing(store, root)) {
        if (auto name = SettlementName::parse(std::string_view(info.key).substr(root.size())))
            listed[name->segment].push_back(std::move(*name));
    }
    return listed;
}

Settled read_settled(ObjectStore& store, const ObjectKeys& keys, std::uint64_t system_identifier,
                     const std::vector<SettlementName>& listed, const Settings& settings) {
    return settled_by(store, keys, system_identifier, listed, settings.trusted_writers);
}

Settled settled_by(ObjectStore& store, const ObjectKeys& keys, std::uint64_t system_identifier,
                   const std::vector<SettlementName>& listed, const std::vector<std::string>& writers) {
    Settled settled;
    for (const SettlementName& name : listed) {
        const std::string key = keys.settled(name);
        try {
            if (!writers.empty()) check(store, key, system_identifier, name, writers);
            settled.contents.insert(name.fingerprint);
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::integrity) throw;
            settled.refused.push_back("the settlement " + key + " counts for nothing: " + error.message());
        }
    }
    return settled;
}

}  // namespace walferry::archive
