#pragma once

namespace walferry::console {

/// From here on whatever is printed to stdout and stderr goes through printable_text(): names and messages
/// come from a ledger, labels, object names and servers, and what they hold must not command a terminal.
/// Bytes that are meant as they are (a segment, a drawn line) are written to the descriptor.
void escape_standard_output();

}  // namespace walferry::console
