#include "common/fingerprint.hpp"
