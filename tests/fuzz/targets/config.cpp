// A configuration file: read, or refused with a sentence; what was read survives a dump.
#include "cluster/config.hpp"

#include "tests/fuzz/target.hpp"

using namespace shoal;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto read = cluster::config{};
  try {
    read = cluster::parse_config(fuzz::text_of(data, size), "fuzz.toml");
  } catch (const cluster::config_error&) {
    return 0;
  }
  fuzz::require(
      cluster::parse_config(cluster::dump(read), "dump.toml") == read, "a dump reads differently");
  return 0;
}
