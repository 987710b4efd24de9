#include "tools/inspector/command_line.hpp"

namespace shoal::inspector {

std::string bash_completion() {
  std::string names, options;
  for (const auto& c : commands()) {
    names.append(names.empty() ? "" : " ").append(c.name);
    std::string of_command;
    for (const auto& a : c.args)
      if (a.name.starts_with("--"))
        of_command.append(of_command.empty() ? "" : " ").append(a.name);
    options.append("    ").append(c.name).append(") words=\"").append(of_command).append("\" ;;\n");
  }
  return "# bash completion of actor-inspector: source <(actor-inspector completion)\n"
         "_actor_inspector() {\n"
         "  local current=${COMP_WORDS[COMP_CWORD]} words=\"\" chosen=\"\" i\n"
         "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "    [[ ${COMP_WORDS[i]} == -* ]] || { chosen=${COMP_WORDS[i]}; break; }\n"
         "  done\n"
         "  case \"$chosen\" in\n"
         "    \"\") words=\"" +
         names + " completion\" ;;\n" + options +
         "  esac\n"
         "  [[ $current == -* ]] && words+=\" --node --cluster --output --help\"\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
         "}\n"
         "complete -F _actor_inspector actor-inspector\n";
}

} // namespace shoal::inspector
