#pragma once
#include <string>
#include <string_view>

namespace walferry::manual {

/// Writes a manual page with the man(7) macros.
class Roff {
  public:
    Roff(const std::string& name, const std::string& section, const std::string& title);

    void section(std::string_view title);
    void subsection(std::string_view title);
    /// Paragraphs, as in ProgramText: indented ones stand as they are; `…` becomes bold.
    void text(std::string_view paragraphs);
    /// A tag and the paragraph that explains it; `tag` is roff already, see bold() and italic().
    void entry(const std::string& tag, std::string_view help);
    /// A paragraph that is roff already.
    void paragraph(const std::string& line);
    void example(std::string_view lines);

    static std::string escaped(std::string_view text);
    static std::string bold(std::string_view text);
    static std::string italic(std::string_view text);

    const std::string& page() const noexcept { return page_; }

  private:
    void line(const std::string& roff);
    void filled(std::string_view paragraph);

    std::string page_;
};

}  // namespace walferry::manual
