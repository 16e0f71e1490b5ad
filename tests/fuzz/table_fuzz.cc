// Points in a file: CSV, JSON lines or npy, by the first byte.
#include <memory>
#include <sstream>

#include "emulsion/wire/point_reader.h"
#include "fuzz/fuzz.h"

using namespace emulsion;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  wire::PointReaderOptions options;
  constexpr wire::PointFormat kFormats[] = {wire::PointFormat::csv, wire::PointFormat::json_lines, wire::PointFormat::npy, wire::PointFormat::automatic};
  options.format = kFormats[data[0] % 4];
  options.bad_rows = data[0] & 4 ? wire::BadRowPolicy::skip : wire::BadRowPolicy::stop;
  if (data[0] & 8) options.time_column = "0";
  auto reader = wire::PointReader::make(std::make_unique<std::istringstream>(std::string(fuzz::text_of(data + 1, size - 1))), "fuzz", options);
  if (!reader) return 0;
  for (int tables = 0; tables < 1000; ++tables) {
    const auto table = reader->read(100);
    if (!table) continue;
    if (!*table) break;
    fuzz::require((*table)->batch.dimension() == static_cast<Index>(reader->columns().size()), "rows of another number of columns");
  }
  return 0;
}
