#include <CLI/CLI.hpp>
#include <cstdio>

#include "common/error.hpp"
#include "uploader/command.hpp"

int main(int, char**) { return static_cast<int>(walferry::commands().size()); }
