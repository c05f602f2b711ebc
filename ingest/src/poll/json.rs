//! One poll of a JSON interface: its list is walked from the newest answer towards what was
//! seen before. What one poll does not reach, the next one goes on with; the cursor (time
//! and id of the newest post) moves when the walk has ended, so that nothing lies in between.

use std::time::Duration;

use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
use tocsin_stream::Verdict;
use url::Url;

use super::Poller;
use crate::client::Ask;
use crate::config::SourceConfig;
use crate::items::{Key, Shown, Unfit};
use crate::json::{Listed, Post, Reader};
use crate::schedule::delta;
use crate::state::SourceState;
use crate::{IngestError, metric, schedule};

/// A list that was not read to its end is asked for again so soon.
const SOON: Duration = Duration::from_secs(60);

/// So many polls in a row may fail before a next answer that may come back is asked for no more.
const PATIENCE: i32 = 1;

/// What one answer shows.
struct Page {
    shown: Shown,
    times: Vec<DateTime<Utc>>,
    /// Time and id.
    newest: Option<(DateTime<Utc>, String)>,
    next: Option<Url>,
}

impl Poller {
    pub(super) async fn ask_json(
        &self,
        source: &SourceConfig,
        url: Url,
        state: &mut SourceState,
    ) -> Result<usize, IngestError> {
        let reader = Reader::of(source).map_err(|cause| IngestError::of_source(&source.id, cause))?;
        let mut page = self.first_page(source, &reader, &url, state).await?;
        let (mut times, mut new) = (state.newest_at.into_iter().collect::<Vec<_>>(), 0);
        let mut before = Vec::new();
        for number in 1.. {
            let keys: Vec<Key> = page.shown.sightings.iter().map(|sighting| sighting.key).collect();
            // A server may not know what leads to the next answer, and give the same again.
            let goes_on = keys != before && self.goes_on(source, &reader, &page, state).await?;
            before = keys;
            advance(state, page.newest);
            let next = page.next.take().filter(|_| goes_on);
            // Of a source that was never read, so much is its archive.
            let next = next.filter(|_| number < reader.pages || state.cursor_at.is_some());
            times.append(&mut page.times);
            let now = self.clock.now();
            self.walk_on(source, state, next, &times, now);
            metric::polled("read");
            new += self.state.take_in((&source.id, &source.url), page.shown, state, now).await?;
            let next = state.walk_next.as_deref().and_then(|next| Url::parse(next).ok());
            let Some(next) = next.filter(|_| number < reader.pages && !self.stop.is_requested()) else {
                break;
            };
            page = match self.page(source, &reader, &next).await {
                Ok(page) => page,
                Err(error) => {
                    tracing::warn!(source.id, "the list of {} is read on later: {error}", source.id);
                    break;
                }
            };
        }
        Ok(new)
    }

    /// Moves the walk to the next answer, or ends it where there is none, and plans the next poll by the times of
    /// the posts so far.
    fn walk_on(
        &self,
        source: &SourceConfig,
        state: &mut SourceState,
        next: Option<Url>,
        times: &[DateTime<Utc>],
        now: DateTime<Utc>,
    ) {
        match next {
            Some(next) => state.walk_next = Some(next.into()),
            None => end_walk(state),
        }
        schedule::learn(state, times.iter().copied(), now);
        self.plan(source, state, Duration::ZERO, now);
        if state.walk_next.is_some() {
            state.next_poll_at = state.next_poll_at.min(Some(now + delta(SOON)));
        }
    }

    /// Where the list is to be read on, or else its beginning. What was next once may be
    /// gone, or never answer again: then the walk begins anew, down to the cursor.
    async fn first_page(
        &self,
        source: &SourceConfig,
        reader: &Reader,
        url: &Url,
        state: &mut SourceState,
    ) -> Result<Page, IngestError> {
        if let Some(next) = state.walk_next.as_deref().and_then(|next| Url::parse(next).ok()) {
            match self.page(source, reader, &next).await {
                Err(error) if is_left(&error, state.failures) => {
                    tracing::warn!(source.id, "the list of {} is read anew: {error}", source.id);
                    state.walk_next = None;
                }
                outcome => return outcome,
            }
        }
        let newest = state.cursor_at.zip(state.cursor_id.as_deref());
        self.page(source, reader, &reader.since(url, newest)).await
    }

    async fn page(&self, source: &SourceConfig, reader: &Reader, url: &Url) -> Result<Page, IngestError> {
        // An answer that was redirected elsewhere leads on from there.
        let is_own = Url::parse(&source.url).is_ok_and(|own| own.origin() == url.origin());
        let secret = source.json.as_ref().and_then(|json| json.authorization.as_ref());
        let secret = secret.filter(|_| is_own).map(|secret| (&reader.header, secret.expose_secret()));
        let fetched = self.client.get(&Ask { secret, ..Ask::plain(url) }).await?;
        let fetched = fetched.success(self.clock.now())?;
        let unreadable = |cause| IngestError::Unreadable { url: url.to_string(), cause };
        let listed = reader.read(&fetched).map_err(unreadable)?;
        Ok(self.page_of(source, listed, url))
    }

    fn page_of(&self, source: &SourceConfig, listed: Listed, at: &Url) -> Page {
        let Listed { mut posts, unusable, deleted, next } = listed;
        if let Some(first) = unusable.first() {
            let (count, cause) = (unusable.len(), &first.cause);
            tracing::warn!(source.id, posts = count, "{count} posts of {} left out: {cause}", source.id);
        }
        posts.sort_by(|a, b| order(a.created_at, &a.id).cmp(&order(b.created_at, &b.id)));
        // A post of tomorrow must not hide those of today.
        let now = self.clock.now();
        let past = |post: &Post| post.created_at.filter(|at| *at <= now);
        let newest = posts.iter().rev().find_map(|post| Some((past(post)?, post.id.clone())));
        let times = posts.iter().filter_map(|post| post.created_at).collect();
        let sightings = posts.into_iter().map(|post| self.sighting(source, post));
        let unfit =
            unusable.into_iter().map(|post| Unfit::new(&source.id, &post.json, post.cause, at.to_string()));
        let shown = Shown {
            sightings: sightings.collect(),
            unfit: unfit.collect(),
            deleted,
            shows_deleted: true,
            ..Shown::default()
        };
        Page { shown, times, newest, next }
    }

    /// Whether something that was not seen may stand in the answer behind this one. Posts
    /// of the cursor's own instant may: they are told apart by their ids.
    async fn goes_on(
        &self,
        source: &SourceConfig,
        reader: &Reader,
        page: &Page,
        state: &SourceState,
    ) -> Result<bool, IngestError> {
        let (Some(newest), Some(oldest)) = (page.times.iter().max(), page.times.iter().min()) else {
            return Ok(!page.shown.unfit.is_empty());
        };
        let Some(floor) =
            state.cursor_at.map(|at| at.checked_sub_signed(reader.overlap).unwrap_or(DateTime::UNIX_EPOCH))
        else {
            return Ok(true);
        };
        Ok(*oldest >= floor
            || (*newest >= floor && self.state.is_news(&source.id, &page.shown.sightings).await?))
    }
}

/// Whether the list is read from its beginning instead of from a next answer that failed.
fn is_left(error: &IngestError, failures: i32) -> bool {
    match error.verdict() {
        Verdict::Park => true,
        Verdict::Retry => failures >= PATIENCE && !error.is_ours(),
        Verdict::Halt => false,
    }
}

/// By time, and ids that are numbers by their value.
fn order<At>(at: At, id: &str) -> (At, usize, &str) {
    let is_number = id.bytes().all(|byte| byte.is_ascii_digit());
    (at, if is_number { id.len() } else { 0 }, id)
}

fn is_newer(this: (DateTime<Utc>, &str), than: (Option<DateTime<Utc>>, Option<&String>)) -> bool {
    let (Some(at), Some(id)) = than else { return true };
    order(this.0, this.1) > order(at, id)
}

/// The newest post of the walk so far.
fn advance(state: &mut SourceState, newest: Option<(DateTime<Utc>, String)>) {
    let Some((at, id)) = newest else { return };
    if is_newer((at, &id), (state.walk_at, state.walk_id.as_ref())) {
        (state.walk_at, state.walk_id) = (Some(at), Some(id));
    }
}

/// Everything down to the cursor was seen.
fn end_walk(state: &mut SourceState) {
    state.walk_next = None;
    let (Some(at), Some(id)) = (state.walk_at.take(), state.walk_id.take()) else { return };
    if is_newer((at, &id), (state.cursor_at, state.cursor_id.as_ref())) {
        (state.cursor_at, state.cursor_id) = (Some(at), Some(id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn the_cursor_moves_at_the_end_of_the_walk_to_the_newest_time_and_id() {
        let mut state =
            SourceState { cursor_at: Some(at(5)), cursor_id: Some("7".into()), ..Default::default() };
        advance(&mut state, Some((at(9), "9".into())));
        advance(&mut state, Some((at(9), "10".into())));
        advance(&mut state, Some((at(8), "99".into())));
        assert_eq!((state.cursor_at, state.cursor_id.as_deref()), (Some(at(5)), Some("7")));
        end_walk(&mut state);
        assert_eq!((state.cursor_at, state.cursor_id.as_deref()), (Some(at(9)), Some("10")));
        advance(&mut state, Some((at(6), "100".into())));
        end_walk(&mut state);
        assert_eq!((state.cursor_at, state.cursor_id.as_deref()), (Some(at(9)), Some("10")), "never back");
    }
}
