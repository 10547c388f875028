#include "common/sink.hpp"
