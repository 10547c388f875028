#pragma once
#include "common/codec/backup_label.hpp"
#include "tests/common/codec/sinks.hpp"

namespace walferry::test {

inline BackupLabel::Piece sample_piece(std::uint64_t size) {
    return {size, size / 2 + 300, std::string(32, 'a'), std::string(64, 'b')};
}

/// A data directory in two pieces, one tablespace, configuration elsewhere.
inline BackupLabel sample_label() {
    BackupLabel label;
    label.id = {"20261124T121314Z-1a2b3c4d"};
    label.cluster = "main";
    label.system_identifier = 7301234567890123456;
    label.pg_version = "15.14";
    label.pg_version_num = 150014;
    label.segment_size = 16 << 20;
    label.timeline = 1;
    label.start_lsn = 0x2000028;
    label.stop_lsn = 0x3000100;
    label.started_at = "2026-11-24T12:13:14.000Z";
    label.stopped_at = "2026-11-24T12:14:15.123Z";
    label.data_directory = "/var/lib/postgresql/15/main";
    label.data_directory_mode = 0750;
    label.settings = {{"max_connections", "100"}, {"hot_standby", "on"}, {"wal_level", "replica"}};
    label.replication_slots = {"standby_1"};
    label.missing = {"base/5, a link to another disk"};
    label.tablespaces = {{16384, "fast", "/mnt/fast"}};
    label.config_files = {"/etc/postgresql/15/main/postgresql.conf", "/etc/postgresql/15/main/pg_hba.conf"};
    label.config_file = label.config_files[0];
    label.hba_file = label.config_files[1];
    label.streams = {{"base", backup_piece_size + 5, {sample_piece(backup_piece_size), sample_piece(5)}},
                     {"16384", 3, {sample_piece(3)}},
                     {"config", 2, {sample_piece(2)}},
                     {"manifest", 4, {sample_piece(4)}}};
    label.walferry_version = "0.1.0";
    return label;
}

}  // namespace walferry::test
