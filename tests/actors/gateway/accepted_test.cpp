// What a client takes: weights and order in Accept, Accept-Encoding and Accept-Language.
#include <gtest/gtest.h>

#include "actors/gateway/accepted.hpp"

namespace shoal::gateway {
namespace {

using mgw::data_format;

constexpr auto json = data_format::json, protobuf = data_format::protobuf,
               neither = data_format::other;

std::string in_order(std::string_view list) {
  auto out = std::string{};
  for (auto& x : ranked(list))
    out += std::string{x.name} + "=" + std::to_string(x.weight) + " ";
  return out;
}

TEST(Accepted, TheDearestComesFirstAndEqualsInTheirOrder) {
  EXPECT_EQ(in_order("a;q=0.1, b, c;q=0.75,d"), "b=1000 d=1000 c=750 a=100 ");
}

TEST(Accepted, WhatIsRefusedIsNotThere) {
  EXPECT_EQ(in_order("a;q=0, b;q=0.000, c;q=0.001"), "c=1 ");
}

TEST(Accepted, WeightsAreReadWithAnySpaceAndAmongOtherParameters) {
  EXPECT_EQ(in_order(" a ; q=0.5 ,\tb;level=1;Q=0.25;x=y"), "a=500 b=250 ");
}

TEST(Accepted, AWeightThatIsNoneIsNotGiven) {
  EXPECT_EQ(in_order("a;q=, b;q=2, c;q=0.1234, d;q=-0, e;q=0x, f;q=1.5, g;q"),
      "a=1000 b=1000 c=1000 d=1000 e=1000 f=1000 g=1000 ");
}

TEST(Accepted, AnEmptyListAndEmptyElementsAreNothing) {
  EXPECT_EQ(in_order(""), "");
  EXPECT_EQ(in_order(", ;q=1,,"), "");
}

TEST(Accepted, OfALongListTheBeginningCounts) {
  auto list = std::string{};
  for (auto i = 0; i < 1'000; ++i)
    list += "x,";
  EXPECT_EQ(ranked(list).size(), 32u);
}

TEST(PreferredFormat, IsTheOneThatIsNamed) {
  EXPECT_EQ(preferred_format("application/json"), json);
  EXPECT_EQ(preferred_format("application/protobuf"), protobuf);
  EXPECT_EQ(preferred_format("Application/X-Protobuf; charset=x"), protobuf);
  EXPECT_EQ(preferred_format("text/html, application/json;q=0.9"), json);
}

TEST(PreferredFormat, IsTheDearerOfBothAndElseTheFirst) {
  EXPECT_EQ(preferred_format("application/json;q=0.5, application/protobuf"), protobuf);
  EXPECT_EQ(preferred_format("application/protobuf;q=0.5, application/json;q=0.6"), json);
  EXPECT_EQ(preferred_format("application/protobuf, application/json"), protobuf);
  EXPECT_EQ(preferred_format("application/json;q=0.3, application/protobuf;q=0.3"), json);
  EXPECT_EQ(preferred_format("application/protobuf;q=0.1, application/json;q=0.5, "
                             "application/x-protobuf"),
      protobuf);
}

TEST(PreferredFormat, IsNotTheOneThatIsRefused) {
  EXPECT_EQ(preferred_format("application/protobuf;q=0, application/json;q=0.1"), json);
  EXPECT_EQ(preferred_format("application/protobuf;q=0"), json);
  EXPECT_EQ(preferred_format("application/json;q=0, */*"), protobuf);
  EXPECT_EQ(preferred_format("application/json;q=0, application/protobuf;q=0"), neither);
}

TEST(PreferredFormat, ARangeWeighsWhatIsNotNamed) {
  EXPECT_EQ(preferred_format("application/protobuf, */*;q=0.8"), protobuf);
  EXPECT_EQ(preferred_format("application/protobuf, */*"), protobuf) << "named is meant";
  EXPECT_EQ(preferred_format("application/protobuf;q=0.2, */*"), json);
  EXPECT_EQ(preferred_format("application/protobuf;q=0.2, application/*;q=0.1, */*"), protobuf);
  EXPECT_EQ(preferred_format("*/*;q=0, application/json;q=0.1"), json);
}

TEST(PreferredFormat, IsOpenIfNeitherIsNamed) {
  EXPECT_EQ(preferred_format(""), neither);
  EXPECT_EQ(preferred_format("*/*"), neither);
  EXPECT_EQ(preferred_format("text/html, application/*;q=0.5"), neither);
  EXPECT_EQ(preferred_format("application/jsonx, application/protobufs"), neither);
}

TEST(TakesGzip, WhereItIsNamedOrMeant) {
  EXPECT_TRUE(takes_gzip("deflate, gzip;q=0.5"));
  EXPECT_TRUE(takes_gzip("gzip;q=0.01"));
  EXPECT_TRUE(takes_gzip("GZIP"));
  EXPECT_TRUE(takes_gzip("br, *;q=0.1"));
  EXPECT_FALSE(takes_gzip("x-gzip2, br"));
  EXPECT_FALSE(takes_gzip(""));
}

TEST(TakesGzip, NotWhereItIsRefused) {
  EXPECT_FALSE(takes_gzip("gzip;q=0"));
  EXPECT_FALSE(takes_gzip("gzip; q=0.000, br"));
  EXPECT_FALSE(takes_gzip("gzip;q=0, *"));
  EXPECT_FALSE(takes_gzip("*;q=0"));
}

TEST(TakesGzip, NotWherePlainBytesAreDearer) {
  EXPECT_FALSE(takes_gzip("identity, gzip;q=0.5"));
  EXPECT_TRUE(takes_gzip("identity;q=0.5, gzip"));
  EXPECT_TRUE(takes_gzip("identity, gzip"));
}

} // namespace
} // namespace shoal::gateway
