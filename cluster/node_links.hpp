// The wires between nodes: frames of bytes from one node to another, in order, over one mutually
// authenticated connection per pair.
//
// Owned by the node. What a frame means is decided above (protocol/cluster.proto); how it travels
// is hidden here.
//
// Guarantees: frames of one kind from one peer arrive in order and at most once, as long as the
// link is up; `up` and `down` alternate per peer, and frames arrive only in between. A peer that
// says nothing for `dead_after` is down. A link that is down loses what was on its way: whoever
// needs an answer has a timeout, whoever keeps a conversation starts it anew at the next `up`.
// Memory is bounded: `send` refuses what a window is full for.
//
// Does not: store and forward, route over third nodes, or decide who owns anything.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace shoal::cluster {

/// What a frame is about. Each kind has a window of its own, so that one cannot starve another.
enum class traffic : std::uint8_t {
  control = 0,     ///< views, liveness, catalog: small and rare
  replication = 1, ///< log entries and their acknowledgements, checkpoints
  feeds = 2,       ///< ops to devices on other nodes, their acknowledgements
  calls = 3,       ///< requests to a partition's owner, and their answers
};
inline constexpr std::size_t traffic_kinds = 4;

/// What a frame takes of a window in addition to its bytes, so that empty frames are bounded too.
inline constexpr std::size_t frame_overhead = 64;

struct peer_address {
  std::string name; ///< the node's name
  std::string host;
  std::uint16_t port = 0;
  bool operator==(const peer_address&) const = default;
};

struct link_options {
  std::string cluster;           ///< nodes of another cluster are refused
  std::string self;              ///< this node's name; must be a name in its certificate
  std::uint64_t incarnation = 0; ///< random, of this start of the process
  std::string listen_host = "127.0.0.1";
  std::uint16_t listen_port = 0;    ///< 0 = any free one
  std::string certificate, key, ca; ///< PEM files; all three are required
  std::chrono::milliseconds heartbeat{500};
  std::chrono::milliseconds dead_after{2000};
  std::chrono::milliseconds redial{500}; ///< at first, with jitter; up to eight times as much later
  /// Per peer and kind: what is sent and not yet taken by the peer, counted with `frame_overhead`.
  /// A link uses the smaller one of both ends. A frame must fit into it.
  std::size_t window_bytes = 16u << 20;
  /// Versions of cluster.proto this node speaks; a link uses the greatest that both do.
  std::uint32_t version_min = 1, version_max = 1;
};

struct peer_info {
  std::string name;
  std::uint64_t incarnation = 0;
  std::uint32_t version = 0; ///< of cluster.proto, agreed for this link
};

struct link_status {
  peer_info peer;
  bool up = false;
  bool refused_us = false; ///< down, and its host said that nobody listens when it was dialed last
  std::int64_t round_trip_us = 0;                    ///< of the last heartbeat
  std::uint64_t sent = 0, received = 0, refused = 0; ///< frames
  std::uint64_t sent_bytes = 0, received_bytes = 0;
  std::uint64_t in_flight_bytes = 0; ///< sent and not yet taken
  std::uint64_t reconnects = 0;
  std::string last_error; ///< why the link went down, or why dialing fails
};

/// Called one at a time per peer, from threads of the links'; must not block, throw or call `stop`.
/// Empty ones are not called.
struct link_handlers {
  std::function<void(const peer_info& from, traffic kind, std::string body)> on_frame;
  std::function<void(const peer_info& peer)> on_up;
  std::function<void(const peer_info& peer, const std::string& why)> on_down;
};

class node_links {
public:
  virtual ~node_links() = default;

  /// The other nodes; dials those it has no link to, drops links to nodes that are not named.
  virtual void set_peers(std::vector<peer_address> peers) = 0;

  /// Hands a frame to the link. False, and nothing happens: the link is down, or its window for
  /// this kind is full. True does not mean that it arrives. From any thread.
  virtual bool send(const std::string& to, traffic kind, std::string body) = 0;

  virtual std::vector<link_status> status() const = 0;
  virtual std::uint16_t port() const = 0;

  /// Ends all links, with `on_down` for those that were up; no handler is called after it returned.
  virtual void stop() = 0;
};

/// Over TCP with TLS 1.3 and certificates on both ends (README, "Node links", tells why not over
/// CAF's own network layer). Listens when it returns; dials after `set_peers`. Throws
/// std::runtime_error with a sentence for people, for example when a certificate does not fit.
std::unique_ptr<node_links> make_node_links(link_options options, link_handlers handlers);

} // namespace shoal::cluster
