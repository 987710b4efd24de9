// Writing and reading the fields of records: varints, texts, and the frame around them (version
// first, CRC last).
//
// For the record files of this folder only. A reader takes memory in proportion to the bytes it was
// given, and accepts exactly what the writer makes: shortest varints, nothing left over.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace shoal::storage {

class record_writer {
public:
  explicit record_writer(std::size_t size_hint);

  record_writer& byte(std::uint8_t x);
  record_writer& number(std::uint64_t x);
  /// Small absolute values stay short, whatever their sign.
  record_writer& signed_number(std::int64_t x);
  record_writer& text(std::string_view x);
  record_writer& texts(const std::vector<std::string>& xs);
  record_writer& pairs(const std::map<std::string, std::string>& xs);
  /// The last field needs no length.
  record_writer& rest(std::string_view x);

  /// Adds the checksum over `key` and the record.
  std::string seal(std::string_view key);

private:
  std::string bytes_;
};

/// All reads return false once something did not fit; the fields read so far are then worthless.
class record_reader {
public:
  /// Checks version and checksum; every read fails if they are wrong.
  record_reader(std::string_view bytes, std::string_view key);

  bool byte(std::uint8_t& out);
  bool number(std::uint64_t& out);
  bool signed_number(std::int64_t& out);
  bool text(std::string& out);
  bool texts(std::vector<std::string>& out);
  bool pairs(std::map<std::string, std::string>& out);
  bool rest(std::string& out);

  /// True if everything was read and fitted.
  bool done() const { return ok_ && bytes_.empty(); }

private:
  bool fail();

  std::string_view bytes_;
  bool ok_ = false;
};

} // namespace shoal::storage
