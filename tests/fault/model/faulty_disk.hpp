#pragma once

namespace walferry::test::model {

/// From now on in this process: the `links`-th object that is linked under its name, counted from 0, has a
/// bit flipped right after, as by a disk that lies.
void flip_a_bit_after(int links);

}  // namespace walferry::test::model
