//! `[json]` of a source: where a JSON answer keeps what.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tocsin_runtime::config::secret;

/// Dotted paths into a JSON answer (`data.posts`, `user.name`).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JsonConfig {
    /// Path of the list; empty when the answer itself is the list.
    pub items: String,
    pub id: String,
    /// A post that has none may have a title instead.
    pub text: String,
    pub title: Option<String>,
    /// RFC 3339 text, or seconds or milliseconds since 1970.
    pub created_at: String,
    pub author: Option<String>,
    /// Relative addresses are joined to the source's.
    pub url: Option<String>,
    pub likes: Option<String>,
    pub reposts: Option<String>,
    pub replies: Option<String>,
    pub views: Option<String>,
    /// Where a post says that its author took it back: true, a number but 0, or a text.
    pub deleted: Option<String>,
    /// Query parameter that takes the newest id seen.
    pub since_param: Option<String>,
    /// Sent as the `authorization` header.
    #[serde(serialize_with = "secret::serialize")]
    pub authorization: Option<SecretString>,
}

impl Default for JsonConfig {
    fn default() -> Self {
        Self {
            items: String::new(),
            id: "id".to_owned(),
            text: "text".to_owned(),
            title: None,
            created_at: "created_at".to_owned(),
            author: None,
            url: None,
            likes: None,
            reposts: None,
            replies: None,
            views: None,
            deleted: None,
            since_param: None,
            authorization: None,
        }
    }
}
