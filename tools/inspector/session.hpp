// The nodes that a command works with: asks one or all of them, and remembers who did not answer.
#pragma once

#include <chrono>
#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/inspector/command.hpp"

namespace shoal::inspector {

struct node_address {
  std::string name;        ///< as the configuration calls it; empty if only its URL is known
  std::string url;         ///< of its admin port
  std::string answered_as; ///< its own name, once it has answered
};

struct reply {
  int status = 0;
  std::string body;
};

/// A row of what a node answered, with the node's name.
json row_of(json node, const json& row);

/// The operator's key, for commands that change something.
struct operator_key {
  std::string id, secret;
};

/// Plain HTTP to one node. Throws `unreachable`. From several threads.
class caller {
public:
  virtual ~caller() = default;
  virtual reply get(const node_address& from, const std::string& target) = 0;
  virtual reply post(const node_address& to, const std::string& target, const std::string& body,
      const operator_key& by) = 0;
};

std::unique_ptr<caller> make_http_caller();

class session {
public:
  struct answer {
    std::string node;
    json data;
  };

  session(std::vector<node_address> nodes, caller& http, operator_key key)
      : nodes_{std::move(nodes)}, http_{http}, key_{std::move(key)} {}

  /// Asks every node at the same time. Those that do not answer are remembered in `silent`; throws
  /// `unreachable` if that is everybody, `refused` if nobody answers and one refuses.
  std::vector<answer> all(const std::string& target);

  /// The rows of all nodes' answers in one list, each with its node.
  json rows(const std::string& target, const std::string& field);

  /// Asks the nodes until one knows; throws `refused` with the last one's words if none does.
  answer any(const std::string& target);

  /// A session with one of the nodes, named as its answers name it.
  session only(const std::string& node) const;

  /// The node of an id like "n2/17", and the rest; all nodes if it names none.
  std::string pick(const std::string& id);

  /// Changes something at every node (or the one that `pick` chose). Throws `refused` if one of
  /// them refuses, with the names of those that did not.
  std::vector<answer> change(const std::string& target, const json& body);
  answer change_any(const std::string& target, const json& body);

  const std::vector<std::pair<std::string, std::string>>& silent() const { return silent_; }
  const std::vector<node_address>& nodes() const { return nodes_; }

  /// Shows data before the command ends; for commands that go on.
  std::function<void(const json&)> show;
  /// Waits; false if the user has had enough.
  std::function<bool(std::chrono::milliseconds)> wait;
  /// Words for people, beside the data.
  std::function<void(const std::string&)> say;
  bool live = false; ///< standard output is a terminal

private:
  std::vector<node_address> nodes_;
  caller& http_;
  operator_key key_;
  std::vector<std::pair<std::string, std::string>> silent_; ///< node, why
};

/// Text in a URL's path or query.
std::string url_encoded(std::string_view text);

} // namespace shoal::inspector
