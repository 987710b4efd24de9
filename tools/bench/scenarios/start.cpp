// start: from the start of the process until it takes devices and calls, with a million streams on
// disk.
//
// The streams are written straight into the data folder by a child process (`--prepare-streams`),
// in the tables that storage/README.md describes; then one op for one of them, through the API,
// proves that the server sees them.
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "tools/bench/contenders/shoal.hpp"
#include "tools/bench/floor/store.hpp"
#include "tools/bench/floor/streams.hpp"
#include "tools/bench/load/clock.hpp"
#include "tools/bench/scenarios/scenario.hpp"

namespace shoal::bench {

namespace {

void check_known(shoal_contender& who, tls_loop& loop) {
  auto answer = nlohmann::json::parse(
      who.call(loop, who.admin(), "POST", std::string{"/v1/apps/"} + shoal_app + "/sync",
          R"({"biz":"OWN","user":"u0","payload":"x"})"));
  if (answer.at("id") != 2)
    throw std::runtime_error{"the server does not know the prepared streams: " + answer.dump()};
}

figures run(contender& any, const surroundings& around) {
  auto& who = dynamic_cast<shoal_contender&>(any);
  auto loop = tls_loop{};
  who.prepare(loop, {.whom = audience::own});
  who.server().stop();
  prepare_streams_in_child(who.data_folder(), around.wishes.streams, around.folder + "/log");
  auto begin = now_ns();
  who.start();
  auto ready = seconds_of(now_ns() - begin) * 1000;
  auto memory = static_cast<double>(who.server().memory().rss) / 1e6;
  check_known(who, loop);
  return {{"ready_ms", "ms", ready, better::lower}, {"rss_mb", "MB", memory, better::lower}};
}

figures bare(const surroundings& around) {
  auto folder = around.folder + "/bare";
  prepare_streams_in_child(folder, around.wishes.streams, around.folder + "/log");
  return {{"ready_ms", "ms", open_milliseconds(store_folder(folder)), better::lower}};
}

} // namespace

scenario start_scenario() {
  return {"start", "time until ready with many streams on disk", {"floor"}, "streams", run, bare};
}

} // namespace shoal::bench
