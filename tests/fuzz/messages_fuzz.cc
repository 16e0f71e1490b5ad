// Everything else that comes as protobuf: requests of a client, and what a client reads.
#include "emulsion/snapshot.h"
#include "emulsion/wire/convert.h"
#include "emulsion/wire/model.h"
#include "emulsion/wire/topic.h"
#include "fuzz/fuzz.h"

using namespace emulsion;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static wire::Codec codec;
  if (size == 0) return 0;
  const std::string_view payload = fuzz::text_of(data + 1, size - 1);
  switch (data[0] % 6) {
    case 0:
      (void)codec.decode_request(payload);
      break;
    case 1:
      (void)codec.decode_reply(payload);
      break;
    case 2:
      (void)codec.decode_labels(payload);
      break;
    case 3:
      (void)codec.decode_event(payload);
      break;
    case 4:
      (void)wire::parse_topic(payload);
      break;
    default:
      if (const auto message = codec.decode_model(payload)) {
        if (const auto snapshot = wire::to_snapshot(*message); snapshot && snapshot->dimension <= 16) (void)mixture_of(*snapshot);
      }
  }
  return 0;
}
