//! When a page was published, by the best of what it tells. A date too early lets
//! decisions look ahead, so a doubtful one is left out.

use std::sync::LazyLock;

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, Utc};
use regex::Regex;
use tocsin_contract::PublishedPrecision;

use super::blocks::Block;
use super::dom::{Data, Dom};
use super::meta::Meta;
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

/// Names under which sites of both languages tell when a page was published, best first.
const NAMES: [&str; 26] = [
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
];

/// `text`: the blocks of the page, and which of them are its text.
pub(super) fn published(
    dom: &Dom<'_>,
    meta: &Meta,
    blocks: &[Block],
    text: &[bool],
    url: &str,
) -> Option<Dated> {
    let told = json_ld(meta)
        .or_else(|| NAMES.iter().find_map(|name| read(meta.content(name)?, 0.9)))
        .or_else(|| microdata(dom, meta));
    told.or_else(|| marked(dom, blocks, text)).or_else(|| visible(blocks, text)).or_else(|| of_url(url))
}

fn json_ld(meta: &Meta) -> Option<Dated> {
    let of = |fits: &dyn Fn(&super::meta::Object) -> bool, confidence: f32| {
        let mut fitting = meta.objects.iter().filter(|object| !object.is_answer() && fits(object));
        fitting.find_map(|object| {
            let text = object
                .published
                .as_deref()
                .or_else(|| object.created.as_deref().filter(|_| object.is_forum()));
            read(text?, confidence)
        })
    };
    of(&super::meta::Object::is_article, 0.95)
        .or_else(|| of(&super::meta::Object::is_forum, 0.95))
        .or_else(|| of(&|_| true, 0.9))
}

fn microdata(dom: &Dom<'_>, meta: &Meta) -> Option<Dated> {
    let is_dated = |node: &super::dom::Node<'_>| match node.data {
        // A question is dated by its creation; the answers below have dates of publication.
        Data::Element(_, attributes) => {
            attributes.contains("datePublished") || (meta.is_forum && attributes.contains("dateCreated"))
        }
        Data::Text(_) | Data::Raw(_) => false,
    };
    let node = dom.nodes.iter().position(is_dated)?;
    let value = dom.attribute(node, "content").or_else(|| dom.attribute(node, "datetime"));
    value.map_or_else(|| read(&dom.text(node), 0.8), |value| read(&value, 0.85))
}

/// A `<time>` that stands near the title or the text, not among other articles.
fn marked(dom: &Dom<'_>, blocks: &[Block], text: &[bool]) -> Option<Dated> {
    let first = blocks.iter().zip(text).find(|(_, is_text)| **is_text).map_or(0, |(block, _)| block.parent);
    let heading = dom.below(0, Tag::H1).next().unwrap_or(0);
    let times: Vec<usize> = dom.below(0, Tag::Time).take(300).collect();
    let said = |node: usize| {
        let value =
            dom.attribute(node, "datetime").map_or_else(|| dom.text(node), std::borrow::Cow::into_owned);
        read(&value, 0.7).or_else(|| read(&dom.text(node), 0.65))
    };
    let is_publishing = |node: &usize| {
        let names = format!(
            "{} {}",
            dom.attribute(*node, "class").unwrap_or_default(),
            dom.attribute(*node, "itemprop").unwrap_or_default()
        );
        dom.attribute(*node, "pubdate").is_some() || (names.contains("publish") && !names.contains("updated"))
    };
    let published = times.iter().copied().filter(is_publishing).find_map(said);
    let near = || {
        let anchor = if heading > 0 { heading } else { first };
        let nearest =
            times.iter().copied().min_by_key(|time| time.abs_diff(anchor).min(time.abs_diff(first)))?;
        said(nearest)
    };
    published.or_else(near)
}

/// A short block with a date, just before the text or near the title.
fn visible(blocks: &[Block], text: &[bool]) -> Option<Dated> {
    let first = text.iter().position(|is_text| *is_text)?;
    let from = first.saturating_sub(15);
    let before = blocks.get(from..first)?.iter().rev();
    let after = blocks.get(first..(first + 4).min(blocks.len()))?.iter();
    before.chain(after).filter(|block| block.count.tokens < 40.0).find_map(|block| in_text(&block.text, 0.55))
}

/// `/2023/03/10/`, `/2023-03-10/` or `/20230310/` in the path.
fn of_url(url: &str) -> Option<Dated> {
    static DAY: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"[/_-]((?:19|20)\d\d)[-/_]?([01]\d)[-/_]?([0-3]\d)(?:\D|$)").ok());
    let found = DAY.as_ref()?.captures(url)?;
    let part = |index: usize| found.get(index).map_or("", |part| part.as_str());
    read(&format!("{}-{}-{}", part(1), part(2), part(3)), 0.6)
}

/// A date as machines write it, else as people do.
fn read(text: &str, confidence: f32) -> Option<Dated> {
    let text = text.trim();
    let exact = DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"))
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M%:z"))
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S %z"))
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%:z"))
        .or_else(|_| DateTime::parse_from_rfc2822(text));
    if let Ok(exact) = exact {
        let precision = PublishedPrecision::Exact;
        return Some(Dated { at: exact.to_utc(), zone: *exact.offset(), precision, confidence })
            .filter(is_likely);
    }
    in_text(text, confidence)
}

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// The first date in a text, as a day: in figures with the year first, or with the month's name. Figures alone
/// with the year last may mean two days and are not read.
fn in_text(text: &str, confidence: f32) -> Option<Dated> {
    static FIGURES: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"(?:^|\D)((?:19|20)\d\d)\s?[-/.年]\s?(\d{1,2})\s?[-/.月]\s?(\d{1,2})(?:\D|$)").ok()
    });
    static NAMED: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let month = "(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*";
        let first = format!(r"\b{month}\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?,?\s+((?:19|20)\d\d)\b");
        let last =
            format!(r"\b(\d{{1,2}})(?:st|nd|rd|th)?[\s-]+(?:of\s+)?{month}\.?,?[\s-]+((?:19|20)\d\d)\b");
        Regex::new(&format!("(?i)(?:{first}|{last})")).ok()
    });
    static DENSE: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"^((?:19|20)\d\d)([01]\d)([0-3]\d)").ok());
    let number = |found: &regex::Captures<'_>, index: usize| found.get(index)?.as_str().parse::<u32>().ok();
    let month = |found: &regex::Captures<'_>, index: usize| {
        let name = found.get(index)?.as_str().to_ascii_lowercase();
        (1..).zip(MONTHS).find(|(_, month)| *month == name).map(|(number, _)| number)
    };
    let figures = |pattern: &LazyLock<Option<Regex>>| {
        let found = pattern.as_ref()?.captures(text)?;
        day(number(&found, 1)?, number(&found, 2)?, number(&found, 3)?)
    };
    let named = || {
        let found = NAMED.as_ref()?.captures(text)?;
        match month(&found, 1) {
            Some(month) => day(number(&found, 3)?, month, number(&found, 2)?),
            None => day(number(&found, 6)?, month(&found, 5)?, number(&found, 4)?),
        }
    };
    let at = figures(&FIGURES).or_else(named).or_else(|| figures(&DENSE))?;
    let zone = FixedOffset::east_opt(0)?;
    Some(Dated { at: at.and_utc(), zone, precision: PublishedPrecision::Day, confidence }).filter(is_likely)
}

fn day(year: u32, month: u32, day: u32) -> Option<NaiveDateTime> {
    NaiveDate::from_ymd_opt(year.try_into().ok()?, month, day)?.and_hms_opt(0, 0, 0)
}

/// After the Web began.
fn is_likely(dated: &Dated) -> bool {
    dated.at.timestamp() > 788_918_400
}
