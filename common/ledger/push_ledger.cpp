#include "common/ledger/push_ledger.hpp"

#include "common/error.hpp"
#include "common/ledger/ledger_file.hpp"
#include "common/ledger/sqlite.hpp"
#include "sql/embedded.hpp"

namespace walferry {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr std::int64_t interface_version = 1;

// Small, so that push stays small; and a short write-ahead log, because a lone opener replays all of it.
sqlite::OpenOptions push_options(std::chrono::milliseconds patience) {
    sqlite::OpenOptions options = ledger_options();
    options.synchronous = sqlite::Synchronous::normal;
    options.busy_timeout = patience;
    options.cache_kib = 256;
    options.autocheckpoint_pages = 128;
    return options;
}

}  // namespace

/// One call: it may last as long as there is patience, and takes away from it what it took.
class PushLedger::Turn {
  public:
    explicit Turn(PushLedger& ledger) : ledger_(ledger) {
        if (!ledger_.database_) return;
        ledger_.database_->set_busy_timeout(duration_cast<milliseconds>(ledger_.patience_));
        ledger_.database_->set_deadline(start_ + ledger_.patience_);
    }
    ~Turn() { ledger_.patience_ -= std::chrono::steady_clock::now() - start_; }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

  private:
    PushLedger& ledger_;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

PushLedger::PushLedger(const SpoolPaths& spool, milliseconds patience) : patience_(patience) {
    const Turn turn(*this);
    database_ = std::make_unique<sqlite::Database>(checked_ledger_path(spool), push_options(patience));
    database_->set_deadline(std::chrono::steady_clock::now() + patience);
    const std::int64_t version = database_->integer("SELECT version FROM push_interface");
    database_->require_unmoved();
    if (version != interface_version) {
        throw Error(ErrorKind::ledger,
                    "ledger " + spool.ledger() + ": its interface for push is version " +
                        std::to_string(version) + ", this program knows " + std::to_string(interface_version),
                    "upgrade walferry-archive-push");
    }
}

PushLedger::~PushLedger() = default;

LedgerAnswer PushLedger::ask(std::uint64_t system_identifier, const WalName& name,
                             const std::string& fingerprint) {
    const Turn turn(*this);
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
    const Turn turn(*this);
    sqlite::Statement spooled(*database_, sql::push_spooled);
    spooled
        .bind(std::to_string(system_identifier), name.text, fingerprint, to_string(name.kind),
              static_cast<std::int64_t>(name.timeline), static_cast<std::int64_t>(size),
              format_time(spooled_at))
        .run();
}

}  // namespace walferry
