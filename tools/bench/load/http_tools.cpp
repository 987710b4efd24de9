#include "tools/bench/load/http_tools.hpp"

#include <fstream>
#include <sstream>
#include <stdexcept>

#include "tools/bench/load/clock.hpp"
#include "tools/bench/machine/child.hpp"

namespace shoal::bench {

namespace {

constexpr int patience_s = 20; // beyond the time that the work takes

std::string text_file(const std::string& file, const std::string& text) {
  std::ofstream{file} << text;
  return file;
}

std::string lua_text(const std::string& text) {
  auto out = std::string{"'"};
  for (auto c : text)
    out.append(c == '\'' || c == '\\' ? "\\" : "").append(1, c);
  return out += '\'';
}

double number_after(const std::string& text, const std::string& mark) {
  auto at = text.find(mark);
  return at == std::string::npos ? 0 : std::strtod(text.c_str() + at + mark.size(), nullptr);
}

int timeout_of(const http_work& work) { return static_cast<int>(work.seconds) + patience_s; }

std::vector<std::string> h2load_command(const http_work& work, std::size_t connections) {
  auto out = std::vector<std::string>{
      "h2load", "-t1", "-c" + std::to_string(connections), "-D", std::to_string(work.seconds)};
  for (auto& [name, value] : work.headers) {
    out.push_back("-H");
    out.push_back(name + ": " + value);
  }
  if (!work.body.empty()) {
    out.push_back("-d");
    out.push_back(text_file(work.folder + "/body", work.body));
  }
  return out;
}

} // namespace

std::string output_of(
    const std::vector<std::string>& command, const std::string& log, int timeout_s) {
  auto program = child{command, log, true};
  auto out = std::string{};
  auto end = now_ns() + timeout_s * 1'000'000'000LL;
  for (;;) {
    auto left = (end - now_ns()) / 1'000'000;
    if (left <= 0)
      throw std::runtime_error{command[0] + " takes too long"};
    auto line = program.read_line(static_cast<int>(left));
    if (!line)
      break;
    out.append(*line).append("\n");
  }
  if (out.empty())
    throw std::runtime_error{command[0] + " says nothing: is it installed?"};
  return out;
}

double wrk_rate(const http_work& work, std::size_t connections) {
  auto script = std::ostringstream{};
  if (!work.body.empty())
    script << "wrk.method = 'POST'\nwrk.body = " << lua_text(work.body) << '\n';
  for (auto& [name, value] : work.headers)
    script << "wrk.headers[" << lua_text(name) << "] = " << lua_text(value) << '\n';
  auto file = text_file(work.folder + "/wrk.lua", script.str());
  auto said = output_of({"wrk", "-t1", "-c" + std::to_string(connections),
                            "-d" + std::to_string(work.seconds) + "s", "-s", file, work.url},
      work.folder + "/log", timeout_of(work));
  if (said.find("Non-2xx") != std::string::npos || said.find("Socket errors") != std::string::npos)
    throw std::runtime_error{"not all answers were good: " + said};
  auto rate = number_after(said, "Requests/sec:");
  if (rate <= 0)
    throw std::runtime_error{"no answers: " + said};
  return rate;
}

double h2_rate(const http_work& work, std::size_t connections, std::size_t streams) {
  auto command = h2load_command(work, connections);
  command.push_back("-m" + std::to_string(streams));
  command.push_back(work.url);
  auto said = output_of(command, work.folder + "/log", timeout_of(work));
  auto good = number_after(said, "status codes: ");
  if (good <= 0 || said.find(" 0 3xx, 0 4xx, 0 5xx") == std::string::npos)
    throw std::runtime_error{"not all answers were good: " + said};
  return good / static_cast<double>(work.seconds);
}

std::vector<std::int64_t> paced_latencies(
    const http_work& work, std::size_t connections, std::size_t per_second) {
  auto command = h2load_command(work, connections);
  auto log = work.folder + "/latencies";
  std::ofstream{log, std::ios::trunc};
  command.push_back("--h1");
  command.push_back("--rps=" + std::to_string(per_second / connections));
  command.push_back("--log-file=" + log);
  command.push_back(work.url);
  output_of(command, work.folder + "/log", timeout_of(work));
  // Begin in microseconds, status, duration in microseconds.
  auto out = std::vector<std::int64_t>{};
  auto in = std::ifstream{log};
  auto begin = std::int64_t{0}, status = std::int64_t{0}, took = std::int64_t{0};
  while (in >> begin >> status >> took) {
    if (status / 100 != 2)
      throw std::runtime_error{"an answer was " + std::to_string(status)};
    out.push_back(took * 1000);
  }
  if (out.empty())
    throw std::runtime_error{"no answers at a fixed rate"};
  return out;
}

} // namespace shoal::bench
