#include "archive/segment_sinks.hpp"

#include "tests/catch.hpp"

using namespace walferry;
using namespace walferry::archive;

namespace {

struct Collector : Sink {
    void write(Bytes more) override { bytes.append(as_text(more)); }
    void finish() override { finished = true; }
    std::string bytes;
    bool finished = false;
};

}  // namespace

TEST_CASE("A segment that is cut off keeps its length, with zeroes from the place on", "[fetch]") {
    for (const std::size_t keep : {0U, 1U, 5U, 9U, 10U, 25U, 40'000U}) {
        const auto collector = std::make_shared<Collector>();
        ZeroedFrom cut(collector, keep);
        std::string whole;
        for (const std::string& part :
             {std::string("hello"), std::string("world"), std::string(33'000, 'x')}) {
            cut.write(as_bytes(part));
            whole += part;
        }
        cut.finish();
        const std::size_t kept = std::min(keep, whole.size());
        CHECK(collector->bytes == whole.substr(0, kept) + std::string(whole.size() - kept, '\0'));
        CHECK(collector->finished);
    }
}
