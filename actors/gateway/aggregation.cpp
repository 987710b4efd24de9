#include "actors/gateway/aggregation.hpp"

#include <algorithm>
#include <charconv>

#include "protocol/mgw/json_text.hpp"

namespace shoal::gateway {
namespace {

using nlohmann::json;

json parsed(std::string_view text) {
  if (!mgw::is_json(text))
    return {};
  auto out = json::parse(text, nullptr, false);
  return out.is_discarded() ? json{} : out; // a number beyond every double
}

/// "a.b" of "${a.b}"; nothing if the text is anything else.
std::optional<std::string_view> reference_in(const json& x) {
  if (!x.is_string())
    return {};
  auto text = std::string_view{x.get_ref<const std::string&>()};
  if (text.size() < 4 || !text.starts_with("${") || !text.ends_with('}'))
    return {};
  return text.substr(2, text.size() - 3);
}

std::string_view first_part(std::string_view path) { return path.substr(0, path.find('.')); }

void collect(const json& x, std::vector<std::string>& into) {
  if (auto found = reference_in(x))
    into.emplace_back(first_part(*found));
  if (x.is_structured())
    for (auto& y : x)
      collect(y, into);
}

const json* child(const json& of, std::string_view name) {
  if (of.is_object()) {
    auto found = of.find(name);
    return found == of.end() ? nullptr : &*found;
  }
  auto index = std::size_t{0};
  auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
  if (!of.is_array() || error != std::errc{} || end != name.data() + name.size() ||
      index >= of.size())
    return nullptr;
  return &of[index];
}

} // namespace

std::vector<std::string> references_of(const json_text& in) {
  auto out = std::vector<std::string>{};
  collect(parsed(in.text), out);
  return out;
}

aggregation::aggregation(const api_definition& api, std::string_view body)
    : api_{api}, request_(parsed(body)), steps_(api.steps.size()) {}

bool aggregation::is_over(std::string_view name) const {
  for (auto i = std::size_t{0}; i < steps_.size(); ++i)
    if (api_.steps[i].name == name)
      return steps_[i].over;
  return true; // the request
}

bool aggregation::may_start(std::size_t step) const {
  auto& x = api_.steps[step];
  auto over = [&](const std::string& name) { return is_over(name); };
  return !steps_[step].asked && std::ranges::all_of(x.after, over) &&
         std::ranges::all_of(references_of(x.request), over);
}

std::vector<aggregation::question> aggregation::ready() {
  auto out = std::vector<question>{};
  for (auto i = std::size_t{0}; i < steps_.size() && !failed_; ++i) {
    if (!may_start(i))
      continue;
    steps_[i].asked = true;
    auto data = std::string{"[{\"_requestBody\":"};
    auto& wish = api_.steps[i].request;
    if (!write(wish.empty() ? json::object() : parsed(wish.text), data))
      failed_ = answer_of(mgw::result::malformed_request, api_.steps[i].name + ": too large");
    out.push_back({i, std::move(data.append("}]"))});
  }
  if (failed_)
    out.clear();
  return out;
}

void aggregation::on_answer(std::size_t step, answer&& x) {
  auto& is = api_.steps[step];
  auto& now = steps_[step];
  now.over = true;
  if (x.what.code == mgw::result::success) {
    auto whole = x.what.result_data.size() <= max_bytes && mgw::is_json(x.what.result_data);
    if (whole || x.what.result_data.empty()) {
      now.said = parsed(x.what.result_data);
      return;
    }
    x = answer_of(mgw::result::backend_failed, "the answer is too large or no JSON");
  }
  if (is.optional) {
    now.said = parsed(is.otherwise.text);
    return;
  }
  if (failed_)
    return;
  failed_ = answer_of(x.what.code, is.name + (x.what.memo.empty() ? "" : ": ") + x.what.memo);
  failed_->what.tips = std::move(x.what.tips);
}

std::optional<answer> aggregation::result() const {
  if (failed_)
    return failed_;
  if (!std::ranges::all_of(steps_, &state::over))
    return {};
  auto out = answer{};
  if (!write(parsed(api_.answer.text), out.what.result_data))
    return answer_of(mgw::result::backend_failed, "the answers together are too large");
  return out;
}

const json* aggregation::find(std::string_view reference) const {
  auto name = first_part(reference);
  const json* at = name == "request" ? &request_ : nullptr;
  for (auto i = std::size_t{0}; i < steps_.size() && !at; ++i)
    if (api_.steps[i].name == name)
      at = &steps_[i].said;
  reference.remove_prefix(std::min(reference.size(), name.size() + 1));
  while (at && !reference.empty()) {
    auto part = first_part(reference);
    reference.remove_prefix(std::min(reference.size(), part.size() + 1));
    at = child(*at, part);
  }
  return at;
}

/// Appends the template with its values. False if that is too large.
bool aggregation::write(const json& of, std::string& out) const {
  auto good = true;
  if (auto reference = reference_in(of)) {
    auto* value = find(*reference);
    out += value ? value->dump() : "null";
  } else if (of.is_object()) {
    out += '{';
    for (auto i = of.begin(); i != of.end() && good; ++i) {
      out += i == of.begin() ? "" : ",";
      mgw::append_json_string(out, i.key());
      out += ':';
      good = write(*i, out);
    }
    out += '}';
  } else if (of.is_array()) {
    out += '[';
    for (auto i = of.begin(); i != of.end() && good; ++i) {
      out += i == of.begin() ? "" : ",";
      good = write(*i, out);
    }
    out += ']';
  } else {
    out += of.dump();
  }
  return good && out.size() <= max_bytes;
}

} // namespace shoal::gateway
