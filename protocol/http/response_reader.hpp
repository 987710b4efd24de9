// Answers of other HTTP/1.1 servers out of bytes, without sockets. The other half of `parser`: here
// Shoal is the client, and what a backend sends is believed no more than what a stranger sends.
//
// One per connection. `begin` before each answer, then `feed` until it is done; bytes behind the
// answer are not taken, and a connection that has some is not used again. Memory: at most the
// head's limit, plus a body that grows as it arrives up to its limit.
//
// Refused: everything on which two readers could disagree where the answer ends (two lengths, a
// length beside chunks, encodings other than chunked, folded lines, bare line ends), control
// characters, 101, and more than a few interim answers. Trailers are read and forgotten.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace shoal::http {

struct response_limits {
  std::size_t header = 32 * 1024; ///< status line and fields, also of interim answers and trailers
  std::size_t fields = 100;
  std::size_t body = 16 * 1024 * 1024;
};

/// A complete answer. The head stays one text; fields are places in it.
class reply {
public:
  int status = 0;
  std::string body;
  std::vector<std::pair<std::string, std::string>> trailers; ///< of HTTP/2 only

  struct field {
    std::string_view name, value;
  };

  std::size_t fields() const { return places_.size(); }
  field at(std::size_t i) const {
    auto& x = places_[i];
    return {std::string_view{head_}.substr(x.name, x.name_size),
        std::string_view{head_}.substr(x.value, x.value_size)};
  }

  /// Value of the first field of that name; empty if there is none.
  std::string_view header(std::string_view name) const;

  /// One more field; its name and value are good.
  void add(std::string_view name, std::string_view value);

private:
  friend class response_reader;
  struct place {
    std::uint32_t name = 0, name_size = 0, value = 0, value_size = 0;
  };
  std::string head_;
  std::vector<place> places_;
};

class response_reader {
public:
  explicit response_reader(response_limits limits = {}) : limits_{limits} {}

  /// The next bytes answer a request that was just sent; `head`: to HEAD, which has no body.
  void begin(bool head);

  enum class outcome : std::uint8_t { need_more, done, failed };

  /// Takes what belongs to this answer; `used` says how much that was.
  outcome feed(std::string_view bytes, std::size_t& used);

  /// The server has ended the connection: an answer without length is complete now.
  outcome end();

  /// After `done`.
  reply take() { return std::move(reply_); }

  /// After `done`: another request may be sent on this connection.
  bool keep_alive() const { return keep_alive_; }

  /// Whether anything of the answer has arrived.
  bool begun() const { return begun_; }

  /// After `failed`: what is wrong, for logs.
  std::string_view flaw() const { return flaw_; }

private:
  enum class state : std::uint8_t {
    head,
    by_length,
    until_end,
    chunk_size,
    chunk_data,
    chunk_end,
    trailer,
    done,
    failed
  };

  outcome step(std::string_view bytes, std::size_t& used);
  outcome read_head(std::string_view bytes, std::size_t& used);
  outcome head_is_here();
  bool read_status_line(std::string_view line);
  bool read_fields(std::size_t begin, std::size_t end);
  bool read_field(std::size_t begin, std::size_t end);
  bool frame_by(std::string_view name, std::string_view value);
  outcome frame();
  outcome read_chunk_size(std::string_view bytes, std::size_t& used);
  outcome read_line_end(std::string_view bytes, std::size_t& used);
  outcome read_trailer(std::string_view bytes, std::size_t& used);
  outcome append(std::string_view bytes, std::size_t& used);
  outcome fail(std::string_view why);
  outcome finish();

  response_limits limits_;
  reply reply_;
  std::string line_; // of chunk headers and trailers
  std::uint64_t left_ = 0;
  std::uint64_t length_ = 0;
  std::size_t overhead_ = 0; // bytes that chunks took beside data, in a row
  std::string_view flaw_;
  state state_ = state::done;
  int interims_ = 0;
  bool is_head_ = false;
  bool begun_ = false;
  bool keep_alive_ = false;
  bool http_1_0_ = false;
  bool has_length_ = false;
  bool chunked_ = false;
  bool closes_ = false;
  bool stays_ = false;
};

} // namespace shoal::http
