#include "maintenance/expire/marked.hpp"

#include <algorithm>

namespace walferry::expire {

Marked::Marked(const StoredCluster& cluster, const std::string& policy) : cluster_(cluster) {
    for (std::size_t i = 0; i < cluster.marks.size(); ++i) {
        if (cluster.marks[i].counted && cluster.marks[i].policy == policy) usable_.push_back(i);
    }
    std::stable_sort(usable_.begin(), usable_.end(), [&](std::size_t a, std::size_t b) {
        return cluster_.marks[a].made < cluster_.marks[b].made;
    });
}

bool Marked::covers(std::size_t mark, const Backup& backup) const {
    const Mark& made = cluster_.marks[mark];
    return made.backup == backup.id && backup.put < made.made;
}

bool Marked::covers(std::size_t mark, const WalFile& file) const {
    const Mark& made = cluster_.marks[mark];
    if (file.modified >= made.made || file.kind == WalKind::history) return false;
    const auto after = std::upper_bound(
        made.wal.begin(), made.wal.end(), file, [](const WalFile& wanted, const WalRun& run) {
            return wanted.timeline < run.timeline ||
                   (wanted.timeline == run.timeline && wanted.number < run.first);
        });
    if (after == made.wal.begin()) return false;
    const WalRun& run = *std::prev(after);
    return run.timeline == file.timeline && file.number <= run.last;
}

bool Marked::covers(std::size_t mark, const StoredObject& object) const {
    const Mark& made = cluster_.marks[mark];
    return object.modified < made.made && std::binary_search(made.keys.begin(), made.keys.end(), object.key);
}

void Marked::withdraw(std::size_t mark) {
    std::erase(usable_, mark);
}

}  // namespace walferry::expire
