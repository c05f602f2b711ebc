//! What is done with what an open connection brings: gathered for a moment, written down
//! together, and settled. Deletions that only the connection tells wait in [`super::Untold`]
//! from the moment they are heard, whatever becomes of whoever heard them.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tocsin_runtime::Shutdown;
use tocsin_stream::Verdict;
use tokio::time::Instant;
use url::Url;

use super::connection::{Connection, Message};
use super::{Heard, Kind, LOST, PAUSE};
use crate::config::SourceConfig;
use crate::error::{FetchError, IngestError};
use crate::items::Shown;
use crate::json::Item;
use crate::poll::Poller;
use crate::queue::Watched;
use crate::schedule::delta;
use crate::{metric, schedule, turn};

/// So long what arrives is gathered, then written down.
const MOMENT: Duration = Duration::from_secs(1);
/// So much is written down at once.
const MOST: usize = 256;
/// A connection on which nothing came for so long is asked for a sign; [`LOST`] ends it.
const QUIET: Duration = Duration::from_secs(45);
/// A cursor behind which nothing was wanted is written down so often.
const CURSOR: Duration = Duration::from_secs(10);
/// How often it is told how the source does.
const TOLD: TimeDelta = TimeDelta::minutes(1);

pub(super) struct Listener<'a> {
    pub(super) poller: &'a Poller,
    pub(super) cap: Duration,
    pub(super) kind: &'a Kind,
    pub(super) leave: &'a Shutdown,
    pub(super) url: Url,
    /// When something was last written down.
    pub(super) written: Instant,
    /// When it was last told how the source does.
    pub(super) told: DateTime<Utc>,
}

/// What arrived and is not written down.
#[derive(Default)]
struct Gathered {
    shown: Shown,
    /// When posts arrived. What their authors' programs say of that is anything.
    arrived: Vec<DateTime<Utc>>,
    cursor: Option<(DateTime<Utc>, String)>,
}

/// Since when nothing was heard, but for the time in which nobody listened.
#[derive(Debug, Clone, Copy)]
struct Silence(Instant);

impl Silence {
    fn leave_out(&mut self, from: Instant, to: Instant) {
        self.0 += to - from;
    }

    fn at(self, now: Instant) -> Duration {
        now - self.0
    }
}

impl Listener<'_> {
    /// Ends well only where it was asked to.
    pub(super) async fn run(
        &mut self,
        connection: &mut Connection,
        watched: &mut Watched,
    ) -> Result<(), IngestError> {
        let (mut gathered, mut silence, mut write_at) =
            (Gathered::default(), Silence(Instant::now()), Instant::now() + MOMENT);
        loop {
            tokio::select! {
                message = connection.next() => match message {
                    Ok(message) => {
                        silence = Silence(Instant::now());
                        message.iter().for_each(|message| self.gather(&watched.source, message, &mut gathered));
                    }
                    Err(cause) => {
                        self.write(watched, gathered).await?;
                        return Err(self.lost(cause));
                    }
                },
                () = tokio::time::sleep_until(write_at) => {}
                () = self.poller.stop.requested() => return self.write(watched, gathered).await,
                () = self.leave.requested() => {
                    self.poller.untold.keep();
                    return Ok(());
                }
            }
            let now = Instant::now();
            if now >= write_at || gathered.shown.len() >= MOST {
                if let Err(error) = self.write(watched, std::mem::take(&mut gathered)).await {
                    self.bear(watched, error)?;
                }
                self.keep(watched).await?;
                silence.leave_out(now, Instant::now());
                write_at = Instant::now() + MOMENT;
                self.rouse(connection, silence.at(Instant::now())).await?;
            }
        }
    }

    /// Asks a connection that is quiet for a sign of life. An error: it was for too long.
    async fn rouse(&self, connection: &mut Connection, quiet: Duration) -> Result<(), IngestError> {
        if quiet > LOST {
            return Err(self.lost(format!("nothing came for {quiet:?}")));
        }
        if quiet > QUIET {
            connection.ping().await.map_err(|cause| self.lost(cause))?;
        }
        Ok(())
    }

    fn lost(&self, cause: String) -> IngestError {
        FetchError::Network { url: self.url.to_string(), cause }.into()
    }

    fn gather(&self, source: &SourceConfig, message: &Message, to: &mut Gathered) {
        let Heard { item, cursor } = self.kind.hear(message);
        let at = cursor.as_ref().map_or_else(|| self.poller.clock.now(), |(at, _)| *at);
        to.cursor = cursor.or(to.cursor.take());
        metric::heard(match &item {
            None => "passed",
            Some(Item::Post(_)) => "post",
            Some(Item::Deleted(_)) => "deletion",
            Some(Item::Left(_)) => "departure",
            Some(Item::Unusable(_)) => "unreadable",
        });
        match &item {
            Some(Item::Post(_)) => to.arrived.push(at),
            Some(Item::Deleted(id)) if self.kind.is_polled() => self.poller.untold.hear(&source.id, id),
            Some(Item::Deleted(_) | Item::Left(_) | Item::Unusable(_)) | None => {}
        }
        if let Some(item) = item {
            self.poller.show(source, item, || self.url.to_string(), &mut to.shown);
        }
    }

    /// Writes down what was gathered and settles it. Cut off in this, what it tells is told again
    /// by Jetstream or the list, and the deletions wait.
    async fn write(&mut self, watched: &mut Watched, gathered: Gathered) -> Result<(), IngestError> {
        let Gathered { mut shown, arrived, cursor } = gathered;
        self.poller.untold.keep();
        let waited = self.poller.untold.of(&watched.source.id);
        shown.deleted.extend_from_slice(&waited);
        // The cursor is behind what was gathered only once that is written down.
        let (now, mut state) = (self.poller.clock.now(), watched.state.clone());
        let is_known = |at: &DateTime<Utc>| state.cursor_at.is_none_or(|known| *at >= known);
        if let Some((at, id)) = cursor.filter(|(at, _)| is_known(at)) {
            (state.cursor_at, state.cursor_id) = (Some(at), Some(id));
        }
        if shown.len() == 0 && self.written.elapsed() < CURSOR {
            watched.state = state;
            return Ok(());
        }
        self.written = Instant::now();
        let newest = state.newest_at;
        schedule::learn(&mut state, arrived.into_iter().chain(newest), now);
        if !self.kind.is_polled() {
            schedule::succeeded(&mut state, Duration::ZERO, now);
        }
        let source = (watched.source.id.as_str(), watched.source.url.as_str());
        let new = self.poller.state.take_in(source, shown, &mut state, now).await?;
        self.poller.untold.written(source.0, &waited);
        watched.state = state;
        if new > 0 { turn::settle(self.poller, watched).await } else { Ok(()) }
    }

    /// The connection stays open while nothing can be written down, where only it tells of deletions; what
    /// else it told is in the list.
    fn bear(&self, watched: &mut Watched, error: IngestError) -> Result<(), IngestError> {
        if !self.kind.is_polled() || error.verdict() == Verdict::Halt {
            return Err(error);
        }
        let id = &watched.source.id;
        let waiting = self.poller.untold.of(id).len();
        tracing::warn!(
            source.id = id,
            waiting,
            "what {id} told is not written down, {waiting} deletions wait: {error}"
        );
        let soon = self.poller.clock.now() + delta(PAUSE);
        watched.state.next_poll_at = watched.state.next_poll_at.map(|at| at.min(soon));
        Ok(())
    }

    /// Asks the list when it is time, and tells how the source does.
    async fn keep(&mut self, watched: &mut Watched) -> Result<(), IngestError> {
        let now = self.poller.clock.now();
        if self.kind.is_polled() {
            if watched.due() <= now {
                turn::take(self.poller, self.cap, watched).await?;
            }
            return Ok(());
        }
        if now - self.told >= TOLD {
            self.told = now;
            turn::end(self.poller, self.cap, watched, Duration::ZERO, None).await?;
        }
        if watched.waiting.is_some_and(|at| at <= now) {
            turn::settle(self.poller, watched).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn while_nobody_listens_nothing_is_silent() {
        let began = Instant::now();
        let after = |seconds| began + Duration::from_secs(seconds);
        let mut silence = Silence(began);
        silence.leave_out(after(10), after(130));
        assert_eq!(silence.at(after(131)), Duration::from_secs(11));
    }
}
