#include "cluster/replica_messages.hpp"

namespace shoal::cluster {

std::string to_string(const log_position& x) {
  return std::to_string(x.epoch) + "." + std::to_string(x.lsn);
}

std::uint64_t epoch_of(const replica_message& x) {
  return std::visit([](const auto& y) { return y.epoch; }, x);
}

namespace {

std::string range(const std::vector<log_record>& records) {
  if (records.empty())
    return "nothing";
  return to_string(records.front().position()) + ".." + to_string(records.back().position());
}

std::string text(const append_message& x) {
  return "append " + range(x.records) + " after " + to_string(x.previous) + ", committed " +
         std::to_string(x.committed);
}

std::string text(const append_answer& x) {
  return (x.result == append_result::accepted ? "has up to " : "differs, go on after ") +
         std::to_string(x.lsn);
}

std::string text(const fence_message&) { return "fence"; }

std::string text(const fence_answer& x) {
  return "promises, log " + to_string(x.base) + " to " + to_string(x.last) + ", committed " +
         std::to_string(x.committed);
}

std::string text(const fetch_message& x) {
  return "fetch after " + to_string(x.after) + " until " + std::to_string(x.until);
}

std::string text(const fetch_answer& x) {
  switch (x.result) {
  case fetch_result::records:
    return "fetched " + range(x.records);
  case fetch_result::mismatch:
    return "differs, fetch after " + std::to_string(x.lsn);
  case fetch_result::trimmed:
    return "is trimmed";
  }
  return "fetched something unknown";
}

std::string text(const checkpoint_offer& x) { return "offers checkpoint " + to_string(x.position); }

std::string text(const checkpoint_ask& x) {
  return "asks for chunk " + std::to_string(x.chunk) + " of " + to_string(x.position);
}

std::string text(const checkpoint_chunk& x) {
  return (x.is_last ? "last chunk " : "chunk ") + std::to_string(x.chunk) + " of " +
         to_string(x.position);
}

std::string text(const refusal_message& x) {
  return "refuses, has promised " + std::to_string(x.highest);
}

} // namespace

std::string to_string(const replica_message& x) {
  return "epoch " + std::to_string(epoch_of(x)) + ": " +
         std::visit([](const auto& y) { return text(y); }, x);
}

} // namespace shoal::cluster
