#pragma once
#include "common/bytes.hpp"

namespace walferry {

/// One stage of a chain: it takes bytes in order, passes what it makes of them to the next stage, and holds a
/// fixed amount of memory. Only finish() makes the result valid; a destructor without it just lets go.
/// Any call may throw Error; after that the chain is spent.
class Sink {
  public:
    virtual ~Sink() = default;
    virtual void write(Bytes bytes) = 0;
    virtual void finish() = 0;
};

}  // namespace walferry
