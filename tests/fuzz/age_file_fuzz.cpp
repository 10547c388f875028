#include "common/codec/age/age.hpp"

#include "tests/fuzz/fuzz.hpp"

namespace walferry::fuzz {
namespace {

struct Keys {
    std::vector<AgeIdentity> identities;
    std::vector<AgeRecipient> recipients;

    Keys() {
        require_sodium();
        identities.push_back(AgeIdentity::generate());
        recipients.push_back(identities.back().recipient());
    }
};

const Keys& keys() {
    static const Keys one;
    return one;
}

std::string encrypted(std::string_view plain) {
    Collector collector;
    AgeEncryptor encryptor(keys().recipients, collector);
    feed(encryptor, as_bytes(plain), {});
    return collector.text();
}

struct Outcome {
    std::string text, error;
    bool operator==(const Outcome&) const = default;
};

Outcome decrypt(Bytes file, Bytes splits) {
    Collector collector;
    AgeDecryptor decryptor(keys().identities, collector);
    const std::string error = error_of([&] { feed(decryptor, file, splits); });
    must(collector.finished() == error.empty(), "the next stage is finished exactly if nothing was wrong");
    return {collector.text(), error};
}

}  // namespace

/// First byte: whether the rest is a file or is encrypted into one; then the pieces in which it comes.
void check(Bytes input) {
    Choices choices(input);
    const bool encrypt = choices.byte() % 2 == 1;
    const Bytes splits = choices.take(choices.byte() % 16);
    const std::string file = encrypt ? encrypted(choices.text()) : std::string(choices.text());
    const Outcome in_pieces = decrypt(as_bytes(file), splits);
    const Outcome at_once = decrypt(as_bytes(file), {});
    must(in_pieces.error.empty() == at_once.error.empty(),
         "whether a file is accepted does not depend on the pieces");
    must(!at_once.error.empty() || in_pieces == at_once, "what a file holds does not depend on the pieces");
    must(!encrypt || in_pieces.text == choices.text(), "what was encrypted comes back");
}

std::vector<std::string> seeds() {
    using namespace std::string_literals;
    const std::string file = encrypted("what a segment holds");
    return {"\1\3\1\2\xf0plain"s,
            "\1\0"s,
            "\0\3\1\2\xf0"s + file,
            "\0\0"s + file.substr(0, file.size() - 1),
            "\0\1\x20"s + file.substr(0, file.find("---")),
            "\0\2\0\1"s + encrypted("")};
}

}  // namespace walferry::fuzz
