#include "common/codec/settlement.hpp"

#include "common/bytes.hpp"
#include "common/wal/wal_name.hpp"
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

Settlement sample() {
    Settlement settlement{7301234567890123456,
                          "000000010000000000000042",
                          std::string(32, 'f'),
                          "2026-01-31T09:05:07.123Z",
                          {},
                          {}};
    sign_settlement(settlement, writer());
    return settlement;
}

bool accepted(const Settlement& settlement) {
    return error_of([&] { check_signature(settlement, {writer().public_key()}); }).empty();
}

Settlement changed(Settlement settlement, Choices choices) {
    const std::string text(choices.text().substr(std::min<std::size_t>(choices.text().size(), 1)));
    switch (choices.byte() % 6) {
        case 0:
            settlement.system_identifier += 1 + text.size();
            break;
        case 1:
            settlement.name += text + "x";
            break;
        case 2:
            settlement.fingerprint = text;
            break;
        case 3:
            // Between two neighbouring texts the border moves.
            settlement.settled_at = settlement.fingerprint.back() + settlement.settled_at;
            settlement.fingerprint.pop_back();
            break;
        case 4:
            settlement.settled_at += text + "x";
            break;
        default:
            settlement.signature = text;
    }
    return settlement;
}

}  // namespace

/// First byte: whether the rest is the JSON text, or says how a signed settlement is changed.
void check(Bytes input) {
    Choices choices(input);
    if (choices.byte() % 4 == 1) {
        const Settlement good = sample();
        must(accepted(good), "a writer's own signature is accepted");
        const Settlement other = changed(good, choices);
        must(other == good || !accepted(other), "no field can be changed under a signature");
        return;
    }
    Settlement settlement;
    if (!error_of([&] { settlement = parse_settlement(choices.text()); }).empty()) return;
    must(WalName::parse(settlement.name) && is_lower_hex(settlement.fingerprint, 32),
         "an accepted settlement is plausible");
    const std::string canonical = settlement_json(settlement);
    must(canonical.size() <= max_settlement_size, "a settlement that was read can be written");
    must(parse_settlement(canonical) == settlement, "a settlement means the same when it is written again");
}

std::vector<std::string> seeds() {
    using namespace std::string_literals;
    const std::string good = settlement_json(sample());
    std::vector<std::string> all{"\0"s + good, "\0"s + good.substr(0, 99), "\0[]"s,
                                 "\0{\"walferry_settlement\":1,\"walferry_settlement\":1}"s};
    for (char field = 0; field < 6; ++field) all.push_back("\1"s + field + "abc");
    return all;
}

}  // namespace walferry::fuzz
