//! What a page says in JSON-LD about itself, told from what it says there about others.

use serde_json::{Map, Value};

use super::dom::Dom;
use super::markup::decode;
use super::tag::Tag;
use crate::json;

/// How deep JSON-LD is searched.
const DEPTH: usize = 6;
/// Longest JSON-LD that is read, in bytes, of all a page holds.
const MAX_JSON: usize = 1 << 20;
/// Most scripts of a page that are looked at; where more objects than these were found, no others are searched for.
const MOST: usize = 500;

/// Under these names stands what a page lists, links to, speaks of or is a part of.
const BESIDE: [&str; 15] = [
    "citation",
    "exampleOfWork",
    "hasPart",
    "isBasedOn",
    "isPartOf",
    "isRelatedTo",
    "isSimilarTo",
    "itemListElement",
    "itemReviewed",
    "liveBlogUpdate",
    "mentions",
    "relatedLink",
    "significantLink",
    "subjectOf",
    "workExample",
];

/// What matters of an object of JSON-LD.
#[derive(Debug, Clone, Default)]
pub(super) struct Object {
    pub(super) types: String,
    pub(super) published: Option<String>,
    pub(super) created: Option<String>,
    pub(super) headline: Option<String>,
    pub(super) author: Option<String>,
    /// The `@id` of whoever wrote it, where another object has the name.
    pub(super) writer: Option<String>,
    /// Its own `@id`.
    pub(super) id: Option<String>,
    pub(super) body: Option<String>,
    pub(super) is_held_back: bool,
    /// Where it says that it stands, not resolved.
    pub(super) addresses: Vec<String>,
    /// Of something else than the page.
    is_beside: bool,
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

    /// Of the page, or of the site.
    pub(super) fn is_own(&self) -> bool {
        !self.is_answer() && !self.is_beside
    }

    /// What the page may be about.
    pub(super) fn is_main(&self) -> bool {
        self.is_own() && (self.is_article() || self.is_forum())
    }
}

/// The objects of a page, outermost first. Articles that others are said to hold are left out.
pub(super) fn of(dom: &Dom<'_>) -> Vec<Object> {
    let (mut objects, mut length) = (Vec::new(), 0);
    for node in dom.below(0, Tag::Script).take(MOST) {
        if dom.attribute(node, "type").is_none_or(|kind| !kind.eq_ignore_ascii_case("application/ld+json")) {
            continue;
        }
        let text = dom.raw(node).trim();
        length += text.len();
        if length > MAX_JSON {
            break;
        }
        values(text).iter().for_each(|value| collect(value, 0, false, &mut objects));
    }
    // Articles ask and answer questions of their own; those of readers stand on a page for one.
    if !objects.iter().any(|object| object.types.contains("QAPage")) {
        objects.retain(|object| object.types != "Question");
    }
    objects
}

/// Those of a script, from the first bracket on: some programs put them into comments or CDATA.
fn values(script: &str) -> Vec<Value> {
    let text = match script.split_once("<![CDATA[") {
        Some((before, inside)) if !before.contains('{') => inside,
        Some(_) | None => script,
    };
    json::values(text.find(['{', '[']).and_then(|begin| text.get(begin..)).unwrap_or_default())
}

fn collect(value: &Value, depth: usize, is_beside: bool, into: &mut Vec<Object>) {
    if depth > DEPTH || into.len() > MOST {
        return;
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, depth + 1, is_beside, into)),
        Value::Object(fields) => {
            let object = Object { is_beside, ..object(fields) };
            if is_beside && object.is_article() {
                return;
            }
            into.push(object);
            for (name, field) in fields {
                collect(field, depth + 1, is_beside || BESIDE.contains(&name.as_str()), into);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn object(fields: &Map<String, Value>) -> Object {
    let text = |name: &str| fields.get(name).and_then(text_of);
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
        writer: fields.get("author").and_then(id_of),
        id: fields.get("@id").and_then(Value::as_str).map(str::to_owned),
        body: text("articleBody").or_else(|| text("text")),
        is_held_back: free.is_some_and(|free| {
            free.as_bool() == Some(false)
                || free.as_str().is_some_and(|free| free.eq_ignore_ascii_case("false"))
        }),
        addresses: ["url", "@id", "mainEntityOfPage"]
            .iter()
            .filter_map(|name| fields.get(*name))
            .flat_map(addresses_of)
            .collect(),
        is_beside: false,
    }
}

/// Those of an object, or one as it is. What begins with `#` names the object, not its place.
fn addresses_of(value: &Value) -> Vec<String> {
    let texts: Vec<&str> = match value {
        Value::Object(fields) => {
            ["@id", "url"].iter().filter_map(|name| fields.get(*name)?.as_str()).collect()
        }
        Value::String(text) => vec![text.as_str()],
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => Vec::new(),
    };
    let places = texts.into_iter().map(|text| decode(text.trim()).into_owned());
    places.filter(|text| !text.is_empty() && !text.starts_with('#')).collect()
}

/// A text, one with its type, or the first of a list.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(decode(text).into_owned()),
        Value::Array(items) => items.iter().find_map(text_of),
        Value::Object(fields) => fields.get("@value").and_then(text_of),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
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

/// Of an object, or of the first of a list.
fn id_of(value: &Value) -> Option<String> {
    match value {
        Value::Array(items) => items.iter().find_map(id_of),
        Value::Object(fields) => fields.get("@id").and_then(Value::as_str).map(str::to_owned),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}
