//! When a page was published, by the best of what it tells. A date too early lets
//! decisions look ahead, so a doubtful one is left out.

mod marked;
mod reading;
mod shown;

use std::sync::LazyLock;

use chrono::{DateTime, FixedOffset, NaiveDate, Timelike, Utc};
use regex::Regex;
use tocsin_contract::PublishedPrecision;
use url::Url;

use marked::marked;
use reading::{of_day, read};
use shown::{Label, Shown, around};

use super::blocks::Block;
use super::dom::{Data, Dom};
use super::meta::Meta;
use super::objects::Object;
use super::tag::Tag;

/// When a page was published, as far as it tells.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dated {
    pub at: DateTime<Utc>,
    /// The zone it was told in; UTC where none was.
    pub zone: FixedOffset,
    pub precision: PublishedPrecision,
    /// 0 to 1, by where in the page the date stands.
    pub confidence: f32,
}

impl Dated {
    /// The day in its zone.
    fn day(&self) -> NaiveDate {
        self.at.with_timezone(&self.zone).date_naive()
    }

    /// The same instant in the zone nearest to UTC in which it is this day; `None` for a day without
    /// an hour, and where there is no such zone.
    fn on(&self, day: NaiveDate) -> Option<Self> {
        let hour = i32::try_from(self.at.hour()).ok()?;
        let hours = match (day - self.at.date_naive()).num_days() {
            -1 => -(hour + 1),
            0 => 0,
            1 => 24 - hour,
            _ => return None,
        };
        let zone = FixedOffset::east_opt(hours * 3600).filter(|_| (-12..=14).contains(&hours))?;
        (self.precision == PublishedPrecision::Exact).then_some(Self { zone, ..*self })
    }
}

/// Blocks below the title in which a byline stands.
const BELOW: isize = 4;
/// Blocks behind the text in which one stands.
const BEHIND: usize = 5;
/// Most tokens of a byline.
const BYLINE: f32 = 12.0;

/// Names under which sites of both languages tell when a page was published, best first.
const NAMES: [&str; 29] = [
    "article:published_time",
    "og:article:published_time",
    "og:published_time",
    "datepublished",
    "parsely-pub-date",
    "sailthru.date",
    "article.published",
    "article_date_original",
    "article:published",
    "cxenseparse:recs:publishtime",
    "publish-date",
    "publishdate",
    "publish_date",
    "pubdate",
    "dc.date.issued",
    "dcterms.issued",
    "dc.date.created",
    "dcterms.created",
    "dc.date",
    "citation_publication_date",
    "weibo: article:create_at",
    "og:release_date",
    "release_date",
    "originalpublicationdate",
    "article:create_at",
    "firstpublishdate",
    "w-published-date",
    "published",
    "date",
];

/// What a page shows, for its date.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sight<'a> {
    pub(super) blocks: &'a [Block],
    /// Which of them are its text.
    pub(super) text: &'a [bool],
    /// The block that is its title.
    pub(super) title: Option<usize>,
    pub(super) is_forum: bool,
}

pub(super) fn published(dom: &Dom<'_>, meta: &Meta, sight: Sight<'_>, url: &str) -> Option<Dated> {
    let beside = sight.title.map_or_else(Vec::new, |title| around(sight.blocks, title, 8, 14));
    let told = json_ld(meta)
        .or_else(|| NAMES.iter().find_map(|name| read(meta.content(name)?, 0.9)))
        .or_else(|| microdata(dom, sight.is_forum));
    if let Some(told) = told {
        let told = if sight.is_forum { told } else { as_shown(told, &beside) };
        return Some(in_its_zone(told, dom, url));
    }
    let shown = |label: Label| {
        beside.iter().filter(|shown| shown.label == label).find_map(|shown| of_day(shown.said.day?, 0.6))
    };
    marked(dom, sight)
        .or_else(|| shown(Label::Published).filter(|_| !sight.is_forum))
        .or_else(|| visible(sight.blocks, sight.text))
        .or_else(|| behind(sight.blocks, sight.text).filter(|_| !sight.is_forum))
        .or_else(|| shown(Label::Updated).filter(|_| !sight.is_forum))
        .or_else(|| of_url(url))
}

/// What a page shows its readers below its title goes before what it declares: programs that build sites declare
/// the day on which they built them, and a text that was rewritten is of the day that it shows. A day on which the
/// declared instant is in some zone is only its zone; another must stand in a line of its own, for others are of the
/// matter: the end of a quarter, a meeting.
fn as_shown(told: Dated, beside: &[Shown]) -> Dated {
    let own = |shown: &&Shown| shown.label == Label::Published;
    if beside.iter().filter(own).any(|shown| shown.may_be(told.day())) {
        return told;
    }
    let below = |shown: &&Shown| (1..=BELOW).contains(&shown.distance) && shown.tokens <= BYLINE;
    let of = |shown: &Shown| {
        let day = shown.said.day?;
        told.on(day).or_else(|| of_day(day, 0.75).filter(|_| shown.is_byline))
    };
    beside.iter().filter(own).filter(below).find_map(of).unwrap_or(told)
}

/// An instant told in UTC, in the zone in which the page shows it.
fn in_its_zone(told: Dated, dom: &Dom<'_>, url: &str) -> Dated {
    if told.precision != PublishedPrecision::Exact || told.zone.local_minus_utc() != 0 {
        return told;
    }
    let same = |node: usize| {
        let shown = read(&dom.attribute(node, "datetime")?, told.confidence)?;
        (shown.at == told.at && shown.zone != told.zone).then_some(shown)
    };
    let local = dom.below(0, Tag::Time).take(100).find_map(same);
    local.or_else(|| told.on(of_url(url)?.day())).unwrap_or(told)
}

fn json_ld(meta: &Meta) -> Option<Dated> {
    let dated = |object: &Object, confidence: f32| {
        let created = || object.created.as_deref().filter(|_| object.is_forum());
        read(object.published.as_deref().or_else(created)?, confidence)
    };
    let of = |fits: &dyn Fn(&Object) -> bool, confidence: f32| {
        let mut fitting = meta.objects.iter().filter(|object| object.is_own() && fits(object));
        fitting.find_map(|object| dated(object, confidence))
    };
    meta.main()
        .and_then(|object| dated(object, 0.95))
        .or_else(|| of(&Object::is_article, 0.95))
        .or_else(|| of(&Object::is_forum, 0.95))
        .or_else(|| of(&|_| true, 0.9))
}

fn microdata(dom: &Dom<'_>, is_forum: bool) -> Option<Dated> {
    let find = |names: &[&str]| {
        dom.nodes.iter().position(|node| match node.data {
            Data::Element(_, attributes) => names.iter().any(|name| attributes.contains(name)),
            Data::Text(_) | Data::Raw(_) => false,
        })
    };
    // A question is dated by its creation; the answers below have dates of publication.
    let created = || is_forum.then(|| find(&["dateCreated"])).flatten();
    let node = created().or_else(|| find(&["created-timestamp"])).or_else(|| find(&["datePublished"]))?;
    let value =
        ["content", "datetime", "created-timestamp"].iter().find_map(|name| dom.attribute(node, name));
    value.map_or_else(|| read(&dom.text(node), 0.8), |value| read(&value, 0.85))
}

/// A short block with a date, just before the text or where it begins.
fn visible(blocks: &[Block], text: &[bool]) -> Option<Dated> {
    let first = text.iter().position(|is_text| *is_text)?;
    let mut shown = around(blocks, first, 15, 3);
    shown.sort_by_key(|shown| (shown.distance >= 0, shown.distance.abs()));
    let of = |label: Label| shown.iter().filter(move |shown| shown.label == label);
    of(Label::Published).chain(of(Label::Updated)).find_map(|shown| of_day(shown.said.day?, 0.55))
}

/// A date that a short block just behind the text shows as that of its publication.
fn behind(blocks: &[Block], text: &[bool]) -> Option<Dated> {
    let last = text.iter().rposition(|is_text| *is_text)?;
    let shown = around(blocks, last, 0, BEHIND);
    let mut own = shown.iter().filter(|shown| shown.distance > 0 && shown.label == Label::Published);
    own.find(|shown| shown.tokens <= BYLINE).and_then(|shown| of_day(shown.said.day?, 0.5))
}

/// `/2023/03/10/`, `/2023-03-10/`, `/20230310/` or `/2023-03-10-bank-falls` in the path. A day at the end of a slug is
/// one of the matter: `/results-for-the-quarter-ended-2023-03-31`.
fn of_url(url: &str) -> Option<Dated> {
    static DAY: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"/((?:19|20)\d\d)[-/_]?([01]\d)[-/_]?([0-3]\d)(?:\D|$)").ok());
    let url = Url::parse(url).ok()?;
    let found = DAY.as_ref()?.captures(url.path())?;
    let part = |index: usize| found.get(index).map_or("", |part| part.as_str());
    read(&format!("{}-{}-{}", part(1), part(2), part(3)), 0.6)
}

#[cfg(test)]
mod tests {
    use super::super::read;

    const TEXT: &str = "<p>The lender said that deposits had fallen by a third in the quarter, and that it would sell assets to meet withdrawals.</p><p>Its shares fell sharply in early trading, and other banks of the region followed, traders said.</p>";

    fn said(head: &str, before: &str, after: &str, url: &str) -> Option<String> {
        let html = format!(
            "<html><head><title>Bank falls</title>{head}</head><body><article><h1>Bank falls</h1>{before}{TEXT}{after}</article></body></html>"
        );
        read(&html, url).published.map(|dated| dated.at.with_timezone(&dated.zone).to_rfc3339())
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
            assert_eq!(
                said(&declared(at), &line, "", "https://example.com/a").as_deref(),
                Some(at),
                "{line}"
            );
            assert_eq!(said("", &line, "", "https://example.com/a"), None, "{line}");
        }
        for line in ["Annual meeting, June 20, 2024, Zurich", "Results to be released May 2, 2024"] {
            let line = format!("<p>{line}</p>");
            assert_eq!(
                said(&declared(at), &line, "", "https://example.com/a").as_deref(),
                Some(at),
                "{line}"
            );
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
    fn a_question_is_dated_by_its_creation() {
        let question = "<div itemtype='https://schema.org/QAPage'><time itemprop='dateCreated' datetime='2014-02-04 13:02:51Z'>2014</time></div>";
        let comment = "<div itemprop='datePublished'>2018-05-21 20:37:55 +00:00</div>";
        let dated = said("", &format!("{comment}{question}"), "", "https://example.com/questions/1");
        assert_eq!(dated.as_deref(), Some("2014-02-04T13:02:51+00:00"));
    }
}
