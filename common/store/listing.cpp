#include "common/store/listing.hpp"

#include <utility>

namespace walferry {

Listing::Listing(ObjectStore& store, std::string prefix, std::string start_after, int most_pages)
    : store_(store), prefix_(std::move(prefix)), after_(std::move(start_after)), pages_left_(most_pages) {}

const ObjectInfo* Listing::next() {
    while (at_ == page_.objects.size()) {
        if (!page_.more || pages_left_ <= 0) return nullptr;
        --pages_left_;
        page_ = store_.list(prefix_, after_);
        at_ = 0;
        // A store that promises more and gives nothing would be asked for ever.
        if (page_.objects.empty()) page_.more = false;
    }
    const ObjectInfo& object = page_.objects[at_++];
    after_ = object.key;
    return &object;
}

void Listing::skip_past(std::string key) {
    while (at_ < page_.objects.size() && page_.objects[at_].key <= key) ++at_;
    if (key > after_) after_ = std::move(key);
}

std::vector<std::string> list_folders(ObjectStore& store, const std::string& root, const std::string& after) {
    std::vector<std::string> folders;
    Listing listing(store, root, after.empty() ? "" : root + after);
    while (const ObjectInfo* object = listing.next()) {
        const std::size_t slash = object->key.find('/', root.size());
        folders.push_back(object->key.substr(root.size(), slash - root.size()));
        listing.skip_past(root + folders.back() + "0");  // '0' sorts right behind '/'
    }
    return folders;
}

}  // namespace walferry
