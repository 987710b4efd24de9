#include "actors/services.hpp"

#include "actors/gateway/registry.hpp"

namespace shoal {

partition_actor directory::partition(partition_no no) const {
  std::lock_guard lock{mutex_};
  auto& x = partitions_[raw(no)];
  return x.local ? x.local : x.stand_in;
}

void directory::set_partition(partition_no no, partition_actor hdl, std::uint64_t epoch) {
  std::lock_guard lock{mutex_};
  auto& x = partitions_[raw(no)];
  x.local = std::move(hdl);
  x.epoch = x.local ? epoch : 0;
}

void directory::set_stand_in(partition_no no, partition_actor hdl, reader_actor reader) {
  std::lock_guard lock{mutex_};
  auto& x = partitions_[raw(no)];
  x.stand_in = std::move(hdl);
  x.stand_in_reader = std::move(reader);
}

std::uint64_t directory::led_epoch(partition_no no) const {
  std::lock_guard lock{mutex_};
  return partitions_[raw(no)].epoch;
}

reader_actor directory::reader_for(partition_no no) const {
  {
    std::lock_guard lock{mutex_};
    auto& x = partitions_[raw(no)];
    if (!x.local && x.stand_in_reader)
      return x.stand_in_reader;
  }
  return reader();
}

relay_actor directory::relay(app_no app) {
  std::lock_guard lock{mutex_};
  auto& hdl = relays_[app];
  if (!hdl && relay_factory_)
    hdl = relay_factory_(app);
  return hdl;
}

void directory::set_relay_factory(std::function<relay_actor(app_no)> factory) {
  std::lock_guard lock{mutex_};
  relay_factory_ = std::move(factory);
}

void directory::drop_relay(app_no app) {
  std::lock_guard lock{mutex_};
  relays_.erase(app);
}

reader_actor directory::reader() const {
  auto n = next_reader_.fetch_add(1, std::memory_order_relaxed);
  std::lock_guard lock{mutex_};
  return readers_.empty() ? reader_actor{} : readers_[n % readers_.size()];
}

void directory::set_readers(std::vector<reader_actor> hdls) {
  std::lock_guard lock{mutex_};
  readers_ = std::move(hdls);
}

verifier_actor directory::verifier() const {
  std::lock_guard lock{mutex_};
  return verifier_;
}

void directory::set_verifier(verifier_actor hdl) {
  std::lock_guard lock{mutex_};
  verifier_ = std::move(hdl);
}

hub_actor directory::hub() const {
  std::lock_guard lock{mutex_};
  return hub_;
}

void directory::set_hub(hub_actor hdl) {
  std::lock_guard lock{mutex_};
  hub_ = std::move(hdl);
}

catalog_actor directory::catalog_writer() const {
  std::lock_guard lock{mutex_};
  return catalog_writer_;
}

void directory::set_catalog_writer(catalog_actor hdl) {
  std::lock_guard lock{mutex_};
  catalog_writer_ = std::move(hdl);
}

gateway_writer_actor directory::gateway_writer() const {
  std::lock_guard lock{mutex_};
  return gateway_writer_;
}

void directory::set_gateway_writer(gateway_writer_actor hdl) {
  std::lock_guard lock{mutex_};
  gateway_writer_ = std::move(hdl);
}

membership_actor directory::membership() const {
  std::lock_guard lock{mutex_};
  return membership_;
}

void directory::set_membership(membership_actor hdl) {
  std::lock_guard lock{mutex_};
  membership_ = std::move(hdl);
}

void directory::clear() {
  std::lock_guard lock{mutex_};
  partitions_.assign(partitions_.size(), slot{});
  relays_.clear();
  relay_factory_ = nullptr;
  readers_.clear();
  verifier_ = verifier_actor{};
  hub_ = hub_actor{};
  catalog_writer_ = catalog_actor{};
  gateway_writer_ = gateway_writer_actor{};
  membership_ = membership_actor{};
}

services::services(std::uint16_t partitions)
    : gateway{std::make_shared<gateway::registry_cell>()}, where{partitions} {}

} // namespace shoal
