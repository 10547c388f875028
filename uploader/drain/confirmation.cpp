#include "uploader/drain/confirmation.hpp"

#include <algorithm>
#include <set>
#include <tuple>

#include "common/error.hpp"
#include "common/store/object_name.hpp"
#include "console/exit_code.hpp"

namespace walferry::drain {
namespace {

using Key = std::tuple<std::uint64_t, std::string>;  // cluster, segment name

// The fingerprints that a name of a directory has, from listings that begin right before it.
class Listing {
  public:
    Listing(ObjectStore& store, std::string directory) : store_(store), directory_(std::move(directory)) {}

    std::set<std::string> fingerprints(const std::string& name) {
        const std::string first = directory_ + name + "-";
        const std::string behind = directory_ + name + ".";  // '.' sorts right behind '-'
        if (!covers(first)) start(directory_ + name);
        while (more_ && page_.back().key < behind) start(page_.back().key);
        std::set<std::string> found;
        auto at =
            std::lower_bound(page_.begin(), page_.end(), first,
                             [](const ObjectInfo& info, const std::string& key) { return info.key < key; });
        for (; at != page_.end() && at->key < behind; ++at) {
            const auto object = ObjectName::parse(std::string_view(at->key).substr(directory_.size()));
            if (object && object->segment == name) found.insert(object->fingerprint);
        }
        return found;
    }

  private:
    bool covers(const std::string& key) const {
        return listed_ && from_ < key && (!more_ || key < page_.back().key);
    }

    void start(const std::string& after) {
        // What was listed before and belongs to the name in question must not be lost between two pages.
        const bool next_page = listed_ && more_ && !page_.empty() && page_.back().key == after;
        ObjectPage page = store_.list(directory_, after);
        if (!next_page) {
            page_.clear();
            from_ = after;
        }
        page_.insert(page_.end(), page.objects.begin(), page.objects.end());
        more_ = page.more && !page_.empty();
        listed_ = true;
    }

    ObjectStore& store_;
    const std::string directory_;
    std::vector<ObjectInfo> page_;
    std::string from_;
    bool listed_ = false;
    bool more_ = false;
};

}  // namespace

std::vector<FoundConflict> find_conflicts(ObjectStore& store, const std::string& prefix,
                                          const std::string& cluster, std::vector<NamedContent> sent) {
    std::sort(sent.begin(), sent.end(), [](const NamedContent& a, const NamedContent& b) {
        return Key(a.system_identifier, a.name) < Key(b.system_identifier, b.name);
    });
    std::vector<FoundConflict> conflicts;
    std::string directory;
    std::unique_ptr<Listing> listing;
    for (const NamedContent& content : sent) {
        const ObjectKeys keys(prefix, cluster, content.system_identifier);
        if (keys.wal_directory(content.name) != directory) {
            directory = keys.wal_directory(content.name);
            listing = std::make_unique<Listing>(store, directory);
        }
        auto found = listing->fingerprints(content.name);
        // Not even our own object: this listing lags behind. Ask once more; it was read back, so it is there.
        if (!found.contains(content.fingerprint)) {
            listing = std::make_unique<Listing>(store, directory);
            found = listing->fingerprints(content.name);
        }
        found.erase(content.fingerprint);
        for (const std::string& theirs : found)
            conflicts.push_back({content.segment, content.name, content.fingerprint, theirs});
    }
    return conflicts;
}

void remove_if_done(Ledger& ledger, const SpoolPaths& spool, console::Outcome& outcome, Task& task) {
    try {
        if (!ledger.verified_everywhere(task.segment) || task.removed.exchange(true)) return;
        if (remove_spool_file(spool, task.file)) {
            ++outcome.removed_segments;
            outcome.removed_bytes += task.file.size;
        }
        ledger.removed(task.segment, wall_now());
    } catch (const Error& error) {
        task.troubled = true;
        outcome.report(
            error.kind() == ErrorKind::integrity ? console::exit_code::integrity : console::exit_code::failed,
            error.what());
    }
}

}  // namespace walferry::drain
