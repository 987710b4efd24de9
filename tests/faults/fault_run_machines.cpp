// Faults of the machines that nodes run on: cables, disks, clocks.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/faults/fault_run.hpp"

namespace shoal::faults {

namespace fs = std::filesystem;

void fault_run::cut(fault_row& row) {
  auto n = pick();
  auto lost = to_etcd(n);
  for (auto x : others({n})) {
    lost.emplace_back(n, x);
    lost.emplace_back(x, n);
  }
  without(row, lost, others({n}));
}

void fault_run::cut_out(fault_row& row) {
  auto n = pick();
  auto lost = cables{};
  for (auto x : others({n}))
    lost.emplace_back(n, x);
  without(row, lost, others({n}));
}

void fault_run::cut_in(fault_row& row) {
  auto n = pick();
  auto lost = cables{};
  for (auto x : others({n}))
    lost.emplace_back(x, n);
  without(row, lost, others({n}));
}

void fault_run::cut_pair(fault_row& row) {
  auto n = pick();
  auto other = (n + 1) % cluster_.size();
  without(row, {{n, other}, {other, n}}, everybody());
}

void fault_run::without(
    fault_row& row, const cables& lost, const std::vector<std::size_t>& usable) {
  for (auto [from, to] : lost)
    cluster_.cut(from, to);
  probe_->begin(usable);
  auto began = steady_clock::now();
  note(row, finish_probe(serve_patience_ms, "while cables are cut"));
  pass(2 + 4 * part() - since(began));
  for (auto [from, to] : lost)
    cluster_.heal(from, to);
}

void fault_run::cut_etcd(fault_row& row) {
  auto n = pick();
  for (auto [from, to] : to_etcd(n))
    cluster_.cut(from, to);
  serve_through(row, 6, "while " + cluster_.name(n) + " does not reach etcd");
  for (auto [from, to] : to_etcd(n))
    cluster_.heal(from, to);
}

fault_run::cables fault_run::to_etcd(std::size_t n) const {
  auto out = cables{};
  for (auto x : cluster_.etcd_hosts()) {
    out.emplace_back(n, x);
    out.emplace_back(x, n);
  }
  return out;
}

void fault_run::full_disk(fault_row& row) {
  auto n = cluster_.size() - 1;
  auto ballast = cluster_.data_dir(n) + "/ballast";
  {
    auto out = std::ofstream{ballast};
    auto block = std::string(1 << 16, 'x');
    while (out.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
  }
  auto led = led_by(n).size();
  probe_->begin(everybody());
  auto served = finish_probe(serve_patience_ms, "while the disk of a node is full");
  row.serve_s.push_back(last(served));
  auto text = std::ostringstream{};
  text << served.size() << " of " << wishes_.partitions << " partitions served (" << led
       << " led by the full node); refused:";
  for (auto& [why, count] : probe_->refusals())
    text << ' ' << why << ' ' << count;
  remark(row, text.str());
  fs::remove(ballast);
  expect_service(everybody(), serve_patience_ms, "when there is space again");
}

void fault_run::slow_disk(fault_row& row) {
  auto& of = cluster_.whims_of(pick());
  auto delay_ms = 50 + static_cast<std::int64_t>(450 * part());
  of.sync_delay_us = delay_ms * 1000;
  serve_through(row, 5, "while syncs of a node take " + std::to_string(delay_ms) + " ms longer");
  of.sync_delay_us = 0;
}

void fault_run::lose_cache(fault_row& row, std::size_t count) {
  auto who = everybody();
  std::shuffle(who.begin(), who.end(), random_);
  who.resize(count);
  for (auto n : who) // so that a sync is under way, and there is something to lose
    cluster_.whims_of(n).sync_delay_us = 20'000 + static_cast<std::int64_t>(130'000 * part());
  pass(0.3 + part());
  for (auto n : who)
    cluster_.strike(n);
  auto lost = std::string{};
  for (auto n : who) {
    cluster_.kill(n);
    cluster_.whims_of(n).sync_delay_us = 0;
    auto x = cluster_.lose_cache_of(n);
    lost += (lost.empty() ? "" : ", ") + cluster_.name(n) + " " + std::to_string(x.bytes) +
            " bytes of " + std::to_string(x.shortened) + " files and " + std::to_string(x.removed) +
            " files";
  }
  remark(row, "lost: " + lost);
  if (2 * count < cluster_.size())
    pass(part()); // what the others agree to meanwhile is news to it
  for (auto n : who)
    cluster_.launch(n);
  probe_->begin(everybody());
  note(row, finish_probe(serve_patience_ms, "without what page caches held"));
}

void fault_run::clock_jump(fault_row& row) {
  auto& of = cluster_.whims_of(pick());
  for (auto way : {1, -1, 0}) {
    auto seconds = way * static_cast<std::int64_t>(60 + 180 * part());
    of.clock_shift_ns = seconds * 1'000'000'000;
    serve_through(
        row, 2, "while the clock of a node is wrong by " + std::to_string(seconds) + " s");
  }
}

void fault_run::empty_disk(fault_row& row) {
  auto n = pick();
  cluster_.kill(n);
  expect_service(others({n}), serve_patience_ms, "without " + cluster_.name(n));
  cluster_.replace_disk(n);
  probe_->begin(everybody());
  auto began = steady_clock::now();
  cluster_.launch(n);
  note(row, finish_probe(serve_patience_ms, "with an empty disk"));
  if (!cluster_.await_whole(whole_patience_ms))
    trouble(cluster_.name(n) + " is not filled: " + cluster_.what_is_missing());
  remark(row, "leads again after " + std::to_string(since(began)) + " s");
}

void fault_run::flip(fault_row& row) {
  flip_in(row, [](const fs::path& x) { return x.extension() == ".sst"; });
}

void fault_run::flip_log(fault_row& row) {
  flip_in(row, [](const fs::path& x) {
    auto name = x.stem().string(); // RocksDB numbers its logs
    return x.extension() == ".log" && name.find_first_not_of("0123456789") == std::string::npos;
  });
}

void fault_run::flip_in(fault_row& row, const which_files& which) {
  auto n = pick();
  cluster_.kill(n);
  expect_service(others({n}), serve_patience_ms, "without " + cluster_.name(n));
  auto flipped = flip_bits(cluster_.data_dir(n), which);
  probe_->begin(everybody());
  auto said_before = read_file(cluster_.log_file(n)).size();
  cluster_.launch(n);
  note(row, finish_probe(serve_patience_ms, "with a damaged node"));
  work_->read_back(true); // damage shows when it is read
  work_->check_cursors();
  auto whole = wait_until(
      20'000, [&] { return !cluster_.running(n) || cluster_.what_is_missing().empty(); });
  if (whole && cluster_.running(n)) {
    auto noticed = read_file(cluster_.log_file(n)).find("store lost records", said_before) !=
                   std::string::npos;
    return remark(row, flipped.empty()
                           ? "nothing was there to be flipped"
                           : flipped + (noticed ? ": noticed the loss, and was filled again"
                                                : ": healed by itself"));
  }
  remark(row, flipped +
                  (cluster_.running(n) ? ": its store takes no writes any more"
                                       : ": its store does not open") +
                  "; its folder was emptied");
  cluster_.kill(n);
  cluster_.replace_disk(n);
  cluster_.launch(n);
}

std::string fault_run::flip_bits(const std::string& folder, const which_files& which) {
  auto candidates = std::vector<fs::path>{};
  for (auto& x : fs::recursive_directory_iterator{folder})
    if (x.is_regular_file() && x.file_size() > 4096 && which(x.path()))
      candidates.push_back(x.path());
  std::sort(candidates.begin(), candidates.end());
  std::shuffle(candidates.begin(), candidates.end(), random_);
  candidates.resize(std::min<std::size_t>(candidates.size(), 2));
  auto out = std::string{};
  for (auto& path : candidates) {
    auto at = static_cast<std::streamoff>(random_() % fs::file_size(path));
    auto file = std::fstream{path, std::ios::in | std::ios::out | std::ios::binary};
    file.seekg(at);
    auto byte = static_cast<char>(file.get() ^ (1 << random_() % 8));
    file.seekp(at);
    file.put(byte);
    out += (out.empty() ? "" : ", ") + path.filename().string() + " at " + std::to_string(at);
  }
  return out;
}

} // namespace shoal::faults
