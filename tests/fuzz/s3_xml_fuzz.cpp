#include "common/store/s3_xml.hpp"

#include <algorithm>

#include "common/store/s3_error.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace walferry::fuzz {
namespace {

bool one_printable_line(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < '\x7f'; });
}

void check_listing(std::string_view xml, const std::string& prefix, const std::string& start_after) {
    ObjectPage page;
    const std::string error =
        error_of([&] { page = parse_listing(xml, prefix, start_after, "store r2: list"); });
    must(error.empty() || error.starts_with("store r2: list"), "an error says what was asked");
    if (!error.empty()) return;
    must(!page.more || !page.objects.empty(), "a listing that goes on gets ahead");
    std::string previous = start_after;
    for (const ObjectInfo& object : page.objects) {
        must(object.key.starts_with(prefix), "a key is one of those that were asked for");
        must(object.key > previous || previous.empty(), "keys ascend");
        previous = object.key;
    }
}

/// Whatever a server says, it makes one line of a log.
void check_error(const std::string& body, int status) {
    HttpResponse response;
    response.status = status;
    response.body = body;
    if (const auto parsed = parse_error_body(body)) {
        response.headers = {
            {"retry-after", parsed->code}, {"date", parsed->message}, {"location", parsed->endpoint}};
    }
    const std::string doing = "store r2: put KEY", file = "FILE";
    const Error error = s3_error({doing, response, StoreSettings{}, file, std::chrono::sys_seconds{}});
    must(one_printable_line(error.what()) && std::string_view(error.what()).size() < 2000,
         "a server's words are one line of a log");
    must(!error.retry_after ||
             (error.retry_after->count() >= 0 && *error.retry_after <= std::chrono::hours(24)),
         "no server makes us wait for more than a day");
    must(error.message().starts_with(doing), "an error says what was asked");
}

}  // namespace

/// Two lines, the prefix and the key to start after; a byte for the status; the document.
void check(Bytes input) {
    std::string_view text = as_text(input);
    const auto line = [&] {
        const std::string_view taken = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), taken.size() + 1));
        return std::string(taken);
    };
    const std::string prefix = line(), start_after = line();
    const int status = text.empty() ? 200 : 100 + 2 * static_cast<unsigned char>(text.front());
    text.remove_prefix(std::min<std::size_t>(text.size(), 1));
    check_listing(text, prefix, start_after);
    check_error(std::string(text), status);
}

std::vector<std::string> seeds() {
    const std::string contents =
        "<Contents><Key>wal/a%2Bb</Key><Size>1</Size></Contents><Contents><Key>wal/b+c</Key><Size>22</Size></"
        "Contents>";
    const std::string open =
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ListBucketResult xmlns=\"http://s3/\">";
    const std::string one = "<Contents><Key>wal/c</Key><Size>1</Size></Contents>";
    const std::string end = "</ListBucketResult>";
    const std::string error =
        "<Error><Code>SlowDown</Code><Message>Tue, 31 Dec 2030 &lt;&#65;</Message><Region>eu</Region>"
        "<Endpoint>x</Endpoint><ServerTime>2030-01-01T00:00:00Z</ServerTime></Error>";
    std::vector<std::string> all;
    for (const char* start : {"wal/\n\n2", "\nwal/a\n2", "x\ny\n2"}) {
        all.push_back(start + open + "<EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>" +
                      contents + end);
        all.push_back(start + open + "<IsTruncated>false</IsTruncated>" + one + one + end);
        all.push_back(start + open + "<IsTruncated>false</IsTruncated>" + contents + end);
    }
    for (const char* start : {"\n\n\x97", "\n\n\xa0", "\n\n\x81"}) all.push_back(start + error);
    all.push_back(
        "\n\n2<s:ListBucketResult xmlns:s='u'><s:IsTruncated>false</s:IsTruncated></s:ListBucketResult>");
    all.push_back("\n\n2<!DOCTYPE a [<!ENTITY b \"c\">]><Error><Code><![CDATA[&b;]]></Code></Error>");
    all.push_back("\n\n2<a><a><a><a><!-- --><?p i?></a>");
    return all;
}

}  // namespace walferry::fuzz
