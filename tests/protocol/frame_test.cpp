#include <random>

#include <gtest/gtest.h>
#include <zstd.h>

#include "protocol/frame.hpp"

namespace shoal {
namespace {

using outcome = frame_reader::outcome;

std::string hex(std::string_view bytes) {
  auto out = std::string{};
  for (auto c : bytes) {
    constexpr auto digits = std::string_view{"0123456789abcdef"};
    out += digits[static_cast<unsigned char>(c) >> 4];
    out += digits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

std::string header(std::uint32_t length, std::uint8_t type, std::uint8_t flags) {
  auto out = std::string{};
  for (auto shift : {24, 16, 8, 0})
    out += static_cast<char>(length >> shift & 0xff);
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  return out;
}

std::string zstd_frame(std::string_view body, int level = 1) {
  auto packed = std::string(ZSTD_compressBound(body.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), body.data(), body.size(), level));
  return header(static_cast<std::uint32_t>(packed.size() + 2), 9, flag_zstd) + packed;
}

/// Compressed as a stream, so the size of the content is not in its head.
std::string streamed_zstd_frame(std::string_view body) {
  auto* stream = ZSTD_createCStream();
  auto packed = std::string(ZSTD_compressBound(body.size()) + 64, '\0');
  auto in = ZSTD_inBuffer{nullptr, 0, 0};
  auto out = ZSTD_outBuffer{packed.data(), packed.size(), 0};
  for (in = {body.data(), body.size(), 0}; in.pos < in.size;)
    ZSTD_compressStream2(stream, &out, &in, ZSTD_e_continue);
  while (ZSTD_compressStream2(stream, &out, &in, ZSTD_e_end) != 0) {
  }
  ZSTD_freeCStream(stream);
  packed.resize(out.pos);
  EXPECT_EQ(ZSTD_getFrameContentSize(packed.data(), packed.size()), ZSTD_CONTENTSIZE_UNKNOWN);
  return header(static_cast<std::uint32_t>(packed.size() + 2), 9, flag_zstd) + packed;
}

struct read_result {
  outcome what;
  frame x;
  ec error;
};

read_result read_one(std::string_view bytes, std::size_t limit = default_max_frame) {
  auto reader = frame_reader{limit};
  auto out = read_result{};
  reader.append(bytes);
  out.what = reader.next(out.x);
  out.error = reader.error();
  return out;
}

TEST(encode_frame, has_the_bytes_of_the_specification) {
  EXPECT_EQ(hex(encode_frame(frame_type::ping, "")), "000000020c00");
  EXPECT_EQ(hex(encode_frame(frame_type::hello, "abc")), "000000050100616263");
  EXPECT_EQ(
      hex(encode_frame(frame_type::close, std::string(300, 'x'))).substr(0, 14), "0000012e0e0078");
}

TEST(encode_frame, compresses_only_from_512_bytes_and_only_what_gets_smaller) {
  auto flags = [](std::string_view body) {
    return encode_frame(frame_type::ops, body, compression::zstd)[5];
  };
  EXPECT_EQ(flags(std::string(511, 'a')), 0);
  EXPECT_EQ(flags(std::string(512, 'a')), flag_zstd);
  auto noise = std::string{};
  auto random = std::mt19937{1};
  while (noise.size() < 4096)
    noise += static_cast<char>(random());
  EXPECT_EQ(flags(noise), 0);
  EXPECT_EQ(encode_frame(frame_type::ops, std::string(5000, 'a'))[5], 0);
}

TEST(frame_reader, reads_what_was_encoded_compressed_or_not) {
  for (auto size : {0, 1, 511, 512, 10'000, 65'534}) {
    for (auto how : {compression::none, compression::zstd}) {
      auto body = std::string(static_cast<std::size_t>(size), 'q');
      auto got = read_one(encode_frame(frame_type::ops, body, how));
      ASSERT_EQ(got.what, outcome::have_frame) << size;
      EXPECT_EQ(got.x.type, frame_type::ops);
      EXPECT_EQ(got.x.body, body);
    }
  }
}

TEST(frame_reader, reads_byte_by_byte) {
  auto bytes = encode_frame(frame_type::hello, "abc") +
               encode_frame(frame_type::ack, std::string(900, 'z'), compression::zstd) +
               encode_frame(frame_type::ping, "");
  auto reader = frame_reader{};
  auto bodies = std::vector<std::string>{};
  for (auto c : bytes) {
    reader.append({&c, 1});
    for (auto x = frame{}; reader.next(x) == outcome::have_frame;)
      bodies.push_back(x.body);
  }
  EXPECT_EQ(bodies, (std::vector<std::string>{"abc", std::string(900, 'z'), ""}));
  EXPECT_EQ(reader.buffered(), 0u);
}

TEST(frame_reader, reads_any_split_of_many_frames) {
  auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  auto random = std::mt19937{seed};
  auto bytes = std::string{};
  auto sizes = std::vector<std::size_t>{};
  for (auto i = 0; i < 200; ++i) {
    sizes.push_back(random() % 3000);
    bytes += encode_frame(frame_type::ops, std::string(sizes.back(), 'a'),
        random() % 2 ? compression::zstd : compression::none);
  }
  auto reader = frame_reader{};
  auto got = std::vector<std::size_t>{};
  for (auto at = std::size_t{0}; at < bytes.size();) {
    auto n = std::min<std::size_t>(random() % 5000, bytes.size() - at);
    reader.append(std::string_view{bytes}.substr(at, n));
    at += n;
    for (auto x = frame{}; reader.next(x) == outcome::have_frame;)
      got.push_back(x.body.size());
    reader.shrink();
  }
  EXPECT_EQ(got, sizes);
}

TEST(frame_reader, refuses_a_length_above_its_limit_before_the_bytes_come) {
  EXPECT_EQ(read_one(header(101, 1, 0).substr(0, 4), 100).error, ec::frame_too_large);
  EXPECT_EQ(read_one(header(100, 1, 0).substr(0, 4), 100).what, outcome::need_more);
  EXPECT_EQ(read_one(header(0xffffffff, 1, 0), 100).error, ec::frame_too_large);
}

TEST(frame_reader, refuses_a_length_that_does_not_cover_type_and_flags) {
  EXPECT_EQ(read_one(header(0, 1, 0)).error, ec::bad_frame);
  EXPECT_EQ(read_one(header(1, 1, 0)).error, ec::bad_frame);
}

TEST(frame_reader, refuses_unknown_flags_and_passes_unknown_types_on) {
  EXPECT_EQ(read_one(header(2, 1, 0x02)).error, ec::bad_frame);
  EXPECT_EQ(read_one(header(2, 1, 0x81)).error, ec::bad_frame);
  auto got = read_one(header(2, 200, 0));
  EXPECT_EQ(got.what, outcome::have_frame);
  EXPECT_EQ(static_cast<int>(got.x.type), 200);
}

TEST(frame_reader, inflates_up_to_its_limit_and_not_beyond) {
  constexpr auto limit = std::size_t{1000};
  EXPECT_EQ(read_one(zstd_frame(std::string(998, 'a')), limit).x.body.size(), 998u);
  EXPECT_EQ(read_one(zstd_frame(std::string(999, 'a')), limit).error, ec::frame_too_large);
  EXPECT_EQ(read_one(zstd_frame(std::string(100'000'000, 'a')), default_max_frame).error,
      ec::frame_too_large);
}

TEST(frame_reader, inflates_bodies_that_do_not_tell_their_size) {
  constexpr auto limit = std::size_t{1000};
  EXPECT_EQ(read_one(streamed_zstd_frame(std::string(998, 'a')), limit).x.body.size(), 998u);
  EXPECT_EQ(read_one(streamed_zstd_frame(std::string(999, 'a')), limit).error, ec::frame_too_large);
  EXPECT_EQ(read_one(streamed_zstd_frame(std::string(50'000'000, 'a'))).error, ec::frame_too_large);
}

TEST(frame_reader, refuses_bombs_made_of_several_compressed_parts) {
  auto part = zstd_frame(std::string(60'000, 'a')).substr(frame_header_size);
  auto parts = std::string{};
  for (auto i = 0; i < 100; ++i)
    parts += part;
  auto bytes = header(static_cast<std::uint32_t>(parts.size() + 2), 9, flag_zstd) + parts;
  EXPECT_EQ(read_one(bytes).error, ec::frame_too_large);
}

TEST(frame_reader, refuses_bodies_that_are_not_zstd) {
  EXPECT_EQ(read_one(header(6, 9, flag_zstd) + "abcd").error, ec::bad_frame);
  EXPECT_EQ(read_one(header(2, 9, flag_zstd)).error, ec::bad_frame);
  auto cut = zstd_frame(std::string(5000, 'a'));
  cut.pop_back();
  cut[3] = static_cast<char>(cut[3] - 1);
  EXPECT_EQ(read_one(cut).error, ec::bad_frame);
}

TEST(frame_reader, stays_failed_and_takes_no_more_bytes) {
  auto reader = frame_reader{};
  reader.append(header(1, 1, 0));
  auto x = frame{};
  EXPECT_EQ(reader.next(x), outcome::failed);
  reader.append(encode_frame(frame_type::ping, ""));
  EXPECT_EQ(reader.next(x), outcome::failed);
  EXPECT_EQ(reader.error(), ec::bad_frame);
  EXPECT_EQ(reader.buffered(), 0u);
}

TEST(frame_reader, keeps_unfinished_frames_when_it_shrinks) {
  auto bytes = encode_frame(frame_type::hello, "abc");
  auto reader = frame_reader{};
  reader.append(std::string_view{bytes}.substr(0, 5));
  reader.shrink();
  EXPECT_EQ(reader.buffered(), 5u);
  reader.append(std::string_view{bytes}.substr(5));
  auto x = frame{};
  EXPECT_EQ(reader.next(x), outcome::have_frame);
  EXPECT_EQ(x.body, "abc");
}

TEST(frame_reader, survives_noise) {
  auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  auto random = std::mt19937{seed};
  for (auto round = 0; round < 2000; ++round) {
    auto reader = frame_reader{4096};
    auto bytes = header(static_cast<std::uint32_t>(random() % 300),
        static_cast<std::uint8_t>(random()), static_cast<std::uint8_t>(random() % 3));
    for (auto i = random() % 400; i > 0; --i)
      bytes += static_cast<char>(random());
    reader.append(bytes);
    auto what = outcome::have_frame;
    for (auto x = frame{}; what == outcome::have_frame; what = reader.next(x))
      ASSERT_LE(x.body.size(), 4096u);
    ASSERT_EQ(what == outcome::failed, reader.error() != ec::none);
  }
}

} // namespace
} // namespace shoal
