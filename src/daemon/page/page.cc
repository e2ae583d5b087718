#include "daemon/page/page.h"

#include <string>

// The assembler embeds each file, which it finds by the include path (-Isrc). The Makefile lists
// the files as dependencies of the object.
#define WSD_EMBED(symbol, file)                              \
  asm(".pushsection .rodata." #symbol                        \
      ",\"a\",%progbits\n"                                   \
      ".global " #symbol "_begin, " #symbol "_end\n" #symbol \
      "_begin:\n"                                            \
      ".incbin \"daemon/page/" file "\"\n" #symbol           \
      "_end: .byte 0\n"                                      \
      ".popsection\n");                                      \
  extern "C" const char symbol##_begin[];                    \
  extern "C" const char symbol##_end[]

WSD_EMBED(wsd_page_index, "index.html");
WSD_EMBED(wsd_page_main, "page.js");
WSD_EMBED(wsd_page_link, "link.js");
WSD_EMBED(wsd_page_chart, "chart.js");
WSD_EMBED(wsd_page_style, "page.css");

namespace wsd::daemon {
namespace {

// img-src serves only the empty icon. Without an icon, browsers would request /favicon.ico.
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

constexpr std::string_view kHtml = "text/html; charset=utf-8";
constexpr std::string_view kScript = "text/javascript; charset=utf-8";
constexpr std::string_view kStyle = "text/css; charset=utf-8";

}  // namespace

const std::array<PageFile, 5>& page_files() {
  static const std::array<PageFile, 5> files = {{
      {"/", kHtml, {wsd_page_index_begin, wsd_page_index_end}},
      {"/page/page.js", kScript, {wsd_page_main_begin, wsd_page_main_end}},
      {"/page/link.js", kScript, {wsd_page_link_begin, wsd_page_link_end}},
      {"/page/chart.js", kScript, {wsd_page_chart_begin, wsd_page_chart_end}},
      {"/page/page.css", kStyle, {wsd_page_style_begin, wsd_page_style_end}},
  }};
  return files;
}

// no-store, because files of different builds do not fit together, and all of them are small.
Response page_response(const PageFile& file) {
  Response response;
  response.content_type = file.content_type;
  response.body = file.text;
  response.headers = {{"Content-Security-Policy", std::string(kPolicy)},
                      {"X-Content-Type-Options", "nosniff"},
                      {"Referrer-Policy", "no-referrer"},
                      {"Cross-Origin-Opener-Policy", "same-origin"},
                      {"Cache-Control", "no-store"}};
  return response;
}

}  // namespace wsd::daemon
