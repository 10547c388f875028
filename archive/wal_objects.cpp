#include "archive/wal_objects.hpp"

#include <string_view>
#include <utility>

namespace walferry::archive {

WalObjects::WalObjects(ObjectStore& store, const std::string& prefix, std::string start_after, int most_pages)
    : folder_(prefix.rfind('/') + 1), listing_(store, prefix, std::move(start_after), most_pages) {}

const WalObject* WalObjects::next() {
    while (const ObjectInfo* info = listing_.next()) {
        auto object = ObjectName::parse(std::string_view(info->key).substr(folder_));
        if (!object) continue;
        auto name = WalName::parse(object->segment);
        if (!name) continue;
        now_.emplace(WalObject{*info, *std::move(object), *std::move(name)});
        return &*now_;
    }
    return nullptr;
}

std::optional<WalName> first_with_header(ObjectStore& store, const std::string& directory,
                                         const std::string& start_after) {
    for (const WalObject& each : WalObjects(store, directory, start_after)) {
        if (each.name.has_header()) return each.name;
    }
    return std::nullopt;
}

}  // namespace walferry::archive
