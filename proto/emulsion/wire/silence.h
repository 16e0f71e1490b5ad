// What has to be said to protobuf before anything is read.
#pragma once

namespace emulsion::wire {

// protobuf writes to stderr by itself when a string is not UTF-8: any peer could fill the log. The failure is returned.
void silence_protobuf();

}  // namespace emulsion::wire
