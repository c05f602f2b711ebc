//! `<time>` elements of a page's own article.

use std::borrow::Cow;

use super::super::dom::Dom;
use super::super::place::Place;
use super::super::tag::Tag;
use super::{Dated, Sight};

/// Most of them that are looked at.
const MOST: usize = 300;
/// How much text of one is read, in bytes; what is longer is no date.
const LENGTH: usize = 200;

/// What one of the article's own says: of its publication, else the one nearest to the title or the text.
pub(super) fn marked(dom: &Dom<'_>, sight: Sight<'_>) -> Option<Dated> {
    let place = Place::of(dom, sight.blocks, sight.text, sight.title);
    let is_own = |time: &usize| place.is_own(dom, *time) && !is_of_change(dom, *time);
    let times: Vec<usize> = dom.below(0, Tag::Time).take(MOST).filter(is_own).collect();
    let published = times.iter().filter(|time| is_of_publication(dom, **time));
    published.copied().find_map(|time| said(dom, sight, time)).or_else(|| {
        let nearest = times.iter().copied().min_by_key(|time| place.distance(*time))?;
        said(dom, sight, nearest)
    })
}

/// Its class and what it stands for, in lower case.
fn names(dom: &Dom<'_>, time: usize) -> String {
    let value = |key: &str| dom.attribute(time, key).unwrap_or_default().to_lowercase();
    format!("{} {}", value("class"), value("itemprop"))
}

fn is_of_publication(dom: &Dom<'_>, time: usize) -> bool {
    let names = names(dom, time);
    dom.attribute(time, "pubdate").is_some() || (names.contains("publish") && !names.contains("updated"))
}

fn is_of_change(dom: &Dom<'_>, time: usize) -> bool {
    let names = names(dom, time);
    ["updated", "modified"].iter().any(|word| names.contains(word)) && !names.contains("publish")
}

fn said(dom: &Dom<'_>, sight: Sight<'_>, time: usize) -> Option<Dated> {
    let text = || dom.beginning(time, LENGTH);
    let value = dom.attribute(time, "datetime").map_or_else(text, Cow::into_owned);
    sight.read(&value, 0.7).or_else(|| sight.read(&text(), 0.65))
}

#[cfg(test)]
mod tests {
    use super::super::super::read;

    const TEXT: &str = "The lender said that deposits had fallen by a third in the quarter, and that it would sell assets to meet withdrawals. Its shares fell sharply in early trading, and other banks of the region followed.";
    const OLD: &str = "<time datetime='2024-01-02T10:00:00Z'>January 2</time>";

    /// The day of an article with `own` below its title, and `beside` behind it.
    fn day(own: &str, beside: &str) -> Option<String> {
        let article = format!("<article><h1>Bank falls</h1>{own}<p>{TEXT}</p></article>");
        let html =
            format!("<html><title>Bank falls</title><body><main>{article}{beside}</main></body></html>");
        let dated = read(&html, "https://example.com/a").published;
        dated.map(|dated| dated.at.date_naive().to_string())
    }

    #[test]
    fn a_time_that_stands_beside_the_article_does_not_date_it() {
        for beside in [
            format!("<aside><h3>Shares rise</h3>{OLD}</aside>"),
            format!("<nav>{OLD}</nav>"),
            format!("<footer>{OLD}</footer>"),
            format!("<article><h2>Shares rise</h2>{OLD}</article>"),
            format!("<div class=related>{}</div>", OLD.replace("<time", "<time pubdate")),
        ] {
            assert_eq!(day("", &beside), None, "{beside}");
        }
        assert_eq!(day(&format!("<aside>{OLD}</aside>"), ""), None);
        assert_eq!(day(&format!("<nav>{OLD}</nav>"), ""), None);
    }

    #[test]
    fn a_time_of_the_article_does_and_that_of_a_change_does_not() {
        let own = OLD.replace("-01-02", "-05-06");
        assert_eq!(day(&own, &format!("<aside>{OLD}</aside>")).as_deref(), Some("2024-05-06"));
        assert_eq!(day(&format!("<footer>{own}</footer>"), "").as_deref(), Some("2024-05-06"));
        let changed = own.replace("<time", "<time class='entry-date updated'");
        assert_eq!(day(&changed, ""), None);
        assert_eq!(day(&changed.replace("updated", "published updated"), "").as_deref(), Some("2024-05-06"));
    }

    #[test]
    fn of_a_time_only_the_beginning_is_read() {
        let within = format!("<time pubdate>{}May 6, 2024</time>", "x ".repeat(120));
        assert_eq!(day(&within, ""), None);
        assert_eq!(day("<time pubdate>May 6, 2024</time>", "").as_deref(), Some("2024-05-06"));
    }
}
