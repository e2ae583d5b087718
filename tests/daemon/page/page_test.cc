#include "daemon/page/page.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>

namespace wsd::daemon {
namespace {

std::string header(const Response& response, std::string_view name) {
  const auto found = std::find_if(response.headers.begin(), response.headers.end(),
                                  [&](const auto& field) { return field.first == name; });
  return found == response.headers.end() ? std::string() : found->second;
}

std::string_view page() { return page_files().front().text; }

// All scripts in one text.
std::string scripts() {
  std::string all;
  for (const PageFile& file : page_files()) {
    if (file.path.ends_with(".js")) all += file.text;
  }
  return all;
}

TEST(DemoPage, TheFilesAreWhole) {
  EXPECT_EQ(page_files().front().path, "/");
  EXPECT_TRUE(page().starts_with("<!doctype html>"));
  EXPECT_TRUE(page().ends_with("</html>\n"));
  for (const PageFile& file : page_files()) {
    EXPECT_TRUE(file.text.ends_with("\n")) << file.path;
    EXPECT_EQ(file.text.find('\0'), std::string_view::npos) << file.path;
    const std::string_view type = file.path.ends_with(".js")    ? "text/javascript; charset=utf-8"
                                  : file.path.ends_with(".css") ? "text/css; charset=utf-8"
                                                                : "text/html; charset=utf-8";
    EXPECT_EQ(file.content_type, type) << file.path;
  }
}

TEST(DemoPage, EveryFile_HasStrictHeaders) {
  for (const PageFile& file : page_files()) {
    const Response part = page_response(file);
    EXPECT_EQ(part.status, 200);
    EXPECT_EQ(part.body, file.text);
    EXPECT_EQ(part.content_type, file.content_type);
    EXPECT_EQ(header(part, "Content-Security-Policy"),
              "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
              "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    EXPECT_EQ(header(part, "X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(header(part, "Referrer-Policy"), "no-referrer");
    EXPECT_EQ(header(part, "Cache-Control"), "no-store");
  }
}

TEST(DemoPage, LoadsNothingFromOtherServers) {
  for (const PageFile& file : page_files()) {
    for (const std::string_view outside :
         {"http:/", "https:/", "src=\"//", "href=\"//", "@import", "url("}) {
      EXPECT_EQ(file.text.find(outside), std::string::npos) << file.path << " has " << outside;
    }
  }
}

TEST(DemoPage, HoldsNothingBlockedByItsPolicy) {
  for (const std::string_view blocked :
       {"<script>", "<style", " style=", " onclick", " onsubmit", "javascript:"}) {
    EXPECT_EQ(page().find(blocked), std::string::npos) << blocked;
  }
  for (const std::string_view blocked : {"eval(", "new Function", "setAttribute(\"style"}) {
    EXPECT_EQ(scripts().find(blocked), std::string::npos) << blocked;
  }
}

TEST(DemoPage, InsertsTextOnlyAsText) {
  for (const std::string_view markup :
       {"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "DOMParser",
        "createContextualFragment", "setHTML"}) {
    EXPECT_EQ(scripts().find(markup), std::string::npos) << markup;
  }
}

TEST(DemoPage, EveryElementOfTheScriptIsOnThePage) {
  const std::string script = scripts();
  constexpr std::string_view kLookup = "$(\"";
  int seen = 0;
  for (std::size_t at = script.find(kLookup); at != std::string::npos;
       at = script.find(kLookup, at + 1)) {
    const std::size_t from = at + kLookup.size();
    const std::string id = script.substr(from, script.find('"', from) - from);
    EXPECT_NE(page().find("id=\"" + id + "\""), std::string::npos) << id;
    ++seen;
  }
  EXPECT_GT(seen, 20);
}

TEST(DemoPage, EveryReferencedFile_IsServed) {
  const std::string all = std::string(page()) + scripts();
  for (const std::string_view mark : {"src=\"", "rel=\"stylesheet\" href=\"", "from \"./"}) {
    for (std::size_t at = all.find(mark); at != std::string::npos; at = all.find(mark, at + 1)) {
      const std::size_t from = at + mark.size();
      std::string path = all.substr(from, all.find('"', from) - from);
      path = mark.starts_with("from") ? "/page/" + path : "/" + path;
      EXPECT_TRUE(std::any_of(page_files().begin(), page_files().end(), [&](const PageFile& file) {
        return file.path == path;
      })) << path;
    }
  }
}

TEST(DemoPage, EveryFieldHasALabel) {
  for (const std::string mark : {"<input id=\"", "<textarea id=\""}) {
    for (std::size_t at = page().find(mark); at != std::string::npos;
         at = page().find(mark, at + 1)) {
      const std::size_t from = at + mark.size();
      const std::string id(page().substr(from, page().find('"', from) - from));
      EXPECT_NE(page().find("<label for=\"" + id + "\""), std::string::npos) << id;
    }
  }
}

}  // namespace
}  // namespace wsd::daemon
