use super::super::{Kind, read_at};

const NOW: &str = "2026-01-02T10:00:00Z";

const TEXT: &str = "<p>The lender said that deposits had fallen by a third in the quarter, and that it would sell assets to meet withdrawals.</p><p>Its shares fell sharply in early trading, and other banks of the region followed, traders said.</p>";

fn said(head: &str, before: &str, after: &str, url: &str) -> Option<String> {
    let html = format!(
        "<html><head><title>Bank falls</title>{head}</head><body><article><h1>Bank falls</h1>{before}{TEXT}{after}</article></body></html>"
    );
    read_at(&html, url, NOW.parse().unwrap())
        .published
        .map(|dated| dated.at.with_timezone(&dated.zone).to_rfc3339())
}

fn declared(at: &str) -> String {
    format!("<meta property='article:published_time' content='{at}'>")
}

#[test]
fn what_is_shown_below_the_title_goes_before_what_is_declared() {
    let head = declared("2025-08-21T10:00:00+00:00");
    let on = |shown: &str| said(&head, &format!("<p>{shown}</p>"), "", "https://example.com/a").unwrap();
    assert_eq!(on("Published Apr 26, 2023"), "2023-04-26T00:00:00+00:00");
    assert_eq!(on("Updated Sep 4, 2025"), "2025-08-21T10:00:00+00:00");
    assert_eq!(on("8/21/2025, updated 8/27/2025"), "2025-08-21T10:00:00+00:00");
    assert_eq!(on("Member since May 3, 2011"), "2025-08-21T10:00:00+00:00");
}

#[test]
fn days_of_the_matter_below_the_title_do_not_date_the_page() {
    let at = "2024-05-10T10:00:00+00:00";
    for line in [
        "For the three months ended March 31, 2024",
        "Data as of April 30, 2024",
        "Meeting on June 20, 2024 in Zurich",
        "Meeting on Thursday, June 20, 2024",
        "Open until March 31, 2024",
        "截至2024年3月31日",
        "数据截止：2024年3月31日",
    ] {
        let line = format!("<p>{line}</p>");
        assert_eq!(said(&declared(at), &line, "", "https://example.com/a").as_deref(), Some(at), "{line}");
        assert_eq!(said("", &line, "", "https://example.com/a"), None, "{line}");
    }
    for line in ["Annual meeting, June 20, 2024, Zurich", "Results to be released May 2, 2024"] {
        let line = format!("<p>{line}</p>");
        assert_eq!(said(&declared(at), &line, "", "https://example.com/a").as_deref(), Some(at), "{line}");
    }
    for line in [
        "On May 2, 2024",
        "By Jane Doe | May 2, 2024, 9:00 am",
        "发布时间：2024年5月2日 10:00",
        "来源：新华社 2024年5月2日",
        "May 2, 2024 • 3 min read",
        "Posted on Thursday, May 2, 2024 by Jane Doe",
    ] {
        let shown = said(&declared(at), &format!("<p>{line}</p>"), "", "https://example.com/a");
        assert_eq!(shown.as_deref(), Some("2024-05-02T00:00:00+00:00"), "{line}");
    }
}

#[test]
fn only_where_a_segment_of_the_path_begins_does_an_address_date_a_page() {
    for url in ["/2024/05/06/a", "/a/20240506.html", "/2024-05-06-bank-falls", "/2024-05/06/c_1.htm"] {
        let dated = said("", "", "", &format!("https://example.com{url}"));
        assert_eq!(dated.as_deref(), Some("2024-05-06T00:00:00+00:00"), "{url}");
    }
    for url in ["/results-for-the-quarter-ended-2024-03-31", "/a?from=/2024/03/31/", "/a#/2024/03/31"] {
        assert_eq!(said("", "", "", &format!("https://example.com{url}")), None, "{url}");
    }
}

#[test]
fn an_instant_is_told_in_the_zone_of_the_page() {
    let night = declared("2025-12-19T02:41:41+00:00");
    let by_url = said(&night, "", "", "https://example.com/2025/12/18/bank-falls").unwrap();
    assert_eq!(by_url, "2025-12-18T23:41:41-03:00");
    let time = "<time datetime='2025-12-19T07:41:41+0500'>this morning</time>";
    let by_time = said(&night, time, "", "https://example.com/a").unwrap();
    assert_eq!(by_time, "2025-12-19T07:41:41+05:00");
}

#[test]
fn a_date_behind_the_text_dates_a_page_that_shows_no_other() {
    let after = "<p>Published On: 15 August 2025</p>";
    let dated = said("", "", after, "https://example.com/a");
    assert_eq!(dated.as_deref(), Some("2025-08-15T00:00:00+00:00"));
    assert_eq!(said("", "", "<p>Copyright 15 August 2025</p>", "https://example.com/a"), None);
}

#[test]
fn dates_behind_the_article_are_those_of_others_unless_they_say_otherwise() {
    let day = |behind: &str, url: &str| {
        let html = format!(
            "<html><title>Bank falls</title><body><article><h1>Bank falls</h1>{TEXT}</article>{behind}</body></html>"
        );
        let dated = read_at(&html, url, NOW.parse().unwrap()).published;
        dated.map(|dated| dated.at.date_naive().to_string())
    };
    for behind in [
        "<footer>Last updated 1 January 2019</footer>",
        "<footer><p>Published 1 January 2019</p></footer>",
        "<div>Company No. 123, incorporated 1 January 2019</div>",
        "<div><a href='/b'>Shares rise</a> <span>May 3, 2024</span></div>",
        "<div class=comment><b>Jo</b><p>May 3, 2024</p><p>What a day!</p></div>",
    ] {
        assert_eq!(day(behind, "https://example.com/a"), None, "{behind}");
    }
    let changed = "<p>Last updated 1 January 2019</p>";
    assert_eq!(day(changed, "https://example.com/2024/05/06/a").as_deref(), Some("2024-05-06"));
    for told in ["<p>Published on May 6, 2024</p>", "<p>Interview by Jane Doe</p><p>May 6, 2024</p>"] {
        assert_eq!(day(told, "https://example.com/a").as_deref(), Some("2024-05-06"), "{told}");
        let other = format!("<div><a href='/b'>Shares of other banks rise a little</a></div>{told}");
        assert_eq!(day(&other, "https://example.com/a"), None, "{told}");
    }
}

#[test]
fn a_byline_behind_tags_is_the_articles() {
    let tags = "<div><a href='/t/a'>low-code-development</a><a href='/t/b'>mobile-app-development</a></div>";
    let byline = "<p>Written by <a href='/moses'>Moses Kim</a></p><p>April 8, 2024</p>";
    let html = format!(
        "<html><title>Bank falls</title><body><article><h1>Bank falls</h1>{TEXT}</article>{tags}{byline}</body></html>"
    );
    let dated = read_at(&html, "https://example.com/a", NOW.parse().unwrap()).published.unwrap();
    assert_eq!(dated.at.date_naive().to_string(), "2024-04-08");
}

#[test]
fn what_a_list_shows_does_not_date_it() {
    let item = |day: u32| {
        format!(
            "<li><h3><a href='/2024/05/0{day}/bank-{day}'>Bank number {day} falls after a warning from its regulator</a></h3>\
             <time datetime='2024-05-0{day}'>May {day}, 2024</time></li>"
        )
    };
    let items: String = (1..10).map(item).collect();
    let html = format!("<html><title>Markets</title><body><h1>Markets</h1><ul>{items}</ul></body></html>");
    let page = read_at(&html, "https://example.com/tag/markets", NOW.parse().unwrap());
    assert_eq!((page.kind, page.published), (Kind::Listing, None));
}

#[test]
fn a_question_is_dated_by_its_creation() {
    let question = "<div itemtype='https://schema.org/QAPage'><time itemprop='dateCreated' datetime='2014-02-04 13:02:51Z'>2014</time></div>";
    let comment = "<div itemprop='datePublished'>2018-05-21 20:37:55 +00:00</div>";
    let dated = said("", &format!("{comment}{question}"), "", "https://example.com/questions/1");
    assert_eq!(dated.as_deref(), Some("2014-02-04T13:02:51+00:00"));
}

#[test]
fn a_date_that_has_yet_to_come_is_refused_and_the_next_is_tried() {
    let ld = |at: &str| {
        format!(
            "<script type='application/ld+json'>{{\"@type\":\"NewsArticle\",\"datePublished\":\"{at}\"}}</script>"
        )
    };
    let at = "2024-05-06T10:00:00+00:00";
    let on = |head: &str, shown: &str, url: &str| said(head, shown, "", url);
    for ahead in ["2099-05-06T10:00:00+00:00", "2026-01-03T10:00:01+00:00", "2026-01-04"] {
        let both = format!("{}{}", ld(ahead), declared(at));
        assert_eq!(on(&both, "", "https://example.com/a").as_deref(), Some(at), "{ahead}");
        let time = format!("<time datetime='{ahead}'>soon</time><p>Published May 6, 2024</p>");
        let shown = on("", &time, "https://example.com/a");
        assert_eq!(shown.as_deref(), Some("2024-05-06T00:00:00+00:00"), "{ahead}");
    }
    assert_eq!(on("", "", "https://example.com/2099/05/06/a"), None);
    let shown = on(&declared(at), "<p>Published May 6, 2099</p>", "https://example.com/a");
    assert_eq!(shown.as_deref(), Some(at));
}

#[test]
fn clocks_and_zones_that_are_ahead_are_believed() {
    for at in ["2026-01-03T09:59:59+00:00", "2026-01-03T00:00:00+00:00"] {
        assert_eq!(said(&declared(at), "", "", "https://example.com/a").as_deref(), Some(at));
    }
}
