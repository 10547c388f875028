#include "restore/configuration_files.hpp"

#include <unistd.h>

#include <algorithm>
#include <set>

#include "common/error.hpp"
#include "restore/compared_settings.hpp"
#include "restore/server_configuration.hpp"
#include "server/hba_file.hpp"
#include "server/setting_line.hpp"

namespace walferry::restore {
namespace {

constexpr std::uint64_t most_bytes = 64 << 20;

constexpr const char* emergency_hba =
    "# The backup holds no pg_hba.conf. This lets every user of this host in under their own name only.\n"
    "local all all peer\n";

class Writer {
  public:
    Writer(TreeWriter& tree, const std::string& data_directory, const BackupLabel& label,
           const BackedUpConfiguration& had, unsigned mode)
        : tree_(tree), label_(label), had_(had), mode_(mode) {
        server_.old_data_directory = label.data_directory;
        server_.new_data_directory = data_directory;
        server_.place_of = [this](const std::string& path) { return place_of(path); };
        server_.exists = [](const std::string& path) { return ::access(path.c_str(), F_OK) == 0; };
    }

    void write(const std::string& recovery) {
        write_main();
        const std::string own = label_.data_directory + "/postgresql.auto.conf";
        std::string last = move(had_.auto_conf, own);
        last += as_at_the_backup() + recovery;
        tree_.write_file("postgresql.auto.conf", had_.auto_conf_mode, as_bytes(last));
        const AccessFiles access(label_);
        put_access("pg_hba.conf", label_.hba_file, access.hba, had_.has_hba, had_.hba, had_.hba_mode,
                   emergency_hba);
        put_access("pg_ident.conf", label_.ident_file, access.ident, had_.has_ident, had_.ident,
                   had_.ident_mode, "");
        for (const auto& [path, content] : had_.outside) {
            // What lay behind a link in the data directory lies in it now.
            if (was_inside(path) && path.ends_with(".conf")) put_configuration(path);
            if (written_.insert(path).second) write_as_it_was(path, content);
        }
    }

    std::vector<std::string> take_notes() { return std::move(notes_); }

  private:
    bool was_inside(const std::string& path) const { return server::is_below(path, label_.data_directory); }

    /// Below the new data directory.
    std::string relative_place(const std::string& path) const {
        if (was_inside(path)) return path.substr(label_.data_directory.size() + 1);
        return had_.folder + path;
    }

    /// Of a file that came along, or of a folder with such files.
    std::optional<std::string> place_of(const std::string& path) const {
        const bool here = std::any_of(had_.outside.begin(), had_.outside.end(),
                                      [&](const auto& file) { return server::is_below(file.first, path); });
        if (!here) return std::nullopt;
        return server_.new_data_directory + "/" + relative_place(path);
    }

    /// A key that its group may read is refused by the server.
    void write_as_it_was(const std::string& path, const std::string& content) {
        tree_.write_file(relative_place(path), was_inside(path) ? 0600 : mode_, as_bytes(content));
    }

    void write_main() {
        // One that initdb left in the data directory is not the one that the server was started with.
        if (had_.has_postgresql_conf && !had_.outside.contains(label_.config_file)) {
            tree_.write_file(
                "postgresql.conf", had_.postgresql_conf_mode,
                as_bytes(move(had_.postgresql_conf, label_.data_directory + "/postgresql.conf")));
            return;
        }
        const std::string main = main_file();
        if (!main.empty()) put_configuration(main);
        if (!main.empty() && relative_place(main) == "postgresql.conf") return;
        std::string text =
            "# Written by walferry restore. The server's configuration lay outside its data directory.\n";
        if (!main.empty()) text += "include " + server::quote_setting(relative_place(main)) + "\n";
        if (main.empty())
            notes_.push_back("the backup holds no postgresql.conf: the server starts with defaults");
        tree_.write_file("postgresql.conf", mode_, as_bytes(text));
    }

    std::string main_file() const {
        if (had_.outside.contains(label_.config_file)) return label_.config_file;
        for (const auto& [path, content] : had_.outside) {
            if (path.ends_with("/postgresql.conf")) return path;
        }
        return {};
    }

    std::string move(const std::string& text, const std::string& path) {
        MovedConfiguration moved = move_configuration(text, path, server_);
        notes_.insert(notes_.end(), moved.notes.begin(), moved.notes.end());
        settings_.insert(settings_.end(), moved.settings.begin(), moved.settings.end());
        for (const std::string& included : moved.included) {
            for (const auto& [file, content] : had_.outside) {
                if (server::is_below(file, included) && (file == included || file.ends_with(".conf")))
                    put_configuration(file);
            }
        }
        return moved.text;
    }

    /// Lines that give the server back what its command line, say, had raised.
    std::string as_at_the_backup() {
        std::string lines;
        for (const RaisedSetting& each : settings_to_raise(settings_, label_.settings)) {
            lines += each.name + " = " + server::quote_setting(each.at_backup) + "\n";
            notes_.push_back(each.name + " was " + each.at_backup + " when the backup was made, and " +
                             each.configured + " in the configuration files: postgresql.auto.conf now has " +
                             each.at_backup);
        }
        return lines;
    }

    /// With everything that it includes.
    void put_configuration(const std::string& path) {
        if (path == label_.hba_file || path == label_.ident_file || !written_.insert(path).second) return;
        const std::string text = move(had_.outside.at(path), path);
        tree_.write_file(relative_place(path), mode_, as_bytes(text));
    }

    /// pg_hba.conf or pg_ident.conf: where it was below the data directory, or beside postgresql.conf, where
    /// the server looks for it.
    void put_access(const char* name, const std::string& was, const std::string& inside, bool there,
                    const std::string& content, unsigned mode, const char* otherwise) {
        const auto found = had_.outside.find(was);
        if (there && found == had_.outside.end()) {
            tree_.write_file(inside, mode,
                             as_bytes(move_access(content, label_.data_directory + "/" + inside)));
            return;
        }
        if (found == had_.outside.end()) {
            if (*otherwise != '\0')
                notes_.push_back(std::string("the backup holds no ") + name +
                                 ": one was made that lets in only users of this host");
            tree_.write_file(name, mode_, as_bytes(std::string_view(otherwise)));
            return;
        }
        if (written_.insert(was).second)
            tree_.write_file(was_inside(was) ? relative_place(was) : name, mode_,
                             as_bytes(move_access(found->second, was)));
    }

    /// Its includes and lists of names, each where it is now.
    std::string move_access(const std::string& text, const std::string& path) {
        const std::string from = path.substr(0, path.rfind('/'));
        return server::rewrite_hba(
            text,
            [&](server::HbaReference reference, const std::string& named) -> std::optional<std::string> {
                const std::string wanted = server::absolute_from(from, named);
                if (const auto place = place_of(wanted)) {
                    put_referenced(wanted);
                    return place;
                }
                if (was_inside(wanted)) return server_.new_data_directory + "/" + relative_place(wanted);
                if (reference != server::HbaReference::include_if_exists)
                    notes_.push_back(path + " refers to " + wanted + ", which is not in the backup");
                return std::nullopt;
            });
    }

    void put_referenced(const std::string& wanted) {
        for (const auto& [file, content] : had_.outside) {
            if (!server::is_below(file, wanted) || !written_.insert(file).second) continue;
            tree_.write_file(relative_place(file), mode_, as_bytes(move_access(content, file)));
        }
    }

    TreeWriter& tree_;
    const BackupLabel& label_;
    const BackedUpConfiguration& had_;
    const unsigned mode_;
    MovedServer server_;
    std::set<std::string> written_;
    std::vector<std::string> notes_;
    std::vector<server::SettingLine> settings_;
};

std::string access_place(const std::string& path, const BackupLabel& label, const char* usual) {
    if (!server::is_below(path, label.data_directory)) return usual;
    return path.substr(label.data_directory.size() + 1);
}

}  // namespace

AccessFiles::AccessFiles(const BackupLabel& label)
    : hba(access_place(label.hba_file, label, "pg_hba.conf")),
      ident(access_place(label.ident_file, label, "pg_ident.conf")) {}

void ConfigurationStream::entry(const TarEntry& entry) {
    const auto refuse = [&](const char* why) {
        throw Error(ErrorKind::integrity,
                    "the backup's configuration is refused: \"" + entry.path + "\" " + why);
    };
    current_ = nullptr;
    if (entry.kind == TarEntry::Kind::directory) return;
    const std::string path = "/" + entry.path;
    if (entry.kind != TarEntry::Kind::file) refuse("is no file");
    if (std::find(label_.config_files.begin(), label_.config_files.end(), path) == label_.config_files.end())
        refuse("is not in the backup's label");
    total_ += entry.size;
    if (total_ > most_bytes) refuse("is far too large");
    const auto [file, fresh] = files_.emplace(path, "");
    if (!fresh) refuse("comes twice");
    current_ = &file->second;
}

void ConfigurationStream::data(Bytes bytes) {
    current_->append(as_text(bytes));
}

std::vector<std::string> write_configuration(TreeWriter& tree, const std::string& data_directory,
                                             const BackupLabel& label, const BackedUpConfiguration& had,
                                             const std::string& recovery, unsigned mode) {
    Writer writer(tree, data_directory, label, had, mode);
    writer.write(recovery);
    return writer.take_notes();
}

}  // namespace walferry::restore
