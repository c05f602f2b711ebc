//! Settling what waits: the page behind an entry, then publication, or the reason why not.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::CONTENT_TYPE;
use tocsin_stream::Verdict;
use url::Url;

use crate::client::{Ask, Fetched};
use crate::config::SourceConfig;
use crate::draft::Draft;
use crate::entry::{OF_PAGE, apply};
use crate::error::FetchError;
use crate::items::{Fate, Pending, Settled};
use crate::page::{self, Kind, Page};
use crate::poll::Poller;
use crate::schedule::{delta, doubled};
use crate::state::Known;
use crate::{IngestError, metric};

/// How long after an item was seen a page that may come back is waited for, and how often it is
/// asked for at least; then the list's text must do.
const PAGE_PATIENCE: TimeDelta = TimeDelta::hours(1);
const PAGE_TRIES: i32 = 4;
/// How long where the list says nothing that could do.
const WORDLESS_PATIENCE: TimeDelta = TimeDelta::days(1);
/// How long there a host is waited for that asks for silence.
const SILENCE_PATIENCE: TimeDelta = TimeDelta::days(3);
/// The pause before a page is asked for again; doubled each time, up to the longest.
const PAGE_PAUSE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);
/// Why a change of the list is not taken: its page was not read, and the text before may be the page's.
const PAGE_AWAY: &str = "page not read";
const SAME_TEXT: &str = "same text";
/// Why a page that came is not taken, where nothing better is known.
const NO_ARTICLE: &str = "no article on the page";
/// Items that are read from the database at a time.
const BATCH: i64 = 32;

/// What became of the items that waited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) new: usize,
    pub(crate) revised: usize,
    pub(crate) others: usize,
    pub(crate) postponed: usize,
}

/// Whether a draft has the text that it is to be published with.
enum Text {
    /// With where the text is from, or why it is not the page's.
    Complete(&'static str),
    /// Its page may come back, and was waited for in vain; with why.
    Missed(&'static str),
    /// Its page says that it was taken back.
    Gone(&'static str),
    Later {
        until: DateTime<Utc>,
        /// The page was asked for, and did not come.
        was_tried: bool,
    },
}

impl Poller {
    /// Settles what waits of a source, until shutdown is requested; then tells what it took back.
    pub(crate) async fn settle(&self, source: &SourceConfig, found: &mut Found) -> Result<(), IngestError> {
        self.settle_items(source, found).await?;
        self.tell(source).await
    }

    async fn settle_items(&self, source: &SourceConfig, found: &mut Found) -> Result<(), IngestError> {
        loop {
            let batch = self.state.pending(&source.id, BATCH, self.clock.now()).await?;
            if batch.is_empty() {
                return Ok(());
            }
            let is_last = (batch.len() as i64) < BATCH;
            for item in batch {
                if self.stop.is_requested() {
                    return Ok(());
                }
                self.settle_one(source, item, found).await?;
            }
            if is_last {
                return Ok(());
            }
        }
    }

    async fn settle_one(
        &self,
        source: &SourceConfig,
        mut item: Pending,
        found: &mut Found,
    ) -> Result<(), IngestError> {
        let known = self.state.known_as(&item.draft, &item.key).await?.map(|(id, known)| {
            item.draft.id = id;
            known
        });
        // A changed date alone is no change; pages are fetched only for news.
        if let Some(known) = known.as_ref().filter(|known| known.says_the_same(&item.draft)) {
            return self.leave(source, &item, &repeated(source, &item, known), found).await;
        }
        let mut reason = "";
        if source.format.has_pages() && source.fetch_pages {
            let text = self.complete(&mut item).await?;
            if let Some(why) = why_kept(&text, known.as_ref(), &item) {
                let settled = item.settled(Fate::Duplicate, why);
                return self.leave(source, &item, &settled, found).await;
            }
            match text {
                Text::Gone(_) if known.is_some() => {
                    found.count(Fate::Refused);
                    return self.state.withdraw(&source.id, &item, self.clock.now()).await;
                }
                Text::Complete(from) | Text::Missed(from) | Text::Gone(from) => reason = from,
                Text::Later { until, was_tried } => {
                    metric::entry("postponed");
                    found.postponed += 1;
                    return self.state.postpone(&source.id, &item.key, until, was_tried).await;
                }
            }
        }
        if item.draft.is_wordless() {
            return self.leave(source, &item, &item.settled(Fate::Refused, "no text"), found).await;
        }
        found.count(self.publisher.publish(item.draft, Some(&item.key), reason).await?);
        Ok(())
    }

    /// Settles an item of which nothing is published.
    async fn leave(
        &self,
        source: &SourceConfig,
        item: &Pending,
        settled: &Settled<'_>,
        found: &mut Found,
    ) -> Result<(), IngestError> {
        found.count(settled.fate);
        self.state.settle(&source.id, Some(&item.key), settled, self.clock.now()).await
    }

    /// Puts the page's full text in place of the list's, where there is one.
    async fn complete(&self, item: &mut Pending) -> Result<Text, IngestError> {
        // An address that several entries share is none of theirs.
        let own = item.draft.url.as_deref().filter(|_| item.draft.canonical_url.is_some());
        let Some(url) = own.and_then(|text| Url::parse(text).ok()) else {
            return Ok(Text::Complete("no link"));
        };
        let outcome = self.client.get(&Ask::plain(&url)).await;
        let now = self.clock.now();
        let error = match outcome {
            Ok(fetched) => match fetched.success(now) {
                Ok(fetched) => {
                    return Ok(Text::Complete(self.take_page(&mut item.draft, &url, fetched).await));
                }
                Err(error) => error,
            },
            Err(IngestError::Fetch(error)) => error,
            Err(error) => return Err(error),
        };
        tracing::debug!(source.id = item.draft.source.id, "page not read: {error}");
        Ok(without_page(&error, item, now))
    }

    /// Says that the text is the page's, or why it is not.
    async fn take_page(&self, draft: &mut Draft, asked: &Url, fetched: Fetched) -> &'static str {
        // Sites send whoever asks for what is gone to their front page.
        let is_front = fetched.url.path() == "/" && asked.path() != "/";
        let page = if is_front { Err(NO_ARTICLE) } else { self.extract(fetched).await };
        match page {
            Ok(page) if is_entry(&page, &draft.title) => apply(self.publisher.finisher(), draft, page),
            Ok(_) => NO_ARTICLE,
            Err(reason) => reason,
        }
    }

    /// Off the async threads, with a cap on its time. `Err`: why there is no article, or what came is no page.
    async fn extract(&self, fetched: Fetched) -> Result<Page, &'static str> {
        let content_type = fetched.header(CONTENT_TYPE).map(str::to_owned);
        let (body, url, now) = (fetched.body, fetched.url.to_string(), self.clock.now());
        let work = tokio::task::spawn_blocking(move || {
            let html =
                page::decode(&body, content_type.as_deref()).map_err(|name| (name, name.to_owned()))?;
            page::extract(&html, &url, now).map_err(|cause| (NO_ARTICLE, cause))
        });
        match tokio::time::timeout(self.extract, work).await {
            Ok(Ok(Ok(page))) => Ok(page),
            Ok(Ok(Err((reason, cause)))) => {
                tracing::debug!(url = %fetched.url, "no article: {cause}");
                Err(reason)
            }
            Ok(Err(_)) | Err(_) => {
                tracing::warn!(url = %fetched.url, "extraction gave up within {:?}", self.extract);
                Err(NO_ARTICLE)
            }
        }
    }
}

/// What becomes of an item that says what its document says already. Where another source
/// brought that, what is known of it stays as it is.
fn repeated<'a>(source: &SourceConfig, item: &Pending, known: &'a Known) -> Settled<'a> {
    let is_own = known.source_id == source.id;
    let reason = if is_own { SAME_TEXT } else { "another source" };
    let memory = is_own.then_some((item.draft.id, known));
    Settled { fate: Fate::Duplicate, of: item.draft.entry_hash, reason, memory }
}

/// What is done as long as the page of an item does not come, and then.
fn without_page(error: &FetchError, item: &Pending, now: DateTime<Utc>) -> Text {
    let waited = now - item.seen_at;
    if matches!(error, FetchError::Status { status: 410, .. }) {
        return Text::Gone(error.reason());
    }
    if error.verdict() != Verdict::Retry {
        return Text::Complete(error.reason());
    }
    let is_wordless = item.draft.is_wordless();
    if let FetchError::Silence { until, .. } = error {
        // What the list says rings in time; without that there is nothing to ring with.
        let patience = if is_wordless { SILENCE_PATIENCE } else { PAGE_PATIENCE };
        let last = item.seen_at + patience;
        if now < last {
            return Text::Later { until: last.min(*until), was_tried: false };
        }
        if !is_wordless {
            return Text::Missed(error.reason());
        }
    }
    let patience = if is_wordless { WORDLESS_PATIENCE } else { PAGE_PATIENCE };
    if waited >= patience && item.attempts + 1 >= PAGE_TRIES {
        return Text::Missed(error.reason());
    }
    Text::Later { until: now + delta(doubled(PAGE_PAUSE, item.attempts, LONGEST_PAUSE)), was_tried: true }
}

/// Why a document keeps the text that it has, where no page came that says something else.
fn why_kept(text: &Text, known: Option<&Known>, item: &Pending) -> Option<&'static str> {
    let (Text::Complete(from) | Text::Missed(from)) = text else { return None };
    let has_page = may_be_page(known, &item.before);
    // Where the list says nothing new, what else is new can only stand on the page.
    let is_kept =
        (item.draft.is_touched && *from != OF_PAGE) || (has_page && matches!(text, Text::Missed(_)));
    // The next change of the list is judged by the reason: a text of the list is not to pass for the page's.
    is_kept.then_some(if has_page { PAGE_AWAY } else { *from })
}

/// Whether the text that a document has may be its page's, by the reason for which it was settled last.
fn may_be_page(known: Option<&Known>, before: &str) -> bool {
    known.is_some_and(|known| !known.is_forgotten()) && matches!(before, "" | OF_PAGE | SAME_TEXT | PAGE_AWAY)
}

/// A list of links is not what an entry leads to, unless it bears its title: a short text among many links.
fn is_entry(page: &Page, title: &str) -> bool {
    let is_named = !title.is_empty() && page.title.to_lowercase().starts_with(&title.to_lowercase());
    page.kind != Kind::Listing || is_named
}

impl Found {
    fn count(&mut self, fate: Fate) {
        metric::entry(fate.as_str());
        match fate {
            Fate::Published => self.new += 1,
            Fate::Revised => self.revised += 1,
            Fate::Duplicate | Fate::Refused | Fate::Failed => self.others += 1,
        }
    }
}
