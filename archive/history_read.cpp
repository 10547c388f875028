#include "archive/history_read.hpp"

#include <optional>

#include "archive/object_read.hpp"
#include "common/error.hpp"

namespace walferry::archive {
namespace {

constexpr std::size_t longest_history = std::size_t{1} << 20;

}  // namespace

void HistoryText::write(Bytes bytes) {
    if (text_.size() + bytes.size() > longest_history)
        throw Error(ErrorKind::integrity, "it is larger than any history file");
    text_.append(as_text(bytes));
}

TimelineHistory read_history(ObjectStore& store, const ObjectKeys& keys, const ObjectName& object,
                             std::uint64_t system_identifier, const DecodeOptions& decoding) {
    const WalName name = *WalName::parse(object.segment);
    std::optional<HistoryText> text;
    read_object(store, keys.wal(object), object, name, system_identifier, decoding,
                [&]() -> Sink& { return text.emplace(); });
    return TimelineHistory::parse(name.timeline, text->text());
}

}  // namespace walferry::archive
