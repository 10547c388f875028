#include "common/codec/envelope.hpp"

#include "common/codec/age/base64.hpp"
#include "common/wal/backup_name.hpp"
#include "common/wal/wal_header.hpp"
#include "common/wal/wal_name.hpp"
#include "tests/common/codec/sinks.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace walferry::fuzz {
namespace {

const WriterKey& writer() {
    static const WriterKey key = [] {
        require_sodium();
        return WriterKey::generate();
    }();
    return key;
}

Envelope sample(bool is_signed) {
    Envelope envelope = test::envelope_for("content");
    envelope.frame_sha256 = std::string(64, 'a');
    if (is_signed) sign_envelope(envelope, writer());
    return envelope;
}

bool accepted(const Envelope& envelope, const std::vector<std::string>& trusted) {
    return error_of([&] { check_signature(envelope, trusted); }).empty();
}

/// A field that is made different from what was signed.
Envelope changed(Envelope envelope, Choices choices) {
    std::string text(choices.text().substr(std::min<std::size_t>(choices.text().size(), 1)));
    switch (choices.byte() % 8) {
        case 0:
            envelope.system_identifier += 1 + text.size();
            break;
        case 1:
            envelope.name += text + "x";
            break;
        case 2:
            envelope.size += 1 + text.size();
            break;
        case 3:
            envelope.fingerprint = text;
            break;
        case 4:
            envelope.pg_version += 1;
            break;
        case 5:
            envelope.segment_size ^= 1 + text.size();
            break;
        case 6:
            // Between two neighbouring texts the border moves.
            envelope.frame_sha256 = envelope.spooled_at.back() + envelope.frame_sha256;
            envelope.spooled_at.pop_back();
            break;
        default:
            envelope.signature = text;
    }
    return envelope;
}

void check_json(std::string_view json) {
    Envelope envelope;
    if (!error_of([&] { envelope = parse_envelope(json); }).empty()) return;
    must(json.size() <= max_envelope_size, "an envelope has a limit");
    must(envelope.size <= max_segment_size &&
             (WalName::parse(envelope.name) || BackupObject::parse(envelope.name)),
         "an accepted envelope is plausible");
    const std::string canonical = envelope_json(envelope);
    must(canonical.size() <= max_envelope_size, "an envelope that was read can be written");
    must(parse_envelope(canonical) == envelope, "an envelope means the same when it is written again");
    must(envelope_json(parse_envelope(canonical)) == canonical, "there is one text that is written");
    if (accepted(envelope, {writer().public_key()})) {
        must(base64_decode(envelope.signature).has_value() &&
                 signed_text(envelope).bytes() == signed_text(sample(true)).bytes(),
             "only what the trusted writer signed is trusted");
    }
}

}  // namespace

/// First byte: whether the rest is the JSON text, or says how a signed envelope is changed.
void check(Bytes input) {
    Choices choices(input);
    if (choices.byte() % 4 != 1) return check_json(choices.text());
    const Envelope good = sample(true);
    must(accepted(good, {writer().public_key()}), "a writer's own signature is accepted");
    const Envelope other = changed(good, choices);
    must(other == good || !accepted(other, {writer().public_key()}),
         "no field can be changed under a signature");
}

std::vector<std::string> seeds() {
    using namespace std::string_literals;
    const std::string good = envelope_json(sample(true));
    std::vector<std::string> all{"\0"s + good,
                                 "\0"s + envelope_json(sample(false)),
                                 "\0"s + good.substr(0, 99),
                                 "\0{\"walferry\":1,\"walferry\":1}"s,
                                 "\0[]"s,
                                 "\0{\"walferry\":2}"s};
    std::string more = good;
    more.insert(more.size() - 1, R"(,"later":{"name":[1.5e300,null,"\ud83d\ude00"]})");
    all.push_back("\0"s + more);
    for (char field = 0; field < 8; ++field) all.push_back("\1"s + field + "abc");
    return all;
}

}  // namespace walferry::fuzz
