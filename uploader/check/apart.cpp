#include "uploader/check/apart.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/fd.hpp"
#include "uploader/check/catalogue.hpp"
#include "uploader/json_text.hpp"

namespace walferry {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

struct Child {
    pid_t pid = -1;
    Fd answer;
    std::string text;
    steady_clock::time_point deadline;
    bool late = false;
};

nlohmann::json as_json(const Finding& finding) {
    return {finding.id, static_cast<int>(finding.verdict), finding.subject, finding.found, finding.remedy};
}

Finding from_json(const nlohmann::json& json) {
    return {json.at(0), static_cast<Verdict>(json.at(1).get<int>()), json.at(2), json.at(3), json.at(4)};
}

std::string look(const Part& part) {
    Findings findings(part.name);
    Facts facts;
    try {
        part.look(findings, facts);
    } catch (const Error& error) {
        findings.fail(finding_id::not_checked, error.message(), error.hint());
    } catch (const std::exception& error) {
        findings.fail(finding_id::not_checked, error.what());
    }
    auto list = nlohmann::json::array();
    for (const Finding& finding : findings.all()) list.push_back(as_json(finding));
    return json_text({{"findings", list}, {"facts", facts}});
}

[[noreturn]] void be_child(const Part& part, int out) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::signal(SIGINT, SIG_DFL);
    ::signal(SIGTERM, SIG_DFL);
    std::string text;
    try {
        text = look(part);
    } catch (...) {  // memory ran out: the parent finds no answer
    }
    for (std::size_t sent = 0; sent < text.size();) {
        const ssize_t count = ::write(out, text.data() + sent, text.size() - sent);
        if (count < 0 && errno != EINTR) break;
        if (count > 0) sent += static_cast<std::size_t>(count);
    }
    // Neither the parent's buffers nor its exit handlers are the child's to run.
    ::_exit(0);
}

Child start(const Part& part) {
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) throw_errno(errno, "make a pipe");
    Child child;
    child.answer = Fd(pipe[0]);
    const Fd out(pipe[1]);
    child.deadline = steady_clock::now() + part.limit;
    child.pid = ::fork();
    if (child.pid < 0) throw_errno(errno, "start a process");
    if (child.pid == 0) be_child(part, out.get());
    return child;
}

/// Takes what there is; closes the pipe at its end.
void receive(Child& child) {
    std::array<char, 16 * 1024> buffer{};
    const ssize_t got = ::read(child.answer.get(), buffer.data(), buffer.size());
    if (got > 0) {
        child.text.append(buffer.data(), static_cast<std::size_t>(got));
    } else if (got == 0 || errno != EINTR) {
        child.answer.reset();
    }
}

void give_up_late_ones(std::vector<Child>& children) {
    for (Child& child : children) {
        if (!child.answer || steady_clock::now() < child.deadline) continue;
        child.late = true;
        child.answer.reset();
        ::kill(child.pid, SIGKILL);
    }
}

void collect(std::vector<Child>& children) {
    for (;;) {
        std::vector<pollfd> waiting;
        std::vector<Child*> whose;
        for (Child& child : children) {
            if (!child.answer) continue;
            waiting.push_back({child.answer.get(), POLLIN, 0});
            whose.push_back(&child);
        }
        if (waiting.empty()) return;
        if (::poll(waiting.data(), waiting.size(), 200) < 0 && errno != EINTR)
            throw_errno(errno, "wait for the parts of a check");
        for (std::size_t i = 0; i < waiting.size(); ++i) {
            if (waiting[i].revents != 0) receive(*whose[i]);
        }
        give_up_late_ones(children);
    }
}

/// A process that hangs in the kernel takes no signal; it is left behind rather than waited for.
int end_of(const Child& child) {
    int status = -1;
    const int flags = child.late ? WNOHANG : 0;
    while (::waitpid(child.pid, &status, flags) < 0 && errno == EINTR) {
    }
    return status;
}

PartAnswer answer_of(const Part& part, const Child& child, int status) {
    if (!child.late && WIFEXITED(status) && !child.text.empty()) {
        const auto json = nlohmann::json::parse(child.text, nullptr, false);
        if (!json.is_discarded()) {
            PartAnswer answer;
            for (const auto& each : json.at("findings")) answer.findings.push_back(from_json(each));
            answer.facts = json.at("facts").dump();
            return answer;
        }
    }
    Findings findings(part.name);
    if (child.late) {
        findings.fail(finding_id::no_answer,
                      "no answer within " +
                          format_duration(std::chrono::duration_cast<std::chrono::seconds>(part.limit)));
    } else {
        findings.fail(
            finding_id::not_checked,
            "the process that looked at it came to an early end" +
                (WIFSIGNALED(status) ? " by signal " + std::to_string(WTERMSIG(status)) : std::string()));
    }
    return {findings.all(), "null"};
}

}  // namespace

std::vector<PartAnswer> run_apart(const std::vector<Part>& parts) {
    std::vector<Child> children;
    for (const Part& part : parts) children.push_back(start(part));
    collect(children);
    std::vector<PartAnswer> answers;
    for (std::size_t i = 0; i < parts.size(); ++i)
        answers.push_back(answer_of(parts[i], children[i], end_of(children[i])));
    return answers;
}

}  // namespace walferry
