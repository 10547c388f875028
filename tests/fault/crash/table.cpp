#include "tests/fault/crash/table.hpp"

#include <cstdio>

namespace walferry::crash {
namespace {

std::string place(const Row& row) {
    if (!row.reached) return "end";
    return std::to_string(row.position.number) + (row.position.moment == Moment::after ? " after" : "");
}

std::string call(const Row& row) {
    return row.reached ? row.call : "not killed";
}

std::string outcome(const Row& row) {
    if (row.wrong.empty()) return "whole";
    std::string text = "WRONG";
    for (const std::string& what : row.wrong) text += ": " + what;
    return text;
}

// What stands before the tables.
constexpr const char* introduction = R"(# Killed at every system call

What `kill -9` leaves of push, drain, import and rebuild, at every place where it can strike. `crash-harness` runs a
program under ptrace and counts each system call that touches the spool, the ledger or a store, those that SQLite and
curl make included: it counts what acts on a path or a descriptor below the scenario's folder, or on a connection to the
store's port. Before call number N the process gets SIGKILL; the call is not made. Right after call N - 1 is the same
moment: what the program does in between touches nothing but its memory. To make that so for programs with threads
too, they take turns: no such call begins before the one before it has ended. (Which thread is next still differs from
run to run, and so do the numbers of some rows; a test beside it kills drains with two workers that take no turns,
before and after calls.)

After the crash, with nothing repaired, it is checked that

- a segment that push or import answered for is whole in the spool, or verified in every store;
- nothing in `ready/` is a part of a segment, and nothing else is there;
- owners and modes in the spool are as designed (SQLite makes the ledger's `-wal` and `-shm` and then sets their modes;
  one that is still empty is left out, because whoever opens it next sees to that);
- every object in a store hashes to its name and is opened to a segment's bytes;
- what the ledger calls verified is there, and no file left the spool without such a record for every store;
- the ledger passes SQLite's integrity check; a damaged one that `rebuild` sets aside is still there, byte for byte;
- `import` has removed no source whose content is not in the spool or in every store.

Then everything is done again as PostgreSQL and a timer would: the same command, then a drain. Each must exit 0, and
afterwards every segment must be in every store, opened and compared byte for byte, one object each and no more (but for
a rebuilt ledger: nothing proves whose the objects are that a listing shows, so what is spooled is put once more); the
spool and `tmp/` are empty, and the ledger says so. That is what the outcome `whole` means.

States: `spooled`, the file is in `ready/`; `row`, the ledger knows it; `removed`, it knows that the file has left.
For each store, here `a` and `b`: `begun`, an attempt is recorded; `sent`, the object is there and the ledger does not
say so; `stored` and `verified` as the ledger has it. 〃 is the state of the row above. `…01` is the segment
000000010000000000000001, SYSID the system identifier, HASHES and RANDOM what differs in each run.

To repeat: `./dev build`, then `build/bin/crash-harness build/bin` prints these rows, `--scenario` and `--every` choose,
and `--document FILE` writes this page. With `--s3 BUCKET`, S3_ENDPOINT, S3_REGION, S3_ACCESS_KEY and S3_SECRET_KEY it
also drains to a real S3 server (this page: with `--every-s3 23`). `./dev test crash` tries a sample,
`./dev test --long crash` all positions.
)";

}  // namespace

void print(const Row& row) {
    std::printf("%-10s | %-48s | %-60s | %s\n", place(row).c_str(), call(row).c_str(), row.state.c_str(),
                outcome(row).c_str());
    std::fflush(stdout);
}

std::pair<unsigned, unsigned> totals(const std::vector<Table>& tables) {
    unsigned positions = 0;
    unsigned failures = 0;
    for (const Table& table : tables) {
        for (const Row& row : table.rows) {
            ++positions;
            if (!row.wrong.empty()) ++failures;
        }
    }
    return {positions, failures};
}

std::string document(const std::vector<Table>& tables) {
    std::string text = introduction;
    for (const Table& table : tables) {
        text += "\n## " + table.title + "\n`" + table.scenario + "`: " + std::to_string(table.calls) +
                " calls in a run that is not killed" +
                (table.every > 1 ? ", every " + std::to_string(table.every) + "th of them tried" : "") +
                ".\n\n| # | before | state after the crash | outcome |\n| ---: | --- | --- | --- |\n";
        std::string last;
        for (const Row& row : table.rows) {
            text += "| " + place(row) + " | " + call(row) + " | " + (row.state == last ? "〃" : row.state) +
                    " | " + outcome(row) + " |\n";
            last = row.state;
        }
    }
    return text;
}

}  // namespace walferry::crash
