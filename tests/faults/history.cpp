#include "tests/faults/history.hpp"

#include <algorithm>

namespace shoal::faults {

namespace {

std::string number(std::uint64_t n) { return std::to_string(n); }

} // namespace

void history::tell(history_events* other) {
  auto guard = std::lock_guard{mutex_};
  other_ = other;
}

void history::attempted(
    const std::string& stream, const std::string& key, const std::string& payload) {
  auto guard = std::lock_guard{mutex_};
  if (other_)
    other_->attempted(stream, key, payload);
  streams_[stream].attempts.emplace(payload, key);
}

void history::acknowledged(
    const std::string& stream, const std::string& payload, std::uint64_t id) {
  auto guard = std::lock_guard{mutex_};
  if (other_)
    other_->acknowledged(stream, payload, id);
  streams_[stream].answers[payload].insert(id);
}

void history::expect_reader(const std::string& stream, const std::string& device, sharing how) {
  auto guard = std::lock_guard{mutex_};
  if (other_)
    other_->expect_reader(stream, device, how);
  streams_[stream].readers[device].how = how;
}

void history::handed(const std::string& stream, const std::string& device, std::uint64_t id,
    const std::string& payload) {
  auto guard = std::lock_guard{mutex_};
  if (other_)
    other_->handed(stream, device, id, payload);
  auto& r = streams_[stream].readers[device];
  r.ops.emplace_back(id, payload);
  r.position = std::max(r.position, id);
}

std::uint64_t history::position_of(const std::string& stream, const std::string& device) const {
  auto guard = std::lock_guard{mutex_};
  auto s = streams_.find(stream);
  if (s == streams_.end())
    return 0;
  auto r = s->second.readers.find(device);
  return r == s->second.readers.end() ? 0 : r->second.position;
}

void history::stored(const std::string& stream, const stored_op& op) {
  auto guard = std::lock_guard{mutex_};
  if (other_)
    other_->stored(stream, op);
  auto [i, fresh] = streams_[stream].ops.emplace(op.id, op);
  if (!fresh && (i->second.key != op.key || i->second.payload != op.payload))
    seen_.push_back(stream + ": op " + number(op.id) + " has changed");
}

void history::cursor(const std::string& stream, const std::string& device, std::uint64_t id) {
  auto guard = std::lock_guard{mutex_};
  if (other_)
    other_->cursor(stream, device, id);
  auto handled = std::uint64_t{0};
  for (auto& [name, r] : streams_[stream].readers)
    if (device.empty() || name == device)
      handled = std::max(handled, r.position);
  if (id > handled)
    seen_.push_back(stream + ": cursor " + number(id) + " of " +
                    (device.empty() ? "the user" : device) + " is beyond what was handled, " +
                    number(handled));
}

void history::broken(const std::string& what) {
  auto guard = std::lock_guard{mutex_};
  if (other_)
    other_->broken(what);
  seen_.push_back(what);
}

std::uint64_t history::latest(const std::string& stream) const {
  auto guard = std::lock_guard{mutex_};
  auto i = streams_.find(stream);
  if (i == streams_.end())
    return 0;
  auto last = i->second.ops.empty() ? 0 : i->second.ops.rbegin()->first;
  for (auto& [payload, ids] : i->second.answers)
    last = std::max(last, *ids.rbegin());
  return last;
}

std::vector<std::string> history::streams() const {
  auto guard = std::lock_guard{mutex_};
  auto out = std::vector<std::string>{};
  for (auto& [name, s] : streams_)
    out.push_back(name);
  return out;
}

std::vector<std::string> history::readers(const std::string& stream) const {
  auto guard = std::lock_guard{mutex_};
  auto out = std::vector<std::string>{};
  if (auto i = streams_.find(stream); i != streams_.end())
    for (auto& [device, r] : i->second.readers)
      out.push_back(device);
  return out;
}

figures history::count() const {
  auto guard = std::lock_guard{mutex_};
  auto out = figures{};
  for (auto& [name, s] : streams_) {
    out.attempted += s.attempts.size();
    out.acknowledged += s.answers.size();
    out.stored += s.ops.size();
    for (auto& [device, r] : s.readers)
      out.handed += r.ops.size();
  }
  return out;
}

std::vector<std::string> history::violations(bool complete) const {
  auto guard = std::lock_guard{mutex_};
  auto out = seen_;
  for (auto& [name, s] : streams_) {
    check_ids(name, s, out);
    check_answers(name, s, complete, out);
    for (auto& [device, r] : s.readers)
      check_reader(name, device, s, r, complete, out);
    if (complete)
      check_shared(name, s, out);
  }
  return out;
}

void history::check_ids(const std::string& name, const stream_history& s, problems& out) {
  auto expected = std::uint64_t{1};
  auto payloads = std::map<std::string, std::uint64_t>{};
  auto keys = std::map<std::string, std::uint64_t>{};
  for (auto& [id, op] : s.ops) {
    if (id != expected)
      out.push_back(name + ": ids " + number(expected) + " to " + number(id - 1) + " are missing");
    expected = id + 1;
    auto attempt = s.attempts.find(op.payload);
    if (attempt == s.attempts.end())
      out.push_back(name + ": op " + number(id) + " was never sent");
    else if (attempt->second != op.key)
      out.push_back(name + ": op " + number(id) + " has another key than it was sent with");
    if (auto [i, fresh] = payloads.emplace(op.payload, id); !fresh)
      out.push_back(name + ": one op has the ids " + number(i->second) + " and " + number(id));
    if (auto [i, fresh] = keys.emplace(op.key, id); !fresh && !op.key.empty())
      out.push_back(
          name + ": key " + op.key + " has the ids " + number(i->second) + " and " + number(id));
  }
}

void history::check_answers(
    const std::string& name, const stream_history& s, bool complete, problems& out) {
  auto newest = s.ops.empty() ? 0 : s.ops.rbegin()->first;
  for (auto& [payload, ids] : s.answers) {
    if (ids.size() != 1)
      out.push_back(name + ": one op was acknowledged with " + number(ids.size()) + " ids");
    for (auto id : ids) {
      auto op = s.ops.find(id);
      if (op == s.ops.end() && !complete && id > newest)
        continue; // not read yet
      if (op == s.ops.end())
        out.push_back(name + ": acknowledged op " + number(id) + " is lost");
      else if (op->second.payload != payload)
        out.push_back(name + ": acknowledged op " + number(id) + " holds other bytes");
    }
  }
}

void history::check_reader(const std::string& name, const std::string& device,
    const stream_history& s, const reader& r, bool complete, problems& out) {
  auto who = name + " at " + device + ": ";
  auto newest = s.ops.empty() ? 0 : s.ops.rbegin()->first;
  auto last = std::uint64_t{0};
  for (auto& [id, payload] : r.ops) {
    if (id <= last)
      out.push_back(who + "op " + number(id) + " after " + number(last));
    else if (r.how == sharing::each && id != last + 1)
      out.push_back(who + "op " + number(id) + " follows " + number(last));
    last = std::max(last, id);
    auto op = s.ops.find(id);
    if (op == s.ops.end() && !complete && id > newest)
      continue; // not read yet
    if (op == s.ops.end())
      out.push_back(who + "op " + number(id) + " is not stored");
    else if (op->second.payload != payload)
      out.push_back(who + "op " + number(id) + " came with other bytes");
  }
  if (complete && r.how == sharing::each && last != newest)
    out.push_back(who + "has ops up to " + number(last) + " of " + number(newest));
}

void history::check_shared(const std::string& name, const stream_history& s, problems& out) {
  auto shared = false;
  auto had = std::set<std::uint64_t>{};
  for (auto& [device, r] : s.readers) {
    shared = shared || r.how == sharing::one;
    for (auto& [id, payload] : r.ops)
      had.insert(id);
  }
  if (!shared)
    return;
  for (auto& [id, op] : s.ops)
    if (!had.contains(id))
      out.push_back(name + ": no device was handed op " + number(id));
}

} // namespace shoal::faults
