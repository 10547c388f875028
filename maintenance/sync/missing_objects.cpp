#include "maintenance/sync/missing_objects.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "common/bytes.hpp"
#include "common/error.hpp"
#include "common/store/object_name.hpp"

namespace walferry::sync {
namespace {

constexpr std::size_t destination = 0;
constexpr std::string_view backups = "backup/";

/// "20261124T121314Z", as a backup's ID begins.
std::string id_prefix(WallTime time) {
    std::string text = format_time(time).substr(0, 19) + "Z";  // 2026-11-24T12:13:14Z
    std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
    return text;
}

std::string last_part(const std::string& tail) {
    return tail.substr(tail.rfind('/') + 1);
}

class Walk {
  public:
    Walk(MergedStores& stores, const Wanted& wanted, const std::stop_token& stop,
         const std::function<void(Missing)>& take)
        : stores_(stores), wanted_(wanted), stop_(stop), take_(take) {}

    LeftOut run() {
        go_through("wal/", [&](Held held) { wal(std::move(held)); });
        end_content();
        go_through(std::string(backups), [&](Held held) { part(std::move(held)); });
        end_backup();
        for (const char* folder : {"hold/", "release/", "settled/"})
            go_through(folder, [&](const Held& held) { word(held); });
        for (auto* late : {&indexes_, &labels_}) {
            for (Missing& missing : *late) take_(std::move(missing));
        }
        return left_;
    }

  private:
    void go_through(const std::string& folder, const std::function<void(Held)>& take) {
        std::string after;
        for (bool more = true; more;) {
            if (stop_.stop_requested()) throw Error(ErrorKind::interrupted, "stopped on request");
            HeldPage page = stores_.held(folder, after);
            more = page.more;
            if (!page.objects.empty()) after = page.objects.back().tail;
            for (Held& held : page.objects) take(std::move(held));
        }
    }

    bool stays(const std::string& tail) const { return !wanted_.stays || wanted_.stays(tail); }

    /// Encodings of one content for the same recipients sort next to each other.
    void wal(Held held) {
        const auto name = ObjectName::parse(last_part(held.tail));
        if (!name) {
            left_.unknown.add(held.size);
            return;
        }
        if (content_.empty() || name->stem() != stem_) end_content();
        stem_ = name->stem();
        content_.push_back({std::move(held), name->sha256});
    }

    void end_content() {
        for (const auto& [held, sha256] : content_) {
            if (!held.in(destination)) continue;
            left_.there.add(held.size);
            if (wanted_.there) wanted_.there(held);
            content_.clear();
            return;
        }
        if (content_.empty()) return;
        auto& [held, sha256] = content_.front();
        if (wanted_.since && held.modified && *held.modified < *wanted_.since)
            left_.older.add(held.size);
        else if (!stays(held.tail))
            left_.expiring.add(held.size);
        else
            take_({held.tail, sha256, held.size, held.places, Stage::bulk, {}});
        content_.clear();
    }

    void part(Held held) {
        const std::string rest = held.tail.substr(backups.size());
        const std::size_t slash = rest.find('/');
        const auto id = BackupId::parse(rest.substr(0, slash));
        if (!id || slash == std::string::npos) {
            left_.unknown.add(held.size);
            return;
        }
        if (id->text != backup_) end_backup();
        backup_ = id->text;
        parts_.push_back(std::move(held));
    }

    /// A backup that no store has with its label may be under way, and its pieces are not brought.
    void end_backup() {
        const bool whole = std::any_of(parts_.begin(), parts_.end(), [](const Held& held) {
            return last_part(held.tail).starts_with(BackupPart::label_stream);
        });
        const bool older = wanted_.since && backup_ < id_prefix(*wanted_.since);
        for (const Held& held : parts_) {
            const std::string name = last_part(held.tail);
            if (BeginName::parse(name)) continue;
            if (held.in(destination))
                left_.there.add(held.size);
            else if (!whole)
                left_.unfinished.add(held.size);
            else if (older)
                left_.older.add(held.size);
            else if (!stays(held.tail))
                left_.expiring.add(held.size);
            else
                take_part(held, name);
        }
        parts_.clear();
    }

    void take_part(const Held& held, const std::string& name) {
        Missing missing{held.tail, {}, held.size, held.places, Stage::bulk, backup_};
        if (const auto index = IndexName::parse(name)) {
            missing.sha256 = index->sha256;
            missing.stage = Stage::index;
            indexes_.push_back(std::move(missing));
        } else if (const auto object = ObjectName::parse_backup(name)) {
            missing.sha256 = object->sha256;
            if (object->segment == BackupPart::label_stream) {
                missing.stage = Stage::label;
                labels_.push_back(std::move(missing));
            } else {
                take_(std::move(missing));
            }
        } else {
            left_.unknown.add(held.size);
        }
    }

    /// What a person has said: small, plain, its hash last in its name.
    void word(const Held& held) {
        const std::string name = last_part(held.tail);
        const std::size_t dash = name.rfind('-');
        const std::string digits = name.substr(dash == std::string::npos ? 0 : dash + 1);
        const std::size_t dot = digits.find('.');
        if (!is_lower_hex(std::string_view(digits).substr(0, dot), 32))
            left_.unknown.add(held.size);
        else if (held.in(destination))
            left_.there.add(held.size);
        else
            take_({held.tail, digits.substr(0, dot), held.size, held.places, Stage::words, {}});
    }

    MergedStores& stores_;
    const Wanted& wanted_;
    const std::stop_token& stop_;
    const std::function<void(Missing)>& take_;
    LeftOut left_;
    std::string stem_;
    std::vector<std::pair<Held, std::string>> content_;
    std::string backup_;
    std::vector<Held> parts_;
    std::vector<Missing> indexes_, labels_;
};

}  // namespace

LeftOut find_missing(MergedStores& stores, const Wanted& wanted, const std::stop_token& stop,
                     const std::function<void(Missing)>& take) {
    return Walk(stores, wanted, stop, take).run();
}

}  // namespace walferry::sync
