// Definitions of the gateway: what callers send, what other nodes and the disk say, and paths that
// are templates or are looked up.
#include <algorithm>
#include <string>

#include <nlohmann/json.hpp>

#include "actors/catalog/catalog_codec.hpp"
#include "actors/gateway/definition_codec.hpp"
#include "actors/gateway/gateway_rows.hpp"
#include "protocol/mgw/json_text.hpp"
#include "tests/fuzz/target.hpp"

using namespace shoal;
using namespace shoal::gateway;

namespace {

template <class T>
void check_definition(const nlohmann::json& in) {
  auto x = T{};
  try {
    read(in, reading::asked, x);
  } catch (const bad_field& why) {
    return fuzz::require(!why.sentence.empty(), "refused without a sentence");
  }
  (void)problem_of(x);
  auto again = T{};
  read(to_json(x, shown::row), reading::row, again);
  fuzz::require(x == again, "a row does not read the same");
  (void)to_json(x, shown::full);
}

/// The first line is the key, the rest is the value, to which the checksum is added.
void check_row(std::string_view in) {
  auto end = std::min(in.find('\n'), in.size());
  auto key = in.substr(0, end);
  auto value = seal_row(key, std::string{in.substr(std::min(end + 1, in.size()))});
  auto x = entry{};
  if (read_row(key, value, x))
    (void)applied(registry{}, x);
  auto version = api_version{};
  (void)read_version_row(key, value, version);
  fuzz::require(!read_row(key, in, x) || in.size() > 9, "a row without checksum was taken");
}

void check_path(std::string_view in) {
  auto end = std::min(in.find('\n'), in.size());
  auto x = api_definition{};
  x.method = "GET";
  x.path = in.substr(0, end);
  if (!problem_of_rest_path(x.path).empty())
    return;
  auto api = std::make_shared<const api_definition>(x);
  auto routes = rest_routes{}.with(api);
  fuzz::require(routes.same_entry("GET", x.path) == api, "a template is not found again");
  auto path = in.substr(std::min(end + 1, in.size()));
  if (routes.match("GET", path))
    fuzz::require(rest_params(x.path, path).size() <= max_rest_segments, "too many parameters");
  fuzz::require(!routes.without(x).match("GET", path), "a template that was removed is found");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto in = fuzz::text_of(data, size);
  auto kind = fuzz::take_byte(in) % 7;
  if (kind == 5)
    return check_row(in), 0;
  if (kind == 6)
    return check_path(in), 0;
  if (!mgw::is_json(in, 32)) // as the server API has it
    return 0;
  auto document = nlohmann::json::parse(in, nullptr, false);
  if (kind == 0)
    check_definition<api_definition>(document);
  else if (kind == 1)
    check_definition<api_group>(document);
  else if (kind == 2)
    check_definition<app_settings>(document);
  else if (kind == 3)
    check_definition<authorizer_rule>(document);
  else
    check_definition<proto_definition>(document);
  return 0;
}
