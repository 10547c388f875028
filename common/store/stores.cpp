#include "common/store/stores.hpp"

#include <algorithm>

#include "common/error.hpp"

namespace walferry {
namespace {

std::string difference(const StoreIdentity& was, const StoreIdentity& is) {
    const auto changed = [](const char* key, const std::string& before, const std::string& now) {
        return std::string("its ") + key + " was \"" + before + "\" and is \"" + now + "\"";
    };
    if (was.type != is.type) return changed("type", was.type, is.type);
    if (was.endpoint != is.endpoint)
        return changed(is.type == "directory" ? "path" : "endpoint", was.endpoint, is.endpoint);
    if (was.bucket != is.bucket) return changed("bucket", was.bucket, is.bucket);
    return changed("prefix", was.prefix, is.prefix);
}

}  // namespace

StoreIdentity identity_of(const StoreSettings& settings) {
    if (settings.type == StoreType::directory)
        return {settings.name, "directory", settings.path, "", settings.prefix};
    return {settings.name, "s3", settings.endpoint, settings.bucket, settings.prefix};
}

std::string place_of(const Settings& settings, const StoreSettings& store) {
    const StoreIdentity is = identity_of(store);
    return is.type + " " + is.endpoint + " " + is.bucket + " " + is.prefix + " " + settings.cluster;
}

void require_same_stores(const Settings& settings, const std::vector<StoreRow>& known) {
    const auto retire = [](const std::string& name) {
        return "if that is meant: `walferry stores retire " + name + "`; if not, correct the configuration";
    };
    for (const StoreRow& row : known) {
        const auto configured =
            std::find_if(settings.stores.begin(), settings.stores.end(),
                         [&](const StoreSettings& store) { return store.name == row.identity.name; });
        if (configured == settings.stores.end()) {
            throw Error(ErrorKind::config,
                        settings.file + ": store " + row.identity.name +
                            " is in the ledger but not in the configuration",
                        retire(row.identity.name));
        }
        if (const StoreIdentity is = identity_of(*configured); is != row.identity) {
            throw Error(ErrorKind::config,
                        settings.file + ": store " + is.name +
                            " points elsewhere than before: " + difference(row.identity, is),
                        retire(is.name));
        }
    }
}

std::vector<StoreRow> reconcile_stores(const Settings& settings, Ledger& ledger, WallTime now) {
    const std::vector<StoreRow> known = ledger.active_stores();
    require_same_stores(settings, known);
    std::vector<StoreRow> rows;
    for (const StoreSettings& store : settings.stores) {
        const StoreIdentity identity = identity_of(store);
        const auto row = std::find_if(known.begin(), known.end(),
                                      [&](const StoreRow& k) { return k.identity == identity; });
        rows.push_back(row != known.end() ? *row
                                          : StoreRow{ledger.add_store(identity, now), identity,
                                                     format_time(now), std::nullopt});
    }
    return rows;
}

}  // namespace walferry
