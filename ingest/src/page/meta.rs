//! What a page says about itself in its head and in JSON-LD.

use serde_json::Value;

use super::dom::Dom;
use super::markup::decode;
use super::tag::Tag;

/// How deep JSON-LD is searched.
const DEPTH: usize = 6;
/// Longest JSON-LD that is read, in bytes, of all a page holds.
const MAX_JSON: usize = 1 << 20;

#[derive(Debug, Clone, Default)]
pub(super) struct Meta {
    pub(super) title: String,
    pub(super) description: String,
    pub(super) site: Option<String>,
    pub(super) author: Option<String>,
    pub(super) canonical: Option<String>,
    /// Not resolved.
    pub(super) feeds: Vec<String>,
    /// The text that JSON-LD holds.
    pub(super) body: String,
    pub(super) is_forum: bool,
    pub(super) is_article: bool,
    /// schema.org says that the text is not free.
    pub(super) is_held_back: bool,
    /// Names (lower case) and contents of `<meta>`.
    pub(super) named: Vec<(String, String)>,
    /// Objects of JSON-LD, outermost first.
    pub(super) objects: Vec<Object>,
}

/// What matters of an object of JSON-LD.
#[derive(Debug, Clone, Default)]
pub(super) struct Object {
    pub(super) types: String,
    pub(super) published: Option<String>,
    pub(super) created: Option<String>,
    headline: Option<String>,
    author: Option<String>,
    body: Option<String>,
    is_held_back: bool,
}

impl Object {
    pub(super) fn is_article(&self) -> bool {
        ["Article", "BlogPosting", "Report", "Review", "LiveBlog"]
            .iter()
            .any(|kind| self.types.contains(kind))
            && !self.types.contains("Breadcrumb")
    }

    pub(super) fn is_forum(&self) -> bool {
        ["DiscussionForumPosting", "QAPage", "Question"].iter().any(|kind| self.types.contains(kind))
    }

    /// Of a reader, below what the page is about.
    pub(super) fn is_answer(&self) -> bool {
        ["Comment", "Answer", "UserReview", "ImageObject", "VideoObject", "Product", "Offer"]
            .iter()
            .any(|kind| self.types.contains(kind))
    }
}

impl Meta {
    pub(super) fn of(dom: &Dom<'_>) -> Self {
        let mut meta = Self { named: named(dom), objects: objects(dom), ..Self::default() };
        links(dom, &mut meta);
        let first = |names: &[&str]| names.iter().find_map(|name| meta.content(name)).map(str::to_owned);
        let heading = dom.below(0, Tag::H1).next().map(|node| dom.text(node)).filter(|text| !text.is_empty());
        let title =
            dom.below(0, Tag::Title).next().map(|node| dom.text(node)).filter(|text| !text.is_empty());
        let main = meta.objects.iter().find(|object| object.is_article() || object.is_forum());
        let headline = main.and_then(|object| object.headline.clone());
        let author = meta.objects.iter().filter(|object| !object.is_answer()).find_map(|o| o.author.clone());
        let site = first(&["og:site_name", "application-name"]);
        let named = first(&["og:title", "twitter:title"]);
        let own = meta.objects.iter().filter(|object| !object.is_answer());
        let body = own.filter_map(|object| object.body.clone()).max_by_key(String::len);
        let author =
            author.or_else(|| first(&["author", "article:author", "parsely-author", "dc.creator", "byl"]));
        let is_article = first(&["og:type"]).is_some_and(|kind| kind == "article");
        let generators =
            ["phpbb", "discuz", "vbulletin", "discourse", "xenforo", "mybb", "invision", "flarum", "nodebb"];
        let generator = first(&["generator"]).unwrap_or_default().to_lowercase();
        Self {
            title: headline
                .or(named)
                .map(|title| without_site(&title, site.as_deref()))
                .or(heading)
                .or(title)
                .unwrap_or_default(),
            description: first(&["og:description", "description"]).unwrap_or_default(),
            author: author.map(|name| name.trim().to_owned()).filter(|name| is_name(name)),
            body: body.unwrap_or_default(),
            is_forum: generators.iter().any(|name| generator.contains(name))
                || meta.objects.iter().any(Object::is_forum),
            is_article: is_article || meta.objects.iter().any(Object::is_article),
            is_held_back: meta.objects.iter().any(|object| object.is_held_back),
            site,
            ..meta
        }
    }

    /// Content of the first `<meta>` of this name.
    pub(super) fn content(&self, name: &str) -> Option<&str> {
        self.named.iter().find(|(known, _)| known == name).map(|(_, content)| content.as_str())
    }
}

/// A title without the site's name behind it.
fn without_site(title: &str, site: Option<&str>) -> String {
    let title = title.trim();
    let cut = site
        .and_then(|site| title.strip_suffix(site))
        .map(|rest| rest.trim_end_matches(['-', '|', '–', '—', '_', ' ', '·', ':']));
    cut.filter(|rest| !rest.is_empty()).unwrap_or(title).to_owned()
}

/// An address of a profile is no name.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().count() < 100 && !text.contains("://") && !text.starts_with('@')
}

fn named(dom: &Dom<'_>) -> Vec<(String, String)> {
    dom.below(0, Tag::Meta)
        .filter_map(|node| {
            let name = ["property", "name", "itemprop"].iter().find_map(|key| dom.attribute(node, key))?;
            let content = dom.attribute(node, "content")?;
            (!content.trim().is_empty()).then(|| (name.trim().to_lowercase(), content.trim().to_owned()))
        })
        .take(200)
        .collect()
}

fn links(dom: &Dom<'_>, meta: &mut Meta) {
    for node in dom.below(0, Tag::Link).take(500) {
        let (Some(rel), Some(href)) = (dom.attribute(node, "rel"), dom.attribute(node, "href")) else {
            continue;
        };
        let kind = dom.attribute(node, "type").unwrap_or_default();
        let is_feed =
            ["application/rss+xml", "application/atom+xml", "application/feed+json"].contains(&kind.as_ref());
        if rel.eq_ignore_ascii_case("canonical") && meta.canonical.is_none() {
            meta.canonical = Some(href.into_owned());
        } else if is_feed && rel.to_ascii_lowercase().contains("alternate") {
            meta.feeds.push(href.into_owned());
        }
    }
}

fn objects(dom: &Dom<'_>) -> Vec<Object> {
    let (mut objects, mut length) = (Vec::new(), 0);
    for node in dom.below(0, Tag::Script).take(500) {
        if dom.attribute(node, "type").is_none_or(|kind| !kind.eq_ignore_ascii_case("application/ld+json")) {
            continue;
        }
        let text = dom.raw(node).trim();
        length += text.len();
        if length > MAX_JSON {
            break;
        }
        let text = text.trim_start_matches("<!--").trim_end_matches("-->").trim_end_matches(';');
        // Line breaks within strings are common, and no JSON.
        let parsed = serde_json::from_str(text)
            .or_else(|_| serde_json::from_str(&text.replace(char::is_control, " ")));
        if let Ok(value) = parsed {
            collect(&value, 0, &mut objects);
        }
    }
    // Articles ask and answer questions of their own; those of readers stand on a page for one.
    if !objects.iter().any(|object| object.types.contains("QAPage")) {
        objects.retain(|object| object.types != "Question");
    }
    objects
}

fn collect(value: &Value, depth: usize, into: &mut Vec<Object>) {
    if depth > DEPTH || into.len() > 500 {
        return;
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, depth + 1, into)),
        Value::Object(fields) => {
            into.push(object(fields));
            fields.values().for_each(|field| collect(field, depth + 1, into));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn object(fields: &serde_json::Map<String, Value>) -> Object {
    let text = |name: &str| fields.get(name).and_then(Value::as_str).map(|text| decode(text).into_owned());
    let types = match fields.get("@type") {
        Some(Value::String(kind)) => kind.clone(),
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
        _ => String::new(),
    };
    let free = fields.get("isAccessibleForFree");
    Object {
        types,
        published: text("datePublished"),
        created: text("dateCreated"),
        headline: text("headline").or_else(|| text("name")).filter(|text| !text.trim().is_empty()),
        author: fields.get("author").and_then(name_of),
        body: text("articleBody").or_else(|| text("text")),
        is_held_back: free.is_some_and(|free| {
            free.as_bool() == Some(false)
                || free.as_str().is_some_and(|free| free.eq_ignore_ascii_case("false"))
        }),
    }
}

/// A name, an object with one, or the first of a list.
fn name_of(value: &Value) -> Option<String> {
    match value {
        Value::String(name) => Some(decode(name).into_owned()),
        Value::Array(items) => items.iter().find_map(name_of),
        Value::Object(fields) => fields.get("name").and_then(name_of),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}
