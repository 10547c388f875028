#include "archive/stored_backups.hpp"

#include <memory>
#include <set>
#include <utility>

#include "common/codec/backup_piece.hpp"
#include "common/error.hpp"
#include "common/exit_code.hpp"
#include "common/store/listing.hpp"

namespace walferry::archive {
namespace {

class Text : public Sink {
  public:
    void write(Bytes bytes) override {
        if (text.size() + bytes.size() > max_backup_label_size)
            throw Error(ErrorKind::integrity, "it is larger than any label");
        text.append(as_text(bytes));
    }
    void finish() override {}
    std::string text;
};

/// Feeds a fresh decoder on every attempt.
class LabelReceiver : public Receiver {
  public:
    LabelReceiver(const DecodeOptions& options, ExpectedPart expected)
        : options_(options), expected_(std::move(expected)) {}
    void begin() override {
        text_.text.clear();
        decoder_ = std::make_unique<BackupPartDecoder>(options_, expected_, text_);
    }
    void write(Bytes bytes) override { decoder_->write(bytes); }
    const std::string& finish() {
        decoder_->finish();
        return text_.text;
    }

  private:
    const DecodeOptions& options_;
    const ExpectedPart expected_;
    Text text_;
    std::unique_ptr<BackupPartDecoder> decoder_;
};

/// What the listing of one backup's folder shows.
struct Folder {
    BackupId id;
    std::vector<ObjectName> labels;
    std::set<std::string> pieces;  // ObjectName's text
};

class BackupReader {
  public:
    BackupReader(ObjectStore& store, const ObjectKeys& keys, const std::string& cluster,
                 std::uint64_t system_identifier, const DecodeOptions& options)
        : store_(store), keys_(keys), cluster_(cluster), sysid_(system_identifier), options_(options) {}

    StoredBackup read(const Folder& folder) {
        StoredBackup backup;
        backup.id = folder.id;
        std::size_t good = 0;
        for (const ObjectName& object : folder.labels) {
            try {
                BackupLabel label = read_label(folder.id, object);
                if (++good > 1) continue;
                backup.label_object = object;
                backup.label = std::move(label);
            } catch (const Error& error) {
                // The store's own trouble concerns more than this label.
                if (traits(error.kind()).exit_code == exit_code::failed) throw;
                backup.problem += (backup.problem.empty() ? "" : "; ") + error.message();
            }
        }
        if (good > 1) {
            backup.label.reset();
            backup.problem = "it has " + std::to_string(good) + " labels";
        }
        if (backup.label) backup.missing = missing(backup, folder.pieces);
        return backup;
    }

  private:
    BackupLabel read_label(const BackupId& id, const ObjectName& object) {
        const std::string key = keys_.backup(id, object);
        LabelReceiver receiver(options_,
                               {sysid_, id, BackupPart::label(), object.fingerprint, object.sha256});
        store_.get(key, receiver);
        BackupLabel label = parse_backup_label(receiver.finish());
        if (label.id != id || label.system_identifier != sysid_ || label.cluster != cluster_)
            throw Error(ErrorKind::integrity, "its label is that of another backup: " + label.id.text +
                                                  " of cluster " + label.cluster);
        return label;
    }

    static std::uint64_t missing(const StoredBackup& backup, const std::set<std::string>& pieces) {
        std::uint64_t count = 0;
        for (const BackupLabel::Stream& stream : backup.label->streams) {
            BackupPart part{stream.name, 0};
            for (const BackupLabel::Piece& piece : stream.pieces) {
                if (!pieces.contains(piece_object(backup.label_object, part, piece).text())) ++count;
                ++part.number;
            }
        }
        return count;
    }

    ObjectStore& store_;
    const ObjectKeys& keys_;
    const std::string& cluster_;
    const std::uint64_t sysid_;
    const DecodeOptions& options_;
};

}  // namespace

ObjectName piece_object(const ObjectName& label_object, const BackupPart& part,
                        const BackupLabel::Piece& piece) {
    return {part.text(), piece.fingerprint, label_object.recipients, piece.sha256.substr(0, 32),
            label_object.encrypted};
}

std::vector<StoredBackup> list_backups(ObjectStore& store, const ObjectKeys& keys, const std::string& cluster,
                                       std::uint64_t system_identifier, const DecodeOptions& options) {
    BackupReader reader(store, keys, cluster, system_identifier, options);
    std::vector<StoredBackup> backups;
    Folder folder;
    const auto leave = [&] {
        if (!folder.id.text.empty()) backups.push_back(reader.read(folder));
        folder = {};
    };
    const std::string root = keys.backups_directory();
    for (const ObjectInfo& info : Listing(store, root)) {
        const std::string_view rest = std::string_view(info.key).substr(root.size());
        const std::size_t slash = rest.find('/');
        const auto id = BackupId::parse(rest.substr(0, slash));
        if (!id || slash == rest.npos) continue;
        if (*id != folder.id) {
            leave();
            folder.id = *id;
        }
        auto object = ObjectName::parse_backup(rest.substr(slash + 1));
        if (!object) continue;
        if (object->segment == BackupPart::label_stream)
            folder.labels.push_back(std::move(*object));
        else
            folder.pieces.insert(object->text());
    }
    leave();
    return backups;
}

}  // namespace walferry::archive
