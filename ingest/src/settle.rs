//! Settling what waits: the page behind an entry, then publication, or the reason why not.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::CONTENT_TYPE;
use tocsin_stream::Verdict;
use url::Url;

use crate::client::{Ask, Fetched};
use crate::config::SourceConfig;
use crate::draft::Draft;
use crate::entry::apply;
use crate::items::{Fate, Pending, Settled};
use crate::page::{self, Kind, Page};
use crate::poll::Poller;
use crate::schedule::{delta, doubled};
use crate::{IngestError, charset, metric};

/// How long after its publication a page that may come back is waited for; then the
/// list's text must do.
const PAGE_PATIENCE: TimeDelta = TimeDelta::hours(1);
/// The pause before a page is asked for again; doubled each time.
const PAGE_PAUSE: Duration = Duration::from_secs(60);
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
    Later(DateTime<Utc>),
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
        item: Pending,
        found: &mut Found,
    ) -> Result<(), IngestError> {
        let Pending { key, mut draft, attempts } = item;
        let known = self.state.known_as(&draft).await?.map(|(id, known)| {
            draft.id = id;
            known
        });
        // A changed date alone is no change; pages are fetched only for news.
        if let Some(known) = known.filter(|known| known.says_the_same(&draft)) {
            let reason = if known.source_id == source.id { "same text" } else { "another source" };
            let settled = Settled { fate: Fate::Duplicate, of: draft.entry_hash, reason, memory: None };
            found.count(settled.fate);
            return self.state.settle(&source.id, Some(&key), &settled, self.clock.now()).await;
        }
        let mut reason = "";
        if source.format.has_pages() && source.fetch_pages {
            match self.complete(&mut draft, attempts).await? {
                Text::Complete(from) => reason = from,
                Text::Later(until) => {
                    metric::entry("postponed");
                    found.postponed += 1;
                    return self.state.postpone(&source.id, &key, until).await;
                }
            }
        }
        if draft.title.is_empty() && draft.body.is_empty() {
            let settled =
                Settled { fate: Fate::Refused, of: draft.entry_hash, reason: "no text", memory: None };
            found.count(settled.fate);
            return self.state.settle(&source.id, Some(&key), &settled, self.clock.now()).await;
        }
        found.count(self.publisher.publish(draft, Some(&key), reason).await?);
        Ok(())
    }

    /// Puts the page's full text in place of the list's, where there is one.
    async fn complete(&self, draft: &mut Draft, attempts: i32) -> Result<Text, IngestError> {
        // An address that several entries share is none of theirs.
        let own = draft.url.as_deref().filter(|_| draft.canonical_url.is_some());
        let Some(url) = own.and_then(|text| Url::parse(text).ok()) else {
            return Ok(Text::Complete("no link"));
        };
        let outcome = self.client.get(&Ask::plain(&url)).await;
        let now = self.clock.now();
        let error = match outcome {
            Ok(fetched) => match fetched.success(now) {
                Ok(fetched) => return Ok(Text::Complete(self.take_page(draft, &url, fetched).await)),
                Err(error) => error,
            },
            Err(IngestError::Fetch(error)) => error,
            Err(error) => return Err(error),
        };
        tracing::debug!(source.id = draft.source.id, "page not read: {error}");
        let until = draft.published.and_then(|(at, _)| at.checked_add_signed(PAGE_PATIENCE));
        let patience = until.filter(|until| *until > now);
        match patience.filter(|_| error.verdict() == Verdict::Retry) {
            Some(until) => {
                let left = (until - now).to_std().unwrap_or_default();
                Ok(Text::Later(now + delta(doubled(PAGE_PAUSE, attempts, left))))
            }
            None => Ok(Text::Complete(error.reason())),
        }
    }

    async fn take_page(&self, draft: &mut Draft, asked: &Url, fetched: Fetched) -> &'static str {
        // Sites send whoever asks for what is gone to their front page.
        let is_front = fetched.url.path() == "/" && asked.path() != "/";
        let page = if is_front { None } else { self.extract(fetched).await };
        match page.filter(|page| is_entry(page, &draft.title)) {
            Some(page) => {
                apply(self.publisher.finisher(), draft, page);
                "page"
            }
            None => "no article on the page",
        }
    }

    /// Off the async threads, with a cap on its time.
    async fn extract(&self, fetched: Fetched) -> Option<Page> {
        let content_type = fetched.header(CONTENT_TYPE).map(str::to_owned);
        let (body, url) = (fetched.body, fetched.url.to_string());
        let work = tokio::task::spawn_blocking(move || {
            page::extract(&charset::decode(&body, content_type.as_deref()), &url)
        });
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
