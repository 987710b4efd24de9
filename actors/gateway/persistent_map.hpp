// A map from text to values that never changes: a change makes a new map, which shares all but the
// path to the entry with the old one.
//
// A hash trie of 32 branches (Bagwell; laid out as Steindorfer and Vinju's CHAMP): in a node, one
// bit per branch says that there is an entry, another that there is a node below.
//
//   root  entries 0b..1..  nodes 0b.1....      40,000 entries: 3 to 4 nodes deep, a change copies
//          └─ "com.shop.a"   └─ node … entry   those, at most 32 pointers each
//
// Any thread may read any map. Copying a map is one pointer. Removing what was added gives the same
// nodes again, so maps do not grow by changes. Order of `each` is that of the hashes.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/ids.hpp"

namespace shoal::gateway {

template <class T>
class persistent_map {
public:
  /// Null if missing; else valid for as long as a map that has the entry.
  const T* find(std::string_view key) const {
    auto hash = stable_hash(key);
    auto at = root_.get();
    for (unsigned shift = 0; at; shift += bits) {
      if (shift >= end)
        return find_among(at->entries, key);
      auto bit = bit_of(hash, shift);
      if (at->entry_bits & bit) {
        auto& x = *at->entries[index_of(at->entry_bits, bit)];
        return x.hash == hash && x.key == key ? &x.value : nullptr;
      }
      at = at->node_bits & bit ? at->nodes[index_of(at->node_bits, bit)].get() : nullptr;
    }
    return nullptr;
  }

  /// With the entry added or replaced.
  persistent_map with(std::string key, T value) const {
    auto added = !find(key);
    auto hash = stable_hash(key);
    auto x = std::make_shared<const entry>(entry{hash, std::move(key), std::move(value)});
    return {insert(root_, x, 0), size_ + (added ? 1 : 0)};
  }

  persistent_map without(std::string_view key) const {
    if (!find(key))
      return *this;
    return size_ == 1 ? persistent_map{}
                      : persistent_map{erase(*root_, key, stable_hash(key), 0), size_ - 1};
  }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  /// f(const std::string& key, const T& value)
  template <class F>
  void each(F f) const {
    if (root_)
      visit(*root_, f);
  }

  persistent_map() = default;

private:
  struct entry {
    std::uint64_t hash;
    std::string key;
    T value;
  };
  using entry_ptr = std::shared_ptr<const entry>;
  struct node;
  using node_ptr = std::shared_ptr<const node>;
  struct node {
    std::uint32_t entry_bits = 0, node_bits = 0;
    std::vector<entry_ptr> entries; ///< in the order of the bits; at the end of the hash: any
    std::vector<node_ptr> nodes;
  };

  static constexpr unsigned bits = 5;
  static constexpr unsigned end = 60; ///< 12 levels; equal hashes below are a list

  persistent_map(node_ptr root, std::size_t size) : root_{std::move(root)}, size_{size} {}

  static std::uint32_t bit_of(std::uint64_t hash, unsigned shift) {
    return 1u << ((hash >> shift) & 31u);
  }
  static std::size_t index_of(std::uint32_t set, std::uint32_t bit) {
    return static_cast<std::size_t>(std::popcount(set & (bit - 1)));
  }
  template <class X>
  static auto at(std::vector<X>& list, std::size_t index) {
    return list.begin() + static_cast<std::ptrdiff_t>(index);
  }

  static const T* find_among(const std::vector<entry_ptr>& list, std::string_view key) {
    for (auto& x : list)
      if (x->key == key)
        return &x->value;
    return nullptr;
  }

  static node_ptr insert(const node_ptr& old, const entry_ptr& x, unsigned shift) {
    auto out = old ? std::make_shared<node>(*old) : std::make_shared<node>();
    if (shift >= end) {
      std::erase_if(out->entries, [&](auto& y) { return y->key == x->key; });
      out->entries.push_back(x);
      return out;
    }
    auto bit = bit_of(x->hash, shift);
    auto index = index_of(out->entry_bits, bit);
    if (out->node_bits & bit) {
      auto& below = out->nodes[index_of(out->node_bits, bit)];
      below = insert(below, x, shift + bits);
    } else if (!(out->entry_bits & bit)) {
      out->entry_bits |= bit;
      out->entries.insert(at(out->entries, index), x);
    } else if (out->entries[index]->key == x->key) {
      out->entries[index] = x;
    } else {
      auto both = insert(insert(nullptr, out->entries[index], shift + bits), x, shift + bits);
      out->entry_bits &= ~bit;
      out->entries.erase(at(out->entries, index));
      out->node_bits |= bit;
      out->nodes.insert(at(out->nodes, index_of(out->node_bits, bit)), both);
    }
    return out;
  }

  // The key is there. A node that is left with one entry and nothing below moves it up.
  static node_ptr erase(const node& old, std::string_view key, std::uint64_t hash, unsigned shift) {
    auto out = std::make_shared<node>(old);
    auto bit = shift < end ? bit_of(hash, shift) : 0;
    if (shift >= end) {
      std::erase_if(out->entries, [&](auto& x) { return x->key == key; });
    } else if (out->entry_bits & bit) {
      out->entries.erase(at(out->entries, index_of(out->entry_bits, bit)));
      out->entry_bits &= ~bit;
    } else {
      auto index = index_of(out->node_bits, bit);
      auto below = erase(*out->nodes[index], key, hash, shift + bits);
      if (below->nodes.empty() && below->entries.size() == 1) {
        out->nodes.erase(at(out->nodes, index));
        out->node_bits &= ~bit;
        out->entry_bits |= bit;
        out->entries.insert(at(out->entries, index_of(out->entry_bits, bit)), below->entries[0]);
      } else {
        out->nodes[index] = std::move(below);
      }
    }
    return out;
  }

  template <class F>
  static void visit(const node& x, F& f) {
    for (auto& y : x.entries)
      f(y->key, y->value);
    for (auto& y : x.nodes)
      visit(*y, f);
  }

  node_ptr root_;
  std::size_t size_ = 0;
};

} // namespace shoal::gateway
