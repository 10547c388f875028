#pragma once
#include <map>
#include <string>

#include "common/bytes.hpp"
#include "common/error.hpp"
#include "common/store/object_store.hpp"

namespace walferry::expire {

/// A store in memory that says when it got each object, by a clock of its own, and may keep versions.
struct DatedObjects {
    struct Version {
        std::string id, bytes;
        WallTime modified;
    };
    std::map<std::string, std::vector<Version>> objects;  // the latest last
    WallTime now;
    bool versions = false;
    long changes = 0;
    long changes_left = -1;  // then the process is killed; negative: never
    std::string locked;      // keys that hold this are not let go

    void change() {
        if (changes_left == 0) throw Error(ErrorKind::interrupted, "killed");
        if (changes_left > 0) --changes_left;
        ++changes;
    }
    bool has(const std::string& part) const {
        for (const auto& [key, all] : objects) {
            if (key.find(part) != std::string::npos) return true;
        }
        return false;
    }
    std::uint64_t bytes() const {
        std::uint64_t sum = 0;
        for (const auto& [key, all] : objects) {
            for (const Version& version : all) sum += version.bytes.size();
        }
        return sum;
    }
    void add(const std::string& key, std::string bytes, WallTime modified) {
        auto& all = objects[key];
        if (!versions) all.clear();
        all.push_back({versions ? "v" + std::to_string(all.size() + 1) : "", std::move(bytes), modified});
    }
};

class DatedStore : public ObjectStore {
  public:
    explicit DatedStore(DatedObjects& data) : data_(data) {}

    PutResult put(const std::string& key, const Body& body, const BodyDigest&) override {
        data_.change();
        std::string bytes(static_cast<std::size_t>(body.size()), '\0');
        bytes.resize(body.read_at(0, {reinterpret_cast<std::byte*>(bytes.data()), bytes.size()}));
        data_.add(key, std::move(bytes), data_.now);
        return PutResult::stored;
    }
    void get(const std::string& key, Receiver& receiver) override {
        const auto object = data_.objects.find(key);
        if (object == data_.objects.end()) throw Error(ErrorKind::not_found, key + " is not there");
        receiver.begin();
        receiver.write(as_bytes(object->second.back().bytes));
    }
    void get_range(const std::string&, std::uint64_t, std::uint64_t, Receiver&) override {
        throw Error(ErrorKind::rejected, "no parts");
    }
    std::optional<ObjectInfo> head(const std::string&) override { return std::nullopt; }
    ObjectPage list(const std::string& prefix, const std::string& start_after) override {
        ObjectPage page;
        for (auto each = data_.objects.upper_bound(std::max(prefix, start_after));
             each != data_.objects.end() && each->first.starts_with(prefix); ++each) {
            if (page.objects.size() == 10) {
                page.more = true;
                break;
            }
            const auto& latest = each->second.back();
            page.objects.push_back({each->first, latest.bytes.size(), latest.modified});
        }
        return page;
    }
    void remove(const std::string& key) override {
        refuse_locked(key);
        if (data_.versions) throw Error(ErrorKind::internal, "a delete marker: nothing would be freed");
        data_.objects.erase(key);
    }
    VersionPage list_versions(const std::string& prefix, const std::string&, const std::string&) override {
        VersionPage page;
        for (const auto& [key, all] : data_.objects) {
            if (!key.starts_with(prefix)) continue;
            for (const auto& version : all)
                page.versions.push_back({key, version.id, version.bytes.size(), version.modified,
                                         &version == &all.back(), false});
        }
        return page;
    }
    void remove_version(const std::string& key, const std::string& id) override {
        refuse_locked(key);
        const auto object = data_.objects.find(key);
        if (object == data_.objects.end()) return;
        std::erase_if(object->second, [&](const auto& version) { return version.id == id; });
        if (object->second.empty()) data_.objects.erase(object);
    }

  private:
    void refuse_locked(const std::string& key) {
        if (!data_.locked.empty() && key.find(data_.locked) != std::string::npos)
            throw Error(ErrorKind::denied, "AccessDenied: the object is locked");
        data_.change();
    }

    DatedObjects& data_;
};

}  // namespace walferry::expire
