#include "archive/trusted_content.hpp"

#include <algorithm>
#include <map>

#include "archive/object_read.hpp"
#include "common/error.hpp"

namespace walferry::archive {
namespace {

struct Nowhere : Sink {
    void write(Bytes) override {}
    void finish() override {}
};

/// By content. nullopt where one cannot be read.
std::optional<std::map<std::string, bool>> trust(const std::vector<HeldObject>& objects, const WalName& name,
                                                 std::uint64_t system_identifier, const Settings& settings) {
    const std::vector<std::string>& writers = settings.trusted_writers;
    DecodeOptions by_anybody = decode_options(settings);
    by_anybody.trusted_writers.clear();
    Nowhere nowhere;
    std::map<std::string, bool> trusted;
    for (const HeldObject& held : objects) {
        try {
            const Envelope envelope = read_object(*held.store, held.key, held.object, name, system_identifier,
                                                  by_anybody, [&]() -> Sink& { return nowhere; });
            const bool known = std::find(writers.begin(), writers.end(), envelope.writer) != writers.end();
            trusted[held.object.fingerprint] = trusted[held.object.fingerprint] || known;
        } catch (const Error&) {
            return std::nullopt;
        }
    }
    return trusted;
}

}  // namespace

std::optional<TrustedContent> only_trusted(const std::vector<HeldObject>& objects, const WalName& name,
                                           std::uint64_t system_identifier, const Settings& settings) {
    if (settings.trusted_writers.empty()) return std::nullopt;
    const auto trusted = trust(objects, name, system_identifier, settings);
    if (!trusted) return std::nullopt;
    TrustedContent answer;
    for (const auto& [content, known] : *trusted) {
        if (known && !answer.content.empty()) return std::nullopt;
        if (known)
            answer.content = content;
        else
            answer.others.push_back(name.text + " with content " + content +
                                    " was signed by no trusted writer and is left alone");
    }
    if (answer.content.empty()) return std::nullopt;
    return answer;
}

bool signed_by_strangers(const std::vector<HeldObject>& objects, const WalName& name,
                         std::uint64_t system_identifier, const Settings& settings) {
    if (settings.trusted_writers.empty() || objects.empty()) return false;
    const auto trusted = trust(objects, name, system_identifier, settings);
    return trusted &&
           std::none_of(trusted->begin(), trusted->end(), [](const auto& each) { return each.second; });
}

}  // namespace walferry::archive
