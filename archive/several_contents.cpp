#include "archive/several_contents.hpp"

#include <optional>
#include <set>

#include "archive/wal_listing.hpp"
#include "archive/wal_objects.hpp"
#include "common/wal/wal_name.hpp"

namespace walferry::archive {
namespace {

/// One store's objects of a timeline. '-' sorts before '.', so keys are in the order of names.
class ObjectStream {
  public:
    ObjectStream(const AskedStore& asked, const std::string& timeline)
        : objects_(*asked.store, asked.keys.wal_directory(timeline)) {
        next();
    }

    const std::optional<ObjectName>& now() const noexcept { return now_; }

    void next() {
        const WalObject* each = objects_.next();
        now_ = each != nullptr ? std::optional(each->object) : std::nullopt;
    }

  private:
    WalObjects objects_;
    std::optional<ObjectName> now_;
};

}  // namespace

std::vector<NamedContents> find_several_contents(const std::vector<AskedStore>& stores,
                                                 const std::function<void(std::size_t)>& show) {
    std::set<std::string> timelines;
    for (const AskedStore& asked : stores) {
        for (std::string& timeline : list_timelines(*asked.store, asked.keys))
            timelines.insert(std::move(timeline));
    }
    std::vector<NamedContents> found;
    std::size_t objects = 0;
    for (const std::string& timeline : timelines) {
        std::vector<ObjectStream> streams;
        streams.reserve(stores.size());
        for (const AskedStore& asked : stores) streams.emplace_back(asked, timeline);
        for (;;) {
            const std::string* first = nullptr;
            for (const ObjectStream& stream : streams) {
                if (stream.now() && (first == nullptr || stream.now()->segment < *first))
                    first = &stream.now()->segment;
            }
            if (first == nullptr) break;
            NamedContents named{*first, {}};
            for (std::size_t i = 0; i < streams.size(); ++i) {
                for (; streams[i].now() && streams[i].now()->segment == named.name; streams[i].next()) {
                    auto& holders = named.contents[streams[i].now()->fingerprint];
                    if (holders.empty() || holders.back() != i) holders.push_back(i);
                    if (++objects % 1000 == 0) show(objects);
                }
            }
            if (named.contents.size() > 1) found.push_back(std::move(named));
        }
    }
    return found;
}

}  // namespace walferry::archive
