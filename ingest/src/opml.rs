//! Lists of feeds as OPML, which feed readers exchange: an outline with an `xmlUrl` is a
//! feed, the outlines around it and its categories are its tags.

use std::collections::{BTreeMap, BTreeSet};

use opml::{Body, Head, OPML, Outline};
use url::Url;

use crate::charset;
use crate::config::{SourceConfig, SourceFormat};
use crate::politeness::domain_of;

mod mend;

/// What a list holds.
#[derive(Debug, Clone, Default)]
pub struct Imported {
    pub sources: Vec<SourceConfig>,
    /// Feeds that cannot be sources: each with its title, its place, and why.
    pub bad: Vec<String>,
    /// Feeds that are there already, by the id that they have.
    pub known: Vec<String>,
}

/// Deepest nesting that is followed.
const DEPTH: usize = 32;

/// Begins a description that names the id of a source.
const ID: &str = "tocsin:";

struct Import<'a> {
    imported: Imported,
    /// Ids by address, of the register and of what was imported so far.
    ids: BTreeMap<String, String>,
    /// Settles what an outline does not say.
    settle: &'a dyn Fn(SourceConfig) -> Result<SourceConfig, String>,
}

/// Reads a list, in the encoding that it declares; `Err`: it is no OPML. `known` holds the
/// sources that are there (id and address): their ids are not given away, their addresses not
/// added again. `settle` may change each source.
pub fn read(
    list: &[u8],
    known: &[(String, String)],
    settle: &dyn Fn(SourceConfig) -> Result<SourceConfig, String>,
) -> Result<Imported, String> {
    let list = mend::parsed(&charset::decode(list, None))?;
    let ids = known.iter().map(|(id, url)| (same(url), id.clone())).collect();
    let mut import = Import { imported: Imported::default(), ids, settle };
    import.outlines(&list.body.outlines, &[], &[]);
    Ok(import.imported)
}

impl Import<'_> {
    /// `place`: the numbers of the outlines around these, from 1.
    fn outlines(&mut self, outlines: &[Outline], tags: &[String], place: &[usize]) {
        for (number, outline) in (1..).zip(outlines) {
            let place = [place, &[number]].concat();
            if outline.r#type.as_deref() == Some(mend::UNREADABLE) {
                self.bad(outline, &place, outline.description.as_deref().unwrap_or_default());
            } else if let Some(url) = outline.xml_url.as_deref().map(str::trim).filter(|url| !url.is_empty())
            {
                self.feed(outline, url, tags, &place);
            } else if outline.outlines.is_empty() && !is_folder(outline) {
                self.bad(outline, &place, "has no xmlUrl");
            }
            if place.len() >= DEPTH {
                self.bad(outline, &place, "is nested too deeply");
            } else if !outline.outlines.is_empty() {
                let name = Some(name_of(outline).to_owned()).filter(|name| !name.is_empty());
                let tags: Vec<String> = tags.iter().cloned().chain(name).collect();
                self.outlines(&outline.outlines, &tags, &place);
            }
        }
    }

    fn feed(&mut self, outline: &Outline, url: &str, tags: &[String], place: &[usize]) {
        let url = &of_web(url);
        if let Some(id) = self.ids.get(&same(url)) {
            return self.imported.known.push(id.clone());
        }
        let name = name_of(outline);
        let id = self.own_id(outline).unwrap_or_else(|| self.free_id(name, url));
        let mut source = SourceConfig::of_url(&id, url);
        source.title = Some(name.to_owned()).filter(|name| !name.is_empty() && *name != id);
        let categories = outline.category.as_deref().unwrap_or_default().split([',', '/']);
        let categories = categories.map(|tag| tag.trim().to_owned()).filter(|tag| !tag.is_empty());
        source.tags = tags.to_vec();
        for category in categories {
            if !source.tags.contains(&category) {
                source.tags.push(category);
            }
        }
        match (self.settle)(source).and_then(|source| source.check().map(|()| source)) {
            Ok(source) => {
                self.ids.insert(same(url), source.id.clone());
                self.imported.sources.push(source);
            }
            Err(cause) => self.bad(outline, place, &cause),
        }
    }

    fn bad(&mut self, outline: &Outline, place: &[usize], cause: &str) {
        let place: Vec<String> = place.iter().map(ToString::to_string).collect();
        self.imported.bad.push(format!("outline {} {:?}: {cause}", place.join("."), name_of(outline)));
    }

    /// The id that the source was written with, where it is not taken.
    fn own_id(&self, outline: &Outline) -> Option<String> {
        let id = outline.description.as_deref()?.strip_prefix(ID)?;
        let is_free = !id.trim().is_empty() && self.ids.values().all(|known| known != id);
        is_free.then(|| id.to_owned())
    }

    /// The name in small letters, digits and dashes; with a number where it is taken.
    fn free_id(&self, name: &str, url: &str) -> String {
        let words = |text: &str| {
            let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.'));
            words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-").to_lowercase()
        };
        let base = Some(words(name)).filter(|id| !id.is_empty()).unwrap_or_else(|| words(&domain_of(url)));
        let taken: BTreeSet<&str> = self.ids.values().map(String::as_str).collect();
        let numbered = (2..).map(|number| format!("{base}-{number}"));
        let mut ids = std::iter::once(base.clone()).chain(numbered);
        ids.find(|id| !taken.contains(id.as_str())).unwrap_or(base)
    }
}

/// Whether it is a folder, be it that nothing lies in it.
fn is_folder(outline: &Outline) -> bool {
    let has_type = outline.r#type.as_deref().is_some_and(|kind| !kind.trim().is_empty());
    !has_type && outline.url.is_none() && outline.html_url.is_none()
}

/// Some programs write `feed://e.com/rss`, or `feed:https://e.com/rss`.
fn of_web(url: &str) -> String {
    match url.strip_prefix("feed:") {
        Some(rest) if rest.starts_with("//") => format!("http:{rest}"),
        Some(rest) => rest.to_owned(),
        None => url.to_owned(),
    }
}

/// An address, of those that lead to one place one.
fn same(url: &str) -> String {
    Url::parse(url).map_or_else(|_| url.to_owned(), String::from)
}

fn name_of(outline: &Outline) -> &str {
    let title = outline.title.as_deref().unwrap_or_default();
    if outline.text.trim().is_empty() { title.trim() } else { outline.text.trim() }
}

/// The feeds among the sources, nested by their tags, each with its title or else its id as its name, its
/// tags as its categories, and its id in its description; and how many sources were left out, being no feeds.
pub fn write(sources: &[SourceConfig]) -> Result<(String, usize), String> {
    let mut body = Body::default();
    let (feeds, others): (Vec<_>, Vec<_>) =
        sources.iter().partition(|source| source.format == SourceFormat::Feed);
    for source in &feeds {
        let name = source.title.as_ref().unwrap_or(&source.id);
        let outline = Outline {
            text: name.clone(),
            title: Some(name.clone()),
            r#type: Some("rss".to_owned()),
            category: category(&source.tags),
            description: Some(format!("{ID}{}", source.id)),
            xml_url: Some(source.url.clone()),
            ..Outline::default()
        };
        folder(&mut body.outlines, &source.tags).push(outline);
    }
    if body.outlines.is_empty() {
        // OPML knows no empty list.
        body.outlines.push(Outline { text: "no feeds".to_owned(), ..Outline::default() });
    }
    let head = Head { title: Some("Tocsin".to_owned()), ..Head::default() };
    let list = OPML { version: "2.0".to_owned(), head: Some(head), body };
    let xml = list.to_string().map_err(|cause| cause.to_string())?;
    Ok((format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{xml}\n"), others.len()))
}

/// The tags that can be written as categories, which have no commas and slashes.
fn category(tags: &[String]) -> Option<String> {
    let tags: Vec<&str> = tags.iter().map(String::as_str).filter(|tag| !tag.contains([',', '/'])).collect();
    (!tags.is_empty()).then(|| tags.join(","))
}

fn folder<'a>(outlines: &'a mut Vec<Outline>, tags: &[String]) -> &'a mut Vec<Outline> {
    let Some((tag, rest)) = tags.split_first() else { return outlines };
    let found = outlines.iter().position(|outline| outline.xml_url.is_none() && outline.text == *tag);
    let at = found.unwrap_or(outlines.len());
    if found.is_none() {
        outlines.push(Outline { text: tag.clone(), ..Outline::default() });
    }
    folder(&mut outlines[at].outlines, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = r#"<opml version="2.0"><head><title>Mine</title></head><body>
        <outline text="Markets"><outline text="Asia">
            <outline text="金融快报" type="rss" xmlUrl="https://example.cn/rss"/>
            <outline text="Bank &amp; Bourse!" title="B&amp;B" type="rss" xmlUrl="https://example.com/a" category="banks,/funds"/>
        </outline><outline text="No address" type="rss"/></outline>
        <outline text="Bank Bourse" xmlUrl="https://example.com/b"/>
        <outline text="Ftp" xmlUrl="ftp://example.com/c"/>
        <outline text="Again" xmlUrl="https://example.com/b"/>
        <outline text="ecb" xmlUrl="https://example.com/d"/></body></opml>"#;

    fn import(text: &str, known: &[(&str, &str)]) -> Imported {
        let known: Vec<_> = known.iter().map(|(id, url)| ((*id).to_owned(), (*url).to_owned())).collect();
        read(text.as_bytes(), &known, &Ok).unwrap()
    }

    #[test]
    fn folders_become_tags_and_names_ids() {
        let imported = import(LIST, &[("ecb", "https://ecb.example/rss")]);
        let found: Vec<_> = imported.sources.iter().map(|s| (s.id.as_str(), s.tags.join("/"))).collect();
        assert_eq!(
            found,
            [
                ("金融快报", "Markets/Asia".to_owned()),
                ("bank-bourse", "Markets/Asia/banks/funds".to_owned()),
                ("bank-bourse-2", String::new()),
                ("ecb-2", String::new()),
            ]
        );
        assert_eq!(imported.known, ["bank-bourse-2"]);
    }

    #[test]
    fn bad_outlines_are_named_with_their_place_and_the_rest_is_imported() {
        let imported = import(LIST, &[]);
        assert_eq!(imported.sources.len(), 4);
        let [first, second] = imported.bad.as_slice() else { panic!("{:?}", imported.bad) };
        assert_eq!(first, "outline 1.2 \"No address\": has no xmlUrl");
        assert!(
            second.starts_with("outline 3 \"Ftp\": ") && second.contains("neither http nor https"),
            "{second}"
        );
        assert!(read(b"<rss/>", &[], &Ok).is_err());
    }

    #[test]
    fn an_empty_folder_is_no_fault_and_an_address_is_known_however_it_is_spelled() {
        let list = r#"<opml version="2.0"><body><outline text="Empty"/>
            <outline text="A" type="rss" xmlUrl="feed://example.com/a"/>
            <outline text="B" type="rss" xmlUrl="feed:https://example.com/b"/>
            <outline text="C" type="rss" xmlUrl="HTTPS://EXAMPLE.com:443/b"/>
            <outline text="D" type="rss" xmlUrl="https://example.com"/></body></opml>"#;
        let imported = import(list, &[("d", "https://example.com/")]);
        let found: Vec<_> = imported.sources.iter().map(|s| (s.id.as_str(), s.url.as_str())).collect();
        assert_eq!(found, [("a", "http://example.com/a"), ("b", "https://example.com/b")]);
        assert_eq!((imported.known, imported.bad), (vec!["b".to_owned(), "d".to_owned()], Vec::new()));
    }

    #[test]
    fn a_bare_ampersand_costs_nothing_and_an_outline_that_is_no_xml_only_itself() {
        let list = r#"<opml version="2.0"><body>
            <outline text="B&B" xmlUrl="https://example.com/a?x=1&y=2"/>
            <outline text="Markets" isComment="maybe"><outline text="Asia" xmlUrl="https://example.cn/rss"/></outline>
            <outline text="Europe" text="Twice" xmlUrl="https://example.com/b"/>
            <outline text="Open xmlUrl="https://example.com/c"/>
            <outline text="Last" xmlUrl="https://example.com/d"/></body></opml>"#;
        let imported = import(list, &[]);
        let found: Vec<_> = imported.sources.iter().map(|s| (s.id.as_str(), s.url.as_str())).collect();
        assert_eq!(
            found,
            [
                ("b-b", "https://example.com/a?x=1&y=2"),
                ("asia", "https://example.cn/rss"),
                ("last", "https://example.com/d"),
            ]
        );
        assert!(imported.sources.iter().all(|source| source.tags.is_empty()));
        assert_eq!(imported.bad.len(), 3, "{:?}", imported.bad);
        for (place, name) in [("2", "Markets"), ("3", "Europe"), ("4", "Open")] {
            let told = |bad: &String| {
                bad.starts_with(&format!("outline {place} "))
                    && bad.contains("cannot be read")
                    && bad.contains(name)
            };
            assert!(imported.bad.iter().any(told), "{name}: {:?}", imported.bad);
        }
    }

    #[test]
    fn a_list_is_read_in_the_encoding_that_it_declares() {
        let list = r#"<?xml version="1.0" encoding="GBK"?><opml version="2.0"><body><outline text="金融快报" xmlUrl="https://example.cn/rss"/></body></opml>"#;
        let (bytes, _, _) = encoding_rs::GBK.encode(list);
        assert_eq!(read(&bytes, &[], &Ok).unwrap().sources[0].id, "金融快报");
    }

    #[test]
    fn what_is_written_is_read_again_as_it_was() {
        let mut sources = import(LIST, &[]).sources;
        sources.push(toml::from_str("id = 'x'\nurl = 'https://e.com/s'\nformat = 'sitemap'").unwrap());
        let (written, left_out) = write(&sources).unwrap();
        assert_eq!(left_out, 1);
        let key = |source: &SourceConfig| {
            (source.id.clone(), source.url.clone(), source.title.clone(), source.tags.clone())
        };
        let again: BTreeSet<_> = import(&written, &[]).sources.iter().map(key).collect();
        assert_eq!(again, sources[..4].iter().map(key).collect());
        assert!(import(&write(&[]).unwrap().0, &[]).sources.is_empty());
    }

    #[test]
    fn a_source_keeps_its_name_its_id_and_its_tags_as_categories() {
        let mut source = SourceConfig::of_url("ecb", "https://ecb.example/rss");
        source.title = Some("European Central Bank".to_owned());
        source.tags = ["Banks", "Europe", "Rates/Bonds"].map(str::to_owned).into();
        let (written, _) = write(std::slice::from_ref(&source)).unwrap();
        for told in ["text=\"European Central Bank\"", "category=\"Banks,Europe\""] {
            assert!(written.contains(told), "{written}");
        }
        let again = &import(&written, &[]).sources[0];
        assert_eq!((&again.id, &again.title, &again.tags), (&source.id, &source.title, &source.tags));
        let taken = import(&written, &[("ecb", "https://other.example/rss")]);
        assert_eq!(taken.sources[0].id, "european-central-bank");
    }
}
