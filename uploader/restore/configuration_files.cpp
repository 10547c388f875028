#include "uploader/restore/configuration_files.hpp"

#include <unistd.h>

#include <algorithm>
#include <set>

#include "common/error.hpp"
#include "uploader/restore/compared_settings.hpp"
#include "uploader/restore/server_configuration.hpp"

namespace walferry {
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
        const std::string main = had_.has_postgresql_conf ? "" : main_file();
        if (had_.has_postgresql_conf) {
            tree_.write_file(
                "postgresql.conf", had_.postgresql_conf_mode,
                as_bytes(move(had_.postgresql_conf, label_.data_directory + "/postgresql.conf")));
        } else {
            std::string text =
                "# Written by walferry restore. The server's configuration lay outside its data "
                "directory.\n";
            if (!main.empty()) text += "include " + quote_setting(relative_place(main)) + "\n";
            if (main.empty())
                notes_.push_back("the backup holds no postgresql.conf: the server starts with defaults");
            tree_.write_file("postgresql.conf", mode_, as_bytes(text));
            if (!main.empty()) put_configuration(main);
        }
        const std::string own = label_.data_directory + "/postgresql.auto.conf";
        std::string last = move(had_.auto_conf, own);
        last += as_at_the_backup() + recovery;
        tree_.write_file("postgresql.auto.conf", had_.auto_conf_mode, as_bytes(last));
        put_beside("pg_hba.conf", label_.hba_file, had_.has_hba, emergency_hba);
        put_beside("pg_ident.conf", label_.ident_file, had_.has_ident, "");
        for (const auto& [path, content] : had_.outside) {
            if (!written_.contains(path)) tree_.write_file(relative_place(path), mode_, as_bytes(content));
        }
    }

    std::vector<std::string> take_notes() { return std::move(notes_); }

  private:
    std::string relative_place(const std::string& path) const { return had_.folder + path; }

    /// Of a file that came along, or of a folder with such files.
    std::optional<std::string> place_of(const std::string& path) const {
        const bool here = std::any_of(had_.outside.begin(), had_.outside.end(),
                                      [&](const auto& file) { return is_below(file.first, path); });
        if (!here) return std::nullopt;
        return server_.new_data_directory + "/" + relative_place(path);
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
                if (is_below(file, included) && (file == included || file.ends_with(".conf")))
                    put_configuration(file);
            }
        }
        return moved.text;
    }

    /// Lines that give the server back what its command line, say, had raised.
    std::string as_at_the_backup() {
        std::string lines;
        for (const RaisedSetting& each : settings_to_raise(settings_, label_.settings)) {
            lines += each.name + " = " + quote_setting(each.at_backup) + "\n";
            notes_.push_back(each.name + " was " + each.at_backup + " when the backup was made, and " +
                             each.configured + " in the configuration files: postgresql.auto.conf now has " +
                             each.at_backup);
        }
        return lines;
    }

    /// With everything that it includes.
    void put_configuration(const std::string& path) {
        if (!written_.insert(path).second) return;
        const std::string text = move(had_.outside.at(path), path);
        tree_.write_file(relative_place(path), mode_, as_bytes(text));
    }

    /// A file that the server looks for beside its postgresql.conf.
    void put_beside(const char* name, const std::string& was, bool there, const char* otherwise) {
        if (there) return;
        const auto found = had_.outside.find(was);
        if (found == had_.outside.end() && *otherwise != '\0')
            notes_.push_back(std::string("the backup holds no ") + name +
                             ": one was made that lets in only users "
                             "of this host");
        tree_.write_file(name, mode_,
                         as_bytes(found == had_.outside.end() ? std::string_view(otherwise)
                                                              : std::string_view(found->second)));
    }

    TreeWriter& tree_;
    const BackupLabel& label_;
    const BackedUpConfiguration& had_;
    const unsigned mode_;
    MovedServer server_;
    std::set<std::string> written_;
    std::vector<std::string> notes_;
    std::vector<SettingLine> settings_;
};

}  // namespace

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

}  // namespace walferry
