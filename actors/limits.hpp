// Bounds and durations, each with its reason. The node's configuration overrides what operators may
// change.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace shoal {

using namespace std::chrono_literals;

struct limits {
  // -- devices ------------------------------------------------------------------------------------
  std::uint32_t heartbeat_min_s = 5;
  std::uint32_t heartbeat_max_s = 3600;
  std::uint32_t heartbeat_default_s = 60;
  std::uint32_t window_ops = 256;          ///< unacknowledged ops per device, all feeds together
  std::uint32_t window_bytes = 256 * 1024; ///< and their payload bytes; one op always fits
  std::uint32_t subscriptions = 64;        ///< per device
  std::uint32_t max_frame = 64 * 1024;     ///< a device may send; the endpoint refuses longer ones
  std::chrono::seconds ack_timeout{
      30}; ///< delivered but unacknowledged for longer: close, the device resumes
  std::chrono::seconds clock_window{300};   ///< how far a signer's clock may be off
  std::chrono::seconds verifier_timeout{5}; ///< tenant's session validation

  // -- streams ------------------------------------------------------------------------------------
  std::chrono::seconds stream_idle{120};       ///< no device attached and nothing to do: passivate
  std::chrono::milliseconds stream_tick{1000}; ///< cursors are flushed this often
  std::uint32_t page_ops = 64; ///< per page of a catch-up; also the alignment of shared pages
  std::uint32_t page_bytes = 64 * 1024;
  std::uint32_t tail_ops = 128; ///< newest ops a stream keeps in memory while it is in use
  std::uint32_t tail_bytes = 128 * 1024;
  std::uint32_t pending_ops =
      20'000; ///< appended but not yet durable, per principal; more: overloaded
  std::chrono::hours keep_keys{
      24}; ///< acknowledged ops keep their idempotency key at least this long

  // -- calls --------------------------------------------------------------------------------------
  std::uint32_t device_calls = 0; ///< under way per connection; 0: the node has no gateway

  // -- relay --------------------------------------------------------------------------------------
  std::size_t page_cache_bytes = 32u << 20; ///< shared pages of global streams, per app

  // -- api ----------------------------------------------------------------------------------------
  std::uint32_t batch_items = 10'000;
  std::uint32_t payload_max = 1u << 20;
  std::chrono::milliseconds call_timeout{5000}; ///< then the caller hears `outcome_unknown`

  // -- other nodes --------------------------------------------------------------------------------
  /// A call for a partition whose leader is unknown or gone is kept for at most this long; less
  /// than `call_timeout`, so that the caller hears a code of its own.
  std::chrono::milliseconds move_patience{3500};
  std::chrono::milliseconds move_retry{100};    ///< ask a leader that was not ready again
  std::size_t move_bytes = 16u << 20;           ///< kept meanwhile, per partition; more: overloaded
  std::chrono::milliseconds peer_timeout{4500}; ///< a question to another node
  std::chrono::milliseconds catalog_patience{
      1000};                           ///< for a biz or a version that may be on its way
  std::size_t peer_frame = 256 * 1024; ///< a frame to another node is sent when it has that much

  // -- inside the node ----------------------------------------------------------------------------
  std::chrono::seconds read_timeout{10}; ///< a reader that takes longer has a broken disk
};

} // namespace shoal
