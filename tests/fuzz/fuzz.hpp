#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "common/bytes.hpp"
#include "common/error.hpp"
#include "common/sink.hpp"

/// What a fuzz target is made of. Each *_fuzz.cpp defines check() and seeds(); target.cpp makes a libFuzzer
/// program of it.
namespace walferry::fuzz {

/// Looks at one input. Whatever comes in, nothing may crash, and what must() says holds. An Error is an
/// answer.
void check(Bytes input);

/// Inputs to begin with, made by the real encoders where there are some.
std::vector<std::string> seeds();

/// Ends the program with the sentence when it is not so.
void must(bool holds, const char* sentence);

/// The message of the Error that `action` throws, empty when it throws none.
template <typename Action>
std::string error_of(Action action) {
    try {
        action();
        return {};
    } catch (const Error& error) {
        must(!error.message().empty(), "an error says what is wrong");
        return error.what();
    }
}

/// Takes decisions off the front of an input. At its end they are all zero.
class Choices {
  public:
    explicit Choices(Bytes input) : rest_(input) {}
    std::size_t byte() noexcept { return number(1); }
    std::size_t number(std::size_t bytes) noexcept;
    Bytes take(std::size_t size) noexcept;
    Bytes rest() const noexcept { return rest_; }
    std::string_view text() const noexcept { return as_text(rest_); }

  private:
    Bytes rest_;
};

/// The end of a chain: keeps what came, and refuses more than `limit` as a full disk would.
class Collector : public Sink {
  public:
    explicit Collector(std::size_t limit = 1 << 20) : limit_(limit) {}
    void write(Bytes bytes) override;
    void finish() override;
    const std::string& text() const noexcept { return text_; }
    bool finished() const noexcept { return finished_; }

  private:
    std::size_t limit_;
    std::string text_;
    bool finished_ = false;
};

/// Writes `bytes` in pieces, each as long as a byte of `splits` decides and the last one what is left, then
/// finishes.
void feed(Sink& sink, Bytes bytes, Bytes splits);

/// A file that exists in memory only; its path can be opened.
class MemoryFile {
  public:
    explicit MemoryFile(Bytes content, unsigned mode = 0600);
    ~MemoryFile();
    MemoryFile(const MemoryFile&) = delete;
    MemoryFile& operator=(const MemoryFile&) = delete;
    const std::string& path() const noexcept { return path_; }

  private:
    int fd_;
    std::string path_;
};

}  // namespace walferry::fuzz
