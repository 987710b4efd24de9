#include "tests/cluster/replica_checker.hpp"

namespace shoal::cluster {

namespace {

std::string at(std::uint64_t epoch, std::uint64_t lsn) {
  return to_string(log_position{epoch, lsn});
}

constexpr auto epoch_start_content = static_cast<std::uint64_t>(record_kind::epoch_start);

} // namespace

void replica_checker::breaks(std::string rule, std::string what) {
  if (!broken_)
    broken_ = broken_rule{std::move(rule), std::move(what)};
}

void replica_checker::acknowledged(
    const std::string& node, const log_position& position, std::uint64_t content) {
  auto row = simulated_row{position.epoch, content};
  auto [known, is_new] = acknowledged_.emplace(position.lsn, row);
  if (!is_new && known->second != row)
    breaks("acknowledged twice", node + " acknowledged " + at(position.epoch, position.lsn) +
                                     ", before it was " + at(known->second.epoch, position.lsn));
  if (position.lsn <= history_.size() && history_[position.lsn - 1] != row)
    breaks("acknowledged is lost", node + " acknowledged " + at(position.epoch, position.lsn) +
                                       " but applied is " +
                                       at(history_[position.lsn - 1].epoch, position.lsn));
}

bool replica_checker::agrees(const std::string& node, std::uint64_t lsn, const simulated_row& row) {
  if (lsn <= history_.size()) {
    if (history_[lsn - 1] == row)
      return true;
    breaks("applied logs differ",
        node + " applied " + at(row.epoch, lsn) + ", others " + at(history_[lsn - 1].epoch, lsn));
    return false;
  }
  history_.push_back(row);
  if (row.content != epoch_start_content && !place_.emplace(row.content, lsn).second)
    breaks("applied twice", node + " applied the same proposal again at " + at(row.epoch, lsn));
  auto told = acknowledged_.find(lsn);
  if (told != acknowledged_.end() && told->second != row)
    breaks("acknowledged is lost", node + " applied " + at(row.epoch, lsn) +
                                       " but acknowledged was " + at(told->second.epoch, lsn));
  return true;
}

void replica_checker::applies(
    const std::string& node, const log_record& x, std::uint64_t applied_before) {
  if (x.lsn != applied_before + 1)
    breaks("lsns have a gap",
        node + " applies " + at(x.epoch, x.lsn) + " after lsn " + std::to_string(applied_before));
  else
    agrees(node, x.lsn, {x.epoch, content_of(x)});
}

void replica_checker::installs(
    const std::string& node, const log_position& position, const std::vector<simulated_row>& rows) {
  auto last = rows.empty() ? log_position{} : log_position{rows.back().epoch, rows.size()};
  if (last != position)
    return breaks("checkpoint is incomplete",
        node + " installs " + to_string(position) + " and gets " + to_string(last));
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (!agrees(node, i + 1, rows[i]))
      return;
}

void replica_checker::serves(const std::string& node, std::uint64_t incarnation,
    std::uint64_t epoch, std::uint64_t applied) {
  auto [known, is_new] = served_.emplace(epoch, std::pair{node, incarnation});
  if (!is_new && known->second != std::pair{node, incarnation})
    breaks("two serve one epoch",
        node + " serves epoch " + std::to_string(epoch) + ", so did " + known->second.first);
  if (!is_new)
    return;
  for (auto i = acknowledged_.upper_bound(applied); i != acknowledged_.end(); ++i)
    if (i->second.epoch < epoch)
      return breaks("serves without all", node + " serves epoch " + std::to_string(epoch) +
                                              " without " + at(i->second.epoch, i->first) +
                                              ", which was acknowledged");
}

void replica_checker::writes(const std::string& node, const log_record& x) {
  auto [known, is_new] = written_.emplace(std::pair{x.epoch, x.lsn}, content_of(x));
  if (!is_new && known->second != content_of(x))
    breaks("one position, two records", node + " wrote another record at " + at(x.epoch, x.lsn));
}

void replica_checker::commits(const std::string& node, std::uint64_t before, std::uint64_t after) {
  if (after < before)
    breaks("committed shrinks",
        node + ": from " + std::to_string(before) + " to " + std::to_string(after));
}

void replica_checker::ends_with(const std::string& node, const std::vector<simulated_row>& rows) {
  if (rows.size() < history_.size())
    return breaks("applied is incomplete", node + " ends at lsn " + std::to_string(rows.size()));
  installs(node, {rows.empty() ? 0 : rows.back().epoch, rows.size()}, rows);
  for (const auto& [lsn, row] : acknowledged_)
    if (lsn > rows.size() || rows[lsn - 1] != row)
      return breaks("acknowledged is lost", node + " ends without " + at(row.epoch, lsn));
}

} // namespace shoal::cluster
