//! Lists of posts in JSON, described by configuration.

use chrono::{DateTime, Utc};
use serde_json::Value;
use tocsin_contract::Engagement;

use crate::config::JsonConfig;
use crate::feed::plain;

/// One post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    pub id: String,
    pub created_at: DateTime<Utc>,
    pub title: String,
    pub text: String,
    pub author: Option<String>,
    pub url: Option<String>,
    pub engagement: Option<Engagement>,
}

/// A post that cannot be read: its JSON, and what it lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusable {
    pub json: String,
    pub cause: String,
}

/// What an answer lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    pub posts: Vec<Post>,
    /// One bad post does not hold up the others.
    pub unusable: Vec<Unusable>,
    /// Ids of posts that were taken back.
    pub deleted: Vec<String>,
}

/// The posts of an answer. `Err`: there is no list.
pub fn posts(bytes: &[u8], config: &JsonConfig) -> Result<Listed, String> {
    let answer: Value = serde_json::from_slice(bytes).map_err(|cause| format!("not JSON: {cause}"))?;
    let items = at(&answer, &config.items)
        .and_then(Value::as_array)
        .ok_or_else(|| format!("no list at {:?}", config.items))?;
    let mut listed = Listed::default();
    for item in items {
        let deleted = config.deleted.as_ref().and_then(|path| at(item, path)).is_some_and(is_set);
        if let Some(id) = at(item, &config.id).and_then(text).filter(|_| deleted) {
            listed.deleted.push(id);
            continue;
        }
        match post(item, config) {
            Ok(post) => listed.posts.push(post),
            Err(field) => {
                listed
                    .unusable
                    .push(Unusable { json: item.to_string(), cause: format!("no usable {field:?}") });
            }
        }
    }
    Ok(listed)
}

fn post<'a>(item: &Value, config: &'a JsonConfig) -> Result<Post, &'a str> {
    let optional = |path: &Option<String>| path.as_ref().and_then(|path| text(at(item, path)?));
    let count = |path: &Option<String>| path.as_ref().and_then(|path| at(item, path)?.as_u64());
    let body = at(item, &config.text).and_then(text).map(|body| plain(&body));
    let title = optional(&config.title).map(|title| plain(&title)).filter(|title| !title.is_empty());
    let engagement = Engagement {
        likes: count(&config.likes),
        reposts: count(&config.reposts),
        replies: count(&config.replies),
        views: count(&config.views),
    };
    Ok(Post {
        id: at(item, &config.id).and_then(text).ok_or(config.id.as_str())?,
        created_at: at(item, &config.created_at).and_then(instant).ok_or(config.created_at.as_str())?,
        text: body.or_else(|| title.is_some().then(String::new)).ok_or(config.text.as_str())?,
        title: title.unwrap_or_default(),
        author: optional(&config.author),
        url: optional(&config.url),
        engagement: (engagement != Engagement::default()).then_some(engagement),
    })
}

/// The value at a dotted path; numbers index lists, an empty path is the value itself.
fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').filter(|step| !step.is_empty()).try_fold(value, |value, step| match value {
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        Value::Object(fields) => fields.get(step),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    })
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn is_set(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(set) => *set,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

/// As Twitter and Weibo write times: `Fri Mar 01 16:00:00 +0800 2024`.
const STATUS: &str = "%a %b %d %H:%M:%S %z %Y";

/// RFC 3339, RFC 2822, [`STATUS`], or seconds (also as a float) or milliseconds since 1970.
fn instant(value: &Value) -> Option<DateTime<Utc>> {
    let float = || value.as_f64().map(|seconds| seconds as i64);
    if let Some(number) = value.as_i64().or_else(float).or_else(|| value.as_str()?.parse().ok()) {
        let milliseconds = if number.abs() < 100_000_000_000 { number * 1000 } else { number };
        return DateTime::from_timestamp_millis(milliseconds);
    }
    let text = value.as_str()?;
    let parsed = DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_rfc2822(text))
        .or_else(|_| DateTime::parse_from_str(text, STATUS));
    parsed.ok().map(|at| at.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> JsonConfig {
        JsonConfig {
            items: "data.posts".into(),
            text: "body.text".into(),
            author: Some("user.handle".into()),
            likes: Some("stats.0".into()),
            ..JsonConfig::default()
        }
    }

    #[test]
    fn fields_are_found_by_their_paths() {
        let answer = r#"{"data":{"posts":[{"id":7,"created_at":1709280000,"body":{"text":"<b>银行</b> run"},"user":{"handle":"jane"},"stats":[3]}]}}"#;
        let Listed { posts, unusable, .. } = posts(answer.as_bytes(), &config()).unwrap();
        assert!(unusable.is_empty(), "{unusable:?}");
        assert_eq!((posts[0].id.as_str(), posts[0].text.as_str()), ("7", "银行 run"));
        assert_eq!(posts[0].created_at.to_rfc3339(), "2024-03-01T08:00:00+00:00");
        assert_eq!(posts[0].author.as_deref(), Some("jane"));
        assert_eq!(posts[0].engagement.unwrap().likes, Some(3));
    }

    #[test]
    fn times_may_be_text_seconds_or_milliseconds() {
        let read = |text: &str| instant(&serde_json::from_str(text).unwrap()).unwrap().timestamp();
        assert_eq!(read("\"2024-03-01T08:00:00Z\""), 1_709_280_000);
        assert_eq!(read("1709280000"), 1_709_280_000);
        assert_eq!(read("1709280000000"), 1_709_280_000);
        assert_eq!(read("1709280000.0"), 1_709_280_000);
        assert_eq!(read("\"Fri Mar 01 16:00:00 +0800 2024\""), 1_709_280_000);
        assert_eq!(read("\"Fri, 01 Mar 2024 08:00:00 GMT\""), 1_709_280_000);
    }

    #[test]
    fn a_post_that_was_taken_back_is_told_by_its_id() {
        let answer = r#"[{"id":1,"gone":true},{"id":2,"gone":0,"created_at":1,"text":"y"},{"id":3,"gone":"2024-01-01"}]"#;
        let config = JsonConfig { deleted: Some("gone".into()), ..JsonConfig::default() };
        let listed = posts(answer.as_bytes(), &config).unwrap();
        assert_eq!((listed.deleted, listed.posts.len()), (vec!["1".to_owned(), "3".to_owned()], 1));
    }

    #[test]
    fn a_post_may_have_a_title_instead_of_a_text() {
        let config = JsonConfig { title: Some("title".into()), ..JsonConfig::default() };
        let answer = r#"[{"id":1,"created_at":1,"title":"Halted"},{"id":2,"created_at":1,"title":" "}]"#;
        let Listed { posts, unusable, .. } = posts(answer.as_bytes(), &config).unwrap();
        assert_eq!((posts[0].title.as_str(), posts[0].text.as_str()), ("Halted", ""));
        assert_eq!(unusable[0].cause, "no usable \"text\"");
    }

    #[test]
    fn what_is_missing_is_named() {
        let answer = r#"{"data":{"posts":[{"id":"1","created_at":"soon","body":{"text":"x"}},{"id":"2","created_at":1,"body":{"text":"y"}}]}}"#;
        let Listed { posts: good, unusable: bad, .. } = posts(answer.as_bytes(), &config()).unwrap();
        assert_eq!((good.len(), good[0].id.as_str()), (1, "2"));
        assert_eq!((bad.len(), bad[0].cause.as_str()), (1, "no usable \"created_at\""));
        assert!(bad[0].json.contains("soon"));
        assert_eq!(posts(b"{}", &config()).unwrap_err(), "no list at \"data.posts\"");
    }
}
