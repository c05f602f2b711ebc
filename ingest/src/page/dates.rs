//! When a page was published, by the best of what it tells. A date too early lets
//! decisions look ahead, so a doubtful one is left out.

mod marked;
mod reading;
mod shown;

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use chrono::{DateTime, FixedOffset, NaiveDate, TimeDelta, Timelike, Utc};
use regex::Regex;
use tocsin_contract::PublishedPrecision;
use url::Url;

use marked::marked;
use reading::{of_day, read};
use shown::{BYLINE, Label, Shown, around};

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

/// How far ahead a date may lie: as far as clocks and zones differ.
const AHEAD: TimeDelta = TimeDelta::days(1);
/// Blocks below the title in which a byline stands.
const BELOW: isize = 4;
/// Blocks behind the text in which one stands.
const BEHIND: usize = 5;
/// Tokens from which a link is the headline of another page, and least share of them that it holds.
const HEADLINE: f32 = 5.0;
const LINKED: f32 = 0.8;

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
    /// The dates that it shows are those of the pages that it lists.
    pub(super) is_listing: bool,
    pub(super) now: DateTime<Utc>,
}

impl Sight<'_> {
    /// A date as it is written, unless it has yet to come.
    fn read(&self, text: &str, confidence: f32) -> Option<Dated> {
        read(text, confidence).filter(|dated| self.has_come(dated))
    }

    /// A day, unless it has yet to come.
    fn day(&self, day: NaiveDate, confidence: f32) -> Option<Dated> {
        of_day(day, confidence).filter(|dated| self.has_come(dated))
    }

    fn has_come(&self, dated: &Dated) -> bool {
        dated.at - self.now <= AHEAD
    }

    /// Not behind the text, where other pages, comments and the site have dates.
    fn is_of_article(&self, shown: &Shown) -> bool {
        let end = self.text.iter().rposition(|is_text| *is_text);
        self.is_forum || end.is_none_or(|end| shown.place <= end)
    }
}

pub(super) fn published(dom: &Dom<'_>, meta: &Meta, sight: Sight<'_>, url: &str) -> Option<Dated> {
    let beside = sight.title.map_or_else(Vec::new, |title| around(sight.blocks, title, 8, 14));
    let told = json_ld(meta, sight)
        .or_else(|| NAMES.iter().find_map(|name| sight.read(meta.content(name)?, 0.9)))
        .or_else(|| microdata(dom, sight).filter(|_| !sight.is_listing));
    if let Some(told) = told {
        let is_single = !sight.is_forum && !sight.is_listing;
        let told = if is_single { as_shown(told, sight, &beside) } else { told };
        return Some(in_its_zone(told, dom, sight, url));
    }
    if sight.is_listing {
        return None;
    }
    let shown = |label: Label| {
        let mut own = beside.iter().filter(|shown| shown.label == label && sight.is_of_article(shown));
        own.find_map(|shown| sight.day(shown.said.day?, 0.6)).filter(|_| !sight.is_forum)
    };
    marked(dom, sight)
        .or_else(|| shown(Label::Published))
        .or_else(|| visible(sight, Label::Published))
        .or_else(|| of_url(url, sight))
        .or_else(|| visible(sight, Label::Updated))
        .or_else(|| shown(Label::Updated))
        .or_else(|| behind(dom, sight).filter(|_| !sight.is_forum))
}

/// What a page shows its readers below its title goes before what it declares: programs that build sites declare
/// the day on which they built them, and a text that was rewritten is of the day that it shows. A day on which the
/// declared instant is in some zone is only its zone; another must stand in a line of its own, for others are of the
/// matter: the end of a quarter, a meeting.
fn as_shown(told: Dated, sight: Sight<'_>, beside: &[Shown]) -> Dated {
    let own = |shown: &&Shown| shown.label == Label::Published;
    if beside.iter().filter(own).any(|shown| shown.may_be(told.day())) {
        return told;
    }
    let below = |shown: &&Shown| (1..=BELOW).contains(&shown.distance) && shown.tokens <= BYLINE;
    let of = |shown: &Shown| {
        let day = shown.said.day?;
        told.on(day).or_else(|| sight.day(day, 0.75).filter(|_| shown.is_byline))
    };
    beside.iter().filter(own).filter(below).find_map(of).unwrap_or(told)
}

/// An instant told in UTC, in the zone in which the page shows it.
fn in_its_zone(told: Dated, dom: &Dom<'_>, sight: Sight<'_>, url: &str) -> Dated {
    if told.precision != PublishedPrecision::Exact || told.zone.local_minus_utc() != 0 {
        return told;
    }
    let same = |node: usize| {
        let shown = sight.read(&dom.attribute(node, "datetime")?, told.confidence)?;
        (shown.at == told.at && shown.zone != told.zone).then_some(shown)
    };
    let local = dom.below(0, Tag::Time).take(100).find_map(same);
    local.or_else(|| told.on(of_url(url, sight)?.day())).unwrap_or(told)
}

fn json_ld(meta: &Meta, sight: Sight<'_>) -> Option<Dated> {
    let dated = |object: &Object, confidence: f32| {
        let created = || object.created.as_deref().filter(|_| object.is_forum());
        sight.read(object.published.as_deref().or_else(created)?, confidence)
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

/// Names in the markup of what is dated: of a question its creation, for the answers below have dates of publication.
const MARKED: [&str; 3] = ["dateCreated", "created-timestamp", "datePublished"];

fn microdata(dom: &Dom<'_>, sight: Sight<'_>) -> Option<Dated> {
    static ANY: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| AhoCorasick::new(MARKED).ok());
    let any = ANY.as_ref()?;
    let mut first = [None; MARKED.len()];
    for (at, node) in dom.nodes.iter().enumerate() {
        let Data::Element(_, attributes) = node.data else { continue };
        for found in any.find_iter(attributes) {
            if let Some(first) = first.get_mut(found.pattern().as_usize()) {
                first.get_or_insert(at);
            }
        }
    }
    let [created, stamped, published] = first;
    let node = created.filter(|_| sight.is_forum).or(stamped).or(published)?;
    let value =
        ["content", "datetime", "created-timestamp"].iter().find_map(|name| dom.attribute(node, name));
    value.map_or_else(|| sight.read(&dom.text(node), 0.8), |value| sight.read(&value, 0.85))
}

/// A short block with a date, just before the text or where it begins.
fn visible(sight: Sight<'_>, label: Label) -> Option<Dated> {
    let first = sight.text.iter().position(|is_text| *is_text)?;
    let mut shown = around(sight.blocks, first, 15, 3);
    shown.sort_by_key(|shown| (shown.distance >= 0, shown.distance.abs()));
    let mut own = shown.iter().filter(|shown| shown.label == label && sight.is_of_article(shown));
    own.find_map(|shown| sight.day(shown.said.day?, 0.55))
}

/// A date that a short block just behind the text calls that of its publication, before another page is named.
fn behind(dom: &Dom<'_>, sight: Sight<'_>) -> Option<Dated> {
    let last = sight.text.iter().rposition(|is_text| *is_text)?;
    let shown = around(sight.blocks, last, 0, BEHIND);
    let is_told = |shown: &&Shown| shown.label == Label::Published && shown.is_told && shown.tokens <= BYLINE;
    // Tags are linked too, but are no sentence.
    let is_headline = |block: &Block| {
        let count = &block.count;
        count.tokens >= HEADLINE && count.link_density() >= LINKED && count.common > 0.0
    };
    let is_of_page = |shown: &&Shown| {
        let up_to = sight.blocks.get(last + 1..=shown.place).unwrap_or_default();
        let is_of_site = up_to.last().is_none_or(|block| is_in_footer_of_site(dom, block.parent));
        !is_of_site && !up_to.iter().any(is_headline)
    };
    let own = shown.iter().filter(is_told).find(is_of_page)?;
    sight.day(own.said.day?, 0.5)
}

/// An article may have a footer of its own.
fn is_in_footer_of_site(dom: &Dom<'_>, node: usize) -> bool {
    let mut tags = dom.upwards(node).filter_map(|node| dom.tag(node));
    let nearest = tags.find(|tag| matches!(tag, Tag::Footer | Tag::Article));
    nearest == Some(Tag::Footer) && tags.all(|tag| tag != Tag::Article)
}

/// `/2023/03/10/`, `/2023-03-10/`, `/20230310/`, `/2023-03-10-bank-falls` or `/2023/march/10/` in the path. A day at the
/// end of a slug is one of the matter: `/results-for-the-quarter-ended-2023-03-31`.
fn of_url(url: &str, sight: Sight<'_>) -> Option<Dated> {
    static DAYS: LazyLock<Option<[Regex; 2]>> = LazyLock::new(|| {
        let figures = r"/((?:19|20)\d\d)[-/_]?([01]\d)[-/_]?([0-3]\d)(?:\D|$)";
        let named = r"(?i)/((?:19|20)\d\d)/((?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*)/([0-3]?\d)(?:/|$)";
        Some([Regex::new(figures).ok()?, Regex::new(named).ok()?])
    });
    let url = Url::parse(url).ok()?;
    let [figures, named] = DAYS.as_ref()?;
    let parts = |day: &Regex| day.captures(url.path()).map(|found| found.extract::<3>().1.map(str::to_owned));
    let said = parts(figures).map(|[year, month, day]| format!("{year}-{month}-{day}"));
    let said = said.or_else(|| parts(named).map(|[year, month, day]| format!("{day} {month} {year}")));
    sight.read(&said?, 0.6)
}

#[cfg(test)]
mod tests;
