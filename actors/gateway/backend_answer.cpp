#include "actors/gateway/backend_answer.hpp"

#include <algorithm>
#include <charconv>

#include <nlohmann/json.hpp>

#include "actors/gateway/content_type.hpp"
#include "actors/gateway/header_rules.hpp"
#include "actors/gateway/local_backend.hpp"
#include "actors/gateway/passed_headers.hpp"
#include "protocol/mgw/json_text.hpp"
#include "protocol/percent.hpp"
#include "protocol/utf8.hpp"

namespace shoal::gateway {
namespace {

std::optional<unsigned> number(std::string_view text) {
  auto out = 0u;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size())
    return {};
  return out;
}

/// 6000 to 6999 belong to backends.
std::optional<mgw::result> own_code(std::string_view text) {
  auto code = number(text);
  if (!code || *code < 6000 || *code > 6999)
    return {};
  return static_cast<mgw::result>(*code);
}

/// In an envelope the body must be what it is taken for; a bare one is passed as it came.
mgw::result_form form_of(std::string_view type, std::string_view body, bool in_envelope) {
  auto json = format_of(type) == mgw::data_format::json;
  if (json && (!in_envelope || mgw::is_json(body)))
    return mgw::result_form::json;
  auto text = type.empty() || is_text_type(type);
  return text && valid_utf8(body) ? mgw::result_form::text : mgw::result_form::bytes;
}

/// As of other backends. Texts count with the head, which they would be in there.
bool is_too_large(const local_answer& x) {
  constexpr auto limits = http::response_limits{};
  auto head = x.content_type.size() + x.tips.size() + x.memo.size();
  for (auto& [name, value] : x.headers)
    head += name.size() + value.size();
  return x.body.size() > limits.body || x.headers.size() > limits.fields || head > limits.header;
}

bool is_enveloped(const call& from, mgw::result code) {
  return !from.is_rest() && (from.what.version == mgw::rpc_version::v1 ||
                                !from.what.callback.empty() || code != mgw::result::success);
}

} // namespace

answer answer_of_reply(http::reply&& x, const call& from) {
  auto out = answer{};
  auto good = x.status >= 200 && x.status < 300;
  if (auto code = own_code(x.header("Result-Status"))) {
    out.what.code = *code;
    out.what.tips = form_decoded(x.header("Tips")).value_or("");
  } else if (!good && !(from.is_rest() && x.status < 500)) {
    out.what.code = mgw::result::backend_failed;
    out.what.memo = "the backend answered " + std::to_string(x.status);
  }
  auto type = x.header("Content-Type");
  if (!x.body.empty())
    out.what.form = form_of(type, x.body, is_enveloped(from, out.what.code));
  out.what.content_type = type;
  out.headers.reserve(x.fields());
  for (auto i = std::size_t{0}; i < x.fields(); ++i)
    if (auto [name, value] = x.at(i); !is_of_the_answers_hop(name))
      out.headers.emplace_back(name, value);
  drop_nominated(out.headers);
  out.bare = from.is_rest();
  out.status = from.is_rest() ? x.status : 200;
  out.what.result_data = std::move(x.body);
  return out;
}

answer answer_of_local(local_answer&& x, const call& from) {
  if (is_too_large(x))
    x = local_failure(mgw::result::backend_failed, "the backend's answer is too large");
  auto out = answer_of(x.code, std::move(x.memo));
  out.what.tips = std::move(x.tips);
  if (!x.body.empty())
    out.what.form = form_of(x.content_type, x.body, is_enveloped(from, x.code));
  out.what.content_type = std::move(x.content_type);
  for (auto& [name, value] : x.headers)
    if (!is_of_the_answers_hop(name) && fits_one_line(name) && fits_one_line(value))
      out.headers.emplace_back(std::move(name), std::move(value));
  drop_nominated(out.headers);
  out.bare = from.is_rest();
  if (from.is_rest())
    out.status = x.status != 0 ? x.status : http_status_of(x.code);
  out.what.result_data = std::move(x.body);
  return out;
}

answer answer_of_template(std::string_view json, mgw::result otherwise) {
  auto out = answer_of(otherwise);
  auto members = mgw::json_members(json);
  if (!members)
    return out;
  auto result = std::string_view{};
  for (auto& [name, value] : *members) {
    if (name == "resultStatus") {
      if (auto code = number(value.starts_with('"') ? value.substr(1, value.size() - 2) : value);
          code && *code >= 1000 && *code <= 9999)
        out.what.code = static_cast<mgw::result>(*code);
    } else if (name == "tips") {
      auto text = nlohmann::json::parse(value, nullptr, false);
      if (text.is_string())
        out.what.tips = text.get<std::string>();
    } else if (name == "result") {
      result = value;
    }
  }
  if (out.what.code == mgw::result::success)
    out.what.result_data = result;
  return out;
}

void put_tips(answer& x, const app_settings& of, std::string_view accepted_languages) {
  if (of.tips.empty() || x.what.code == mgw::result::success || !x.what.tips.empty())
    return;
  auto found = of.tips.find(std::to_string(static_cast<unsigned>(x.what.code)));
  if (found == of.tips.end() || found->second.empty())
    return;
  auto* text = text_for(found->second, accepted_languages);
  x.what.tips = text ? *text : found->second.begin()->second;
}

answer busy_answer(const limit_rule& rule, std::string_view accepted_languages) {
  auto* text = text_for(rule.i18n_responses, accepted_languages);
  if (!text || text->empty())
    text = &rule.default_response;
  if (!text->empty())
    return answer_of_template(text->text, mgw::result::limit_exceeded);
  return answer_of(mgw::result::limit_exceeded);
}

} // namespace shoal::gateway
