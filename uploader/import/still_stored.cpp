#include "uploader/import/still_stored.hpp"

#include <algorithm>

#include "common/error.hpp"
#include "common/store/object_name.hpp"

namespace walferry::importing {

StillStored::StillStored(const Settings& settings, std::stop_token stop)
    : settings_(settings), stop_(std::move(stop)), connections_(settings.stores.size()) {}

StillStored::~StillStored() = default;

bool StillStored::shows(std::uint64_t system_identifier, const std::string& name,
                        const std::string& fingerprint) {
    if (!trouble_.empty()) return false;
    try {
        if (!ledger_) {
            ledger_ = std::make_unique<Ledger>(SpoolPaths(settings_.spool), Ledger::Open::existing);
            stores_ = ledger_->active_stores();
        }
        const auto rows = ledger_->rows_of(system_identifier, name);
        const auto row = std::find_if(rows.begin(), rows.end(), [&](const SegmentRow& each) {
            return each.fingerprint == fingerprint;
        });
        if (row == rows.end()) return false;
        const auto uploads = ledger_->uploads_of(row->id);
        // Each store of the configuration, and no other one.
        for (std::size_t i = 0; i < settings_.stores.size(); ++i) {
            const auto upload = std::find_if(uploads.begin(), uploads.end(), [&](const UploadRow& each) {
                return each.state == UploadState::verified &&
                       std::any_of(stores_.begin(), stores_.end(), [&](const StoreRow& store) {
                           return store.id == each.store && store.identity.name == settings_.stores[i].name;
                       });
            });
            if (upload == uploads.end() || !shows_in(i, system_identifier, name, upload->object_key))
                return false;
        }
        return !settings_.stores.empty();
    } catch (const Error& error) {
        trouble_ = error.what();
        return false;
    }
}

bool StillStored::shows_in(std::size_t store, std::uint64_t system_identifier, const std::string& name,
                           const std::string& key) {
    const StoreSettings& settings = settings_.stores[store];
    auto& connection = connections_[store];
    if (!connection) connection = open_store(settings, StoreAccess::write, nullptr, stop_);
    const ObjectKeys keys(settings.prefix, settings_.cluster, system_identifier);
    const ObjectPage page = connection->list(keys.wal_directory(name) + name + "-", "");
    return std::any_of(page.objects.begin(), page.objects.end(),
                       [&](const ObjectInfo& info) { return info.key == key; });
}

}  // namespace walferry::importing
