#include "tools/inspector/session.hpp"

#include <algorithm>
#include <future>

#include "protocol/percent.hpp"

namespace shoal::inspector {

namespace {

std::string name_of(const node_address& x) {
  return !x.answered_as.empty() ? x.answered_as : x.name.empty() ? x.url : x.name;
}

constexpr auto max_depth = 100; // what draws it goes as deep as it is

json read(const reply& x, const node_address& from) {
  auto deepest = 0;
  auto watch = [&](int depth, json::parse_event_t, json&) {
    deepest = std::max(deepest, depth);
    return depth <= max_depth;
  };
  auto data = json::parse(x.body, watch, false);
  if (x.status < 400 && data.is_object() && deepest <= max_depth)
    return data;
  if (data.is_object() && data.contains("code"))
    throw refused{data.value("code", "") +
                      (data.value("detail", "").empty() ? "" : ": " + data.value("detail", "")),
        name_of(from)};
  throw unreachable{name_of(from) + ": the answer is not one of a Shoal node's admin port"};
}

/// What holds for all nodes is said once, and of none of them.
refused words_of(std::vector<refused> refusals, std::size_t asked) {
  auto out = refusals.back();
  if (asked > 1 && refusals.size() == asked &&
      std::ranges::all_of(refusals, [&](auto& x) { return x.why == out.why; }))
    out.node.clear();
  return out;
}

} // namespace

std::vector<session::answer> session::all(const std::string& target) {
  std::vector<std::future<json>> questions;
  for (auto& x : nodes_)
    questions.push_back(std::async(
        std::launch::async, [this, &x, &target] { return read(http_.get(x, target), x); }));
  std::vector<answer> out;
  silent_.clear();
  std::vector<refused> refusals;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    try {
      auto data = questions[i].get();
      auto name = data.is_object() ? data.value("node", name_of(nodes_[i])) : name_of(nodes_[i]);
      nodes_[i].answered_as = name;
      out.push_back({std::move(name), std::move(data)});
    } catch (const unreachable& x) {
      silent_.emplace_back(name_of(nodes_[i]), x.why);
    } catch (const refused& x) {
      refusals.push_back(x);
    }
  }
  if (!refusals.empty() && out.empty())
    throw words_of(std::move(refusals), nodes_.size());
  if (out.empty())
    throw unreachable{silent_.empty() ? "there is no node to ask" : silent_.front().second};
  return out;
}

json row_of(json node, const json& row) {
  json out = {{"node", std::move(node)}};
  out.update(row);
  return out;
}

json session::rows(const std::string& target, const std::string& field) {
  auto out = json::array();
  for (auto& x : all(target))
    for (auto& row : x.data[field])
      out.push_back(row_of(x.node, row));
  return out;
}

session::answer session::any(const std::string& target) {
  auto answers = all(target);
  return std::move(answers.front());
}

session session::only(const std::string& node) const {
  auto i = std::ranges::find_if(nodes_, [&](auto& x) { return x.answered_as == node; });
  auto one = i == nodes_.end() ? nodes_ : std::vector{*i};
  return {std::move(one), http_, key_};
}

std::string session::pick(const std::string& id) {
  auto split = id.find('/');
  if (split == std::string::npos)
    return id;
  auto name = id.substr(0, split);
  auto named = nodes_;
  std::erase_if(named, [&](const node_address& x) { return x.name != name; });
  if (!named.empty())
    nodes_ = std::move(named);
  else if (nodes_.size() > 1)
    throw bad_usage{name + ": no node of this name"};
  return id.substr(split + 1);
}

std::vector<session::answer> session::change(const std::string& target, const json& body) {
  if (key_.id.empty() || key_.secret.empty())
    throw bad_usage{"this changes something: set SHOAL_KEY and SHOAL_SECRET to the operator's key"};
  std::vector<answer> out;
  std::vector<refused> refusals;
  silent_.clear();
  for (auto& x : nodes_) {
    try {
      out.push_back({name_of(x), read(http_.post(x, target, body.dump(), key_), x)});
    } catch (const unreachable& why) {
      silent_.emplace_back(name_of(x), why.why);
    } catch (const refused& why) {
      refusals.push_back(why);
    }
  }
  if (!refusals.empty()) {
    auto words = words_of(std::move(refusals), nodes_.size());
    for (auto& x : out)
      words.why.append(&x == out.data() ? "; done at " : ", ").append(x.node);
    throw words;
  }
  if (out.empty())
    throw unreachable{silent_.empty() ? "there is no node to ask" : silent_.front().second};
  return out;
}

session::answer session::change_any(const std::string& target, const json& body) {
  if (nodes_.size() == 1)
    return change(target, body).front();
  auto every = nodes_;
  std::vector<refused> refusals;
  for (auto& x : every) {
    nodes_ = {x};
    try {
      return change(target, body).front();
    } catch (const refused& why) {
      refusals.push_back(why);
    } catch (const unreachable& why) {
      refusals.push_back({why.why});
    }
  }
  if (refusals.empty())
    throw refused{"there is no node to ask"};
  throw words_of(std::move(refusals), every.size());
}

std::string url_encoded(std::string_view text) { return percent_encoded(text, "@:,"); }

} // namespace shoal::inspector
