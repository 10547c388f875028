#include "walferry/commands/store_options.hpp"

namespace walferry::commands {

CLI::Option* add_stores(CLI::App& app, const char* option, std::vector<std::string>& names,
                        const char* help) {
    return app.add_option(option, names, help)->type_name("STORE")->allow_extra_args(false);
}

}  // namespace walferry::commands
