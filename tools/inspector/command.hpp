// What a command of actor-inspector is: one file, one function that returns it, a `run` that
// returns data. How data looks is decided elsewhere (printers.hpp), unless a command says that a
// table does not do it justice (`draw`: trees, paths).
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace shoal::inspector {

using json = nlohmann::ordered_json;

struct argument {
  enum class kind : std::uint8_t { positional, text, number, flag };
  std::string_view name; ///< "id" or "--kind"
  std::string_view help;
  kind how = kind::text;
  bool required = false;
};

/// What was given on the command line.
class given {
public:
  bool has(std::string_view name) const { return values_.contains(name); }
  std::string text(std::string_view name, std::string_view otherwise = "") const;
  std::uint64_t number(std::string_view name, std::uint64_t otherwise) const;
  void set(std::string_view name, std::string value);

private:
  std::map<std::string, std::string, std::less<>> values_;
};

// Why a command ends early.
struct bad_usage {
  std::string why;
};
/// Nobody could be asked.
struct unreachable {
  std::string why;
};
/// Somebody was asked, and said no.
struct refused {
  std::string why;
  std::string node = {}; ///< who; empty: everybody, or nobody in particular
};

class session; // session.hpp

/// How things are drawn on the screen.
struct canvas {
  bool colors = false;
  bool wide = false;
};

/// What a command came to: data, and whether all is well with it.
struct outcome {
  json data;
  int code = 0;
};

struct command {
  std::string_view name;
  std::string_view help;
  std::string_view example; ///< shown by --help: command lines, one per line
  std::vector<argument> args;
  std::string_view rows;                 ///< field of the data that holds the rows of a table
  std::vector<std::string_view> columns; ///< of the table
  std::vector<std::string_view> wide;    ///< more columns of `-o wide`
  std::function<outcome(const given&, session&)> run;
  std::function<std::string(const json&, const canvas&)> draw; ///< instead of a table
};

/// All commands, in the order of the help.
const std::vector<command>& commands();

// One file each, in commands/.
command ls_command();
command top_command();
command describe_command();
command tree_command();
command stream_command();
command device_command();
command partitions_command();
command nodes_command();
command trace_command();
command why_command();
command stuck_command();
command dead_command();
command sched_command();
command snap_command();
command diff_command();
command bundle_command();
command check_command();
command kick_command();
command drain_command();
command set_log_command();

} // namespace shoal::inspector
