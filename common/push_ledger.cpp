#include "common/push_ledger.hpp"

#include "common/error.hpp"
#include "common/ledger_file.hpp"
#include "common/sqlite.hpp"
#include "sql/embedded.hpp"

namespace walferry {
namespace {

constexpr std::int64_t interface_version = 1;

// Small, so that push stays small; and a short write-ahead log, because a lone opener replays all of it.
sqlite::OpenOptions push_options(std::chrono::milliseconds patience) {
    sqlite::OpenOptions options;
    options.synchronous = sqlite::Synchronous::normal;
    options.busy_timeout = patience;
    options.cache_kib = 256;
    options.autocheckpoint_pages = 128;
    return options;
}

}  // namespace

PushLedger::PushLedger(const SpoolPaths& spool, std::chrono::milliseconds patience)
    : deadline_(std::chrono::steady_clock::now() + patience),
      database_(std::make_unique<sqlite::Database>(checked_ledger_path(spool), push_options(patience))) {
    database_->set_deadline(deadline_);
    const std::int64_t version = database_->integer("SELECT version FROM push_interface");
    if (version != interface_version) {
        throw Error(ErrorKind::ledger,
                    "ledger " + spool.ledger() + ": its interface for push is version " +
                        std::to_string(version) + ", this program knows " + std::to_string(interface_version),
                    "upgrade walferry-archive-push");
    }
}

PushLedger::~PushLedger() = default;

void PushLedger::renew_patience() {
    using std::chrono::milliseconds;
    database_->set_busy_timeout(
        std::chrono::duration_cast<milliseconds>(deadline_ - std::chrono::steady_clock::now()));
}

LedgerAnswer PushLedger::ask(std::uint64_t system_identifier, const WalName& name,
                             const std::string& fingerprint) {
    renew_patience();
    sqlite::Statement known(*database_, sql::push_known);
    known.bind(std::to_string(system_identifier), name.text);
    LedgerAnswer answer = LedgerAnswer::unknown;
    while (known.step()) {
        if (known.text(0) != fingerprint) {
            // Two rows of one name: our content may stand beside another one. Having it verified decides.
            if (answer != LedgerAnswer::verified_everywhere && answer != LedgerAnswer::known)
                answer = LedgerAnswer::other_content;
            continue;
        }
        answer = known.integer(1) != 0 ? LedgerAnswer::verified_everywhere : LedgerAnswer::known;
    }
    return answer;
}

void PushLedger::record(std::uint64_t system_identifier, const WalName& name, const std::string& fingerprint,
                        std::uint64_t size, WallTime spooled_at) {
    renew_patience();
    sqlite::Statement spooled(*database_, sql::push_spooled);
    spooled
        .bind(std::to_string(system_identifier), name.text, fingerprint, to_string(name.kind),
              static_cast<std::int64_t>(name.timeline), static_cast<std::int64_t>(size),
              format_time(spooled_at))
        .run();
}

}  // namespace walferry
