//! One poll of a page that lists articles, and of the pages behind it as far as they
//! show something new.

use reqwest::header::CONTENT_TYPE;
use url::Url;

use super::Poller;
use crate::client::{Ask, Fetched};
use crate::config::{ListingConfig, SourceConfig};
use crate::hints::fresh_for;
use crate::items::{Shown, Unfit};
use crate::listing::{Listed, Selectors};
use crate::state::SourceState;
use crate::{IngestError, charset, metric, schedule};

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
        let mut listed = self.read_listing(source, config, &first).await?;
        let mut next = listed.next.take();
        let mut shown = self.listed(source, listed, &first.url);
        for _ in 1..config.pages {
            // A page that shows only what is known has nothing new behind it.
            let Some(address) = next.take() else { break };
            if !self.state.is_news(&source.id, &shown.sightings).await? {
                break;
            }
            let page = self.client.get(&Ask::plain(&address)).await?.success(self.clock.now())?;
            let mut listed = self.read_listing(source, config, &page).await?;
            next = listed.next.take();
            let more = self.listed(source, listed, &page.url);
            let is_news = self.state.is_news(&source.id, &more.sightings).await?;
            shown.sightings.extend(more.sightings);
            shown.unfit.extend(more.unfit);
            if !is_news {
                break;
            }
        }
        let now = self.clock.now();
        schedule::learn(state, shown.times(), now);
        self.plan(source, state, fresh, now);
        metric::polled("read");
        self.state.take_in((&source.id, &source.url), shown, state, now).await
    }

    async fn read_listing(
        &self,
        source: &SourceConfig,
        config: &ListingConfig,
        fetched: &Fetched,
    ) -> Result<Listed, IngestError> {
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
        Ok(listed)
    }

    fn listed(&self, source: &SourceConfig, listed: Listed, at: &Url) -> Shown {
        let unfit = |(text, cause): (String, _)| Unfit::new(&source.id, &text, cause, at.to_string());
        let unfit = listed.unfit.into_iter().map(unfit);
        Shown { unfit: unfit.collect(), ..self.shown(source, listed.entries) }
    }
}
