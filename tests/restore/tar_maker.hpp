#pragma once
#include <array>
#include <cstdio>
#include <cstring>
#include <string>

namespace walferry::test {

/// A tar, header by header, so that a test can write what no honest program would.
class TarMaker {
  public:
    TarMaker& entry(char type, const std::string& path, const std::string& content = "", unsigned mode = 0600,
                    const std::string& link = "", std::uint64_t announced = UINT64_MAX) {
        std::array<char, 512> header{};
        const auto put = [&](std::size_t at, const std::string& text) {
            std::memcpy(header.data() + at, text.data(), text.size());
        };
        put(0, path.substr(0, 100));
        put(100, octal(mode, 7));
        put(108, octal(0, 7));
        put(116, octal(0, 7));
        put(124, octal(announced == UINT64_MAX ? content.size() : announced, 11));
        put(136, octal(1'700'000'000, 11));
        put(156, std::string(1, type));
        put(157, link.substr(0, 100));
        put(257, std::string("ustar\0"
                             "00",
                             8));
        put(148, "        ");
        unsigned sum = 0;
        for (const char c : header) sum += static_cast<unsigned char>(c);
        put(148, octal(sum, 6) + std::string(1, '\0') + " ");
        text_.append(header.data(), header.size());
        text_ += content;
        text_.append((512 - content.size() % 512) % 512, '\0');
        return *this;
    }
    TarMaker& file(const std::string& path, const std::string& content, unsigned mode = 0600) {
        return entry('0', path, content, mode);
    }
    TarMaker& directory(const std::string& path, unsigned mode = 0700) { return entry('5', path, "", mode); }
    TarMaker& link(const std::string& path, const std::string& target) {
        return entry('2', path, "", 0777, target);
    }
    /// With the two empty blocks that end it.
    std::string text() const { return text_ + std::string(1024, '\0'); }
    const std::string& unfinished() const { return text_; }

  private:
    static std::string octal(std::uint64_t value, int digits) {
        std::array<char, 32> text{};
        std::snprintf(text.data(), text.size(), "%0*llo", digits, static_cast<unsigned long long>(value));
        return text.data();
    }
    std::string text_;
};

}  // namespace walferry::test
