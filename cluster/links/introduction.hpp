// Who may link with us, and which of several connections to one node is the link. Pure rules.
//
// Both nodes of a pair dial, so that a node that comes back is linked at once; the one with the
// smaller name, the chooser, then takes exactly one connection and says `welcome` on it:
//
//   dialer                    acceptor
//     │◄────── TLS 1.3, both certificates ──────►│
//     │ hello ──────────────►◄─────────────hello │     in either order
//     │ welcome (by the chooser, whoever dialed) │
//     │ ready (by the other)                     │     up: there with welcome, here with ready
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "cluster/links/wire.hpp"

namespace shoal::cluster::links {

/// What both ends of a link agree on; or why there is none.
struct agreement {
  std::string refusal; ///< empty: agreed
  std::uint32_t version = 0;
  std::size_t window = 0;
};

agreement agree(const link_options& self, const hello& peer);

inline bool is_chooser(const std::string& self, const std::string& peer) { return self < peer; }

/// The connection that the chooser took, as it knows it.
struct chosen {
  std::uint64_t link = 0;
  bool confirmed = false; ///< the peer answered `ready`
};

enum class choice : std::uint8_t {
  take,      ///< this connection is the link, instead of the chosen one if there is one
  duplicate, ///< the chosen one stays
};

/// The chooser's decision about a new connection of the incarnation it knows. Only a peer that had
/// the chosen link and lost it gets another; everybody else speaks from before it was chosen.
choice choose(const std::optional<chosen>& now, const hello& peer);

/// Which start of a node is the newest. Incarnations are random, so the last one to come is the
/// newest, and the ones before it never come back.
class incarnations {
public:
  enum class verdict : std::uint8_t { known, newer, retired };
  verdict meet(std::uint64_t incarnation);

private:
  static constexpr std::size_t remembered = 64;

  std::optional<std::uint64_t> newest_;
  std::deque<std::uint64_t> retired_;
};

} // namespace shoal::cluster::links
