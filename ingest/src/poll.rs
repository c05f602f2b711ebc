//! One poll of one source: ask, and write down what it shows.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use reqwest::header::{CONTENT_TYPE, ETAG, LAST_MODIFIED};
use tocsin_runtime::{Clock, Shutdown};
use url::Url;

use crate::client::{Ask, Fetched};
use crate::config::{Schedule, SourceConfig, SourceFormat};
use crate::entry::{changed, of_entries, of_post};
use crate::feed::{self, Entry};
use crate::hints::{deleted_entries, fresh_for, told_by};
use crate::items::{Shown, Sighting, Unfit};
use crate::json::{Item, Post};
use crate::live::Untold;
use crate::politeness::PoliteClient;
use crate::publish::Publisher;
use crate::state::{SourceState, State};
use crate::websub::Subscriptions;
use crate::{IngestError, metric, moves, schedule};

mod files;
mod json;
mod listing;
mod sitemap;

/// What polls share; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Poller {
    pub(crate) client: PoliteClient,
    pub(crate) state: State,
    pub(crate) publisher: Publisher,
    pub(crate) schedule: Schedule,
    /// How long the extraction of one page may take.
    pub(crate) extract: Duration,
    pub(crate) clock: Arc<dyn Clock>,
    /// Requested: what is in hand is finished, nothing more is begun.
    pub(crate) stop: Shutdown,
    pub(crate) subscriptions: Subscriptions,
    pub(crate) untold: Untold,
}

impl Poller {
    /// Asks the source. On success `state`, with the next poll set, and all that the
    /// source showed are written down together; on failure `state` stays as it was, but
    /// for files, of which those that can be read are taken in all the same.
    /// Returns how many items were new or changed.
    pub(crate) async fn ask(
        &self,
        source: &SourceConfig,
        state: &mut SourceState,
    ) -> Result<usize, IngestError> {
        let mut next = state.clone();
        let url = || url_of(source, &source.url);
        let missing = || IngestError::of_source(&source.id, "a table is missing");
        let fresh = match source.format {
            SourceFormat::Feed => self.ask_feed(source, url()?, &mut next).await?,
            SourceFormat::Json
            | SourceFormat::HackerNews
            | SourceFormat::Reddit
            | SourceFormat::Mastodon
            | SourceFormat::MastodonSearch => self.ask_json(source, url()?, &mut next).await?,
            SourceFormat::Listing => {
                let listing = source.listing.as_ref().ok_or_else(missing)?;
                self.ask_listing(source, listing, url()?, &mut next).await?
            }
            SourceFormat::Sitemap => self.ask_sitemap(source, url()?, &mut next).await?,
            SourceFormat::Jetstream => 0,
            SourceFormat::Csv | SourceFormat::Ndjson => return self.ask_files(source, state).await,
        };
        *state = next;
        Ok(fresh)
    }

    /// Asks for what the source lists, if it changed since; `state` then has the
    /// validators of the answer. Status 304 or 2xx.
    async fn fetch(
        &self,
        client: &PoliteClient,
        url: &Url,
        state: &mut SourceState,
    ) -> Result<Fetched, IngestError> {
        let address = moves::address(state, url, self.clock.now());
        let validators = state.validators();
        let ask = Ask { validators: validators.as_ref(), ..Ask::plain(&address) };
        let fetched = match client.get(&ask).await? {
            fetched if fetched.status == 304 => fetched,
            fetched => fetched.success(self.clock.now())?,
        };
        moves::answered(state, &address, &fetched.url, fetched.moved, self.clock.now());
        keep_validators(state, &fetched);
        Ok(fetched)
    }

    async fn ask_feed(
        &self,
        source: &SourceConfig,
        url: Url,
        state: &mut SourceState,
    ) -> Result<usize, IngestError> {
        let fetched = self.fetch(&self.client, &url, state).await?;
        let now = self.clock.now();
        if fetched.status == 304 {
            metric::polled("not_modified");
            return self.unchanged(source, &fetched, state).await;
        }
        let content_type = fetched.header(CONTENT_TYPE);
        let shown = self.read_feed(source, &fetched.body, content_type, &fetched.url).await?;
        schedule::learn(state, shown.times(), now);
        state.told_s = told_by(&fetched.body).map(|told| told.as_secs_f64());
        self.plan(source, state, fresh_for(&fetched), now);
        self.subscriptions.heard(&source.id, &fetched, now).await?;
        self.subscriptions.slow_down(&source.id, state, now).await?;
        metric::polled("read");
        self.state.take_in((&source.id, &source.url), shown, state, now).await
    }

    /// Takes in what the hub of a feed delivered, as if the feed had been asked.
    pub(crate) async fn take_delivery(
        &self,
        source: &SourceConfig,
        body: Bytes,
        content_type: Option<&str>,
        topic: &str,
    ) -> Result<usize, IngestError> {
        let url = url_of(source, topic)?;
        let shown = self.read_feed(source, &body, content_type, &url).await?;
        self.state.take_in_delivery(&source.id, shown, self.clock.now()).await
    }

    async fn unchanged(
        &self,
        source: &SourceConfig,
        fetched: &Fetched,
        state: &mut SourceState,
    ) -> Result<usize, IngestError> {
        let now = self.clock.now();
        // An answer without a body repeats nothing of what the feed says itself.
        let told = state.told_s.and_then(|told| Duration::try_from_secs_f64(told).ok());
        self.plan(source, state, fresh_for(fetched).max(told.unwrap_or_default()), now);
        self.subscriptions.slow_down(&source.id, state, now).await?;
        self.state.save_source(&source.id, &source.url, state).await?;
        Ok(0)
    }

    fn plan(&self, source: &SourceConfig, state: &mut SourceState, fresh: Duration, now: DateTime<Utc>) {
        let interval = schedule::interval(source, state, fresh, &self.schedule, now);
        schedule::succeeded(state, interval, now);
    }

    /// What a feed shows.
    async fn read_feed(
        &self,
        source: &SourceConfig,
        body: &Bytes,
        content_type: Option<&str>,
        url: &Url,
    ) -> Result<Shown, IngestError> {
        let deleted = deleted_entries(body);
        let (body, at, content_type) = (body.clone(), url.clone(), content_type.map(str::to_owned));
        let read = self.read(move || feed::entries(&body, content_type.as_deref(), at.as_str())).await;
        let unreadable = |cause| IngestError::Unreadable { url: url.to_string(), cause };
        let entries = read.map_err(unreadable)?;
        Ok(Shown { deleted, is_list: true, ..self.shown(source, entries) })
    }

    /// What a list shows, the oldest first: of those with one date the lowest in the list.
    fn shown(&self, source: &SourceConfig, mut entries: Vec<Entry>) -> Shown {
        entries.reverse();
        entries.sort_by_key(|entry| entry.published);
        let (finisher, changed) = (self.publisher.finisher(), changed(&entries));
        let sightings = of_entries(source, entries).into_iter().zip(changed);
        let sightings = sightings.map(|((native_id, rough), changed)| Sighting {
            // Where pages are not read there is nothing to read again.
            updated: changed.filter(|_| source.fetch_pages),
            ..Sighting::new(&native_id, finisher.clean(rough))
        });
        Shown { sightings: sightings.collect(), ..Shown::default() }
    }

    fn sighting(&self, source: &SourceConfig, post: Post) -> Sighting {
        let native_id = post.id.clone();
        Sighting::new(&native_id, self.publisher.finisher().clean(of_post(source, post)))
    }

    /// Adds what one item says, which stands at `place`.
    pub(crate) fn show(
        &self,
        source: &SourceConfig,
        item: Item,
        place: impl FnOnce() -> String,
        to: &mut Shown,
    ) {
        match item {
            Item::Post(post) => to.sightings.push(self.sighting(source, post)),
            Item::Deleted(id) => to.deleted.push(id),
            Item::Left(author) => to.left.extend(self.publisher.finisher().hash(source.kind, &author)),
            Item::Unusable(bad) => to.unfit.push(Unfit::new(&source.id, &bad.json, bad.cause, place())),
        }
    }

    /// Off the async threads, with a cap on its time.
    async fn read<T: Send + 'static>(
        &self,
        how: impl FnOnce() -> Result<T, String> + Send + 'static,
    ) -> Result<T, String> {
        match tokio::time::timeout(self.extract, tokio::task::spawn_blocking(how)).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) | Err(_) => Err(format!("not read within {:?}", self.extract)),
        }
    }
}

fn url_of(source: &SourceConfig, text: &str) -> Result<Url, IngestError> {
    Url::parse(text).map_err(|cause| IngestError::of_source(&source.id, format_args!("url {text}: {cause}")))
}

/// Both, verbatim, also when only one of them came, and however little else changed.
fn keep_validators(state: &mut SourceState, fetched: &Fetched) {
    let (etag, last_modified) = (fetched.verbatim(ETAG), fetched.verbatim(LAST_MODIFIED));
    if fetched.status != 304 || etag.is_some() {
        state.etag = etag;
    }
    if fetched.status != 304 || last_modified.is_some() {
        state.last_modified = last_modified;
    }
    state.validated_url = state.has_validators().then(|| fetched.url.to_string());
}
