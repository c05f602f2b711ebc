//! Lists of posts of JSON interfaces, read as the configuration of a source says; what is
//! known of some interfaces stands in `preset`.

use chrono::format::{self, StrftimeItems};
use chrono::{DateTime, FixedOffset, TimeDelta, Utc};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName};
use serde_json::Value;
use tocsin_contract::Engagement;
use url::Url;

use crate::charset;
use crate::client::Fetched;
use crate::config::{JsonConfig, SourceConfig};
use crate::schedule::delta;

mod mend;
mod next;
mod path;
mod preset;
mod time;
mod words;

pub(crate) use mend::{parsed, values};
use next::{Next, with_param};
use path::Path;
pub(crate) use preset::{KNOWN, preset};
use time::instant;
use words::{content_of, count, is_set, text, words};

/// One post.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Post {
    pub(crate) id: String,
    /// Always there where it stands in a list that is read from its newest post on.
    pub(crate) created_at: Option<DateTime<Utc>>,
    pub(crate) title: String,
    pub(crate) text: String,
    pub(crate) author: Option<String>,
    pub(crate) lang: Option<String>,
    pub(crate) url: Option<String>,
    pub(crate) engagement: Option<Engagement>,
}

/// A post that cannot be read: its JSON, and what it lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unusable {
    pub(crate) json: String,
    pub(crate) cause: String,
}

/// What an item says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Item {
    Post(Post),
    /// It was taken back: its id.
    Deleted(String),
    /// The account of an author is gone, and with it all that they wrote.
    Left(String),
    Unusable(Unusable),
}

/// What an answer lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) posts: Vec<Post>,
    /// One bad post does not hold up the others.
    pub(crate) unusable: Vec<Unusable>,
    /// Ids of posts that were taken back.
    pub(crate) deleted: Vec<String>,
    /// Where the next answer is.
    pub(crate) next: Option<Url>,
}

/// How many answers a poll reads where nobody said.
const PAGES: usize = 5;

/// The configuration of a source, ready for use.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    /// Posts need neither an id, which then is that of their content, nor a time.
    is_lenient: bool,
    items: Place,
    id: Place,
    text: Place,
    created_at: Place,
    time_format: Option<String>,
    /// Of times that do not say theirs.
    zone: FixedOffset,
    title: Option<Path>,
    author: Option<Path>,
    lang: Option<Path>,
    url: Option<Address>,
    counts: [Option<Path>; 4],
    deleted: Option<Path>,
    repeated: Option<Path>,
    captions: Option<Path>,
    since: Option<(String, String)>,
    /// How much later than its time a post may appear.
    pub(crate) overlap: TimeDelta,
    next: Option<Next>,
    /// Most answers that one poll reads.
    pub(crate) pages: usize,
    /// The header that takes the secret.
    pub(crate) header: HeaderName,
}

/// A path, and how the configuration names it.
#[derive(Debug, Clone)]
struct Place {
    path: Path,
    text: String,
}

#[derive(Debug, Clone)]
enum Address {
    At(Path),
    /// With `{id}` in it.
    Of(String),
}

impl Reader {
    /// `Err` names the setting and what is wrong with it.
    pub(crate) fn of(source: &SourceConfig) -> Result<Self, String> {
        let known = preset(source.format).ok_or("its format has no [json]")?;
        let reader = Self::compile(source.json.clone().unwrap_or_default().or(known))?;
        Ok(Self { is_lenient: source.format.is_file(), ..reader })
    }

    pub(crate) fn compile(config: JsonConfig) -> Result<Self, String> {
        if config.pages == Some(0) {
            return Err("json.pages must be at least 1".to_owned());
        }
        if let Some(format) = &config.time_format
            && StrftimeItems::new(format).any(|item| item == format::Item::Error)
        {
            return Err(format!("json.time_format {format:?} is no strftime format"));
        }
        let offset = config.time_offset.as_deref().unwrap_or("+00:00");
        let zone = offset.parse::<FixedOffset>();
        let zone = zone.map_err(|_| format!("json.time_offset {offset:?} is not like +08:00"))?;
        let header = config.authorization_header.as_deref().map(str::parse).transpose();
        let since_value = config.since_value.unwrap_or_else(|| "{id}".to_owned());
        Ok(Self {
            is_lenient: false,
            items: place("items", config.items)?,
            id: place("id", config.id)?,
            text: place("text", config.text)?,
            created_at: place("created_at", config.created_at)?,
            time_format: config.time_format,
            zone,
            title: optional("title", config.title)?,
            author: optional("author", config.author)?,
            lang: optional("lang", config.lang)?,
            url: config.url.map(Address::parse).transpose()?,
            counts: [
                optional("likes", config.likes)?,
                optional("reposts", config.reposts)?,
                optional("replies", config.replies)?,
                optional("views", config.views)?,
            ],
            deleted: optional("deleted", config.deleted)?,
            repeated: optional("repeated", config.repeated)?,
            captions: optional("captions", config.captions)?,
            since: config.since_param.map(|param| (param, since_value)),
            overlap: delta(config.overlap.unwrap_or_default()),
            next: config.next.map(Next::parse).transpose()?,
            pages: config.pages.unwrap_or(PAGES),
            header: header
                .map_err(|_| "json.authorization_header is no name of a header")?
                .unwrap_or(AUTHORIZATION),
        })
    }

    /// Where to ask for what came since the newest post seen (time and id).
    pub(crate) fn since(&self, url: &Url, newest: Option<(DateTime<Utc>, &str)>) -> Url {
        let (Some((param, value)), Some((at, id))) = (&self.since, newest) else { return url.clone() };
        let at = at.checked_sub_signed(self.overlap).unwrap_or(DateTime::UNIX_EPOCH);
        let value = value
            .replace("{id}", id)
            .replace("{time}", &at.timestamp().to_string())
            .replace("{time_ms}", &at.timestamp_millis().to_string())
            .replace("{time_text}", &at.to_rfc3339());
        let given = url.query_pairs().find(|(name, given)| name == param && !given.is_empty());
        match given {
            // A filter holds beside those that the address has.
            Some((_, given)) if value.contains(['<', '>']) => {
                with_param(url, param, &format!("{given},{value}"))
            }
            Some(_) | None => with_param(url, param, &value),
        }
    }

    /// The posts of an answer. `Err`: there is no list, or none of this source is next.
    pub(crate) fn read(&self, fetched: &Fetched) -> Result<Listed, String> {
        let text = charset::decode(&fetched.body, fetched.header(CONTENT_TYPE));
        let answer: Value = parsed(&text).map_err(|cause| format!("not JSON: {cause}"))?;
        let items = self.items.path.items(&answer);
        let items = items.ok_or_else(|| format!("no list at {:?}", self.items.text))?;
        let mut listed = Listed::default();
        for item in &items {
            match self.item(item, Some(&fetched.url)) {
                Item::Post(post) => listed.posts.push(post),
                Item::Deleted(id) => listed.deleted.push(id),
                // No list tells it.
                Item::Left(_) => {}
                Item::Unusable(unusable) => listed.unusable.push(unusable),
            }
        }
        let next = self.next.as_ref().and_then(|next| next.of(&answer, items.len(), fetched)).transpose()?;
        listed.next = next.filter(|next| *next != fetched.url);
        if let Some(next) = listed.next.as_ref().filter(|next| next.origin() != fetched.url.origin()) {
            return Err(format!("the next answer is said to be at another place, {next}"));
        }
        Ok(listed)
    }

    /// What one item says; `base`: the address that those in it are relative to.
    pub(crate) fn item(&self, item: &Value, base: Option<&Url>) -> Item {
        let repeated = self.repeated.as_ref().and_then(|path| path.first(item));
        let item = repeated.filter(|repeated| repeated.is_object()).unwrap_or(item);
        let is_deleted = self.deleted.as_ref().and_then(|path| self.at(path, item)).is_some_and(is_set);
        if let Some(id) = self.at(&self.id.path, item).and_then(text).filter(|_| is_deleted) {
            return Item::Deleted(id);
        }
        match self.post(item, base) {
            Ok(post) => Item::Post(post),
            Err(field) => {
                Item::Unusable(Unusable { json: item.to_string(), cause: format!("no usable {field:?}") })
            }
        }
    }

    /// What a path leads to in an item. Columns of files are known in capitals or not.
    fn at<'v>(&self, path: &Path, item: &'v Value) -> Option<&'v Value> {
        if self.is_lenient { path.column(item) } else { path.first(item) }
    }

    fn post(&self, item: &Value, base: Option<&Url>) -> Result<Post, &str> {
        let optional = |path: &Option<Path>| text(self.at(path.as_ref()?, item)?);
        let [likes, reposts, replies, views] =
            self.counts.each_ref().map(|path| count(self.at(path.as_ref()?, item)?));
        let engagement = Engagement { likes, reposts, replies, views };
        let id = self.at(&self.id.path, item).and_then(text);
        let id = id.or_else(|| self.is_lenient.then(|| content_of(item))).ok_or(self.id.text.as_str())?;
        let title = optional(&self.title).map(|title| words(&title)).unwrap_or_default();
        let body = self.body(item, title.is_empty()).ok_or(self.text.text.as_str())?;
        Ok(Post {
            created_at: self.created_at(item)?,
            text: body,
            title,
            author: optional(&self.author),
            lang: optional(&self.lang),
            url: self.url.as_ref().and_then(|url| self.address(url, item, &id, base)),
            engagement: (engagement != Engagement::default()).then_some(engagement),
            id,
        })
    }

    /// Its text. `None`: it has none, and no title that could say what it says.
    fn body(&self, item: &Value, is_untitled: bool) -> Option<String> {
        let body = self.at(&self.text.path, item).and_then(text).map(|text| words(&text));
        // Who gave stars and no words left the column empty.
        let is_empty = || self.is_lenient && self.text.path.is_column_of(item);
        let body = body.or_else(|| is_empty().then(String::new));
        if is_untitled && body.as_ref().is_none_or(String::is_empty) {
            return self.caption(item).or(body);
        }
        // A post that only leads elsewhere says what it says in its title.
        body.or_else(|| (!is_untitled).then(String::new))
    }

    /// What the pictures of a post without words show.
    fn caption(&self, item: &Value) -> Option<String> {
        let captions = self.captions.as_ref()?.all(item).into_iter().filter_map(text);
        let captions: Vec<String> =
            captions.map(|caption| words(&caption)).filter(|caption| !caption.is_empty()).collect();
        (!captions.is_empty()).then(|| captions.join(" "))
    }

    fn address(&self, url: &Address, item: &Value, id: &str, base: Option<&Url>) -> Option<String> {
        match url {
            Address::Of(template) => Some(template.replace("{id}", id)),
            Address::At(path) => {
                let text = text(self.at(path, item)?)?;
                Some(Url::options().base_url(base).parse(&text).ok()?.into())
            }
        }
    }

    fn created_at(&self, item: &Value) -> Result<Option<DateTime<Utc>>, &str> {
        let said = self.at(&self.created_at.path, item);
        if said.is_none() && self.is_lenient {
            return Ok(None);
        }
        let at = said.and_then(|value| instant(value, self.time_format.as_deref(), self.zone));
        at.map(Some).ok_or(self.created_at.text.as_str())
    }
}

impl Address {
    fn parse(given: String) -> Result<Self, String> {
        if given.contains("{id}") { Ok(Self::Of(given)) } else { Ok(Self::At(parse("url", &given)?)) }
    }
}

/// Where lists of objects stand, by their dotted paths, with how many each has.
pub(crate) fn lists(answer: &Value) -> Vec<(String, usize)> {
    /// Deeper, nobody puts the list of an answer.
    const DEPTH: usize = 4;
    let mut found = Vec::new();
    let mut left = vec![(String::new(), answer, 0)];
    while let Some((path, value, depth)) = left.pop() {
        match value {
            Value::Array(items) if items.iter().any(Value::is_object) => found.push((path, items.len())),
            Value::Object(fields) if depth < DEPTH => left.extend(fields.iter().map(|(name, value)| {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                (path, value, depth + 1)
            })),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_) => {}
        }
    }
    found.sort();
    found
}

fn parse(name: &str, text: &str) -> Result<Path, String> {
    Path::parse(text).map_err(|cause| format!("json.{name} {text:?} is no JSONPath query: {cause}"))
}

fn optional(name: &str, text: Option<String>) -> Result<Option<Path>, String> {
    text.as_deref().map(|text| parse(name, text)).transpose()
}

fn place(name: &str, text: Option<String>) -> Result<Place, String> {
    let text = text.unwrap_or_default();
    Ok(Place { path: parse(name, &text)?, text })
}

#[cfg(test)]
mod tests;
