//! One poll of a sitemap. Of an index those parts are asked for that changed since they
//! were read, the newest first; one that is gone again and again is retired.

use chrono::{DateTime, TimeDelta, Utc};
use url::Url;

use super::Poller;
use crate::client::{Ask, Fetched};
use crate::config::{SitemapConfig, SourceConfig};
use crate::draft::hash_of;
use crate::entry::of_entry;
use crate::error::FetchError;
use crate::feed::Entry;
use crate::gzip::MAX_UNPACKED;
use crate::hints::fresh_for;
use crate::items::{Shown, Sighting};
use crate::politeness::PoliteClient;
use crate::sitemap::{self, Listed, Sitemap};
use crate::sitemaps::{Part, Reading};
use crate::state::SourceState;
use crate::{IngestError, metric, schedule};

/// Most parts of an index that one poll asks for; the others wait for the next.
const MOST_PARTS: i64 = 25;
/// A part without a date in which nothing is new enough is asked for so often.
const STALE: TimeDelta = TimeDelta::days(1);

/// What a sitemap was read for.
struct Look {
    shown: Shown,
    times: Vec<DateTime<Utc>>,
}

impl Poller {
    pub(super) async fn ask_sitemap(
        &self,
        source: &SourceConfig,
        url: Url,
        state: &mut SourceState,
    ) -> Result<usize, IngestError> {
        let client = self.client.with_body_limit(MAX_UNPACKED as usize);
        let fetched = self.fetch(&client, &url, state).await?;
        let fresh = fresh_for(&fetched);
        let (mut times, mut new) = (Vec::new(), 0);
        if fetched.status == 304 {
            metric::polled("not_modified");
        } else {
            match self.read_sitemap(&fetched).await? {
                Sitemap::Index(parts) => self.state.list_parts(&source.id, &parts).await?,
                Sitemap::Pages(pages) => {
                    self.state.list_parts(&source.id, &[]).await?;
                    let look = self.look(source, pages);
                    times.extend(look.times);
                    new += self.keep(source, look.shown, state).await?;
                }
            }
            metric::polled("read");
        }
        new += self.ask_parts(source, &client, state, &mut times).await?;
        let now = self.clock.now();
        schedule::learn(state, times.into_iter(), now);
        self.plan(source, state, fresh, now);
        self.state.save_source(&source.id, &source.url, state).await?;
        Ok(new)
    }

    async fn ask_parts(
        &self,
        source: &SourceConfig,
        client: &PoliteClient,
        state: &mut SourceState,
        times: &mut Vec<DateTime<Utc>>,
    ) -> Result<usize, IngestError> {
        let mut new = 0;
        for part in self.state.due_parts(&source.id, MOST_PARTS, self.clock.now()).await? {
            if self.stop.is_requested() {
                break;
            }
            match self.ask_part(client, &part).await {
                Ok((fetched, pages)) => {
                    let look = self.look(source, pages);
                    let is_stale =
                        fetched.status != 304 && look.shown.sightings.is_empty() && part.modified.is_none();
                    times.extend(look.times);
                    new += self.keep(source, look.shown, state).await?;
                    let now = self.clock.now();
                    let next_at = is_stale.then(|| now + STALE);
                    self.state.part_read(&source.id, &part, &Reading::of(&fetched, next_at), now).await?;
                }
                Err(error) if error.is_ours() => return Err(error),
                // The parts that follow would hear the same.
                Err(IngestError::Fetch(FetchError::Silence { .. })) => break,
                Err(error) => {
                    tracing::warn!(source.id, "part of the sitemap of {}: {error}", source.id);
                    self.state.part_failed(&source.id, &part, &error, self.clock.now()).await?;
                }
            }
        }
        Ok(new)
    }

    /// No pages: unchanged.
    async fn ask_part(
        &self,
        client: &PoliteClient,
        part: &Part,
    ) -> Result<(Fetched, Vec<Listed>), IngestError> {
        let unreadable = |cause: String| IngestError::Unreadable { url: part.url.clone(), cause };
        let url = Url::parse(&part.url).map_err(|cause| unreadable(cause.to_string()))?;
        let validators = part.validators();
        let fetched = client.get(&Ask { validators: validators.as_ref(), ..Ask::plain(&url) }).await?;
        if fetched.status == 304 {
            return Ok((fetched, Vec::new()));
        }
        let fetched = fetched.success(self.clock.now())?;
        match self.read_sitemap(&fetched).await? {
            Sitemap::Pages(pages) => Ok((fetched, pages)),
            Sitemap::Index(_) => Err(unreadable("an index within an index".to_owned())),
        }
    }

    async fn read_sitemap(&self, fetched: &Fetched) -> Result<Sitemap, IngestError> {
        let (body, url) = (fetched.body.clone(), fetched.url.clone());
        let unreadable = |cause| IngestError::Unreadable { url: fetched.url.to_string(), cause };
        self.read(move || sitemap::read(&body, url.as_str())).await.map_err(unreadable)
    }

    /// Writes down what a sitemap showed, with the state so far; the next poll is set by
    /// the end of this one.
    async fn keep(
        &self,
        source: &SourceConfig,
        shown: Shown,
        state: &mut SourceState,
    ) -> Result<usize, IngestError> {
        if shown.sightings.is_empty() {
            return Ok(0);
        }
        self.state.take_in((&source.id, &source.url), shown, state, self.clock.now()).await
    }

    /// The pages that are part of the source, the oldest first.
    fn look(&self, source: &SourceConfig, mut pages: Vec<Listed>) -> Look {
        let (config, now) = (source.sitemap.clone().unwrap_or_default(), self.clock.now());
        pages.retain(|page| is_taken(page, &config, now));
        pages.sort_by_key(date_of);
        let times = pages.iter().filter_map(date_of).collect();
        let finisher = self.publisher.finisher();
        let sightings = pages.into_iter().map(|page| {
            let changed = page.modified.map(|at| at.to_rfc3339()).unwrap_or_default();
            let hash = hash_of(&[page.title.as_deref().unwrap_or_default(), &changed]);
            let mut draft = finisher.clean(of_entry(source, entry_of(page)));
            // A sitemap says that a page changed by its date and not by its words.
            draft.entry_hash = hash;
            let native_id = draft.url.clone().unwrap_or_default();
            Sighting::new(&native_id, draft)
        });
        Look { shown: Shown { sightings: sightings.collect(), ..Shown::default() }, times }
    }
}

/// When a page was published, or else changed.
fn date_of(page: &Listed) -> Option<DateTime<Utc>> {
    page.published.or(page.modified)
}

fn is_taken(page: &Listed, config: &SitemapConfig, now: DateTime<Utc>) -> bool {
    let is_within = config.only.is_empty() || config.only.iter().any(|start| page.url.starts_with(start));
    let is_new = date_of(page).map_or(config.undated, |at| now - at <= schedule::delta(config.max_age));
    is_within && is_new
}

/// The date of a change is not that of publication.
fn entry_of(page: Listed) -> Entry {
    Entry {
        native_id: page.url.clone(),
        url: Some(page.url),
        title: page.title.unwrap_or_default(),
        text: String::new(),
        author: None,
        published: page.published,
        updated: page.modified,
    }
}
