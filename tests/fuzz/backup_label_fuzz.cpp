#include "common/codec/backup_label.hpp"
#include "tests/common/codec/backup_sample.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace walferry::fuzz {

void check(Bytes input) {
    BackupLabel label;
    if (!error_of([&] { label = parse_backup_label(as_text(input)); }).empty()) return;
    must(label.stream("base") && label.stream("manifest"), "an accepted label has what a restore needs");
    must(label.stop_lsn >= label.start_lsn, "a backup stops after its start");
    std::uint64_t size = 0;
    for (const BackupLabel::Stream& stream : label.streams) {
        must(is_backup_stream(stream.name) && label.stream(stream.name) == &stream, "each stream has a name");
        for (const BackupLabel::Piece& piece : stream.pieces) {
            must(piece.size > 0 && piece.size <= backup_piece_size, "a piece is as large as pieces are");
            size += piece.size;
        }
    }
    must(size == label.size(), "sizes add up");
    must(label.data_directory_mode == 0700 || label.data_directory_mode == 0750, "a mode is one of two");
    for (const std::string& missing : label.missing) must(!missing.empty(), "what is missing has a name");
    for (const BackupLabel::Tablespace& tablespace : label.tablespaces)
        must(label.stream(std::to_string(tablespace.oid)) != nullptr, "a tablespace has its stream");
    const std::string canonical = backup_label_json(label);
    must(parse_backup_label(canonical) == label, "a label means the same when it is written again");
}

std::vector<std::string> seeds() {
    const std::string good = backup_label_json(test::sample_label());
    BackupLabel bytes = test::sample_label();
    bytes.data_directory = "/caf\xe9";
    bytes.tablespaces[0].location = "pg_tblspc/16384";
    BackupLabel small = test::sample_label();
    small.tablespaces.clear();
    small.config_files.clear();
    small.config_file.clear();
    small.hba_file.clear();
    small.streams = {{"base", 3, {test::sample_piece(3)}}, {"manifest", 4, {test::sample_piece(4)}}};
    std::string more = good;
    more.insert(more.rfind('}'), R"(,"later":{"name":[1.5e300,null,"\ud83d\ude00"]})");
    return {good, backup_label_json(small),  backup_label_json(bytes), more, good.substr(0, 200),
            "[]", R"({"walferry_backup":1})"};
}

}  // namespace walferry::fuzz
