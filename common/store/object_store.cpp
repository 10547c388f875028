#include "common/store/object_store.hpp"

#include <utility>

#include "common/error.hpp"

namespace walferry {

VersionPage ObjectStore::list_versions(const std::string& prefix, const std::string& key_marker,
                                       const std::string& /*id_marker*/) {
    ObjectPage page = list(prefix, key_marker);
    VersionPage versions;
    versions.more = page.more;
    for (ObjectInfo& info : page.objects)
        versions.versions.push_back({std::move(info.key), {}, info.size, info.modified});
    if (versions.more) versions.next_key = versions.versions.back().key;
    return versions;
}

void ObjectStore::remove_version(const std::string& key, const std::string& id) {
    if (!id.empty())
        throw Error(ErrorKind::internal, "a version of " + key + " where the store keeps none: " + id);
    remove(key);
}

}  // namespace walferry
