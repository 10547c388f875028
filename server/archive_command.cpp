#include "server/archive_command.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>
#include <vector>

#include "common/shell_word.hpp"
#include "common/spool_paths.hpp"
#include "server/sql_text.hpp"

namespace walferry::server {
namespace {

using Words = std::vector<std::string>;

/// One command of the line, and the operator behind it.
struct Simple {
    Words words;
    std::string after;
};

constexpr std::string_view operators = ";&|\n()";
constexpr const char* hidden = "…";

class Splitter {
  public:
    explicit Splitter(std::string_view text) : rest_(text) {}

    std::vector<Simple> split() {
        while (!rest_.empty()) step();
        end_word();
        if (!current_.words.empty()) done_.push_back(std::move(current_));
        return std::move(done_);
    }

  private:
    char take() {
        const char c = rest_.front();
        rest_.remove_prefix(1);
        return c;
    }

    void add(char c) {
        word_ += c;
        in_word_ = true;
    }

    void step() {
        const char c = take();
        if (c == '\'' || c == '"') {
            quoted(c);
        } else if (c == '\\') {
            if (!rest_.empty()) add(take());
        } else if (operators.find(c) != operators.npos) {
            end_command(c);
        } else if (c == ' ' || c == '\t') {
            end_word();
        } else if (c == '#' && !in_word_) {
            rest_.remove_prefix(std::min(rest_.find('\n'), rest_.size()));
        } else {
            add(c);
        }
    }

    void quoted(char quote) {
        in_word_ = true;
        while (!rest_.empty()) {
            char c = take();
            if (c == quote) return;
            if (quote == '"' && c == '\\' && !rest_.empty() &&
                std::string_view("\"\\$`").find(rest_.front()) != std::string_view::npos)
                c = take();
            word_ += c;
        }
    }

    void end_word() {
        if (in_word_) current_.words.push_back(std::move(word_));
        word_.clear();
        in_word_ = false;
    }

    // 2>&1 and &>FILE hold an ampersand that ends nothing.
    bool redirects(char c) const {
        return c == '&' && ((in_word_ && (word_.back() == '>' || word_.back() == '<')) ||
                            (!rest_.empty() && rest_.front() == '>'));
    }

    void end_command(char c) {
        if (redirects(c)) return add(c);
        end_word();
        std::string after(1, c);
        if ((c == '&' || c == '|') && !rest_.empty() && rest_.front() == c) after += take();
        if (current_.words.empty()) {
            if (!done_.empty()) done_.back().after += after;
            return;
        }
        current_.after = std::move(after);
        done_.push_back(std::move(current_));
        current_ = {};
    }

    std::string_view rest_;
    std::string word_;
    bool in_word_ = false;
    Simple current_;
    std::vector<Simple> done_;
};

std::string base_name(const std::string& path) {
    return path.substr(path.rfind('/') + 1);
}

/// "NAME=value"; empty for anything else.
std::string assigned_name(const std::string& word) {
    const auto equals = word.find('=');
    if (equals == std::string::npos || equals == 0) return {};
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    };
    return std::all_of(word.begin(), word.begin() + static_cast<std::ptrdiff_t>(equals), fits)
               ? word.substr(0, equals)
               : std::string();
}

bool stands_before_a_program(const std::string& word) {
    static constexpr std::array words{"exec", "if", "then", "else", "elif", "do", "while", "until", "!", "{"};
    return std::find(words.begin(), words.end(), word) != words.end();
}

void take_spool(const std::string& word, std::optional<std::string>& spool) {
    static constexpr std::string_view assignment = "WALFERRY_SPOOL=";
    if (word.starts_with(assignment)) spool = word.substr(assignment.size());
}

/// The program and its words, without what stands before it; takes WALFERRY_SPOOL from there.
Words without_prefix(const Words& words, std::optional<std::string>& spool) {
    std::size_t at = 0;
    for (; at < words.size(); ++at) {
        const std::string name = assigned_name(words[at]);
        take_spool(words[at], spool);
        if (name.empty() && !stands_before_a_program(words[at])) break;
    }
    return {words.begin() + static_cast<std::ptrdiff_t>(at), words.end()};
}

bool is_push(const Words& words) {
    return !words.empty() && base_name(words.front()).starts_with("walferry-archive-push");
}

/// Programs that run what stands behind their own options, and end as it ends.
bool runs_another(const Words& words) {
    static constexpr std::array names{"timeout", "nice",    "ionice", "setsid", "nohup",
                                      "chrt",    "taskset", "stdbuf", "env"};
    return !words.empty() && std::find(names.begin(), names.end(), base_name(words.front())) != names.end();
}

Words without_runner(Words words, std::optional<std::string>& spool) {
    if (!runs_another(words)) return words;
    const auto push =
        std::find_if(words.begin(), words.end(), [](const std::string& word) { return is_push({word}); });
    if (push == words.end()) return words;
    std::for_each(words.begin(), push, [&](const std::string& word) { take_spool(word, spool); });
    words.erase(words.begin(), push);
    return words;
}

bool succeeds(const Words& words) {
    static constexpr std::array names{"true", ":"};
    if (words.empty()) return false;
    if (words.front() == "exit") return words.size() < 2 || words[1] == "0";
    return std::find(names.begin(), names.end(), base_name(words.front())) != names.end();
}

bool copies(const Words& words) {
    static constexpr std::array names{"cp", "rsync", "install", "mv", "ln", "dd", "gzip", "scp"};
    return !words.empty() && std::find(names.begin(), names.end(), base_name(words.front())) != names.end();
}

/// "/archive" of "/archive/%f", "" where the file goes elsewhere, such as to another host.
std::string target_directory(const Words& words) {
    const auto named = std::find_if(words.begin(), words.end(), [](const std::string& word) {
        return word.find("/%f") != std::string::npos;
    });
    std::string target = named != words.end() ? *named : words.back();
    if (target.starts_with("of=")) target.erase(0, 3);
    target.erase(0, target.find_first_not_of('>'));
    if (target.empty() || target.front() != '/') return {};
    if (const auto file = target.find("/%f"); file != std::string::npos)
        target.resize(std::max<std::size_t>(file, 1));
    while (target.size() > 1 && target.back() == '/') target.pop_back();
    return target.find('%') == std::string::npos ? target : std::string();
}

/// Whether the exit code of a command gets lost in what comes after it.
bool hides_failure(const std::string& after, const Simple* next) {
    if (after == "&") return true;
    if (next == nullptr || after == "&&") return false;
    const bool ends_with_failure = next->words.front() == "exit" && !succeeds(next->words);
    return !ends_with_failure || after == "|";
}

/// What the server makes of a word that stands for itself: "%%" is a percent sign.
std::string without_doubled_percents(std::string word) {
    for (std::size_t at = 0; (at = word.find("%%", at)) != std::string::npos; ++at) word.erase(at, 1);
    return word;
}

bool has_segment_path(const std::string& word) {
    for (std::size_t at = 0; (at = word.find('%', at)) != std::string::npos; at += 2) {
        if (word.compare(at, 2, "%p") == 0) return true;
    }
    return false;
}

void read_push(const Words& words, ArchiveCommand& command) {
    command.kind = ArchiveCommand::Kind::push;
    command.program = without_doubled_percents(words.front());
    for (std::size_t i = 1; i < words.size(); ++i) {
        if (words[i] == "--spool" && i + 1 < words.size()) command.spool = words[++i];
        if (words[i].starts_with("--spool=")) command.spool = words[i].substr(8);
        if (has_segment_path(words[i])) command.names_segment = true;
    }
    if (command.spool) command.spool = without_doubled_percents(*command.spool);
}

// --- what is shown

bool tells_a_secret(std::string name) {
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    static constexpr std::array words{"key", "secret", "pass", "pwd", "token", "credential"};
    return std::any_of(words.begin(), words.end(),
                       [&](const char* word) { return name.find(word) != std::string::npos; });
}

/// "postgres://user:password@host" without what stands before the @.
void hide_userinfo(std::string& word) {
    const std::size_t scheme = word.find("://");
    if (scheme == std::string::npos) return;
    const std::size_t at = word.find('@', scheme);
    if (at != std::string::npos && at < word.find('/', scheme + 3))
        word.replace(scheme + 3, at - scheme - 3, hidden);
}

}  // namespace

ArchiveCommand parse_archive_command(std::string_view text) {
    const std::vector<Simple> commands = Splitter(text).split();
    ArchiveCommand command;
    if (commands.empty()) return command;
    command.more_commands = commands.size() > 1;
    command.kind = ArchiveCommand::Kind::other;
    bool all_succeed = true;
    for (std::size_t i = 0; i < commands.size(); ++i) {
        const Simple& each = commands[i];
        std::optional<std::string> spool;
        const Words words = without_runner(without_prefix(each.words, spool), spool);
        all_succeed = all_succeed && succeeds(words);
        if (is_push(words)) {
            command.spool = spool;
            read_push(words, command);
            command.hides_failure =
                hides_failure(each.after, i + 1 < commands.size() ? &commands[i + 1] : nullptr);
            return command;
        }
        if (copies(words) && command.kind == ArchiveCommand::Kind::other) {
            command.kind = ArchiveCommand::Kind::copies;
            command.directory = target_directory(words);
        }
        if (command.program.empty() && !words.empty()) command.program = words.front();
    }
    if (all_succeed) command.kind = ArchiveCommand::Kind::discards;
    return command;
}

std::string ArchiveCommand::filled_spool() const {
    return SpoolPaths(spool.value_or(usual_spool)).root;
}

bool ArchiveCommand::fills(const std::string& wanted_spool) const {
    return kind == Kind::push && names_segment && !more_commands && !hides_failure &&
           filled_spool() == SpoolPaths(wanted_spool).root;
}

std::string compose_archive_command(const std::string& program, const std::string& spool) {
    const std::string directory = SpoolPaths(spool).root;
    const std::string option = directory == usual_spool ? "" : " --spool " + shell_word(directory);
    return percents_doubled(shell_word(program) + option) + " %p";
}

std::string set_archive_command(const std::string& program, const std::string& spool) {
    return "ALTER SYSTEM SET archive_command = " + sql_literal(compose_archive_command(program, spool)) +
           "; SELECT pg_reload_conf();";
}

std::string without_secrets(std::string_view command) {
    std::string out;
    bool hide_next = false;
    for (std::size_t at = 0; at < command.size();) {
        const std::size_t blank = std::min(command.find(' ', at), command.size());
        std::string word(command.substr(at, blank - at));
        const std::size_t equals = word.find('=');
        const bool is_option = word.starts_with('-');
        if (std::exchange(hide_next, false) && !word.empty()) {
            word = hidden;
        } else if (equals != std::string::npos && tells_a_secret(word.substr(0, equals))) {
            word = word.substr(0, equals + 1) + hidden;
        } else {
            hide_userinfo(word);
            hide_next = is_option && equals == std::string::npos && tells_a_secret(word);
        }
        out += word;
        if (blank < command.size()) out += ' ';
        at = blank + 1;
    }
    return out;
}

}  // namespace walferry::server
