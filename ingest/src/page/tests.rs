use tocsin_contract::PublishedPrecision;

use super::*;

fn extract(html: &str, url: &str) -> Result<Page, String> {
    super::extract(html, url, "2026-01-02T10:00:00Z".parse().unwrap())
}

fn page(head: &str, body: &str) -> String {
    let paragraph = "The lender said that deposits had fallen by a third in the quarter, and that it would sell assets to meet withdrawals, sending its shares sharply lower in early trading on the local exchange. ";
    format!(
        "<html><head><title>Bank falls</title>{head}</head><body><nav>Home News Sport</nav><article><h1>Bank falls</h1>{body}<p>{}</p><p>{}</p></article><footer>Imprint</footer></body></html>",
        paragraph.repeat(2),
        paragraph
    )
}

#[test]
fn the_article_is_kept_and_the_furniture_is_not() {
    let page = extract(&page("", ""), "https://example.com/a").unwrap();
    assert!(page.text.contains("deposits had fallen by a third"));
    assert!(!page.text.contains("Imprint"));
    assert_eq!(page.title, "Bank falls");
    assert_eq!(page.published, None);
}

#[test]
fn the_date_of_json_ld_goes_before_all_others() {
    let ld = r#"<script type="application/ld+json">{"@graph":[{"@type":"NewsArticle","datePublished":"2024-05-06T10:00:00+02:00"}]}</script>"#;
    let meta = r#"<meta property="article:published_time" content="2024-05-07T10:00:00Z">"#;
    let both = extract(&page(&format!("{meta}{ld}"), ""), "https://example.com/a").unwrap();
    assert_eq!(both.published.unwrap().at.to_rfc3339(), "2024-05-06T08:00:00+00:00");
    let only = extract(&page(meta, ""), "https://example.com/a").unwrap();
    assert_eq!(only.published.unwrap().at.to_rfc3339(), "2024-05-07T10:00:00+00:00");
}

#[test]
fn a_day_is_only_a_day_and_nonsense_is_no_date() {
    let dated = |text: &str| {
        extract(&page("", &format!("<time datetime=\"{text}\">x</time>")), "https://example.com/a")
            .unwrap()
            .published
    };
    assert_eq!(dated("2024-05-06").unwrap().precision, PublishedPrecision::Day);
    assert_eq!(dated("2024-05-06T10:00:00").unwrap().precision, PublishedPrecision::Day);
    assert_eq!(dated("yesterday"), None);
}

#[test]
fn the_address_dates_a_page_that_does_not() {
    for url in [
        "https://example.com/2024/05/06/a",
        "https://example.com/a/20240506/b.html",
        "https://example.com/blog/2024/May/6/a",
        "https://example.com/blog/2024/may/06",
    ] {
        let dated = extract(&page("", ""), url).unwrap().published.unwrap();
        assert_eq!((dated.at.to_rfc3339().as_str(), dated.confidence), ("2024-05-06T00:00:00+00:00", 0.6));
    }
    assert_eq!(extract(&page("", ""), "https://example.com/20249999/").unwrap().published, None);
}

#[test]
fn feeds_and_the_site_are_found() {
    let head = r#"<meta property="og:site_name" content="Harbour Times"><link rel="alternate" type="application/rss+xml" href="/rss">"#;
    let page = extract(&page(head, ""), "https://example.com/a").unwrap();
    assert_eq!(
        (page.site.as_deref(), page.feeds),
        (Some("Harbour Times"), vec!["https://example.com/rss".to_owned()])
    );
}

#[test]
fn a_feed_is_found_in_every_spelling_and_once() {
    let link = |kind: &str, href: &str| format!("<link rel=alternate type='{kind}' href='{href}'>");
    let head = [
        link("application/rss+xml; charset=utf-8", "/rss"),
        link("Application/RSS+XML", "https://example.com/rss"),
        link("application/atom+xml", "/atom"),
        link("application/xml", "/sitemap"),
    ]
    .concat();
    let page = extract(&page(&head, ""), "https://example.com/a").unwrap();
    assert_eq!(page.feeds, ["https://example.com/rss", "https://example.com/atom"]);
}

#[test]
fn addresses_are_relative_to_what_the_page_names_for_that() {
    let links = "<link rel=canonical href='a'><link rel=alternate type='application/rss+xml' href='rss'>";
    for (base, canonical, feed) in [
        ("", "https://example.com/2024/a", "https://example.com/2024/rss"),
        ("<base href='/news/'>", "https://example.com/news/a", "https://example.com/news/rss"),
        (
            "<base target=_top><base href='https://www.example.com/'>",
            "https://www.example.com/a",
            "https://www.example.com/rss",
        ),
        ("<base href=''>", "https://example.com/2024/a", "https://example.com/2024/rss"),
        ("<base href='data:text/plain,'>", "https://example.com/2024/a", "https://example.com/2024/rss"),
    ] {
        let page = extract(&page(&format!("{base}{links}"), ""), "https://example.com/2024/b").unwrap();
        assert_eq!(
            (page.canonical_url.as_deref(), page.feeds[0].as_str()),
            (Some(canonical), feed),
            "{base}"
        );
    }
    let named = format!("<base href='https://example.com/news/'>{links}");
    assert_eq!(extract(&page(&named, ""), "").unwrap().feeds, ["https://example.com/news/rss"]);
}

#[test]
fn the_canonical_link_is_resolved_and_cleaned() {
    let link = r#"<link rel="canonical" href="/a?utm_source=feed">"#;
    let page = extract(&page(link, ""), "https://example.com/amp/a").unwrap();
    assert_eq!(page.canonical_url.as_deref(), Some("https://example.com/a"));
}

#[test]
fn the_first_page_of_a_site_is_no_other() {
    let link = r#"<link rel="canonical" href="https://example.com/">"#;
    let canonical = |url: &str| extract(&page(link, ""), url).unwrap().canonical_url;
    assert_eq!(canonical("https://example.com/2024/bank-falls"), None);
    for url in ["https://example.com/?utm_source=rss", ""] {
        assert_eq!(canonical(url).as_deref(), Some("https://example.com/"), "{url}");
    }
}

#[test]
fn without_an_address_links_that_need_none_are_kept() {
    let links = r#"<link rel="canonical" href="https://example.com/a"><link rel="alternate" type="application/rss+xml" href="https://example.com/rss"><link rel="alternate" type="application/rss+xml" href="/atom">"#;
    let page = extract(&page(links, ""), "").unwrap();
    assert_eq!(page.canonical_url.as_deref(), Some("https://example.com/a"));
    assert_eq!(page.feeds, ["https://example.com/rss"]);
}

#[test]
fn articles_that_a_page_lists_neither_name_nor_date_it() {
    let list = r#"<script type="application/ld+json">{"@type":"ItemList","itemListElement":[{"@type":"NewsArticle","headline":"Shares rise","author":"Bo Berg","datePublished":"2024-01-02T10:00:00Z"}]}</script>"#;
    let own = r#"<script type="application/ld+json">{"@type":"NewsArticle","headline":"Bank falls","datePublished":"2024-05-06T10:00:00Z"}</script>"#;
    let page = |head: &str| extract(&page(head, ""), "https://example.com/a").unwrap();
    let both = page(&format!("{list}{own}"));
    assert_eq!((both.title.as_str(), both.author.as_deref()), ("Bank falls", None));
    assert_eq!(both.published.unwrap().at.to_rfc3339(), "2024-05-06T10:00:00+00:00");
    assert_eq!(page(list).published, None);
}

#[test]
fn a_drawing_and_an_open_head_leave_the_article() {
    let drawn = page("", "<svg viewBox='0 0 1 1'><title/><style/><path d='M0'/></svg>");
    let open = page("", "").replace("</head><body>", "<style>p{}</style>").replace("</body>", "");
    for html in [drawn, open] {
        let page = extract(&html, "https://example.com/a").unwrap();
        assert!(page.text.contains("deposits had fallen by a third"), "{html}");
    }
}

#[test]
fn a_canonical_link_to_someone_else_is_not_believed() {
    let link = r#"<link rel="canonical" href="https://other.org/a">"#;
    assert_eq!(extract(&page(link, ""), "https://example.com/a").unwrap().canonical_url, None);
}

#[test]
fn a_forum_that_is_built_in_the_browser_gives_what_it_tells_search_engines() {
    let said = "Which broker would you recommend to someone who buys bonds for the first time, and what do they charge for an order?";
    let head = format!(
        "<meta name='generator' content='Discourse 3.4.0'><meta property='og:description' content='{said}'>"
    );
    let html = format!(
        "<html><head><title>Which broker?</title>{head}</head><body><section id='main'></section></body></html>"
    );
    let page = extract(&html, "https://example.com/t/which-broker/1").unwrap();
    assert_eq!((page.kind, page.text.as_str()), (Kind::Forum, said));
}

#[test]
fn an_article_that_is_built_in_the_browser_gives_the_text_that_it_tells_unless_it_is_held_back() {
    let said = "The lender said that deposits had fallen by a third in the quarter, and that it would sell assets to meet withdrawals, sending its shares lower.";
    let html = |free: bool| {
        format!(
            "<html><head><title>Bank falls</title><script type='application/ld+json'>{{\"@type\":\"NewsArticle\",\"isAccessibleForFree\":{free},\"articleBody\":\"{said}\"}}</script></head><body><div id=root>Bank falls</div></body></html>"
        )
    };
    let page = read(&html(true), "https://example.com/a");
    assert_eq!((page.kind, page.text.as_str()), (Kind::Article, said));
    let marked =
        html(true).replace(said, &format!("<p>{said}</p>")).replace("Bank falls</div>", "Loading...</div>");
    let page = read(&marked, "https://example.com/a");
    assert_eq!((page.kind, page.text.as_str()), (Kind::Article, said));
    assert!(!read(&html(false), "https://example.com/a").text.contains("withdrawals"));
}

#[test]
fn no_text_holds_a_nul() {
    let page = read(&page("", "<pre>\0Shares\0 fell.</pre>"), "https://example.com/a");
    assert!(page.text.contains("deposits") && !page.text.contains('\0'), "{:?}", page.text);
}

#[test]
fn a_page_without_text_is_no_article() {
    assert!(extract("<html><body></body></html>", "https://example.com/").is_err());
}

#[test]
fn bytes_of_another_kind_are_no_page_and_are_named() {
    assert_eq!(decode(b"%PDF-1.5\n1 0 obj <</Type /Catalog>>", Some("text/html")), Err("a PDF file"));
    assert_eq!(decode(b"\x1f\x8b\x08\0\0\0\0\0", None), Err("a gzip archive"));
    assert_eq!(decode(&b"\x01\x02<p>".repeat(40), None), Err("bytes that are no text"));
    assert_eq!(decode("<p>银行".as_bytes(), None).as_deref(), Ok("<p>银行"));
    let paper =
        read("%PDF-1.5\nThe lender said that deposits had fallen by a third.", "https://example.com/a");
    assert_eq!((paper.kind, paper.text.as_str()), (Kind::Error, ""));
}

#[test]
fn a_page_that_shows_nothing_is_an_error() {
    for html in
        ["", " ", "<html><head><title>Bank falls</title></head><body><div id=root></div></body></html>"]
    {
        assert_eq!(read(html, "https://example.com/a").kind, Kind::Error, "{html}");
    }
}

#[test]
fn the_author_that_a_page_declares_goes_before_the_one_that_it_shows() {
    let shown = "<p>By <a rel=author href=/jane>Jane Doe</a></p>";
    let author = |head: &str| extract(&page(head, shown), "https://example.com/a").unwrap().author;
    assert_eq!(author("").as_deref(), Some("Jane Doe"));
    assert_eq!(author("<meta name=author content='By Bo Berg'>").as_deref(), Some("Bo Berg"));
    for junk in [", USA TODAY", "262588213843476", "https://example.com/bo"] {
        let head = format!("<meta property='article:author' content='{junk}'>");
        assert_eq!(author(&head).as_deref(), Some("Jane Doe"), "{junk}");
    }
}
