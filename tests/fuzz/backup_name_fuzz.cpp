#include "common/wal/backup_name.hpp"

#include <algorithm>

#include "common/store/object_name.hpp"
#include "common/wal/lsn.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace walferry::fuzz {
namespace {

bool safe_in_a_key(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f' && c != '/'; });
}

}  // namespace

void check(Bytes input) {
    const std::string_view text = as_text(input);
    if (const auto id = BackupId::parse(text)) {
        must(id->text == text && safe_in_a_key(text), "a backup's name is one part of a key");
    }
    if (const auto part = BackupPart::parse(text)) {
        must(part->text() == text && safe_in_a_key(text), "a part that is understood prints back");
        must(part->number < BackupPart::most_pieces, "pieces have eight digits");
        must(part->is_label() || is_backup_stream(part->stream), "a part belongs to a stream");
    }
    if (const auto object = BackupObject::parse(text))
        must(object->text() == text, "an envelope's name prints back");
    if (const auto name = ObjectName::parse_backup(text)) {
        must(name->text() == text && BackupPart::parse(name->segment), "an object's name prints back");
        must(!ObjectName::parse(text), "what belongs to a backup is no segment");
    }
    if (const auto lsn = parse_lsn(text)) must(parse_lsn(format_lsn(*lsn)) == lsn, "a position prints back");
}

std::vector<std::string> seeds() {
    const std::string id = "20261124T121314Z-1a2b3c4d";
    const std::string hash = "0123456789abcdef0123456789abcdef";
    return {id,
            "base.00000000",
            "label",
            "4294967295.00000001",
            "0/2000028",
            "backup/" + id + "/config.00000000",
            "backup/" + id + "/label",
            "label-" + hash + "-12345678-" + hash + ".zst.age",
            "16384.00000000-" + hash + "-00000000-" + hash + ".zst"};
}

}  // namespace walferry::fuzz
