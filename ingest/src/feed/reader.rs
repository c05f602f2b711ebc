//! RSS, RDF, Atom and sitemaps, read tag by tag: what is broken costs no more than itself.

mod skipping;

use url::Url;

use super::bounds::{self, MAX_ADDRESS, MAX_AUTHOR, MAX_ENTRIES, MAX_FIELD, MAX_TEXTS, start_of};
use super::front::Front;
use super::item::{Aside, Item};
use super::links::{Links, Relation, base_of};
use super::names::{Field, Spaces, is_foreign, is_of_others, is_root};
use super::reading::Reading;
use super::xml::{Piece, Pieces, Tag, escape};
use super::{dates, plain};
use crate::page::markup::{attribute, decode};

/// How often an item is read again for an element that was never closed.
const MOST_REREADINGS: usize = 3;

/// Hands over the entries of `text` in their order; false where it does not look like a feed.
pub(super) fn each(text: &str, url: Option<&str>, keep: &mut dyn FnMut(Item)) -> bool {
    let base = url.and_then(|url| Url::parse(url).ok());
    let mut reader = Reader { base, front: Front::of(text), ..Reader::default() };
    let mut pieces = Pieces::of(text);
    // What follows the tag since which pieces are skipped.
    let mut behind = None;
    while !reader.is_full()
        && let Some(piece) = pieces.next()
    {
        if reader.ends_item(&piece)
            && let Some(rest) = behind.take()
        {
            // What is skipped is over with its item, so it was not closed.
            reader.reread();
            pieces = rest;
            continue;
        }
        let was_skipping = reader.is_skipping();
        reader.take(piece);
        if reader.is_skipping() != was_skipping {
            behind = Some(pieces.clone()).filter(|_| !was_skipping);
        }
        reader.done.drain(..).for_each(&mut *keep);
    }
    reader.finish();
    reader.done.drain(..).for_each(&mut *keep);
    reader.front.is_feed(reader.count)
}

#[derive(Debug, Default)]
struct Reader {
    front: Front,
    base: Option<Url>,
    is_atom: bool,
    is_sitemap: bool,
    lang: Option<String>,
    /// Of the feed, for entries that have none.
    author: Option<String>,
    spaces: Spaces,
    /// Items that were read to their ends.
    done: Vec<Item>,
    /// How many there were.
    count: usize,
    /// Bytes of their texts and addresses.
    length: usize,
    item: Option<Item>,
    /// The item is an entry of Atom.
    is_entry: bool,
    /// Of the item.
    aside: Aside,
    links: Links,
    /// What the item's links are relative to, where it says so.
    item_base: Option<Url>,
    reading: Option<Reading>,
    /// Elements whose content is not the item's, by name, that are open.
    skipping: Vec<String>,
    /// How often the item was read again.
    rereadings: usize,
    /// The channel's language is being read.
    in_language: Option<String>,
}

impl Reader {
    fn is_full(&self) -> bool {
        self.count >= MAX_ENTRIES || self.length > MAX_TEXTS
    }

    fn take(&mut self, piece: Piece<'_>) {
        match piece {
            Piece::Open(tag) => self.open(tag),
            Piece::Close { name, source } => self.close(name, source),
            Piece::Text(text) => self.text(text),
            Piece::Raw(text) => self.text(&escape(start_of(text, MAX_FIELD))),
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(reading) = &mut self.reading {
            reading.push(text);
        } else if let Some(language) = &mut self.in_language
            && language.len() < MAX_AUTHOR
        {
            language.push_str(start_of(text, MAX_AUTHOR));
        }
    }

    fn open(&mut self, tag: Tag<'_>) {
        self.spaces.learn(tag.attributes, self.item.is_some());
        let (space, local) = self.spaces.meaning(tag.name);
        if !self.front.open(space, &local, tag.is_closed) {
            return;
        }
        let is_within = self.item.is_some() || self.reading.is_some();
        if self.item.is_none() && is_root(&local) {
            self.begin_feed(&local, tag.attributes);
        } else if self.is_item(space, &local) {
            self.begin(&local, tag);
        } else if self.is_skipping() {
            self.skip(space, &local, tag);
        } else if self.item.is_none() && local == "language" && !tag.is_closed {
            self.in_language = Some(String::new());
        } else if is_within {
            self.open_within(space, &local, tag);
        } else if self.is_atom {
            self.open_author(space, &local, tag);
        }
    }

    /// Whether an item begins or ends with a tag of such a name.
    fn is_item(&self, space: &str, local: &str) -> bool {
        let is_known =
            matches!(local, "item" | "entry") || (self.is_sitemap && matches!(local, "url" | "sitemap"));
        space.is_empty() && is_known
    }

    fn begin_feed(&mut self, local: &str, attributes: &str) {
        self.is_atom |= local == "feed";
        self.is_sitemap |= matches!(local, "urlset" | "sitemapindex");
        let lang = attribute(attributes, "xml:lang").and_then(|name| bounds::language(&name));
        self.lang = lang.or(self.lang.take());
        if let Some(base) = base_of(attributes, self.base.as_ref()) {
            self.length += base.as_str().len();
            self.base = Some(base);
        }
    }

    fn begin(&mut self, local: &str, tag: Tag<'_>) {
        self.finish();
        let about = attribute(tag.attributes, "rdf:about").filter(|about| about.len() <= MAX_ADDRESS);
        let lang = attribute(tag.attributes, "xml:lang").and_then(|name| bounds::language(&name));
        self.item = Some(Item { id: about.map(String::from).unwrap_or_default(), lang, ..Item::default() });
        self.is_entry = local == "entry";
        self.item_base = base_of(tag.attributes, self.base.as_ref());
        self.length += length_of(self.item_base.as_ref());
        if tag.is_closed {
            self.finish();
        }
    }

    /// The author of the feed, or of the one that an entry is from.
    fn open_author(&mut self, space: &str, local: &str, tag: Tag<'_>) {
        if space.is_empty() && local == "author" && !tag.is_closed {
            self.reading = Some(Reading::new(Field::Author, space, local, tag));
        }
    }

    fn open_within(&mut self, space: &str, local: &str, tag: Tag<'_>) {
        let field = Field::of(space, local);
        if let Some(reading) = &mut self.reading {
            if reading.field == Field::Author && matches!(local, "name" | "email" | "uri" | "url") {
                if local == "name" {
                    reading.text.clear();
                }
                return;
            }
            let is_sure = matches!(field, Some(Field::Id | Field::Published)) && space.is_empty();
            let ends_it = if reading.field.is_text() { is_sure && local != "id" } else { field.is_some() };
            if !ends_it {
                reading.markup(tag.name, tag.is_closed, tag.source);
                return;
            }
            // An element that begins before the last one ended: that one was not closed.
            self.keep();
        }
        if self.item.is_some() && !self.is_skipping() {
            self.open_field(field, space, local, tag);
        }
    }

    fn open_field(&mut self, field: Option<Field>, space: &str, local: &str, tag: Tag<'_>) {
        let outer = self.item_base.as_ref().or(self.base.as_ref());
        let base = field.filter(|field| *field == Field::Link).and_then(|_| base_of(tag.attributes, outer));
        self.length += length_of(base.as_ref());
        let link = match (space, local) {
            ("", "link") => {
                attribute(tag.attributes, "href").map(|href| (Relation::of_link(tag.attributes), href))
            }
            ("", "enclosure") => attribute(tag.attributes, "url").map(|url| (Relation::Other, url)),
            _ => None,
        };
        if let Some((relation, address)) = link {
            self.link(relation, &address, base.as_ref());
        } else if let Some(field) = field.filter(|_| !tag.is_closed) {
            let is_atom_title = self.is_entry && space.is_empty() && field == Field::Title;
            let mut reading = if is_atom_title {
                Reading::of_atom_title(local, tag)
            } else {
                Reading::new(field, space, local, tag)
            };
            reading.base = base;
            self.reading = Some(reading);
        } else if !tag.is_closed
            && (is_foreign(space, local) || is_of_others(tag.attributes))
            && self.rereadings < MOST_REREADINGS
        {
            self.skipping.push(tag.name.to_owned());
        }
    }

    fn close(&mut self, name: &str, source: &str) {
        if let Some(language) = self.in_language.take() {
            self.lang = bounds::language(&plain(&language)).or(self.lang.take());
            return;
        }
        let (space, local) = self.spaces.meaning(name);
        self.front.close(&local);
        if self.is_item(space, &local) {
            self.finish();
        } else if self.skipping.last().is_some_and(|open| open == name) {
            self.keep();
            self.skipping.pop();
        } else {
            self.close_within(&local, name, source);
        }
    }

    fn close_within(&mut self, local: &str, name: &str, source: &str) {
        let Some(reading) = &mut self.reading else { return };
        if reading.name != name {
            if reading.field != Field::Author {
                reading.markup(name, false, source);
            } else if local != "name" {
                reading.push(" ");
            } else {
                let name = std::mem::take(&mut reading.text);
                self.keep_author(&name);
            }
        } else if reading.depth > 0 {
            reading.depth -= 1;
            reading.markup("", false, source);
        } else {
            self.keep();
        }
    }

    /// The first author counts; no other is looked at. What is read where no item is or within its source is that
    /// of the feed.
    fn keep_author(&mut self, text: &str) {
        let is_of_source = self.is_skipping();
        let author = match &mut self.item {
            None => &mut self.author,
            Some(_) if is_of_source => &mut self.aside.source_author,
            Some(item) => &mut item.author,
        };
        if author.is_none() {
            *author = Some(plain(text)).filter(|author| !author.is_empty());
        }
    }

    fn link(&mut self, relation: Relation, address: &str, base: Option<&Url>) {
        let base = base.or(self.item_base.as_ref()).or(self.base.as_ref());
        self.length += self.links.add(relation, address, base);
    }

    /// Takes over the field that was read.
    fn keep(&mut self) {
        let Some(reading) = self.reading.take() else { return };
        if let Some(relation) = reading.relation {
            self.link(relation, &decode(&reading.text), reading.base.as_ref());
        }
        match reading.field {
            Field::Link => {}
            Field::Author => self.keep_author(&reading.text),
            Field::Title
            | Field::Id
            | Field::Published
            | Field::Updated
            | Field::Summary
            | Field::Content
            | Field::Caption
            | Field::Lang => self.keep_own(&reading),
        }
    }

    fn keep_own(&mut self, reading: &Reading) {
        let Some(item) = &mut self.item else { return };
        let text = &reading.text;
        if reading.field.is_text() || reading.field == Field::Title {
            self.aside.lang = self.aside.lang.take().or_else(|| reading.lang.clone());
        }
        match reading.field {
            Field::Title if item.title.is_empty() => item.title = reading.title(),
            Field::Id if item.id.is_empty() => item.id = plain(text),
            Field::Published if self.aside.rank.is_none_or(|rank| reading.rank < rank) => {
                if let Some(at) = dates::instant(&decode(text)) {
                    (item.published, self.aside.rank) = (Some(at), Some(reading.rank));
                }
            }
            Field::Updated => item.updated = item.updated.or_else(|| dates::instant(&decode(text))),
            Field::Summary => item.summary = item.summary.take().or_else(|| reading.markup_text()),
            Field::Content => item.content = item.content.take().or_else(|| reading.markup_text()),
            Field::Caption => {
                self.aside.caption = self.aside.caption.take().or_else(|| reading.markup_text());
            }
            Field::Lang => item.lang = bounds::language(&plain(text)).or(item.lang.take()),
            Field::Title | Field::Id | Field::Published | Field::Link | Field::Author => {}
        }
    }

    fn finish(&mut self) {
        self.keep();
        self.skipping.clear();
        self.spaces.end_item();
        self.rereadings = 0;
        let (links, aside) = (std::mem::take(&mut self.links), std::mem::take(&mut self.aside));
        let Some(mut item) = self.item.take().filter(|_| self.count < MAX_ENTRIES) else { return };
        (item.links, item.has_document) = links.finish();
        let item = item.completed(aside).finish(self.lang.as_deref(), self.author.as_deref());
        self.length += item.length();
        self.count += 1;
        self.done.push(item);
    }
}

fn length_of(base: Option<&Url>) -> usize {
    base.map_or(0, |base| base.as_str().len())
}
