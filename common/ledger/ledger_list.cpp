#include "common/ledger/ledger_list.hpp"

#include <limits>

#include "sql/embedded.hpp"

namespace walferry {
namespace {

using sqlite::Statement;

constexpr std::int64_t page_size = 1000;  // segments
// Behind every name: 'G' comes after the digits of a hexadecimal number.
constexpr const char* behind_every_digit = "G";

ListRow list_row(const Statement& s) {
    return {s.decimal(0), s.text(1),          s.text(2),           static_cast<std::uint64_t>(s.integer(3)),
            s.text(4),    s.optional_text(5), s.text(6),           s.text(7),
            s.text(8),    s.integer(9),       s.optional_text(10), s.optional_text(11)};
}

Gap gap_row(const Statement& s) {
    return {s.text(0), s.text(1), s.integer(2), s.decimal(3)};
}

StoreSummary summary_row(const Statement& s) {
    return {s.text(0),          s.text(10),         s.integer(1),      s.integer(2),
            s.optional_text(3), s.integer(4),       s.integer(5),      s.integer(6),
            s.optional_text(7), s.optional_text(8), s.optional_text(9)};
}

std::optional<std::string> text_of(std::optional<std::uint64_t> system_identifier) {
    return system_identifier ? std::optional(std::to_string(*system_identifier)) : std::nullopt;
}

std::vector<std::string> known_clusters(sqlite::Database& database) {
    Statement statement(database, sql::list_clusters);
    std::vector<std::string> all;
    while (statement.step()) all.push_back(statement.text(0));
    return all;
}

/// The pages of one query, one after the other: each gives the ids of the segments on it.
class Pages {
  public:
    Pages(sqlite::Database& database, const ListQuery& query) : query_(query) {
        if (query.last || query.since) {
            time_ = query.since.value_or("");
            after_ = std::numeric_limits<std::int64_t>::min();
            if (query.last) begin_at_last(database, *query.last);
        } else if (query.state != "pending" && query.state != "stored" && query.name) {
            clusters_ = known_clusters(database);
        }
    }

    std::vector<std::int64_t> next(sqlite::Database& database) {
        if (query_.last || query_.since) return by_time(database);
        if (query_.state == "pending") return by_id(database, sql::list_pending);
        if (query_.state == "stored") return by_id(database, sql::list_stored);
        return query_.name ? by_prefix(database) : by_name(database);
    }

  private:
    void begin_at_last(sqlite::Database& database, std::int64_t count) {
        Statement statement(database, sql::list_before_last);
        if (!statement.bind(count).step() || statement.text(0) < time_) return;
        time_ = statement.text(0);
        after_ = statement.integer(1);
    }

    std::vector<std::int64_t> by_time(sqlite::Database& database) {
        Statement statement(database, sql::list_by_time);
        statement.bind(time_, after_, page_size);
        std::vector<std::int64_t> ids;
        while (statement.step()) {
            ids.push_back(statement.integer(0));
            time_ = statement.text(1);
        }
        if (!ids.empty()) after_ = ids.back();
        return ids;
    }

    std::vector<std::int64_t> by_id(sqlite::Database& database, const char* sql) {
        Statement statement(database, sql);
        statement.bind(after_, page_size);
        std::vector<std::int64_t> ids;
        while (statement.step()) ids.push_back(statement.integer(0));
        if (!ids.empty()) after_ = ids.back();
        return ids;
    }

    std::vector<std::int64_t> by_name(sqlite::Database& database) {
        Statement statement(database, sql::list_by_name);
        return read_names(statement.bind(cluster_, name_, fingerprint_, page_size));
    }

    std::vector<std::int64_t> by_prefix(sqlite::Database& database) {
        for (; !clusters_.empty(); clusters_.erase(clusters_.begin())) {
            Statement statement(database, sql::list_by_prefix);
            if (name_.empty()) name_ = *query_.name;
            auto ids = read_names(statement.bind(clusters_.front(), name_, fingerprint_, page_size,
                                                 *query_.name + behind_every_digit));
            if (!ids.empty()) return ids;
            name_.clear();
            fingerprint_.clear();
        }
        return {};
    }

    std::vector<std::int64_t> read_names(Statement& statement) {
        std::vector<std::int64_t> ids;
        while (statement.step()) {
            ids.push_back(statement.integer(0));
            cluster_ = statement.text(1);
            name_ = statement.text(2);
            fingerprint_ = statement.text(3);
        }
        return ids;
    }

    const ListQuery& query_;
    // Where the last page ended.
    std::string cluster_, name_, fingerprint_, time_;
    std::int64_t after_ = 0;
    std::vector<std::string> clusters_;  // not read to the end
};

}  // namespace

std::vector<StoreSummary> ReportRecords::store_summaries(std::optional<std::uint64_t> system_identifier) {
    return read(sql::ledger_store_summary, text_of(system_identifier)).all(summary_row);
}

std::vector<std::uint64_t> ReportRecords::clusters() {
    return read(sql::list_clusters).all([](const Statement& s) { return s.decimal(0); });
}

std::vector<Gap> ReportRecords::gaps(std::optional<std::uint64_t> system_identifier) {
    return read(sql::ledger_gaps, text_of(system_identifier)).all(gap_row);
}

std::optional<SegmentRow> ReportRecords::newest_verified(const std::string& store) {
    return read(sql::ledger_newest_verified, store).first(segment_row);
}

std::string ReportRecords::segment_before(const SegmentRow& segment, int count) {
    return read(sql::ledger_segment_before, std::to_string(segment.system_identifier), segment.name,
                static_cast<std::int64_t>(count))
        .text()
        .value_or(segment.name);
}

// One by one, in memory that does not grow with them.
void ReportRecords::list(const ListQuery& query, const std::function<bool(const ListRow&)>& each) {
    std::optional<Pages> pages;
    for (;;) {
        std::vector<ListRow> rows;
        {
            const std::lock_guard lock(connection_.mutex);
            if (!pages) pages.emplace(*connection_.database, query);
            const auto ids = pages->next(*connection_.database);
            if (ids.empty()) return;
            Statement copies(*connection_.database, sql::list_copies);
            for (const std::int64_t id : ids) {
                copies.bind(id, query.state, query.store);
                while (copies.step()) rows.push_back(list_row(copies));
            }
        }
        for (const ListRow& row : rows) {
            if (query.name && !row.name.starts_with(*query.name)) continue;
            if (!each(row)) return;
        }
    }
}

std::vector<ListRow> ReportRecords::list(const std::optional<std::string>& state,
                                         const std::optional<std::string>& store) {
    std::vector<ListRow> rows;
    list({.state = state, .store = store}, [&](const ListRow& row) {
        rows.push_back(row);
        return true;
    });
    return rows;
}

}  // namespace walferry
