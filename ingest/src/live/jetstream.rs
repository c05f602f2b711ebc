//! Jetstream: the posts of Bluesky as JSON over a WebSocket
//! (<https://github.com/bluesky-social/jetstream>).

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::{Heard, Words};
use crate::config::SourceConfig;
use crate::json::{Item, Post, Unusable};

/// The kind of record that is a post.
const POSTS: &str = "app.bsky.feed.post";
/// In microseconds: so much before the cursor is asked for again, as Jetstream advises.
const OVERLAP: i64 = 5_000_000;

pub(super) struct Reader {
    url: Url,
    words: Words,
}

#[derive(Debug, Deserialize)]
struct Event {
    did: String,
    /// When Jetstream saw it, in microseconds since 1970: its cursor.
    time_us: i64,
    commit: Option<Commit>,
    account: Option<Account>,
}

#[derive(Debug, Deserialize)]
struct Account {
    /// Why it is not active; a suspended or deactivated account may come back.
    status: Option<String>,
}

impl Account {
    fn is_gone(&self) -> bool {
        matches!(self.status.as_deref(), Some("deleted" | "takendown"))
    }
}

#[derive(Debug, Deserialize)]
struct Commit {
    operation: String,
    collection: String,
    rkey: String,
    #[serde(default)]
    record: Value,
}

/// The address of a WebSocket as it is asked for: it begins as HTTP, whose schemes are what
/// judges addresses.
pub(crate) fn http_address(text: &str) -> Result<Url, url::ParseError> {
    Url::parse(&text.replacen("ws", "http", 1))
}

impl Reader {
    /// `Err` names the setting and what is wrong with it.
    pub(super) fn of(source: &SourceConfig) -> Result<Self, String> {
        let mut url = http_address(&source.url).map_err(|cause| format!("url {:?}: {cause}", source.url))?;
        if !url.query_pairs().any(|(name, _)| name == "wantedCollections") {
            url.query_pairs_mut().append_pair("wantedCollections", POSTS);
        }
        Ok(Self { url, words: Words::of(&source.filter.clone().unwrap_or_default())? })
    }

    /// Where it is told what came since the cursor.
    pub(super) fn address(&self, cursor: Option<&str>) -> Url {
        let mut url = self.url.clone();
        if let Some(cursor) = cursor.and_then(|cursor| cursor.parse::<i64>().ok()) {
            url.query_pairs_mut().append_pair("cursor", &(cursor - OVERLAP).to_string());
        }
        url
    }

    pub(super) fn read(&self, data: &str) -> Heard {
        let Ok(Event { did, time_us, commit, account }) = serde_json::from_str(data) else {
            let bad = Unusable { json: data.to_owned(), cause: "no event of Jetstream".to_owned() };
            return Heard { item: Some(Item::Unusable(bad)), cursor: None };
        };
        let at = DateTime::from_timestamp_micros(time_us);
        let item = match (account.filter(Account::is_gone), commit, at) {
            (Some(_), ..) => Some(Item::Left(did)),
            (None, Some(commit), Some(at)) => self.item(&did, commit, at),
            _ => None,
        };
        Heard { item, cursor: at.map(|at| (at, time_us.to_string())) }
    }

    fn item(&self, did: &str, commit: Commit, at: DateTime<Utc>) -> Option<Item> {
        let Commit { operation, collection, rkey, record } = commit;
        if collection != POSTS {
            return None;
        }
        let id = format!("at://{did}/{collection}/{rkey}");
        if operation == "delete" {
            return Some(Item::Deleted(id));
        }
        // What the author's program says may be later than now, or of another age.
        let said = record["createdAt"].as_str().and_then(|said| DateTime::parse_from_rfc3339(said).ok());
        let text = record["text"].as_str().map(str::trim).filter(|text| !text.is_empty());
        let langs = record["langs"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let post = Post {
            url: Some(format!("https://bsky.app/profile/{did}/post/{rkey}")),
            id,
            created_at: Some(said.map_or(at, |said| said.to_utc().min(at))),
            title: String::new(),
            text: text.map_or_else(|| captions(&record["embed"]), str::to_owned),
            author: Some(did.to_owned()),
            lang: self.words.lang(langs).map(str::to_owned),
            engagement: None,
        };
        // A picture of which nobody says what it shows says nothing to us.
        (!post.text.is_empty() && self.words.admit(&post)).then_some(Item::Post(post))
    }
}

/// What stands beside a post without words: what its pictures or its video show, or the title of the page that it
/// leads to.
fn captions(embed: &Value) -> String {
    let medium = if embed["media"].is_object() { &embed["media"] } else { embed };
    let pictures = medium["images"].as_array().into_iter().flatten().map(|image| &image["alt"]);
    let captions = pictures.chain([&medium["alt"], &medium["external"]["title"]]).filter_map(Value::as_str);
    captions.map(str::trim).filter(|caption| !caption.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn reader() -> Reader {
        let source =
            "id = 's'\nurl = 'wss://jet.example/subscribe'\nformat = 'jetstream'\nfilter.words = ['bank']";
        Reader::of(&toml::from_str(source).unwrap()).unwrap()
    }

    fn event(operation: &str, text: &str, created_at: &str) -> String {
        json!({"did": "did:plc:ada", "time_us": 1_678_462_200_000_000_i64, "kind": "commit",
               "commit": {"rev": "3k", "operation": operation, "collection": POSTS, "rkey": "3kx", "cid": "b",
                          "record": {"$type": POSTS, "text": text, "createdAt": created_at, "langs": ["en"]}}})
        .to_string()
    }

    #[test]
    fn a_post_is_known_by_its_address_in_the_protocol() {
        let heard = reader().read(&event("create", "My bank is gone", "2023-03-10T15:29:58.123Z"));
        let Some(Item::Post(post)) = heard.item else { panic!("{heard:?}") };
        assert_eq!(post.id, "at://did:plc:ada/app.bsky.feed.post/3kx");
        assert_eq!(post.url.as_deref(), Some("https://bsky.app/profile/did:plc:ada/post/3kx"));
        assert_eq!((post.author.as_deref(), post.lang.as_deref()), (Some("did:plc:ada"), Some("en")));
        assert_eq!(post.created_at.unwrap().to_rfc3339(), "2023-03-10T15:29:58.123+00:00");
        assert_eq!(heard.cursor.unwrap().1, "1678462200000000");
    }

    #[test]
    fn of_several_languages_the_one_counts_that_is_wanted() {
        let source =
            "id = 's'\nurl = 'wss://jet.example/subscribe'\nformat = 'jetstream'\nfilter.langs = ['en']";
        let reader = Reader::of(&toml::from_str(source).unwrap()).unwrap();
        for (langs, lang) in [(json!(["ja", "en-GB"]), Some("en-GB")), (json!([]), None), (json!(null), None)]
        {
            let mut event: Value = serde_json::from_str(&event("create", "bank", "")).unwrap();
            event["commit"]["record"]["langs"] = langs;
            let heard = reader.read(&event.to_string());
            let Some(Item::Post(post)) = heard.item else { panic!("{heard:?}") };
            assert_eq!(post.lang.as_deref(), lang);
        }
        assert!(reader.read(&event("create", "bank", "").replace("\"en\"", "\"de\"")).item.is_none());
    }

    #[test]
    fn a_post_without_words_is_read_by_what_its_embed_shows() {
        for (embed, text) in [
            (
                json!({"images": [{"alt": "A queue"}, {"alt": ""}, {"alt": "at the bank"}]}),
                "A queue at the bank",
            ),
            (
                json!({"external": {"uri": "https://e.com", "title": "Bank fails", "description": "d"}}),
                "Bank fails",
            ),
            (json!({"record": {"uri": "at://x"}, "media": {"video": {}, "alt": "A bank"}}), "A bank"),
        ] {
            let mut event: Value = serde_json::from_str(&event("create", " ", "")).unwrap();
            event["commit"]["record"]["embed"] = embed;
            let heard = reader().read(&event.to_string());
            let Some(Item::Post(post)) = heard.item else { panic!("{heard:?}") };
            assert_eq!(post.text, text);
        }
    }

    #[test]
    fn no_post_is_later_than_it_was_seen() {
        for said in ["2033-01-01T00:00:00Z", "soon", ""] {
            let heard = reader().read(&event("create", "bank", said));
            let Some(Item::Post(post)) = heard.item else { panic!("{heard:?}") };
            assert_eq!(post.created_at.unwrap().to_rfc3339(), "2023-03-10T15:30:00+00:00", "{said}");
        }
    }

    #[test]
    fn deletions_are_told_and_what_is_not_wanted_only_moves_the_cursor() {
        let deleted = Item::Deleted("at://did:plc:ada/app.bsky.feed.post/3kx".into());
        assert_eq!(reader().read(&event("delete", "", "")).item, Some(deleted));
        let account = |status: &str| {
            let account = json!({"active": status.is_empty(), "did": "did:plc:ada", "status": status});
            json!({"did": "did:plc:ada", "time_us": 5, "kind": "account", "account": account}).to_string()
        };
        for gone in ["deleted", "takendown"] {
            assert_eq!(reader().read(&account(gone)).item, Some(Item::Left("did:plc:ada".into())));
        }
        let identity = json!({"did": "d", "time_us": 5, "kind": "identity", "identity": {}}).to_string();
        let others = [
            event("create", "cats", ""),
            event("create", " ", ""),
            identity,
            account(""),
            account("suspended"),
        ];
        for other in others {
            let heard = reader().read(&other);
            assert!(heard.item.is_none() && heard.cursor.is_some(), "{other}");
        }
        assert!(matches!(reader().read("{}").item, Some(Item::Unusable(_))));
    }

    #[test]
    fn it_is_asked_for_a_little_before_the_cursor() {
        let address = |cursor| reader().address(cursor).to_string();
        assert_eq!(address(None), "https://jet.example/subscribe?wantedCollections=app.bsky.feed.post");
        assert!(address(Some("1678462200000000")).ends_with("&cursor=1678462195000000"));
    }
}
