#include "common/ledger/ledger.hpp"
#include "common/ledger/ledger_change.hpp"
#include "sql/embedded.hpp"

namespace walferry {

void Ledger::begin_put(std::int64_t store, const VerifiedObject& object, bool further_attempt) {
    Change change(*this, sqlite::Synchronous::normal);
    change.run(sql::put_begin, object.segment, store, object.key, static_cast<std::int64_t>(object.size),
               object.sha256, further_attempt ? 0 : 1);
    change.commit();
}

std::optional<OwnPut> Ledger::own_put(std::int64_t segment, std::int64_t store) {
    const std::lock_guard lock(mutex_);
    sqlite::Statement statement(*database_, sql::put_own);
    if (!statement.bind(segment, store).step()) return std::nullopt;
    return OwnPut{
        {segment, statement.text(0), static_cast<std::uint64_t>(statement.integer(1)), statement.text(2)},
        static_cast<int>(statement.integer(3))};
}

}  // namespace walferry
