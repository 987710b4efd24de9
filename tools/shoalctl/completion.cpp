#include <set>

#include "tools/shoalctl/command_line.hpp"

namespace shoal::ctl {

std::string bash_completion() {
  std::map<std::string, std::set<std::string>> groups; // first word -> second words or options
  std::string options;
  for (const auto& c : commands()) {
    auto split = c.words.find(' ');
    auto first = std::string{c.words.substr(0, split)};
    if (split != std::string_view::npos)
      groups[first].insert(std::string{c.words.substr(split + 1)});
    else
      groups[first];
    std::string of_command;
    for (const auto& a : c.args)
      if (a.name.starts_with("--"))
        of_command.append(of_command.empty() ? "" : " ").append(a.name);
    options.append("    \"")
        .append(c.words)
        .append("\") words=\"")
        .append(of_command)
        .append("\" ;;\n");
  }
  groups["completion"].insert("bash");
  std::string firsts, seconds;
  for (const auto& [first, more] : groups) {
    firsts.append(firsts.empty() ? "" : " ").append(first);
    std::string list;
    for (const auto& x : more)
      list.append(list.empty() ? "" : " ").append(x);
    if (!list.empty())
      seconds.append("    \"").append(first).append("\") words=\"").append(list).append("\" ;;\n");
  }
  return "# bash completion of shoalctl: source <(shoalctl completion bash)\n"
         "_shoalctl() {\n"
         "  local current=${COMP_WORDS[COMP_CWORD]} words=\"\" given=() i\n"
         "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "    [[ ${COMP_WORDS[i]} == -* ]] || given+=(\"${COMP_WORDS[i]}\")\n"
         "  done\n"
         "  if ((${#given[@]} == 0)); then\n"
         "    words=\"" +
         firsts +
         "\"\n"
         "  else\n"
         "    case \"${given[0]}\" in\n" +
         seconds +
         "    esac\n"
         "    ((${#given[@]} > 1)) && words=\"\"\n"
         "    case \"${given[*]:0:2}\" in\n" +
         options +
         "    esac\n"
         "  fi\n"
         "  [[ $current == -* ]] && words+=\" --url --key --secret --ca --app --insecure --config "
         "--output --help\"\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
         "}\n"
         "complete -F _shoalctl shoalctl\n";
}

} // namespace shoal::ctl
