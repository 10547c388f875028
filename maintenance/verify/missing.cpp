#include "maintenance/verify/missing.hpp"

#include <span>

#include "archive/comparison.hpp"
#include "common/store/object_name.hpp"
#include "common/store/stores.hpp"
#include "common/wal/pg_control.hpp"

namespace walferry::verify {
namespace {

constexpr std::size_t compared_a_run = 50'000;  // segments: fifty requests
constexpr int most_missing = 1000;

}  // namespace

Missing::Missing(Ledger& ledger, const Settings& settings, const StoreSettings& store, ObjectStore& objects,
                 std::stop_token stop)
    : ledger_(ledger), settings_(settings), store_(store), objects_(objects), stop_(std::move(stop)) {
    const StoreIdentity identity = identity_of(store);
    for (const StoreRow& row : ledger.active_stores()) {
        if (row.identity == identity) id_ = row.id;
    }
}

std::vector<std::string> Missing::look() {
    std::vector<std::string> missing;
    if (!id_) return missing;
    (void)archive::compare_with_listings(
        ledger_, objects_, {store_.prefix, settings_.cluster, *id_, compared_a_run, stop_, settings_.trusted_writers}, wall_now());
    for (const LostUpload& lost : ledger_.lost_uploads(*id_, most_missing)) {
        const ObjectKeys keys(store_.prefix, settings_.cluster, lost.system_identifier);
        missing.push_back(keys.wal_directory(lost.name) + lost.name + "-" + lost.fingerprint);
    }
    return missing;
}

void Missing::came_back(const std::string& key) {
    const std::size_t slash = key.rfind('/');
    const auto object = ObjectName::parse(key.substr(slash + 1));
    const std::string root = (store_.prefix.empty() ? "" : store_.prefix + "/") + settings_.cluster + "/";
    const auto sysid =
        parse_system_identifier(key.substr(root.size(), key.find('/', root.size()) - root.size()));
    if (!id_ || !object || !sysid) return;
    const auto there = objects_.head(key);
    if (!there) return;
    const ListedObject listed{
        *sysid, *WalName::parse(object->segment), object->fingerprint, key, there->size, object->sha256};
    ledger_.add_listed(*id_, std::span(&listed, 1), wall_now());
}

}  // namespace walferry::verify
