#include <map>
#include <set>

#include "tools/shoalctl/command_line.hpp"

namespace shoal::ctl {

namespace {

std::string listed(const std::set<std::string>& words) {
  std::string out;
  for (const auto& x : words)
    out.append(out.empty() ? "" : " ").append(x);
  return out;
}

std::string choices(const std::map<std::string, std::set<std::string>>& cases) {
  std::string out;
  for (const auto& [words, next] : cases)
    out.append("    \"")
        .append(words)
        .append("\") words=\"")
        .append(listed(next))
        .append("\" ;;\n");
  return out;
}

} // namespace

std::string bash_completion() {
  std::map<std::string, std::set<std::string>> next;    // words so far -> words that may follow
  std::map<std::string, std::set<std::string>> options; // a whole command -> its options
  auto add = [&](std::string_view words) {
    for (std::size_t at = 0; at != std::string_view::npos;) {
      auto before = words.substr(0, at == 0 ? 0 : at);
      auto rest = words.substr(at == 0 ? 0 : at + 1);
      next[std::string{before}].insert(std::string{rest.substr(0, rest.find(' '))});
      at = words.find(' ', at == 0 ? 0 : at + 1);
    }
  };
  add("completion bash");
  for (const auto& c : commands()) {
    add(c.words);
    for (const auto& a : c.args)
      if (a.name.starts_with("--"))
        options[std::string{c.words}].insert(std::string{a.name});
  }
  return "# bash completion of shoalctl: source <(shoalctl completion bash)\n"
         "_shoalctl() {\n"
         "  local current=${COMP_WORDS[COMP_CWORD]} words=\"\" given=() i\n"
         "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "    [[ ${COMP_WORDS[i]} == -* ]] || given+=(\"${COMP_WORDS[i]}\")\n"
         "  done\n"
         "  case \"${given[*]}\" in\n" +
         choices(next) +
         "  esac\n"
         "  for ((i = 1; i <= ${#given[@]}; i++)); do\n"
         "    case \"${given[*]:0:i}\" in\n" +
         choices(options) +
         "    esac\n"
         "  done\n"
         "  [[ $current == -* ]] && words+=\" --url --key --secret --ca --app --insecure --config "
         "--output --help\"\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
         "}\n"
         "complete -F _shoalctl shoalctl\n";
}

} // namespace shoal::ctl
