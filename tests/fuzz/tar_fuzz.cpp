#include <algorithm>

#include "restore/backup_manifest.hpp"
#include "restore/tar_reader.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/restore/tar_maker.hpp"

namespace walferry::fuzz {

using namespace restore;
namespace {

class Pieces : public ByteSource {
  public:
    Pieces(Bytes bytes, std::size_t step) : rest_(bytes), step_(step) {}
    Bytes next() override {
        const Bytes piece = rest_.first(std::min(step_, rest_.size()));
        rest_ = rest_.subspan(piece.size());
        return piece;
    }

  private:
    Bytes rest_;
    const std::size_t step_;
};

/// Writes nothing; says what an unpacking of it would rely on.
class Judge : public TarVisitor {
  public:
    void entry(const TarEntry& entry) override {
        must(!open_, "a file ends before the next entry");
        must(stays_inside(entry.path), "no path leads out of the directory");
        open_ = entry.kind == TarEntry::Kind::file;
        missing_ = entry.size;
        seen += static_cast<char>('0' + static_cast<int>(entry.kind)) + entry.path + '>' + entry.target;
    }
    void data(Bytes bytes) override {
        must(open_ && bytes.size() <= missing_, "no file is longer than it announced");
        missing_ -= bytes.size();
        seen += as_text(bytes);
    }
    void end_of_file() override {
        must(open_ && missing_ == 0, "no file is shorter than it announced");
        open_ = false;
    }
    std::string seen;

  private:
    bool open_ = false;
    std::uint64_t missing_ = 0;
};

std::string read(Bytes tar, std::size_t step, std::string& error) {
    Judge judge;
    error = error_of([&] {
        Pieces pieces(tar, step);
        read_tar(pieces, "the tar", judge);
    });
    return judge.seen;
}

}  // namespace

/// A tar of a base backup, in whatever pieces it arrives.
void check(Bytes input) {
    std::string whole_error;
    std::string pieces_error;
    const std::string whole = read(input, std::max<std::size_t>(input.size(), 1), whole_error);
    const std::string pieces = read(input, 512, pieces_error);
    if (whole_error.empty() && pieces_error.empty())
        must(whole == pieces, "the pieces that it arrives in do not matter");
}

std::vector<std::string> seeds() {
    using test::TarMaker;
    return {
        TarMaker().file("PG_VERSION", "15\n").directory("base").file("base/1", std::string(600, 'x')).text(),
        TarMaker().link("pg_tblspc/16384", "/mnt/fast").text(),
        TarMaker().file("../x", "x").text(),
        TarMaker().entry('1', "b", "", 0600, "a").text(),
        TarMaker().entry('L', "././@LongLink", std::string(150, 'n')).file("n", "x").text(),
        TarMaker().entry('x', "h", "22 GNU.sparse.major=1\n").file("s", "x").text(),
        TarMaker().entry('0', "huge", "x", 0600, "", 1ULL << 33).text()};
}

}  // namespace walferry::fuzz
