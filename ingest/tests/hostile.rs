//! Bytes made to break a reader: what the fuzz targets in `fuzz/` look for, in little.

use proptest::prelude::*;
use tocsin_ingest::robots::Rules;
use tocsin_ingest::sitemap::Sitemap;
use tocsin_ingest::{charset, feed, page, sitemap};

const URL: &str = "https://example.com/2024/05/06/a";

/// Pieces that readers of markup treat each in its own way, in any order.
fn markup() -> impl Strategy<Value = String> {
    let pieces = [
        "<rss>",
        "<channel>",
        "<item>",
        "</item>",
        "<entry>",
        "<title>",
        "</title>",
        "<link href='/a'/>",
        "<link>",
        "<author><name>",
        "</author>",
        "<content type='xhtml'>",
        "<![CDATA[",
        "]]>",
        "<!--",
        "-->",
        "<!DOCTYPE a [",
        "]>",
        "<?xml version='1.0' encoding='gbk'?>",
        "<urlset>",
        "<url><loc>",
        "<sitemapindex>",
        "&amp;",
        "&#x",
        "&#150;",
        "&",
        "<",
        ">",
        "\"",
        "'",
        "=",
        "<p>",
        "</p>",
        "<div class=article>",
        "</div>",
        "<a href=x>",
        "<table><tr><td>",
        "<li>",
        "<script type='application/ld+json'>{\"datePublished\":\"2024-05-06\"",
        "</script>",
        "<br>",
        "<pre>",
        "<time>",
        "银行股下跌。",
        "Shares fell by a third, it said. ",
        "2024年5月6日",
        "\0",
        "\u{feff}",
        "{\"items\":[{\"id\":1},",
        "]}",
    ];
    prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    // What fails is written down as a case of its own, by hand.
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_markup_is_read_to_an_end(text in markup()) {
        if let Ok(items) = feed::items(text.as_bytes(), None, Some(URL)) {
            prop_assert!(items.iter().all(|item| !item.id.is_empty()));
        }
        let page = page::read(&text, URL);
        prop_assert!(!page.text.contains('\0'));
        if let Ok(Sitemap::Pages(listed) | Sitemap::Index(listed)) = sitemap::read(text.as_bytes(), URL) {
            prop_assert!(listed.iter().all(|listed| listed.url.starts_with("http")));
        }
    }

    #[test]
    fn any_bytes_are_read_to_an_end(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(feed::items(&bytes, None, None).is_err() || bytes.len() > 5);
        page::read(&charset::decode(&bytes, None), URL);
        let decision = Rules::parse(&bytes).decide("TocsinBot", URL);
        prop_assert!(decision.allowed || decision.line.is_some());
    }

    #[test]
    fn a_rule_decides_for_whatever_stands_around_it(noise in "[ -~\u{e9}\n]{0,200}") {
        let file = format!("{}\nUser-agent: TocsinBot\nDisallow: /2024/\n", noise.to_lowercase().replace("allow", ""));
        prop_assert!(!Rules::parse(file.as_bytes()).allows("TocsinBot", URL));
    }
}
