#pragma once
#include "common/codec/segment_codec.hpp"
#include "common/settings/settings.hpp"

namespace walferry::transfer {

/// How the configuration wants objects made. Throws config when the writer's key cannot be used.
EncodeOptions encode_options(const Settings& settings);

}  // namespace walferry::transfer
