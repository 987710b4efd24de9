// What a client of the mobile gateway sends: forms, JSON, envelopes. Refused with a code, or read
// within the limits; nothing opens that was not sealed; JSON is JSON for another reader, too.
#include <algorithm>

#include <nlohmann/json.hpp>

#include "protocol/mgw/batch.hpp"
#include "protocol/mgw/envelope_cipher.hpp"
#include "protocol/mgw/json_text.hpp"
#include "protocol/mgw/request.hpp"
#include "protocol/mgw/signature.hpp"
#include "tests/fuzz/target.hpp"
#include "tests/protocol/mgw/keys.hpp"

using namespace shoal;

namespace {

const mgw::envelope_keys& keys() {
  static const auto out = [] {
    auto x = mgw::envelope_keys{};
    x.add(7, mgw::test::ecc_private);
    x.add(7, mgw::test::sm2_private);
    return x;
  }();
  return out;
}

/// "Name: value" in lines, then the body.
void read_fields(std::string_view in, http::request& x) {
  while (!in.empty()) {
    auto line = in.substr(0, in.find('\n'));
    in.remove_prefix(std::min(in.size(), line.size() + 1));
    if (line.empty())
      break;
    auto colon = std::min(line.find(": "), line.size());
    x.headers.emplace_back(line.substr(0, colon), line.substr(std::min(line.size(), colon + 2)));
  }
  x.body = in;
}

void read_as_call(std::string_view in, unsigned how) {
  auto x = http::request{"POST", "/mgw.htm", "", {}, "", ""};
  if ((how & 1) != 0) {
    x.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
    x.body = in;
  } else if ((how & 2) != 0) {
    read_fields(in, x);
  } else {
    x.method = "GET";
    x.query = in;
  }
  auto call = mgw::call{};
  auto limits = mgw::call_limits{1024, 64, 32, 128};
  if (mgw::read_call(x, limits, call))
    return;
  fuzz::require(!call.operation.empty() && !call.app.empty() && !call.data.empty(), "incomplete");
  fuzz::require(call.data.size() <= limits.data && call.app.size() <= limits.field, "too large");
  auto secrets = mgw::app_keys{};
  secrets.set("test-secret", {});
  fuzz::require(mgw::check_signature(call, secrets, {}, 1'760'000'000'000, nullptr).has_value(),
      "accepted without a signature");
  fuzz::require(mgw::is_json(mgw::envelope(
                    {mgw::result::success, call.user, "", call.data, mgw::result_form::text})),
      "an envelope is not JSON");
}

void read_as_batch(std::string_view in) {
  auto x = http::request{
      "POST", "/mgw/batch", "", {{"AppId", "A1"}, {"WorkspaceId", "default"}}, std::string{in}, ""};
  auto calls = std::vector<mgw::batch_call>{};
  auto limits = mgw::call_limits{1024, 64, 32, 128};
  if (mgw::read_batch(x, limits, calls))
    return;
  fuzz::require(!calls.empty() && calls.size() <= mgw::max_batch_calls, "too many calls");
  auto answers = mgw::batch_answers{calls.size()};
  for (auto i = std::size_t{0}; i < calls.size(); ++i) {
    auto& [what, flaw] = calls[i];
    fuzz::require(flaw || (!what.operation.empty() && !what.data.empty()), "incomplete");
    fuzz::require(what.data.size() <= limits.data && what.sign.size() <= 128, "too large");
    auto last = answers.add(i, {flaw ? flaw->code : mgw::result::success, "",
                                   flaw ? flaw->memo : "", what.data, mgw::result_form::text});
    fuzz::require(last == (i + 1 == calls.size()), "calls are miscounted");
  }
  fuzz::require(mgw::is_json(answers.body()), "answers are not JSON");
}

void read_as_envelope(std::string_view in, unsigned how) {
  auto session = mgw::cipher_session{};
  auto kind = (how & 1) != 0 ? mgw::key_wrap::ecc : mgw::key_wrap::sm2;
  auto opened = mgw::open_request(keys(), kind, in, {"com.example.get", "A1", "default"}, session);
  fuzz::require(!opened || *opened == "[\"secret\"]", "something opened that nobody sealed");
}

void read_as_json(std::string_view in) {
  // A number too large for a double is JSON, but not for the library.
  auto plain = in.size() < 300 && in.find_first_of("eE") == std::string_view::npos;
  if (mgw::is_json(in) && plain)
    fuzz::require(nlohmann::json::accept(in), "JSON for one reader only");
  if (auto members = mgw::json_members(in))
    for (auto& [name, value] : *members)
      fuzz::require(mgw::is_json(value), "a member is not JSON");
  if (auto elements = mgw::json_elements(in))
    for (auto element : *elements)
      fuzz::require(mgw::is_json(element), "an element is not JSON");
  (void)mgw::request_body(in);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto in = fuzz::text_of(data, size);
  auto how = fuzz::take_byte(in);
  if (how < 48)
    read_as_call(in, how);
  else if (how < 64)
    read_as_batch(in);
  else if (how < 128)
    read_as_envelope(in, how);
  else
    read_as_json(in);
  return 0;
}
