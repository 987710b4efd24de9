#include "actors/gateway/digest.hpp"

#include <array>
#include <charconv>
#include <ctime>

namespace shoal::gateway {
namespace {

void add(std::string& out, std::string_view value) {
  auto begin = out.size();
  out.append(value);
  for (auto i = begin; i < out.size(); ++i)
    if (auto c = static_cast<unsigned char>(out[i]);
        c < 0x20 || c == 0x7f || c == ',' || c == '(' || c == ')')
      out[i] = '_';
  out += ',';
}

template <class Number>
void add_number(std::string& out, Number x) {
  auto digits = std::array<char, 24>{};
  out.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), x).ptr);
  out += ',';
}

/// "2026-11-28 03:04:05", made once per second and thread.
std::string_view second_text(std::int64_t second) {
  thread_local auto made = std::int64_t{-1};
  thread_local auto text = std::array<char, 32>{};
  thread_local auto size = std::size_t{0};
  if (second != made) {
    made = second;
    auto time = static_cast<std::time_t>(second);
    auto parts = std::tm{};
    gmtime_r(&time, &parts);
    size = std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts);
  }
  return {text.data(), size};
}

std::string_view format_name(mgw::data_format x) {
  return x == mgw::data_format::json ? "JSON" : x == mgw::data_format::protobuf ? "PB" : "RAW";
}

std::string_view protocol_name(entrance x) {
  switch (x) {
  case entrance::http_1:
    return "HTTP";
  case entrance::http_2:
    return "HTTP2";
  case entrance::websocket:
    return "WS";
  case entrance::device:
    return "LINK";
  case entrance::inside:
    break;
  }
  return "INSIDE";
}

} // namespace

void append_digest(std::string& out, const call& x, const digest_facts& facts) {
  auto ms = std::to_string(1000 + facts.at_ms % 1000);
  out.append(second_text(facts.at_ms / 1000)).append(",").append(ms, 1).append(" - (");
  add(out, x.is_rest() ? std::string_view{x.path} : std::string_view{"/mgw.htm"});
  add(out, "response");
  add(out, facts.code == mgw::result::success ? "Y" : "N");
  add_number(out, facts.cost_us / 1000);
  add(out, x.what.operation);
  add(out, facts.system);
  add(out, x.what.app);
  add(out, x.what.workspace);
  add_number(out, static_cast<unsigned>(facts.code));
  for (auto* value : {&x.what.product_id, &x.what.product_version, &x.what.channel, &x.what.user,
           &x.what.device, &x.what.uuid, &x.what.track, &x.ip})
    add(out, *value);
  add(out, protocol_name(x.by));
  add(out, format_name(x.what.format));
  add_number(out, facts.request_bytes);
  add_number(out, facts.response_bytes);
  add(out, "F"); // pressure test
  add(out, facts.trace_id);
  add(out, x.by == entrance::inside ? "T" : "F"); // component API
  add(out, x.what.client_os);
  add_number(out, facts.backend_us < 0 ? std::int64_t{-1} : facts.backend_us / 1000);
  add(out, x.ip.find(':') == std::string::npos ? "4" : "6");
  out.append(x.what.version == mgw::rpc_version::v1 ? "1.0" : "2.0").append(")\n");
}

} // namespace shoal::gateway
