#include "common/store/object_name.hpp"
