//! Pages that list articles, read by the CSS selectors of a source.

use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, Utc};
use scraper::{ElementRef, Html, Selector};
use url::Url;

use crate::config::{DateConfig, ListingConfig};
use crate::feed::{Entry, fold, instant};

/// Most items of one page; the rest is dropped.
const MAX_ITEMS: usize = 2_000;

/// What a page lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) entries: Vec<Entry>,
    /// Items without an address on the Web: their text, and what is missing.
    pub(crate) unfit: Vec<(String, String)>,
    /// How many of `entries` have a date that could not be read.
    pub(crate) misdated: usize,
    pub(crate) next: Option<Url>,
}

/// The selectors of a source, ready for use.
#[derive(Debug, Clone)]
pub(crate) struct Selectors {
    item: Selector,
    link: Option<Selector>,
    title: Option<Selector>,
    summary: Option<Selector>,
    date: Option<Date>,
    next: Option<Selector>,
}

#[derive(Debug, Clone)]
struct Date {
    selector: Selector,
    attribute: Option<String>,
    format: Option<String>,
    offset: FixedOffset,
}

impl Selectors {
    /// `Err` names the setting and what is wrong with it.
    pub(crate) fn compile(config: &ListingConfig) -> Result<Self, String> {
        let optional =
            |name, text: &Option<String>| text.as_deref().map(|text| selector(name, text)).transpose();
        if config.pages == 0 {
            return Err("listing.pages must be at least 1".to_owned());
        }
        Ok(Self {
            item: selector("item", &config.item)?,
            link: optional("link", &config.link)?,
            title: optional("title", &config.title)?,
            summary: optional("summary", &config.summary)?,
            date: config.date.as_ref().map(Date::compile).transpose()?,
            next: optional("next", &config.next)?,
        })
    }

    /// The items of a page, in its order. `Err`: nothing matches, as when the site was rebuilt.
    pub(crate) fn read(&self, html: &str, url: &Url) -> Result<Listed, String> {
        let page = Html::parse_document(html);
        let base = base_of(&page, url);
        let mut listed = Listed::default();
        for item in page.select(&self.item).take(MAX_ITEMS) {
            match self.entry(item, &base, &mut listed.misdated) {
                Ok(entry) => listed.entries.push(entry),
                Err(cause) => listed.unfit.push((text_of(item), cause)),
            }
        }
        if listed.entries.is_empty() && listed.unfit.is_empty() {
            return Err("nothing on the page matches listing.item".to_owned());
        }
        let next = self.next.as_ref().and_then(|next| page.select(next).next());
        listed.next =
            next.and_then(|link| base.join(link.attr("href")?.trim()).ok()).filter(|next| next != url);
        Ok(listed)
    }

    fn entry(&self, item: ElementRef<'_>, base: &Url, misdated: &mut usize) -> Result<Entry, String> {
        let link = match &self.link {
            Some(link) => first(item, link),
            None => {
                std::iter::once(item).chain(item.descendent_elements()).find(|e| e.attr("href").is_some())
            }
        };
        let link = link.ok_or("no usable \"link\"")?;
        let address = link.attr("href").and_then(|href| base.join(href.trim()).ok());
        let address = address.map(String::from).filter(|address| crate::canonical_url(address).is_some());
        let address = address.ok_or("no usable \"link\"")?;
        let text = |selector: &Option<Selector>| Some(text_of(first(item, selector.as_ref()?)?));
        let said = self.date.as_ref().and_then(|date| Some((date, date.said(item)?)));
        let published = said.as_ref().and_then(|(date, said)| date.instant(said));
        *misdated += usize::from(said.is_some() && published.is_none());
        Ok(Entry {
            native_id: crate::canonical_url(&address).unwrap_or_else(|| address.clone()),
            title: text(&self.title).unwrap_or_else(|| text_of(link)),
            text: text(&self.summary).unwrap_or_default(),
            author: None,
            url: Some(address),
            published,
            updated: None,
        })
    }
}

impl Date {
    fn compile(config: &DateConfig) -> Result<Self, String> {
        if let Some(format) = &config.format
            && StrftimeItems::new(format).any(|item| item == Item::Error)
        {
            return Err(format!("listing.date.format {format:?} is no strftime format"));
        }
        let offset = config.offset.parse();
        Ok(Self {
            selector: selector("date.selector", &config.selector)?,
            attribute: config.attribute.clone(),
            format: config.format.clone(),
            offset: offset
                .map_err(|_| format!("listing.date.offset {:?} is not like +08:00", config.offset))?,
        })
    }

    fn said(&self, item: ElementRef<'_>) -> Option<String> {
        let element = first(item, &self.selector)?;
        let said = match &self.attribute {
            Some(name) => fold(element.attr(name)?),
            None => text_of(element),
        };
        Some(said).filter(|said| !said.is_empty())
    }

    /// A day alone is midnight UTC, which the crawler takes for a day.
    fn instant(&self, said: &str) -> Option<DateTime<Utc>> {
        let Some(format) = &self.format else { return instant(said) };
        if let Ok(at) = DateTime::parse_from_str(said, format) {
            return Some(at.to_utc());
        }
        if let Ok(at) = NaiveDateTime::parse_from_str(said, format) {
            return Some(at.and_local_timezone(self.offset).single()?.to_utc());
        }
        Some(NaiveDate::parse_from_str(said, format).ok()?.and_hms_opt(0, 0, 0)?.and_utc())
    }
}

fn selector(name: &str, text: &str) -> Result<Selector, String> {
    Selector::parse(text).map_err(|cause| format!("listing.{name} {text:?} is no CSS selector: {cause}"))
}

/// The item itself, or the first element in it, that matches.
fn first<'a>(item: ElementRef<'a>, selector: &Selector) -> Option<ElementRef<'a>> {
    if selector.matches(&item) { Some(item) } else { item.select(selector).next() }
}

fn text_of(element: ElementRef<'_>) -> String {
    fold(&element.text().collect::<Vec<_>>().join(" "))
}

/// What links are relative to.
fn base_of(page: &Html, url: &Url) -> Url {
    let base = page.root_element().descendent_elements().find(|element| element.value().name() == "base");
    base.and_then(|base| url.join(base.attr("href")?.trim()).ok()).unwrap_or_else(|| url.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<html><head><base href="/news/"></head><body><ul class="list">
        <li><a href="a.html">Deposits <b>fell</b></a><span class="t">2023-03-10 23:30</span><p>By a third.</p></li>
        <li><a href="https://example.com/news/b.html">三大指数收低</a><span class="t">2023-03-09</span></li>
        <li><a href="c.html">Undated</a><span class="t">yesterday</span></li>
        <li>An advertisement</li><li><a href="javascript:more()">More</a></li></ul>
        <a class="next" href="page2.html">Next</a></body></html>"#;

    fn config(format: &str) -> ListingConfig {
        let text = format!(
            "item = '.list > li'\nsummary = 'p'\nnext = 'a.next'\n\
             date = {{ selector = '.t', offset = '+08:00'{format} }}"
        );
        toml::from_str(&text).unwrap()
    }

    fn read(config: &ListingConfig) -> Listed {
        let url = Url::parse("https://example.com/index.html").unwrap();
        Selectors::compile(config).unwrap().read(PAGE, &url).unwrap()
    }

    #[test]
    fn items_have_address_title_text_and_date() {
        let listed = read(&config(", format = '%Y-%m-%d %H:%M'"));
        let [first, second, third] = listed.entries.as_slice() else { panic!("{listed:#?}") };
        assert_eq!(first.url.as_deref(), Some("https://example.com/news/a.html"));
        assert_eq!((first.title.as_str(), first.text.as_str()), ("Deposits fell", "By a third."));
        assert_eq!(first.published.unwrap().to_rfc3339(), "2023-03-10T15:30:00+00:00");
        assert_eq!((second.title.as_str(), second.published), ("三大指数收低", None));
        assert_eq!((third.published, listed.misdated), (None, 2));
        assert_eq!(listed.next.unwrap().as_str(), "https://example.com/news/page2.html");
        assert_eq!(listed.unfit.len(), 2, "what is no article is accounted for: {:?}", listed.unfit);
    }

    #[test]
    fn a_day_stays_a_day_whatever_the_zone() {
        let listed = read(&config(", format = '%Y-%m-%d'"));
        assert_eq!(listed.entries[1].published.unwrap().to_rfc3339(), "2023-03-09T00:00:00+00:00");
    }

    #[test]
    fn an_attribute_may_hold_the_date() {
        let config: ListingConfig =
            toml::from_str("item = 'a'\ndate = { selector = 'time', attribute = 'datetime' }").unwrap();
        let html = "<a href='/x'>X<time datetime='2023-03-10T15:30:00Z'>now</time></a>";
        let url = Url::parse("https://example.com/").unwrap();
        let listed = Selectors::compile(&config).unwrap().read(html, &url).unwrap();
        assert_eq!(listed.entries[0].published.unwrap().to_rfc3339(), "2023-03-10T15:30:00+00:00");
    }

    #[test]
    fn a_page_that_was_rebuilt_is_an_error_and_not_silence() {
        let url = Url::parse("https://example.com/").unwrap();
        assert!(Selectors::compile(&config("")).unwrap().read("<p>New!</p>", &url).is_err());
    }

    #[test]
    fn what_is_wrong_with_a_setting_is_said_with_its_name() {
        for (wrong, named) in [
            ("item = 'li >'", "listing.item"),
            ("item = 'li'\nnext = '??'", "listing.next"),
            ("item = 'li'\ndate = { selector = 't', format = '%Q' }", "listing.date.format"),
            ("item = 'li'\ndate = { selector = 't', offset = 'Beijing' }", "listing.date.offset"),
            ("item = 'li'\npages = 0", "listing.pages"),
        ] {
            let error = Selectors::compile(&toml::from_str(wrong).unwrap()).unwrap_err();
            assert!(error.contains(named), "{wrong}: {error}");
        }
    }
}
