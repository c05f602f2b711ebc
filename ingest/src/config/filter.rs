//! `[filter]` of a source that is listened to: which posts of a stream are taken.

use serde::{Deserialize, Serialize};

/// Both must hold; a list that is empty holds for every post.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FilterConfig {
    /// One of these stands in it, as words of their own; the case of ASCII letters aside.
    pub words: Vec<String>,
    /// It says that it is in one of these languages (`zh` for `zh-Hans` too), or nothing.
    pub langs: Vec<String>,
}
