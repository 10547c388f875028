#include "archive-get/get.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <climits>

#include "archive-get/data_directory.hpp"
#include "archive-get/message.hpp"
#include "archive-get/walferry_program.hpp"
#include "common/error.hpp"
#include "common/os/durable_file.hpp"
#include "common/os/restore_place.hpp"
#include "common/program/configuration_path.hpp"
#include "common/program/fetch_channel.hpp"
#include "common/program/fetch_exit.hpp"
#include "common/wal/pg_control.hpp"
#include "common/wal/wal_header.hpp"
#include "common/wal/wal_name.hpp"

namespace walferry::get {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// A standby that waits for us does not look whether it is to promote.
constexpr milliseconds standby_patience{5000};
// Longer than `walferry fetch` can take by its own limits: it would have to hang.
constexpr milliseconds longest_fetch{30 * 60 * 1000};
// A helper that works says so every few seconds.
constexpr milliseconds longest_silence{30'000};
// What is left for an answer when a standby has waited for the helper.
constexpr milliseconds time_to_say_so{300};
// What a fetch needs at the least to come to an end and say why.
constexpr milliseconds shortest_fetch{1000};

// The names under which recovery has its files put, in pg_wal (PostgreSQL: access/transam/xlogarchive.c).
constexpr std::string_view recovery_segment = "RECOVERYXLOG";
constexpr std::string_view recovery_history = "RECOVERYHISTORY";

std::string absolute(const std::string& path) {
    if (path.starts_with('/')) return path;
    std::string here(PATH_MAX, '\0');
    if (::getcwd(here.data(), here.size()) == nullptr) throw_errno(errno, "find the working directory");
    return here.substr(0, here.find('\0')) + "/" + path;
}

std::string identity_of(const struct stat& file) {
    return std::to_string(file.st_dev) + ":" + std::to_string(file.st_ino) + ":" +
           std::to_string(file.st_mtim.tv_sec) + "." + std::to_string(file.st_mtim.tv_nsec);
}

/// One call, with all that it knows of where it was called.
class Call {
  public:
    Call(const Options& options, WalName name)
        : options_(options),
          name_(std::move(name)),
          data_directory_(options.destination, options.name),
          destination_(options.destination),
          program_(find_walferry()) {
        system_identifier_ = options.system_identifier ? options.system_identifier
                                                       : find_system_identifier(options.destination);
    }

    Outcome run() {
        if (name_.kind == WalKind::history && name_.timeline == 1) {
            // PostgreSQL asks for it when it writes the next one, whatever the stores are doing.
            say(name_.text + " is not in the archive: the first timeline has no history");
            return Outcome::absent;
        }
        if (asks_helper()) {
            if (const auto outcome = ask_helper()) return *outcome;
        }
        return fetch();
    }

  private:
    bool hurried() const { return data_directory_.is_standby(); }

    milliseconds left() const {
        if (!hurried()) return longest_fetch;
        return std::chrono::duration_cast<milliseconds>(began_ + standby_patience - steady_clock::now());
    }

    /// pg_rewind asks for a segment under its own name and walks through the directory meanwhile; and a
    /// person wants that one file.
    bool asks_helper() const {
        return options_.prefetch &&
               ((name_.kind == WalKind::segment && destination_.name == recovery_segment) ||
                (name_.kind == WalKind::history && destination_.name == recovery_history));
    }

    std::vector<std::string> arguments(const Options& options) const {
        std::vector<std::string> list{"fetch"};
        for (std::string& argument : fetch_arguments(options)) list.push_back(std::move(argument));
        if (system_identifier_) {
            list.emplace_back("--system-identifier");
            list.push_back(std::to_string(*system_identifier_));
        }
        if (data_directory_.is_known()) {
            list.emplace_back("--data-directory");
            list.push_back(absolute(data_directory_.path()));
        }
        if (data_directory_.is_standby()) list.emplace_back("--standby");
        return list;
    }

    /// Everything that a helper's answers depend on. Empty where the configuration cannot be read: then there
    /// is nothing to ask a helper.
    std::vector<std::string> identity() const {
        const std::string path = settings_path(options_.config);
        const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
        struct stat found {};
        if (!file || ::fstat(file.get(), &found) != 0) return {};
        std::vector<std::string> identity = arguments(options_);
        identity.emplace_back(WALFERRY_VERSION);
        identity.push_back(absolute(path));
        identity.push_back(identity_of(found));
        struct stat directory = os::status(destination_.directory.get(), destination_.directory.path);
        identity.push_back(std::to_string(directory.st_dev) + ":" + std::to_string(directory.st_ino));
        if (::stat(program_.c_str(), &found) == 0) identity.push_back(identity_of(found));
        return identity;
    }

    /// nullopt: do it without one.
    std::optional<Outcome> ask_helper() {
        try {
            const std::vector<std::string> known = identity();
            if (known.empty()) return std::nullopt;
            const Fd helper = reach_helper(fetch_channel::socket_name(known));
            if (!helper || !fetch_channel::send_request(helper.get(), {name_.text})) return std::nullopt;
            bool gone = false;
            auto reply = fetch_channel::receive_reply(helper.get(), patience(), &gone);
            if (reply) return take(*reply);
            if (gone || !hurried() || name_.kind == WalKind::history) return std::nullopt;
            say(name_.text + " takes longer to come than the standby waits; it asks again");
            return Outcome::failed;
        } catch (const Error& error) {
            say("the helper that fetches ahead cannot be used: " + std::string(error.what()));
            return std::nullopt;
        }
    }

    /// A fetch beside the helper's would only take bandwidth from it, so it is waited for as long as it
    /// works. A standby asks again; of a history file it has to hear from a fetch of its own what that means.
    fetch_channel::Wait patience() const {
        if (!hurried()) return {longest_silence, longest_fetch};
        const auto limit = left() - (name_.kind == WalKind::history ? 2 * shortest_fetch : time_to_say_so);
        return {limit, limit};
    }

    /// Whoever finds nobody listening listens, and leaves that to a helper it starts: so there is one.
    Fd reach_helper(const std::string& socket_name) const {
        Fd helper = fetch_channel::connect_to(socket_name);
        if (helper) return helper;
        const Fd listening = fetch_channel::listen_at(socket_name);
        if (!listening) return fetch_channel::connect_to(socket_name);
        // It works in another directory.
        Options elsewhere = options_;
        elsewhere.config = absolute(settings_path(options_.config));
        std::vector<std::string> list = arguments(elsewhere);
        list.emplace_back("--serve");
        if (const auto postmaster = data_directory_.postmaster()) {
            list.emplace_back("--with-process");
            list.push_back(std::to_string(*postmaster));
        }
        start_helper(program_, list, listening, destination_.directory.fd);
        return fetch_channel::connect_to(socket_name);
    }

    std::optional<Outcome> take(fetch_channel::Reply& reply) {
        std::string_view said = reply.said;
        while (!said.empty()) {
            const std::size_t end = std::min(said.find('\n'), said.size());
            if (end > 0) say(said.substr(0, end));
            said.remove_prefix(std::min(end + 1, said.size()));
        }
        if (reply.answer == fetch_channel::Answer::absent) return Outcome::absent;
        if (reply.answer == fetch_channel::Answer::unavailable) return Outcome::failed;
        if (reply.answer != fetch_channel::Answer::fetched) return std::nullopt;
        if (const auto wrong = disagrees(reply.file)) {
            say("what the helper has fetched is not " + name_.text + ": " + *wrong);
            return std::nullopt;
        }
        DurableFile file(destination_.directory, destination_.directory, destination_.name,
                         destination_.mode(), std::move(reply.file));
        file.replace();
        return Outcome::restored;
    }

    /// It was checked by whoever fetched it; that it is the one that was asked for costs nothing to see.
    std::optional<std::string> disagrees(const Fd& file) const {
        if (!name_.has_header()) return std::nullopt;
        std::array<std::byte, WalHeader::bytes> begin{};
        const std::size_t got = os::read_at(file.get(), begin, 0, name_.text);
        const auto header = WalHeader::parse(Bytes(begin).first(got));
        if (!header) return "it is too short";
        const auto size = static_cast<std::uint64_t>(os::status(file.get(), name_.text).st_size);
        return disagreement(*header, name_, size, system_identifier_.value_or(header->system_identifier));
    }

    Outcome fetch() {
        std::vector<std::string> list = arguments(options_);
        if (hurried()) {
            if (left() < shortest_fetch && name_.kind != WalKind::history) {
                say(name_.text + ": no answer in time; the standby asks again");
                return Outcome::failed;
            }
            list.emplace_back("--timeout");
            list.push_back(std::to_string(std::max(shortest_fetch, left() - shortest_fetch / 2).count()) +
                           "ms");
        }
        list.push_back(name_.text);
        list.push_back(options_.destination);
        // Where a standby is to stop for a history file, the configuration says how long that is tried.
        const bool may_take_longer = !hurried() || name_.kind == WalKind::history;
        switch (run_walferry(program_, list, may_take_longer ? longest_fetch : left())) {
            case fetch_exit::restored:
                return Outcome::restored;
            case fetch_exit::absent:
                return Outcome::absent;
            case fetch_exit::stop:
                return Outcome::stopped;
            default:
                return Outcome::failed;
        }
    }

    const Options& options_;
    const WalName name_;
    const DataDirectory data_directory_;
    const RestorePlace destination_;
    const std::string program_;
    const steady_clock::time_point began_ = steady_clock::now();
    std::optional<std::uint64_t> system_identifier_;
};

}  // namespace

Outcome get(const Options& options) {
    auto name = WalName::parse(options.name);
    if (!name) {
        throw Error(ErrorKind::usage, "\"" + options.name + "\" is not a WAL file's name",
                    "restore_command gives it as %f, before %p");
    }
    return Call(options, std::move(*name)).run();
}

}  // namespace walferry::get
