//! One poll of one source: ask, read, publish what is new.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::{
    AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderMap, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
};
use secrecy::ExposeSecret;
use tocsin_contract::{DocumentId, PublishedPrecision, Source};
use tocsin_runtime::{Clock, Shutdown};
use tocsin_stream::Verdict;
use url::Url;

use crate::client::{Fetched, headers};
use crate::config::{JsonConfig, SourceConfig, SourceFormat};
use crate::draft::{Draft, hash_of};
use crate::feed::{self, Entry};
use crate::json::{self, Post};
use crate::page::{self, Page};
use crate::politeness::PoliteClient;
use crate::publish::{Fate, Publisher};
use crate::state::{SourceState, State};
use crate::{IngestError, canonical_url, charset, metric};

/// What polls share; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Poller {
    pub(crate) client: PoliteClient,
    pub(crate) state: State,
    pub(crate) publisher: Publisher,
    /// How long the extraction of one page may take.
    pub(crate) extract: Duration,
    pub(crate) clock: Arc<dyn Clock>,
    /// Requested: what is in hand is finished, nothing more is begun.
    pub(crate) stop: Shutdown,
}

/// How long a page that may come back is waited for; then the feed's text must do.
const PAGE_PATIENCE: TimeDelta = TimeDelta::hours(1);

/// What a poll found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) new: usize,
    pub(crate) revised: usize,
    pub(crate) unchanged: usize,
    /// Entries that will be tried again at the next poll.
    pub(crate) postponed: usize,
}

impl Poller {
    /// Brings `state` up to what the source said; the caller schedules and saves it.
    pub(crate) async fn poll(
        &self,
        source: &SourceConfig,
        state: &mut SourceState,
    ) -> Result<Found, IngestError> {
        let url = Url::parse(&source.url).map_err(|cause| IngestError::Configuration(cause.to_string()))?;
        match (source.format, &source.json) {
            (SourceFormat::Json, Some(json)) => self.poll_json(source, json, url, state).await,
            (SourceFormat::Feed | SourceFormat::Json, _) => self.poll_feed(source, url, state).await,
        }
    }

    async fn poll_feed(
        &self,
        source: &SourceConfig,
        url: Url,
        state: &mut SourceState,
    ) -> Result<Found, IngestError> {
        let conditions = headers([
            (IF_NONE_MATCH, state.etag.as_deref()),
            (IF_MODIFIED_SINCE, state.last_modified.as_deref()),
        ]);
        let fetched = self.client.get(&url, &conditions).await?;
        if fetched.status == 304 {
            metric::polled("not_modified");
            keep_validators(state, &fetched);
            return Ok(Found::default());
        }
        let fetched = fetched.success()?;
        let unreadable = |cause| IngestError::Unreadable { url: source.url.clone(), cause };
        let mut entries = self.read_feed(&fetched).await.map_err(unreadable)?;
        entries.sort_by_key(|entry| entry.published);
        let mut found = Found::default();
        for entry in entries {
            if self.stop.is_requested() {
                found.postponed += 1;
                break;
            }
            self.take_entry(source, entry, &mut found).await?;
        }
        // With an entry postponed the next poll must see the feed again.
        if found.postponed == 0 {
            keep_validators(state, &fetched);
        }
        metric::polled("read");
        Ok(found)
    }

    async fn read_feed(&self, fetched: &Fetched) -> Result<Vec<Entry>, String> {
        let (body, url) = (fetched.body.clone(), fetched.url.clone());
        let content_type = fetched.header(CONTENT_TYPE).map(str::to_owned);
        let work =
            tokio::task::spawn_blocking(move || feed::entries(&body, content_type.as_deref(), url.as_str()));
        match tokio::time::timeout(self.extract, work).await {
            Ok(Ok(entries)) => entries,
            Ok(Err(_)) | Err(_) => Err(format!("not read within {:?}", self.extract)),
        }
    }

    async fn take_entry(
        &self,
        source: &SourceConfig,
        entry: Entry,
        found: &mut Found,
    ) -> Result<(), IngestError> {
        let mut draft = draft_of(source, &entry);
        let known = self.state.known(draft.id).await?;
        // A changed date alone is no change; pages are fetched only for news.
        if known.is_some_and(|known| known.says_the_same(&draft)) {
            metric::entry("unchanged");
            found.unchanged += 1;
            return Ok(());
        }
        if source.fetch_pages && !self.complete(&mut draft).await {
            metric::entry("postponed");
            found.postponed += 1;
            return Ok(());
        }
        if draft.title.is_empty() && draft.body.is_empty() {
            metric::entry("empty");
            return Ok(());
        }
        found.count(self.publisher.publish(draft).await?);
        Ok(())
    }

    /// Puts the page's full text in place of the feed's summary. False: the page may
    /// be there later. A page that never will be leaves the summary.
    async fn complete(&self, draft: &mut Draft) -> bool {
        let Some(url) = draft.url.as_deref().and_then(|text| Url::parse(text).ok()) else { return true };
        let fetched = match self.client.get(&url, &HeaderMap::new()).await.and_then(Fetched::success) {
            Ok(fetched) => fetched,
            Err(error) => {
                tracing::debug!(source.id = draft.source.id, "page not read: {error}");
                let is_fresh = |(at, _)| self.clock.now() - at < PAGE_PATIENCE;
                return error.verdict() != Verdict::Retry || !draft.published.is_some_and(is_fresh);
            }
        };
        if let Some(page) = self.extract(fetched).await {
            apply(draft, page);
        }
        true
    }

    /// Off the async threads, with a cap on its time.
    async fn extract(&self, fetched: Fetched) -> Option<Page> {
        let html = charset::decode(&fetched.body, fetched.header(CONTENT_TYPE));
        let url = fetched.url.to_string();
        let work = tokio::task::spawn_blocking(move || page::extract(&html, &url));
        match tokio::time::timeout(self.extract, work).await {
            Ok(Ok(Ok(page))) => Some(page),
            Ok(Ok(Err(cause))) => {
                tracing::debug!(url = %fetched.url, "no article: {cause}");
                None
            }
            Ok(Err(_)) | Err(_) => {
                tracing::warn!(url = %fetched.url, "extraction gave up within {:?}", self.extract);
                None
            }
        }
    }

    async fn poll_json(
        &self,
        source: &SourceConfig,
        config: &JsonConfig,
        mut url: Url,
        state: &mut SourceState,
    ) -> Result<Found, IngestError> {
        if let (Some(name), Some(id)) = (&config.since_param, &state.cursor_id) {
            url.query_pairs_mut().append_pair(name, id);
        }
        let secret = config.authorization.as_ref().map(|secret| secret.expose_secret());
        let fetched = self.client.get(&url, &headers([(AUTHORIZATION, secret)])).await?.success()?;
        let unreadable = |cause| IngestError::Unreadable { url: source.url.clone(), cause };
        let (mut posts, unusable) = json::posts(&fetched.body, config).map_err(unreadable)?;
        if let Some(first) = unusable.first() {
            tracing::warn!(
                source.id,
                posts = unusable.len(),
                "{} posts of {} left out: {first}",
                unusable.len(),
                source.id
            );
        }
        posts.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        let mut found = Found::default();
        for post in posts {
            if self.stop.is_requested() {
                break;
            }
            let cursor = (post.created_at, post.id.clone());
            self.take_post(source, post, &mut found).await?;
            if state.cursor_at.is_none_or(|at| at <= cursor.0) {
                (state.cursor_at, state.cursor_id) = (Some(cursor.0), Some(cursor.1));
            }
        }
        metric::polled("read");
        Ok(found)
    }

    /// Posts of the cursor's own instant come again: they are known by id.
    async fn take_post(
        &self,
        source: &SourceConfig,
        post: Post,
        found: &mut Found,
    ) -> Result<(), IngestError> {
        let draft = draft_of_post(source, post);
        let known = self.state.known(draft.id).await?;
        if known.is_some_and(|known| known.says_the_same(&draft)) {
            found.unchanged += 1;
            return Ok(());
        }
        found.count(self.publisher.publish(draft).await?);
        Ok(())
    }
}

impl Found {
    fn count(&mut self, fate: Fate) {
        let (slot, name) = match fate {
            Fate::New => (&mut self.new, "new"),
            Fate::Revised => (&mut self.revised, "revised"),
            Fate::Unchanged => (&mut self.unchanged, "unchanged"),
        };
        *slot += 1;
        metric::entry(name);
    }
}

/// Both, verbatim, also when only one of them came.
fn keep_validators(state: &mut SourceState, fetched: &Fetched) {
    let text = |name| fetched.header(name).map(str::to_owned);
    let (etag, last_modified) = (text(ETAG), text(LAST_MODIFIED));
    if fetched.status != 304 || etag.is_some() {
        state.etag = etag;
    }
    if fetched.status != 304 || last_modified.is_some() {
        state.last_modified = last_modified;
    }
}

fn source_of(source: &SourceConfig) -> Source {
    Source { id: source.id.clone(), kind: source.kind, publisher_family: source.family() }
}

/// A feed that knows only the day writes midnight; taken for an instant, it would
/// let decisions look ahead.
fn precise(at: DateTime<Utc>) -> (DateTime<Utc>, PublishedPrecision) {
    let is_midnight = at.timestamp().rem_euclid(86_400) == 0;
    (at, if is_midnight { PublishedPrecision::Day } else { PublishedPrecision::Exact })
}

fn exact(at: Option<DateTime<Utc>>) -> Option<(DateTime<Utc>, PublishedPrecision)> {
    at.map(|at| (at, PublishedPrecision::Exact))
}

fn draft_of(source: &SourceConfig, entry: &Entry) -> Draft {
    let canonical = entry.url.as_deref().and_then(canonical_url);
    Draft {
        id: match &canonical {
            Some(url) => DocumentId::from_canonical_url(url),
            None => DocumentId::from_native(&source.id, &entry.native_id),
        },
        source: source_of(source),
        url: entry.url.clone(),
        canonical_url: canonical,
        author: entry.author.clone(),
        lang: None,
        title: entry.title.clone(),
        body: entry.text.clone(),
        published: entry.published.map(precise),
        engagement: None,
        entry_hash: hash_of(&[&entry.title, &entry.text]),
    }
}

fn draft_of_post(source: &SourceConfig, post: Post) -> Draft {
    Draft {
        id: DocumentId::from_native(&source.id, &post.id),
        source: source_of(source),
        canonical_url: post.url.as_deref().and_then(canonical_url),
        url: post.url,
        author: post.author,
        lang: None,
        entry_hash: hash_of(&[&post.title, &post.text]),
        title: post.title,
        body: post.text,
        published: exact(Some(post.created_at)),
        engagement: post.engagement,
    }
}

/// The page's text; its date only where it is better than the feed's. The id stays
/// that of the address the feed gave.
fn apply(draft: &mut Draft, page: Page) {
    draft.body = page.text;
    if draft.title.is_empty() {
        draft.title = page.title;
    }
    draft.author = draft.author.take().or(page.author);
    draft.published = match (page.published.map(|dated| (dated.at, dated.precision)), draft.published) {
        (Some(page), _) if page.1 == PublishedPrecision::Exact => Some(page),
        (page, feed) => feed.or(page),
    };
    if let Some(canonical) = page.canonical_url {
        draft.canonical_url = Some(canonical);
    }
}
