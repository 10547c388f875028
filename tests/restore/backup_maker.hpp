#pragma once
#include <sys/stat.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "common/codec/backup_label.hpp"
#include "common/store/object_name.hpp"
#include "common/store/object_store.hpp"
#include "restore/restore.hpp"
#include "tests/backup_part.hpp"
#include "tests/common/codec/sinks.hpp"
#include "tests/restore/manifest_maker.hpp"
#include "tests/restore/tar_maker.hpp"
#include "tests/temp_dir.hpp"
#include "tests/wal_file.hpp"

namespace walferry::test {

using namespace restore;

/// An archive in directory stores with one backup of a data directory that is small, but whole.
class BackupMaker {
  public:
    BackupMaker() {
        ::chmod(dir.path().c_str(), 0755);
        files = {{"PG_VERSION", "15\n"},
                 {"base/1/1259", std::string(50'000, 'c')},
                 {"global/pg_control", pg_control_bytes(sysid)},
                 {"pg_hba.conf", "local all all peer\n"},
                 {"pg_ident.conf", ""},
                 {"postgresql.auto.conf", "work_mem = '8MB'\n"},
                 {"postgresql.conf", "port = 5432\n"}};
        label.id = {"20261124T121314Z-1a2b3c4d"};
        label.cluster = "main";
        label.system_identifier = sysid;
        label.pg_version = "15.14";
        label.pg_version_num = 150014;
        label.segment_size = 1 << 20;
        label.timeline = 1;
        label.start_lsn = 0x200028;
        label.stop_lsn = 0x200100;
        label.started_at = "2026-11-24T12:13:14.000Z";
        label.stopped_at = "2026-11-24T12:14:15.123Z";
        label.data_directory = "/var/lib/postgresql/15/main";
        label.walferry_version = "0.1.0";
    }

    /// The settings of a configuration file that the server's user can read.
    Settings settings() const {
        std::string text =
            "cluster = \"main\"\nspool = \"" + (dir / "spool") + "\"\n[encryption]\nnone = true\n";
        for (const std::string& store : stores)
            text += "[[store]]\nname = \"" + store + "\"\ntype = \"directory\"\npath = \"" + path_of(store) +
                    "\"\n";
        return load_settings(dir.write("walferry.toml", text));
    }

    std::string base_tar() const {
        TarMaker tar;
        for (const char* directory : {"base", "base/1", "global", "pg_wal", "pg_tblspc"})
            tar.directory(directory);
        for (const auto& [path, content] : files) {
            if (!path.starts_with("pg_tblspc/")) tar.file(path, content, mode);
        }
        return tar.text();
    }

    /// Puts everything into every store: the streams, the label, and the segments from the backup's on.
    void put(int segments = 3) {
        streams.try_emplace("base", base_tar());
        streams.try_emplace("manifest", manifest_of(files));
        for (const std::string& store : stores) std::filesystem::create_directories(path_of(store));
        for (const auto& [name, content] : streams) put_stream(name, content);
        put_part(BackupPart::label(), backup_label_json(label));
        for (int i = 0; i < segments; ++i) put_segment(2 + static_cast<std::uint64_t>(i));
    }

    void put_segment(std::uint64_t number, const std::string& spooled_at = "2026-11-24T13:00:00.000Z") const {
        WalFile wal;
        wal.name = WalName::segment_at(1, number << 20, 1 << 20).text;
        wal.zero_tail = 0.99;
        put_wal(wal.name, wal.bytes(), spooled_at);
    }

    /// A segment of the given bytes; returns its fingerprint.
    std::string put_wal(const std::string& segment, const std::string& content,
                        const std::string& spooled_at = "2026-11-24T13:00:00.000Z") const {
        Envelope envelope = envelope_for(content);
        envelope.name = segment;
        envelope.segment_size = 1 << 20;
        envelope.spooled_at = spooled_at;
        StringSink object;
        SegmentEncoder encoder{EncodeOptions{}};
        const EncodeResult result = encoder.encode(reader_of(content), envelope, object);
        const ObjectName name{segment, envelope.fingerprint, "00000000", hex(result.sha256).substr(0, 32),
                              false};
        for (const std::string& store : stores)
            dir.write("store-" + store + "/" + keys().wal(name), object.text);
        return envelope.fingerprint;
    }

    RestoreOptions options(const std::string& to = "data") const {
        RestoreOptions made;
        made.to = dir / to;
        made.owner = ::geteuid() == 0 ? "postgres" : "";
        made.say = [this](const std::string& line) { said += line + "\n"; };
        made.tell = made.say;
        made.show = [](const std::string&, std::uint64_t, std::uint64_t) {};
        return made;
    }

    std::string restored(const std::string& path) const { return read_file(dir / ("data/" + path)); }
    std::string path_of(const std::string& store) const { return dir / ("store-" + store); }
    ObjectKeys keys() const { return {"", "main", sysid}; }
    /// The files of one piece, in every store that has it.
    std::vector<std::string> objects(const std::string& part) const {
        std::vector<std::string> found;
        for (const std::string& store : stores) {
            for (const auto& entry : std::filesystem::directory_iterator(path_of(store) + "/" +
                                                                         keys().backup_directory(label.id))) {
                if (entry.path().filename().string().starts_with(part + "-")) found.push_back(entry.path());
            }
        }
        return found;
    }

    TempDir dir;
    BackupLabel label;
    std::vector<std::string> stores{"a", "b"};
    std::map<std::string, std::string> files;    // of the manifest, by their paths
    std::map<std::string, std::string> streams;  // base and manifest are made from the files unless given
    unsigned mode = 0600;
    mutable std::string said;

  private:
    void put_stream(const std::string& name, const std::string& content) {
        BackupLabel::Stream stream{name, content.size(), {}};
        BackupPart part{name, 0};
        for (std::size_t at = 0; at < content.size(); at += backup_piece_size) {
            stream.pieces.push_back(put_part(part, content.substr(at, backup_piece_size)));
            ++part.number;
        }
        label.streams.push_back(stream);
    }

    BackupLabel::Piece put_part(const BackupPart& part, const std::string& content) const {
        StringSink object;
        SegmentEncoder encoder{EncodeOptions{}};
        const EncodeResult result =
            encode_backup_part(encoder, {sysid, label.id, 15, 1 << 20}, part, as_bytes(content),
                               *parse_time(label.started_at), object);
        const BackupLabel::Piece piece{content.size(), result.size, result.fingerprint, hex(result.sha256)};
        const ObjectName name{part.text(), piece.fingerprint, "00000000", piece.sha256.substr(0, 32), false};
        for (const std::string& store : stores)
            dir.write("store-" + store + "/" + keys().backup(label.id, name), object.text);
        return piece;
    }
};

}  // namespace walferry::test
