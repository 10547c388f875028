#pragma once
#include <algorithm>
#include <functional>
#include <map>
#include <string>

#include "common/bytes.hpp"
#include "common/error.hpp"
#include "common/store/object_store.hpp"

namespace walferry::test {

/// A store in memory. What it gives back can be changed on the way, for each get by itself.
class FakeStore : public ObjectStore {
  public:
    PutResult put(const std::string& key, const Body& body, const BodyDigest&) override {
        ++puts;
        refuse(key);
        std::string bytes(static_cast<std::size_t>(body.size()), '\0');
        const std::size_t n = body.read_at(0, {reinterpret_cast<std::byte*>(bytes.data()), bytes.size()});
        bytes.resize(n);
        objects[key] = std::move(bytes);
        return PutResult::stored;
    }
    void get(const std::string& key, Receiver& receiver) override {
        ++gets;
        const auto object = objects.find(key);
        if (object == objects.end() || is_away(gets))
            throw Error(ErrorKind::not_found, key + " is not there");
        std::string bytes = object->second;
        change(gets, bytes);
        receiver.begin();
        // In parts of odd sizes, as from a socket.
        for (std::size_t at = 0; at < bytes.size(); at += 9973)
            receiver.write(as_bytes(std::string_view(bytes).substr(at, 9973)));
    }
    void get_range(const std::string& key, std::uint64_t offset, std::uint64_t length,
                   Receiver& receiver) override {
        const auto object = objects.find(key);
        if (object == objects.end()) throw Error(ErrorKind::not_found, key + " is not there");
        if (offset >= object->second.size()) throw Error(ErrorKind::rejected, key + " has no such part");
        receiver.begin();
        receiver.write(as_bytes(std::string_view(object->second).substr(offset, length)));
    }
    std::optional<ObjectInfo> head(const std::string& key) override {
        const auto object = objects.find(key);
        if (object == objects.end()) return std::nullopt;
        return ObjectInfo{key, object->second.size()};
    }
    ObjectPage list(const std::string& prefix, const std::string& start_after) override {
        ObjectPage page;
        auto each = start_after < prefix ? objects.lower_bound(prefix) : objects.upper_bound(start_after);
        for (; each != objects.end(); ++each) {
            if (each->first.starts_with(prefix)) page.objects.push_back({each->first, each->second.size()});
        }
        return page;
    }
    void remove(const std::string& key) override { objects.erase(key); }

    std::map<std::string, std::string> objects;
    int puts = 0, gets = 0;
    /// By the number of the get, from 1.
    std::function<void(int, std::string&)> change = [](int, std::string&) {};
    /// Of each put; may throw.
    std::function<void(const std::string&)> refuse = [](const std::string&) {};
    std::function<bool(int)> is_away = [](int) { return false; };
};

}  // namespace walferry::test
