#include "host/check/apart.hpp"

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
#include <sstream>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/os/fd.hpp"
#include "console/catalogue.hpp"

namespace walferry::check {
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

nlohmann::json as_json(const console::Finding& finding) {
    return {finding.id, static_cast<int>(finding.verdict), finding.subject, finding.found, finding.remedy};
}

console::Finding from_json(const nlohmann::json& json) {
    return {json.at(0), static_cast<console::Verdict>(json.at(1).get<int>()), json.at(2), json.at(3),
            json.at(4)};
}

/// One line of JSON, whole or not at all as far as the reader is concerned: it ends in a newline.
void send(int out, const nlohmann::json& json) {
    const std::string text = json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    for (std::size_t sent = 0; sent < text.size();) {
        const ssize_t count = ::write(out, text.data() + sent, text.size() - sent);
        if (count < 0 && errno != EINTR) return;
        if (count > 0) sent += static_cast<std::size_t>(count);
    }
}

void look(const Part& part, int out) {
    // Sent at once: what was found stays known when the next look hangs.
    console::Findings findings(part.name,
                               [out](const console::Finding& finding) { send(out, as_json(finding)); });
    Facts facts;
    try {
        part.look(findings, facts);
    } catch (const Error& error) {
        findings.fail(console::finding_id::not_checked, error.message(), error.hint());
    } catch (const std::exception& error) {
        findings.fail(console::finding_id::not_checked, error.what());
    }
    send(out, {{"facts", facts}});
}

[[noreturn]] void be_child(const Part& part, int out) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::signal(SIGINT, SIG_DFL);
    ::signal(SIGTERM, SIG_DFL);
    try {
        look(part, out);
    } catch (...) {  // memory ran out: the parent finds that the last line is missing
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

std::string what_ended_it(const Part& part, bool late, int status) {
    if (late) {
        return "no answer within " +
               format_duration(std::chrono::duration_cast<std::chrono::seconds>(part.limit));
    }
    return "the process that looked at it came to an early end" +
           (WIFSIGNALED(status) ? " by signal " + std::to_string(WTERMSIG(status)) : std::string());
}

PartAnswer answer_of(const Part& part, const Child& child, int status) {
    PartAnswer answer;
    std::istringstream lines(child.text);
    for (std::string line; std::getline(lines, line);) {
        const auto json = nlohmann::json::parse(line, nullptr, false);
        if (json.is_array()) answer.findings.push_back(from_json(json));
        if (json.is_object()) answer.facts = json.at("facts").dump();
    }
    if (!answer.facts.empty()) return answer;
    answer.facts = "null";
    console::Findings findings(part.name);
    findings.fail(child.late ? console::finding_id::no_answer : console::finding_id::not_checked,
                  what_ended_it(part, child.late, status));
    answer.findings.push_back(findings.all().front());
    return answer;
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

}  // namespace walferry::check
