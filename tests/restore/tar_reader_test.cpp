#include "restore/tar_reader.hpp"

#include <vector>

#include "common/error.hpp"
#include "tests/catch.hpp"
#include "tests/restore/tar_maker.hpp"

using namespace walferry;
using namespace walferry::restore;
using namespace walferry::test;

namespace {

class TextSource : public ByteSource {
  public:
    explicit TextSource(std::string text, std::size_t step = 700) : text_(std::move(text)), step_(step) {}
    Bytes next() override {
        const std::string_view rest = std::string_view(text_).substr(at_, step_);
        at_ += rest.size();
        return as_bytes(rest);
    }

  private:
    const std::string text_;
    const std::size_t step_;
    std::size_t at_ = 0;
};

class Recorder : public TarVisitor {
  public:
    void entry(const TarEntry& entry) override {
        seen += entry.kind == TarEntry::Kind::file ? "F" : entry.kind == TarEntry::Kind::link ? "L" : "D";
        seen += entry.path + (entry.target.empty() ? "" : ">" + entry.target) + " ";
    }
    void data(Bytes bytes) override { seen += as_text(bytes); }
    void end_of_file() override { seen += ". "; }
    std::string seen;
};

std::string read(const std::string& text, std::size_t step = 700) {
    TextSource source(text, step);
    Recorder recorder;
    read_tar(source, "the tar", recorder);
    return recorder.seen;
}

std::string refusal(const std::string& text) {
    try {
        read(text);
        return "";
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::integrity);
        return error.message();
    }
}

}  // namespace

TEST_CASE("files, directories and links of a tar come in its order, in whatever pieces it arrives") {
    const std::string tar = TarMaker()
                                .file("PG_VERSION", "15\n")
                                .directory("base/")
                                .file("base/1", std::string(1000, 'x'))
                                .link("pg_tblspc/16384", "/mnt/fast")
                                .text();
    const std::string wanted =
        "FPG_VERSION 15\n. Dbase Fbase/1 " + std::string(1000, 'x') + ". Lpg_tblspc/16384>/mnt/fast ";
    for (const std::size_t step : {1U, 511U, 512U, 513U, 100'000U}) CHECK(read(tar, step) == wanted);
}

TEST_CASE("paths that lead out of the directory are refused") {
    for (const char* path :
         {"/etc/passwd", "../x", "a/../../x", "a/..", "..", ".", "./", "././a", ".//a", "a//b"}) {
        INFO(path);
        CHECK(refusal(TarMaker().file(path, "x").text()).find("leads out") != std::string::npos);
        CHECK(refusal(TarMaker().link(path, "/x").text()).find("leads out") != std::string::npos);
    }
    CHECK(refusal(TarMaker().directory("../x/").text()).find("leads out") != std::string::npos);
}

TEST_CASE("a path may begin at the directory itself, as PostgreSQL writes some") {
    CHECK(read(TarMaker().directory("./pg_wal/archive_status").file("./a", "x").text()) ==
          "Dpg_wal/archive_status Fa x. ");
}

TEST_CASE("hard links, devices and FIFOs are refused") {
    CHECK(refusal(TarMaker().file("a", "x").entry('1', "b", "", 0600, "a").text()).find("hard link") !=
          std::string::npos);
    for (const char type : {'3', '4', '6'})
        CHECK_FALSE(refusal(TarMaker().entry(type, "dev").text()).empty());
}

TEST_CASE("a sparse file is refused: it would be larger than what was sent") {
    const std::string pax =
        "22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n23 GNU.sparse.name=huge\n"
        "36 GNU.sparse.realsize=109951162777\n";
    const std::string map = "1\n0\n512\n";
    const std::string tar =
        TarMaker()
            .entry('x', "h", pax)
            .file("huge", map + std::string(512 - map.size(), '\0') + std::string(512, 'x'))
            .text();
    CHECK_FALSE(refusal(tar).empty());
}

TEST_CASE("a file that is longer than what follows is refused") {
    CHECK_FALSE(refusal(TarMaker().entry('0', "huge", "x", 0600, "", 1ULL << 33).text()).empty());
    const std::string tar = TarMaker().file("a", std::string(3000, 'x')).unfinished();
    for (const std::size_t size : {1U, 511U, 513U, 1024U, 2000U, 3000U})
        CHECK_FALSE(refusal(tar.substr(0, size)).empty());
}

TEST_CASE("what follows a tar's end must be zeros") {
    CHECK(refusal(TarMaker().file("a", "x").text() + std::string(9000, '\0')).empty());
    const std::string second = TarMaker().file("b", "x").text();
    CHECK_FALSE(refusal(TarMaker().file("a", "x").text() + std::string(100'000, '\0') + second).empty());
}

TEST_CASE("noise is no tar") {
    CHECK_FALSE(refusal(std::string(5000, 'n')).empty());
}

TEST_CASE("the source's own error comes out as it is") {
    class Broken : public ByteSource {
        Bytes next() override { throw Error(ErrorKind::unreachable, "the store is gone"); }
    } broken;
    Recorder recorder;
    CHECK_THROWS_WITH(read_tar(broken, "the tar", recorder), "the store is gone");
}
