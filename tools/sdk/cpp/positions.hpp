// Where a client remembers how far it has come in each stream, keyed per (user, biz).
//
// Owned by the app, used by one client at a time, called on the client's thread only. `save`
// follows each handled op and may be kept in memory; `flush` comes before anything is acknowledged
// and makes what was saved durable. An app that wants "exactly once in effect" implements this
// interface over its own database and saves the position in the transaction of the op's effect.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "protocol/position.hpp"

namespace shoal {

class position_store {
public:
  virtual ~position_store() = default;

  /// `user` is empty while nobody is bound.
  virtual std::optional<position> load(const std::string& user, const std::string& biz) = 0;
  virtual void save(const std::string& user, const std::string& biz, position at) = 0;
  virtual void forget(const std::string& user, const std::string& biz) = 0;
  /// Throws if it cannot keep its promise; the client then acknowledges nothing and reconnects
  /// later.
  virtual void flush() = 0;
};

/// Forgets everything when the process ends: the server's cursors take over. For tests and tools.
class memory_positions : public position_store {
public:
  std::optional<position> load(const std::string& user, const std::string& biz) override {
    auto i = entries_.find({user, biz});
    return i == entries_.end() ? std::nullopt : std::optional{i->second};
  }
  void save(const std::string& user, const std::string& biz, position at) override {
    entries_[{user, biz}] = at;
  }
  void forget(const std::string& user, const std::string& biz) override {
    entries_.erase({user, biz});
  }
  void flush() override {}

protected:
  using entry_map = std::map<std::pair<std::string, std::string>, position>;
  entry_map entries_;
};

enum class durability : std::uint8_t {
  process, ///< survives the end of the process; after a power cut some ops may come again
  power,   ///< fsync before each acknowledgement
};

/// One small text file, replaced as a whole (write, rename), so that it is always the old or the
/// new one.
class file_positions : public memory_positions {
public:
  /// Reads `path` if it exists. A file that is not what `flush` writes is moved to `path`.damaged
  /// and the store starts empty: the server's cursors are then used. Throws std::runtime_error if
  /// the file cannot be read.
  explicit file_positions(std::string path, durability how = durability::power);

  void save(const std::string& user, const std::string& biz, position at) override;
  void forget(const std::string& user, const std::string& biz) override;
  void flush() override;

  /// True if a damaged file was found.
  bool started_over() const { return started_over_; }

private:
  std::string path_;
  durability how_;
  bool dirty_ = false;
  bool started_over_ = false;
};

} // namespace shoal
