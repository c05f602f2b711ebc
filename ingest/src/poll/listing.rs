//! One poll of a page that lists articles, and of the pages behind it as far as they
//! show something new.

use reqwest::header::CONTENT_TYPE;
use tocsin_stream::Verdict;
use url::Url;

use super::Poller;
use crate::client::{Ask, Fetched};
use crate::config::{ListingConfig, SourceConfig};
use crate::hints::fresh_for;
use crate::items::{Shown, Unfit};
use crate::listing::Selectors;
use crate::state::SourceState;
use crate::{IngestError, charset, metric, schedule};

/// So many polls in a row may fail for a page behind the first that may come back.
const PATIENCE: i32 = 2;

impl Poller {
    pub(super) async fn ask_listing(
        &self,
        source: &SourceConfig,
        config: &ListingConfig,
        url: Url,
        state: &mut SourceState,
    ) -> Result<usize, IngestError> {
        let first = self.fetch(&self.client, &url, state).await?;
        if first.status == 304 {
            metric::polled("not_modified");
            return self.unchanged(source, &first, state).await;
        }
        let fresh = fresh_for(&first);
        let read = self.read_listing(source, config, &first).await?;
        let shown = self.read_further(source, config, state.failures, read).await?;
        let now = self.clock.now();
        schedule::learn(state, shown.times(), now);
        self.plan(source, state, fresh, now);
        metric::polled("read");
        self.state.take_in((&source.id, &source.url), shown, state, now).await
    }

    /// Adds to what the first page shows that of the pages behind it.
    async fn read_further(
        &self,
        source: &SourceConfig,
        config: &ListingConfig,
        failures: i32,
        (mut shown, mut next): (Shown, Option<Url>),
    ) -> Result<Shown, IngestError> {
        let mut from = 0;
        for _ in 1..config.pages {
            let Some(address) = next.take() else { break };
            // A page that shows only what is known has nothing new behind it.
            let last = shown.sightings.get(from..).unwrap_or_default();
            if !self.state.is_news(&source.id, last).await? {
                break;
            }
            let (more, after) = match self.read_on_listing(source, config, &address).await {
                Ok(page) => page,
                Err(error) if !ends_list(&error, failures) => return Err(error),
                Err(error) => {
                    tracing::warn!(source.id, "the list of {} ends before its next page: {error}", source.id);
                    break;
                }
            };
            (from, next) = (shown.sightings.len(), after);
            shown.sightings.extend(more.sightings);
            shown.unfit.extend(more.unfit);
        }
        Ok(shown)
    }

    /// The same as [`Self::read_listing`], of a page behind the first.
    async fn read_on_listing(
        &self,
        source: &SourceConfig,
        config: &ListingConfig,
        address: &Url,
    ) -> Result<(Shown, Option<Url>), IngestError> {
        let page = self.client.get(&Ask::plain(address)).await?.success(self.clock.now())?;
        self.read_listing(source, config, &page).await
    }

    /// What a page shows, and where the one behind it is.
    async fn read_listing(
        &self,
        source: &SourceConfig,
        config: &ListingConfig,
        fetched: &Fetched,
    ) -> Result<(Shown, Option<Url>), IngestError> {
        let (body, url, config) = (fetched.body.clone(), fetched.url.clone(), config.clone());
        let content_type = fetched.header(CONTENT_TYPE).map(str::to_owned);
        let read = move || {
            let html = charset::decode(&body, content_type.as_deref());
            Selectors::compile(&config)?.read(&html, &url)
        };
        let unreadable = |cause| IngestError::Unreadable { url: fetched.url.to_string(), cause };
        let listed = self.read(read).await.map_err(unreadable)?;
        if listed.misdated > 0 {
            let count = listed.misdated;
            tracing::warn!(source.id, items = count, "{count} dates of {} are not as configured", source.id);
        }
        let place = || fetched.url.to_string();
        let unfit =
            listed.unfit.into_iter().map(|(text, cause)| Unfit::new(&source.id, &text, cause, place()));
        Ok((Shown { unfit: unfit.collect(), ..self.shown(source, listed.entries) }, listed.next))
    }
}

/// Whether what stands before a page that could not be read is taken in without it: it would be
/// lost for ever with a page that never can be.
fn ends_list(error: &IngestError, failures: i32) -> bool {
    let is_hopeless = match error.verdict() {
        Verdict::Park => true,
        Verdict::Retry => failures >= PATIENCE,
        Verdict::Halt => false,
    };
    is_hopeless && !error.is_ours()
}
