#include "platform/http/text.hpp"

#include <gtest/gtest.h>

#include "platform/http/target.hpp"

namespace everfold::http {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

TEST(PercentDecoding, DecodesBytesAndLeavesTheRest) {
  EXPECT_EQ(percent_decoded("a%20b%2Fc%2f", PlusSign::stays).value(), "a b/c/");
  EXPECT_EQ(percent_decoded("C%C3%A0%20ph%C3%AA", PlusSign::stays).value(), "Cà phê");
  EXPECT_EQ(percent_decoded("a+b%2B", PlusSign::stays).value(), "a+b+");
  EXPECT_EQ(percent_decoded("a+b%2B", PlusSign::is_space).value(), "a b+");
  EXPECT_EQ(percent_decoded("", PlusSign::stays).value(), "");
}

TEST(PercentDecoding, RefusesWhatIsNotText) {
  for (const char* bad : {"%", "%2", "a%2", "%zz", "%2g", "%-1", "%00", "a%00b", "%ff", "%c0%80", "%ed%a0%80",
                          "%f5%80%80%80", "%e2%82", "%80"}) {
    const auto decoded = percent_decoded(bad, PlusSign::stays);
    ASSERT_FALSE(decoded) << bad;
    EXPECT_EQ(decoded.error().code, Code::malformed) << bad;
  }
}

TEST(Utf8, AcceptsTheWholeRangeAndNothingElse) {
  EXPECT_TRUE(is_utf8("\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"));
  for (const char* bad : {"\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
                          "\xc2", "\xe1\x80", "\xf1\x80\x80", "\xc2\x41", "\xff"}) {
    EXPECT_FALSE(is_utf8(bad));
  }
}

TEST(Target, IsSplitBeforeItIsDecoded) {
  const auto target = parse_target("/api/a%2Fb/%3Fx?page=2&q=a%26b+c&flag&&q=").value();
  EXPECT_EQ(target.path, "/api/a/b/?x");
  EXPECT_EQ(target.segments, (std::vector<std::string>{"api", "a/b", "?x"}));
  EXPECT_EQ(target.query, (Pairs{{"page", "2"}, {"q", "a&b c"}, {"flag", ""}, {"q", ""}}));
}

TEST(Target, MayNameTheServer) {
  EXPECT_EQ(parse_target("http://shop:80/a?x=1").value().path, "/a");
  EXPECT_EQ(parse_target("HTTPS://shop").value().path, "/");
  EXPECT_EQ(parse_target("http://shop?x=1").value().query, (Pairs{{"x", "1"}}));
}

TEST(Target, RefusesWhatCantBeAPath) {
  for (const char* bad :
       {"", "*", "shop:80", "hello", "/a b", "/a\x80", "/a#b", "/%", "/?x=%00", "/?%ff=1", "ftp://shop/"}) {
    EXPECT_FALSE(parse_target(bad)) << bad;
  }
}

TEST(Ids, AreFreshAndWellFormed) {
  const auto trace = random_trace_id();
  EXPECT_EQ(trace.size(), 32u);
  EXPECT_EQ(trace.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_NE(trace, random_trace_id());
  const auto correlation = random_correlation_id();
  EXPECT_EQ(correlation.size(), 36u);
  EXPECT_EQ(correlation[14], '4');
  EXPECT_NE(correlation, random_correlation_id());
}

}  // namespace
}  // namespace everfold::http
