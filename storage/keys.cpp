#include "storage/keys.hpp"

#include <limits>
#include <stdexcept>

namespace shoal::storage {

namespace {

/// Longest text field inside a key; its length takes one byte.
constexpr std::size_t max_text = std::numeric_limits<std::uint8_t>::max();

class key_writer {
public:
  explicit key_writer(table tag, std::size_t size_hint) {
    bytes_.reserve(size_hint);
    bytes_.push_back(static_cast<char>(tag));
  }

  template <class T>
  key_writer& number(T x) {
    for (auto shift = static_cast<int>(sizeof(T) * 8); shift > 0;) {
      shift -= 8;
      bytes_.push_back(static_cast<char>(x >> shift));
    }
    return *this;
  }

  /// A field that others follow. Refusing a long one beats cutting it: a cut name is somebody
  /// else's name.
  key_writer& text(std::string_view x) {
    if (x.size() > max_text)
      throw std::length_error{"a name inside a storage key is longer than 255 bytes"};
    bytes_.push_back(static_cast<char>(x.size()));
    return rest(x);
  }

  /// The last field of a key needs no length.
  key_writer& rest(std::string_view x) {
    bytes_.append(x);
    return *this;
  }

  key_writer& stream(const stream_key& s) {
    number(raw(s.app)).number(static_cast<std::uint8_t>(s.who.kind)).text(s.who.id);
    return number(raw(s.biz));
  }

  std::string take() { return std::move(bytes_); }

private:
  std::string bytes_;
};

class key_reader {
public:
  explicit key_reader(std::string_view bytes) : bytes_{bytes} {}

  template <class T>
  bool number(T& out) {
    if (bytes_.size() < sizeof(T))
      return false;
    auto x = std::uint64_t{0};
    for (std::size_t i = 0; i < sizeof(T); ++i)
      x = (x << 8) | static_cast<unsigned char>(bytes_[i]);
    out = static_cast<T>(x);
    bytes_.remove_prefix(sizeof(T));
    return true;
  }

  bool text(std::string& out) {
    auto size = std::uint8_t{0};
    if (!number(size) || bytes_.size() < size)
      return false;
    out.assign(bytes_.substr(0, size));
    bytes_.remove_prefix(size);
    return true;
  }

  bool stream(stream_key& out) {
    auto app = std::uint32_t{0};
    auto kind = std::uint8_t{0};
    auto biz = std::uint32_t{0};
    if (!number(app) || !number(kind) || !text(out.who.id) || !number(biz))
      return false;
    if (kind < static_cast<std::uint8_t>(principal_kind::user) ||
        kind > static_cast<std::uint8_t>(principal_kind::global))
      return false;
    out.app = static_cast<app_no>(app);
    out.who.kind = static_cast<principal_kind>(kind);
    out.biz = static_cast<biz_no>(biz);
    return true;
  }

  bool at_end() const { return bytes_.empty(); }

private:
  std::string_view bytes_;
};

/// tag, partition, app, kind, length of id, id, biz
std::size_t stream_size(const stream_key& s) { return 13 + s.who.id.size(); }

key_writer of_stream(table tag, partition_no p, const stream_key& s, std::size_t more) {
  auto key = key_writer{tag, stream_size(s) + more};
  key.number(raw(p)).stream(s);
  return key;
}

} // namespace

std::string identity_key(std::string_view name) {
  return key_writer{table::identity, 1 + name.size()}.rest(name).take();
}

std::string stream_meta_key(partition_no p, const stream_key& s) {
  return of_stream(table::stream, p, s, 0).take();
}

std::string op_prefix(partition_no p, const stream_key& s) {
  return of_stream(table::op, p, s, 0).take();
}

std::string op_key(partition_no p, const stream_key& s, std::uint64_t id) {
  return of_stream(table::op, p, s, sizeof(id)).number(id).take();
}

std::string idempotency_key(partition_no p, const stream_key& s, std::string_view client_key) {
  return of_stream(table::idempotency, p, s, client_key.size()).rest(client_key).take();
}

std::string cursor_prefix(partition_no p, const stream_key& s) {
  return of_stream(table::cursor, p, s, 0).take();
}

std::string cursor_key(partition_no p, const stream_key& s, std::string_view subject) {
  return of_stream(table::cursor, p, s, subject.size()).rest(subject).take();
}

std::string sweep_prefix(partition_no p) {
  return key_writer{table::sweep, 3}.number(raw(p)).take();
}

std::string sweep_key(partition_no p, std::uint32_t due_hour, const stream_key& s) {
  auto key = key_writer{table::sweep, stream_size(s) + sizeof(due_hour)};
  return key.number(raw(p)).number(due_hour).stream(s).take();
}

bool parse_sweep_key(
    std::string_view key, partition_no& p, std::uint32_t& due_hour, stream_key& s) {
  if (key.empty() || key.front() != static_cast<char>(table::sweep))
    return false;
  auto in = key_reader{key.substr(1)};
  auto partition = std::uint16_t{0};
  if (!in.number(partition) || !in.number(due_hour) || !in.stream(s) || !in.at_end())
    return false;
  p = static_cast<partition_no>(partition);
  return true;
}

std::string device_prefix(partition_no p, app_no app) {
  return key_writer{table::device, 7}.number(raw(p)).number(raw(app)).take();
}

std::string device_key(partition_no p, app_no app, std::string_view device) {
  auto key = key_writer{table::device, 7 + device.size()};
  return key.number(raw(p)).number(raw(app)).rest(device).take();
}

std::string entry_key(partition_no p, std::uint64_t lsn) {
  return key_writer{table::entry, 11}.number(raw(p)).number(lsn).take();
}

std::string promise_key(partition_no p) { return partition_prefix(table::promise, p); }

std::string partition_prefix(table t, partition_no p) {
  return key_writer{t, 3}.number(raw(p)).take();
}

std::string staged_key(partition_no p, std::uint32_t chunk) {
  return key_writer{table::staged, 7}.number(raw(p)).number(chunk).take();
}

std::string log_place_key(partition_no p) {
  return key_writer{table::log_place, 3}.number(raw(p)).take();
}

std::string object_prefix(std::string_view kind) {
  return key_writer{table::object, 2 + kind.size()}.text(kind).take();
}

std::string object_key(std::string_view kind, std::string_view name) {
  return key_writer{table::object, 2 + kind.size() + name.size()}.text(kind).rest(name).take();
}

namespace {

// What a row of the gateway's table is.
constexpr std::uint8_t gateway_entry = 'e', gateway_head = 'h', gateway_change = 'l',
                       gateway_version = 'v';

} // namespace

std::string gateway_entry_prefix() {
  return key_writer{table::gateway, 2}.number(gateway_entry).take();
}

std::string gateway_entry_prefix(app_no app) {
  return key_writer{table::gateway, 6}.number(gateway_entry).number(raw(app)).take();
}

std::string gateway_entry_key(app_no app, char kind, std::string_view name) {
  auto key = key_writer{table::gateway, 7 + name.size()};
  key.number(gateway_entry).number(raw(app)).number(static_cast<std::uint8_t>(kind));
  return key.rest(name).take();
}

bool parse_gateway_entry_key(std::string_view key, app_no& app, char& kind, std::string& name) {
  if (!key.starts_with(gateway_entry_prefix()))
    return false;
  auto in = key_reader{key.substr(2)};
  auto number = std::uint32_t{0};
  auto letter = std::uint8_t{0};
  if (!in.number(number) || !in.number(letter))
    return false;
  app = static_cast<app_no>(number);
  kind = static_cast<char>(letter);
  name = key.substr(7);
  return true;
}

std::string gateway_head_key() { return key_writer{table::gateway, 2}.number(gateway_head).take(); }

std::string gateway_change_prefix() {
  return key_writer{table::gateway, 2}.number(gateway_change).take();
}

std::string gateway_change_key(std::uint64_t revision) {
  return key_writer{table::gateway, 10}.number(gateway_change).number(revision).take();
}

std::string gateway_version_prefix(app_no app, std::string_view operation) {
  auto key = key_writer{table::gateway, 7 + operation.size()};
  return key.number(gateway_version).number(raw(app)).text(operation).take();
}

std::string gateway_version_key(app_no app, std::string_view operation, std::uint32_t version) {
  auto key = key_writer{table::gateway, 11 + operation.size()};
  return key.number(gateway_version).number(raw(app)).text(operation).number(version).take();
}

std::string audit_prefix(app_no app) { return key_writer{table::audit, 5}.number(raw(app)).take(); }

std::string audit_key(app_no app, std::int64_t time_ms, std::uint32_t seq) {
  auto key = key_writer{table::audit, 17};
  return key.number(raw(app)).number(static_cast<std::uint64_t>(time_ms)).number(seq).take();
}

std::string_view subject_of(std::string_view key, std::string_view prefix) {
  return key.size() < prefix.size() ? std::string_view{} : key.substr(prefix.size());
}

std::uint64_t op_id_of(std::string_view key) {
  auto id = std::uint64_t{0};
  if (key.size() >= sizeof(id))
    key_reader{key.substr(key.size() - sizeof(id))}.number(id);
  return id;
}

} // namespace shoal::storage
