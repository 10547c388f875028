#include "common/store/object_name.hpp"

#include <algorithm>

#include "common/wal/wal_name.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace walferry::fuzz {
namespace {

bool safe_in_a_key(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f' && c != '/'; });
}

void check_name(const ObjectName& name, std::string_view text) {
    must(name.text() == text, "an object's name that is understood prints back");
    must(WalName::parse(name.segment).has_value(), "an object holds a segment");
    must(name.fingerprint.size() == 32 && name.recipients.size() == 8 && name.sha256.size() == 32,
         "the fields of an object's name have their lengths");
    must(name.encrypted || name.recipients == "00000000",
         "what is not encrypted is for nobody in particular");
    must(safe_in_a_key(text), "an object's name is one part of a key");
    must(text.starts_with(name.stem()) && name.stem().size() + 32 + (name.encrypted ? 8 : 4) == text.size(),
         "an object's name begins with its stem");

    const ObjectKeys keys("prod", "main", 7301234567890123456);
    const std::string key = keys.wal(name);
    must(key.starts_with(keys.root()) && key.starts_with(keys.wal_directory(name.segment)) &&
             ObjectName::parse(std::string_view(key).substr(key.rfind('/') + 1)) == name,
         "an object's key holds its name");
}

}  // namespace

void check(Bytes input) {
    const std::string_view text = as_text(input);
    if (const auto name = ObjectName::parse(text)) check_name(*name, text);

    // Lines as recipients: their order is nothing, and only "none" has the tag of none.
    std::vector<std::string> recipients;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        recipients.emplace_back(text.substr(at, end - at));
        at = end + 1;
    }
    const std::string tag = recipients_tag(recipients);
    std::reverse(recipients.begin(), recipients.end());
    must(tag == recipients_tag(recipients), "the order of recipients changes nothing");
    must(tag.size() == 8 && is_lower_hex(tag, 8), "a tag is eight digits");
}

std::vector<std::string> seeds() {
    const std::string hash = "0123456789abcdef0123456789abcdef";
    const std::string segment = "000000010000000000000042";
    return {segment + "-" + hash + "-12345678-" + hash + ".zst.age",
            segment + "-" + hash + "-00000000-" + hash + ".zst",
            segment + "-" + hash + "-12345678-" + hash + ".zst",
            segment + ".partial-" + hash + "-00000000-" + hash + ".zst.age",
            "00000002.history-" + hash + "-00000000-" + hash + ".zst.age.age",
            segment + ".00000028.backup-" + hash + "-00000001-" + hash + ".zst.age",
            "../x-" + hash + "-00000000-" + hash + ".zst",
            "age1abc\nage1def"};
}

}  // namespace walferry::fuzz
