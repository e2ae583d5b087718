#include "daemon/auth/bearer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "daemon/fake_request.h"

namespace wsd::daemon {
namespace {

using Place = PresentedToken::Place;

constexpr std::string_view kCookie = "wsd_token";

void expect(const Request& request, Place place, std::string_view token, bool ambiguous = false) {
  const PresentedToken presented = presented_token(request, kCookie);
  EXPECT_EQ(presented.place, place);
  EXPECT_EQ(presented.token, token);
  EXPECT_EQ(presented.ambiguous, ambiguous);
}

TEST(Bearer, Rfc6750_2_1_Authorization) {
  expect(FakeRequest().field("Authorization", "Bearer abc"), Place::kAuthorization, "abc");
  expect(FakeRequest().field("Authorization", "bEaReR   abc "), Place::kAuthorization, "abc");
  expect(FakeRequest().field("Authorization", "Bearer a b"), Place::kAuthorization, "a b");
}

TEST(Bearer, EmptyBearer_IsPresentButInvalid) {
  expect(FakeRequest().field("Authorization", "Bearer"), Place::kAuthorization, "");
  expect(FakeRequest().field("Authorization", "Bearer "), Place::kAuthorization, "");
  expect(FakeRequest().offer("bearer"), Place::kSubprotocol, "");
  expect(FakeRequest().field("Cookie", "wsd_token="), Place::kCookie, "");
  expect(FakeRequest().ask("token="), Place::kQuery, "");
  expect(FakeRequest().ask("token"), Place::kQuery, "");
}

TEST(Bearer, OtherScheme_IsIgnored) {
  for (const char* value : {"Basic YTpi", "Bearer2 abc", "Bear abc", "", "Bearer\tabc", "abc"}) {
    expect(FakeRequest().field("Authorization", value), Place::kNone, "");
    expect(FakeRequest().field("Authorization", value).ask("token=q"), Place::kQuery, "q");
  }
}

TEST(Bearer, Rfc9110_5_3_SeveralAuthorizationFields_AreAmbiguous) {
  for (const char* second : {"Bearer abc", "Bearer def", "Basic YTpi", ""}) {
    expect(FakeRequest().field("Authorization", "Bearer abc").field("Authorization", second),
           Place::kAuthorization, "", true);
    expect(FakeRequest()
               .field("Authorization", second)
               .field("Authorization", "Bearer abc")
               .ask("token=q"),
           Place::kAuthorization, "", true);
  }
}

TEST(Bearer, SubprotocolAfterBearer_IsTheToken) {
  expect(FakeRequest().offer("bearer").offer("abc"), Place::kSubprotocol, "abc");
  expect(FakeRequest().offer("bearer").offer("abc").offer("chat"), Place::kSubprotocol, "abc");
  expect(FakeRequest().offer("chat").offer("bearer").offer("abc"), Place::kSubprotocol, "abc");
  expect(FakeRequest().offer("chat").offer("v2"), Place::kNone, "");
  expect(FakeRequest().offer("Bearer").offer("abc"), Place::kNone, "");  // RFC 6455 §1.9: exactly
}

TEST(Bearer, Rfc6265_4_2_1_Cookies) {
  for (const char* value :
       {"wsd_token=abc", "a=b; wsd_token=abc", "a=b;wsd_token=abc;c=d", "wsd_token=\"abc\"",
        " wsd_token = abc ", "wsd_token=abc; wsd_token=x", "x; =; wsd_token=abc"}) {
    expect(FakeRequest().field("Cookie", value), Place::kCookie, "abc");
  }
  expect(FakeRequest().field("Cookie", "a=b").field("Cookie", "wsd_token=abc"), Place::kCookie,
         "abc");
  expect(FakeRequest().field("Cookie", "wsd_token=a=b=="), Place::kCookie, "a=b==");
  expect(FakeRequest().field("Cookie", "wsd_token=%41"), Place::kCookie, "%41");
  expect(FakeRequest().field("Cookie", "wsd_token=\""), Place::kCookie, "\"");
  for (const char* value : {"wsd_tokens=abc", "xwsd_token=abc", "WSD_TOKEN=abc", "wsd_token", "",
                            "a=wsd_token=abc", ";;;"}) {
    expect(FakeRequest().field("Cookie", value), Place::kNone, "");
  }
}

TEST(Bearer, TheQueryIsPercentDecodedOnce) {
  const std::pair<const char*, const char*> rows[] = {
      {"token=abc", "abc"},
      {"a=b&token=abc&c=d", "abc"},
      {"token=abc&token=def", "abc"},
      {"token=%61%62%63", "abc"},
      {"token=%2541", "%41"},
      {"token=a+b%2Bc", "a+b+c"},
      {"token=a%3D%26b==", "a=&b=="},
      {"token=%", ""},
      {"token=abc%4", ""},
      {"token=abc%zz", ""},
      {"token=%%41", ""},
  };
  for (const auto& [query, token] : rows) {
    expect(FakeRequest().ask(query), Place::kQuery, token);
  }
  expect(FakeRequest().ask("token=a%00b"), Place::kQuery, std::string("a\0b", 3));
  for (const char* query :
       {"", "tokens=abc", "xtoken=abc", "Token=abc", "%74oken=abc", "a;token=b", "a=token=abc"}) {
    expect(FakeRequest().ask(query), Place::kNone, "");
  }
}

TEST(Bearer, FirstPlaceWithContent_Counts) {
  FakeRequest all;
  all.ask("token=query");
  expect(all, Place::kQuery, "query");
  all.field("Cookie", "wsd_token=cookie");
  expect(all, Place::kCookie, "cookie");
  all.offer("bearer").offer("offered");
  expect(all, Place::kSubprotocol, "offered");
  all.field("Authorization", "Bearer");
  expect(all, Place::kAuthorization, "");
}

TEST(Bearer, TokensAre16To512VisibleAsciiCharacters) {
  EXPECT_EQ(token_error(std::string(16, 'a')), "");
  EXPECT_EQ(token_error(std::string(512, '~')), "");
  EXPECT_EQ(token_error("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"), "");
  EXPECT_EQ(token_error(std::string(15, 'a')), "has 15 characters; it must have 16 to 512");
  EXPECT_EQ(token_error(std::string(513, 'a')), "has 513 characters; it must have 16 to 512");
  EXPECT_EQ(token_error(""), "has 0 characters; it must have 16 to 512");
  for (int byte = 0; byte < 256; ++byte) {
    const std::string token = std::string(20, 'a') + static_cast<char>(byte);
    const std::string error = token_error(token);
    EXPECT_EQ(error.empty(), byte > 0x20 && byte < 0x7F) << byte;
    EXPECT_EQ(error.find("aaa"), std::string::npos);
  }
}

TEST(Bearer, SecretsAreComparedWhole) {
  const std::string secret = "0123456789abcdef";
  EXPECT_TRUE(same_secret(secret, secret));
  EXPECT_TRUE(same_secret("", ""));
  for (std::size_t i = 0; i < secret.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string other = secret;
      other[i] = static_cast<char>(other[i] ^ (1 << bit));
      EXPECT_FALSE(same_secret(other, secret)) << i << " " << bit;
    }
    EXPECT_FALSE(same_secret(secret.substr(0, i), secret)) << i;
    EXPECT_FALSE(same_secret(secret, secret.substr(0, i))) << i;
  }
  EXPECT_FALSE(same_secret(secret + '\0', secret));
  EXPECT_FALSE(same_secret(secret, secret + '\0'));
}

TEST(Bearer, ASetFindsEachOfItsSecretsAndNothingElse) {
  const std::vector<std::string> secrets = {std::string(16, 'a'), std::string(17, 'a'),
                                            std::string(512, 'a'), "bbbbbbbbbbbbbbbbb",
                                            std::string(16, 'a') + "b"};
  const SecretSet set(secrets);
  EXPECT_EQ(set.size(), secrets.size());
  for (std::size_t i = 0; i < secrets.size(); ++i) {
    EXPECT_EQ(set.find(secrets[i]), i);
    EXPECT_EQ(set.find(secrets[i] + '\0'), SecretSet::kNone) << "padding is not part of it";
    EXPECT_EQ(set.find(secrets[i].substr(1) + 'x'), SecretSet::kNone);
    EXPECT_EQ(set.find(secrets[i].substr(0, 15)), SecretSet::kNone);
  }
  EXPECT_EQ(set.find(""), SecretSet::kNone);
  EXPECT_EQ(set.find(std::string(512, 'a') + 'a'), SecretSet::kNone);
  EXPECT_EQ(set.find(std::string(100'000, 'a')), SecretSet::kNone);
  EXPECT_EQ(SecretSet({}).find(""), SecretSet::kNone);
}

// The buckets depend on a random key. The limit is far above what any key causes by chance.
TEST(Bearer, TenThousandSecrets_EachSearchComparesWithAFew) {
  constexpr std::size_t kSecrets = 10'000;
  constexpr std::size_t kFew = 40;
  std::vector<std::string> secrets;
  for (std::size_t i = 0; i < kSecrets; ++i) {
    secrets.push_back("secret-of-a-user-" + std::to_string(i));
  }
  const SecretSet set(secrets);
  std::size_t of_right = 0;
  std::size_t of_wrong = 0;
  for (std::size_t i = 0; i < kSecrets; ++i) {
    ASSERT_EQ(set.find(secrets[i]), i);
    const std::string wrong = secrets[i] + "x";
    ASSERT_EQ(set.find(wrong), SecretSet::kNone);
    EXPECT_LE(set.comparisons(secrets[i]), kFew);
    EXPECT_GE(set.comparisons(secrets[i]), 1U);
    EXPECT_LE(set.comparisons(wrong), kFew);
    of_right += set.comparisons(secrets[i]);
    of_wrong += set.comparisons(wrong);
  }
  EXPECT_LE(of_right, kSecrets * 4);
  EXPECT_LE(of_wrong, kSecrets * 3);
}

TEST(BringsToken, ComparesTextAfterBearer) {
  constexpr const char* kToken = "0123456789abcdef";
  for (const char* field :
       {"Bearer 0123456789abcdef", "bearer 0123456789abcdef", "BEARER   0123456789abcdef "}) {
    EXPECT_TRUE(brings_token(field, kToken)) << field;
  }
  for (const char* field :
       {"", "Bearer", "Bearer ", "Bearer 0123456789abcdeF", "Bearer 0123456789abcde",
        "Bearer 0123456789abcdef0", "Basic 0123456789abcdef", "0123456789abcdef",
        "Bearer0123456789abcdef"}) {
    EXPECT_FALSE(brings_token(field, kToken)) << field;
  }
}

}  // namespace
}  // namespace wsd::daemon
