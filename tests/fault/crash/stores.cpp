#include "tests/fault/crash/stores.hpp"

#include <filesystem>
#include <stdexcept>

#include "common/codec/digest.hpp"
#include "common/store/object_name.hpp"
#include "common/store/object_store.hpp"
#include "tests/temp_dir.hpp"

namespace walferry::crash {
namespace {

namespace fs = std::filesystem;

struct Kept : Receiver, Sink {
    std::string bytes;
    void begin() override { bytes.clear(); }
    void write(Bytes more) override { bytes += as_text(more); }
    void finish() override {}
};

StoreContent content_of_directory(const std::string& path) {
    StoreContent content;
    for (const auto& entry : fs::recursive_directory_iterator(path)) {
        if (!entry.is_regular_file()) continue;
        const std::string key = entry.path().lexically_relative(path);
        if (key.front() == '.') {
            ++content.left_over;
        } else {
            content.objects[key] = test::read_file(entry.path());
        }
    }
    return content;
}

StoreContent content_of_bucket(const StoreSettings& settings) {
    StoreContent content;
    const auto store = open_store(settings, StoreAccess::write);
    std::string last;
    for (bool more = true; more;) {
        const ObjectPage page = store->list(settings.prefix + "/", last);
        for (const ObjectInfo& info : page.objects) {
            Kept kept;
            store->get(info.key, kept);
            content.objects[info.key] = kept.bytes;
            last = info.key;
        }
        more = page.more;
    }
    return content;
}

}  // namespace

StoreContent content_of(const StoreSettings& store) {
    return store.type == StoreType::directory ? content_of_directory(store.path) : content_of_bucket(store);
}

Opened open_object(const std::string& key, const std::string& bytes, const DecodeOptions& options) {
    const auto name = ObjectName::parse(key.substr(key.rfind('/') + 1));
    if (!name) throw std::runtime_error("is not an object's name");
    Sha256 digest;
    digest.update(as_bytes(bytes));
    if (hex(digest.finish()).substr(0, 32) != name->sha256)
        throw std::runtime_error("does not hash to its name");
    Kept kept;
    SegmentDecoder decoder(options, kept);
    decoder.write(as_bytes(bytes));
    decoder.finish();
    return {name->segment, kept.bytes};
}

}  // namespace walferry::crash
