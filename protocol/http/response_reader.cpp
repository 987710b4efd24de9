#include "protocol/http/response_reader.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "protocol/http/message.hpp"

namespace shoal::http {
namespace {

constexpr std::string_view line_end = "\r\n";
constexpr std::string_view head_end = "\r\n\r\n";
constexpr int max_interims = 8;

/// A chunk header is a few digits; extensions are read over, but not at any length.
constexpr std::size_t max_chunk_header = 256;

/// A length with more digits is none that anybody means.
constexpr std::size_t max_length_digits = 15;

constexpr auto token_bytes = [] {
  auto out = std::array<bool, 256>{};
  for (auto c = '0'; c <= '9'; ++c)
    out[static_cast<std::size_t>(c)] = true;
  for (auto c = 'a'; c <= 'z'; ++c)
    out[static_cast<std::size_t>(c)] = out[static_cast<std::size_t>(c - 32)] = true;
  for (auto c : std::string_view{"!#$%&'*+-.^_`|~"})
    out[static_cast<std::size_t>(c)] = true;
  return out;
}();

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text,
                              [](char c) { return token_bytes[static_cast<unsigned char>(c)]; });
}

bool is_value(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    auto byte = static_cast<unsigned char>(c);
    return (byte >= 0x20 && byte != 0x7f) || c == '\t';
  });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

bool number(std::string_view text, int base, std::uint64_t& out) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  return !text.empty() && error == std::errc{} && end == text.data() + text.size();
}

template <class Visit>
void for_each_part(std::string_view list, Visit visit) {
  while (!list.empty()) {
    auto part = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), part.size() + 1));
    visit(trimmed(part));
  }
}

} // namespace

std::string_view reply::header(std::string_view name) const {
  for (auto i = std::size_t{0}; i < fields(); ++i)
    if (auto x = at(i); x.name.size() == name.size() && same_name(x.name, name))
      return x.value;
  return {};
}

void reply::add(std::string_view name, std::string_view value) {
  auto size = [](std::size_t x) { return static_cast<std::uint32_t>(x); };
  places_.push_back({size(head_.size()), size(name.size()), size(head_.size() + name.size()),
      size(value.size())});
  head_.append(name).append(value);
}

void response_reader::begin(bool head) {
  auto limits = limits_;
  *this = response_reader{limits};
  state_ = state::head;
  is_head_ = head;
}

response_reader::outcome response_reader::feed(std::string_view bytes, std::size_t& used) {
  used = 0;
  begun_ = begun_ || !bytes.empty();
  while (state_ != state::done && state_ != state::failed && used < bytes.size()) {
    auto now = std::size_t{0};
    auto got = step(bytes.substr(used), now);
    used += now;
    if (got != outcome::need_more)
      return got;
  }
  return state_ == state::done     ? outcome::done
         : state_ == state::failed ? outcome::failed
                                   : outcome::need_more;
}

response_reader::outcome response_reader::end() {
  if (state_ == state::done)
    return outcome::done;
  if (state_ != state::until_end)
    return fail("the connection ended within the answer");
  return finish();
}

response_reader::outcome response_reader::step(std::string_view bytes, std::size_t& used) {
  switch (state_) {
  case state::head:
    return read_head(bytes, used);
  case state::by_length:
  case state::chunk_data:
  case state::until_end:
    return append(bytes, used);
  case state::chunk_size:
    return read_chunk_size(bytes, used);
  case state::chunk_end:
    return read_line_end(bytes, used);
  case state::trailer:
    return read_trailer(bytes, used);
  case state::done:
    return outcome::done;
  case state::failed:
    break;
  }
  return outcome::failed;
}

response_reader::outcome response_reader::read_head(std::string_view bytes, std::size_t& used) {
  auto& head = reply_.head_;
  auto seen = head.size();
  auto take = std::min(bytes.size(), limits_.header + 1 - std::min(limits_.header, seen));
  head.append(bytes.substr(0, take));
  auto end = head.find(head_end, seen < 3 ? 0 : seen - 3);
  if (end == std::string::npos) {
    used = take;
    return head.size() > limits_.header ? fail("the head is too large") : outcome::need_more;
  }
  if (end + head_end.size() > limits_.header)
    return fail("the head is too large");
  head.resize(end + head_end.size());
  used = head.size() - seen;
  return head_is_here();
}

response_reader::outcome response_reader::head_is_here() {
  auto& head = reply_.head_;
  auto end = head.find(line_end);
  if (!read_status_line(std::string_view{head}.substr(0, end)))
    return fail("the status line is malformed");
  if (!read_fields(end + line_end.size(), head.size() - line_end.size()))
    return fail(flaw_);
  if (reply_.status == 101)
    return fail("the server changes protocols unasked");
  if (reply_.status < 200) {
    if (++interims_ > max_interims)
      return fail("too many interim answers");
    auto kept = interims_;
    auto head_request = is_head_;
    begin(head_request);
    interims_ = kept;
    begun_ = true;
    return outcome::need_more;
  }
  return frame();
}

bool response_reader::read_status_line(std::string_view line) {
  // "HTTP/1.1 200 OK"; the reason may be missing, with or without the blank before it.
  if (line.size() < 12 || !line.starts_with("HTTP/1.") || (line[7] != '0' && line[7] != '1') ||
      line[8] != ' ' || !is_value(line))
    return false;
  auto status = std::uint64_t{0};
  if (!number(line.substr(9, 3), 10, status) || status < 100 || status > 599)
    return false;
  if (line.size() > 12 && line[12] != ' ')
    return false;
  http_1_0_ = line[7] == '0';
  reply_.status = static_cast<int>(status);
  return true;
}

bool response_reader::read_fields(std::size_t begin, std::size_t end) {
  while (begin < end) {
    auto stop = reply_.head_.find(line_end, begin);
    if (reply_.places_.size() == limits_.fields) {
      flaw_ = "too many fields";
      return false;
    }
    if (!read_field(begin, stop))
      return false;
    begin = stop + line_end.size();
  }
  return true;
}

bool response_reader::read_field(std::size_t begin, std::size_t end) {
  auto line = std::string_view{reply_.head_}.substr(begin, end - begin);
  auto colon = line.find(':');
  auto name = line.substr(0, colon);
  if (colon == std::string_view::npos || !is_token(name)) {
    flaw_ = "a field has no name";
    return false;
  }
  auto value = trimmed(line.substr(colon + 1));
  if (!is_value(value)) {
    flaw_ = "a control character in the head";
    return false;
  }
  reply_.places_.push_back(
      {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(name.size()),
          static_cast<std::uint32_t>(value.data() - reply_.head_.data()),
          static_cast<std::uint32_t>(value.size())});
  return frame_by(name, value);
}

/// What the fields say about where the answer and the connection end.
bool response_reader::frame_by(std::string_view name, std::string_view value) {
  if (name.size() == 14 && same_name(name, "Content-Length")) {
    auto length = std::uint64_t{0};
    auto good = value.size() <= max_length_digits && number(value, 10, length);
    if (!good || (std::exchange(has_length_, true) && length != length_)) {
      flaw_ = "Content-Length is not one number";
      return false;
    }
    length_ = length;
  } else if (name.size() == 17 && same_name(name, "Transfer-Encoding")) {
    if (std::exchange(chunked_, true) || !same_name(value, "chunked")) {
      flaw_ = "Transfer-Encoding other than chunked";
      return false;
    }
  } else if (name.size() == 10 && same_name(name, "Connection")) {
    for_each_part(value, [&](std::string_view part) {
      closes_ = closes_ || same_name(part, "close");
      stays_ = stays_ || same_name(part, "keep-alive");
    });
  }
  return true;
}

response_reader::outcome response_reader::frame() {
  keep_alive_ = !closes_ && (!http_1_0_ || stays_);
  if (chunked_ && (has_length_ || http_1_0_))
    return fail("Transfer-Encoding where it must not be");
  if (is_head_ || reply_.status == 204 || reply_.status == 304)
    return finish();
  if (chunked_) {
    state_ = state::chunk_size;
    return outcome::need_more;
  }
  if (!has_length_) {
    keep_alive_ = false;
    state_ = state::until_end;
    return outcome::need_more;
  }
  if (length_ > limits_.body)
    return fail("the body is too large");
  if (length_ == 0)
    return finish();
  left_ = length_;
  state_ = state::by_length;
  return outcome::need_more;
}

response_reader::outcome response_reader::append(std::string_view bytes, std::size_t& used) {
  used = state_ == state::until_end
             ? bytes.size()
             : static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
  if (reply_.body.size() + used > limits_.body)
    return fail("the body is too large");
  reply_.body.append(bytes.substr(0, used));
  if (state_ == state::until_end)
    return outcome::need_more;
  left_ -= used;
  if (left_ > 0)
    return outcome::need_more;
  if (state_ == state::by_length)
    return finish();
  state_ = state::chunk_end;
  return outcome::need_more;
}

response_reader::outcome response_reader::read_chunk_size(
    std::string_view bytes, std::size_t& used) {
  auto end = bytes.find('\n');
  used = end == std::string_view::npos ? bytes.size() : end + 1;
  if (line_.size() + used > max_chunk_header)
    return fail("a chunk header is too large");
  line_.append(bytes.substr(0, used));
  if (end == std::string_view::npos)
    return outcome::need_more;
  auto line = std::string_view{line_};
  if (!line.ends_with(line_end))
    return fail("a line ends with a bare LF");
  line.remove_suffix(line_end.size());
  auto digits = trimmed(line.substr(0, line.find(';')));
  if (!is_value(line) || digits.size() > max_length_digits || !number(digits, 16, left_))
    return fail("a chunk has no size");
  // One byte per chunk with a long extension would make much work of little.
  overhead_ += line_.size();
  if (overhead_ > limits_.header + reply_.body.size() * 8)
    return fail("too many small chunks");
  line_.clear();
  if (left_ > limits_.body || reply_.body.size() + left_ > limits_.body)
    return fail("the body is too large");
  overhead_ = left_ == 0 ? 0 : overhead_;
  state_ = left_ == 0 ? state::trailer : state::chunk_data;
  return outcome::need_more;
}

response_reader::outcome response_reader::read_line_end(std::string_view bytes, std::size_t& used) {
  while (used < bytes.size() && line_.size() < line_end.size())
    line_ += bytes[used++];
  if (!line_end.starts_with(line_))
    return fail("a chunk is longer than it said");
  if (line_.size() == line_end.size()) {
    line_.clear();
    state_ = state::chunk_size;
  }
  return outcome::need_more;
}

response_reader::outcome response_reader::read_trailer(std::string_view bytes, std::size_t& used) {
  auto end = bytes.find('\n');
  used = end == std::string_view::npos ? bytes.size() : end + 1;
  overhead_ += used;
  if (overhead_ > limits_.header)
    return fail("the trailer is too large");
  line_.append(bytes.substr(0, used));
  if (end == std::string_view::npos)
    return outcome::need_more;
  if (!line_.ends_with(line_end))
    return fail("a line ends with a bare LF");
  auto empty = line_.size() == line_end.size();
  line_.clear();
  return empty ? finish() : outcome::need_more;
}

response_reader::outcome response_reader::fail(std::string_view why) {
  flaw_ = why;
  state_ = state::failed;
  keep_alive_ = false;
  reply_ = {};
  line_ = {};
  return outcome::failed;
}

response_reader::outcome response_reader::finish() {
  state_ = state::done;
  return outcome::done;
}

} // namespace shoal::http
