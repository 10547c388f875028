#pragma once
#include <string>
#include <vector>

#include "common/settings/settings.hpp"

namespace walferry::setup {

/// Whether the package's units run that configuration: they are installed, and it is a .toml file in
/// /etc/walferry itself.
bool units_run(const std::string& configuration);

/// Whom they run as, by the drain's unit: "walferry", unless an administrator's own unit says otherwise.
std::string units_user();

/// The package's timers for a configuration: walferry-drain.timer for walferry.toml,
/// walferry-drain@NAME.timer for NAME.toml. Empty where units do not run it.
std::vector<std::string> timers_for(const std::string& configuration, bool backups = true,
                                    bool expires = false);

/// Throws usage for the first place that units cannot see, whatever they are allowed: /home and the like, and
/// /tmp, of which they have their own. Nothing is wrong where units do not run the configuration.
void refuse_hidden_places(const Settings& settings);

/// What units need beside what they are allowed anyhow: to write in a spool or a store elsewhere, to see the
/// server's socket in /tmp. It stands in a drop-in file for all of them, called after the configuration.
struct DropIn {
    enum class State {
        unneeded,
        kept,     // says it already
        written,  // made, or brought up to date
        removed,
        foreign  // somebody else's file has the name, and is left
    };
    State state = State::unneeded;
    std::string path;
    std::string text;

    bool changed() const { return state == State::written || state == State::removed; }
};
/// Throws io.
DropIn write_drop_in(const Settings& settings);

bool systemd_runs();

/// Runs a program found by PATH, which says on our standard output what it has to say. False when it failed.
bool run_program(std::vector<std::string> words);

}  // namespace walferry::setup
