#include "common/settings.hpp"
