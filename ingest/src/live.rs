//! Sources that tell instead of being asked: a connection that is held open, over which
//! posts arrive as they are written and deletions as they are made. What arrived within a
//! moment is written down and settled together, with the cursor that stood behind it.
//!
//! A Mastodon timeline is asked as well, by its schedule and whenever the connection was
//! opened anew or something could not be written down: what was written meanwhile stands there, but for
//! deletions, which wait ([`Untold`]). Jetstream is asked to repeat what came since the cursor.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tocsin_runtime::Shutdown;
use tocsin_stream::Verdict;
use tokio::time::Instant;
use url::Url;

use crate::client::{Ask, GuardedClient};
use crate::config::SourceConfig;
use crate::error::{FetchError, IngestError};
use crate::items::Shown;
use crate::json::{Item, Post};
use crate::poll::Poller;
use crate::queue::Watched;
use crate::schedule::{delta, doubled};
use crate::{metric, schedule, turn};

mod connection;
mod events;
mod jetstream;
mod mastodon;
mod untold;
mod words;

use connection::{Connection, Message};
pub(crate) use jetstream::http_address;
pub(crate) use untold::Untold;
pub(crate) use words::Words;

/// So long what arrives is gathered, then written down.
const MOMENT: Duration = Duration::from_secs(1);
/// So much is written down at once.
const MOST: usize = 256;
/// A connection on which nothing came for so long is asked for a sign ...
const QUIET: Duration = Duration::from_secs(45);
/// ... and given up after so long.
const LOST: Duration = Duration::from_secs(90);
/// A cursor behind which nothing was wanted is written down so often.
const CURSOR: Duration = Duration::from_secs(10);
/// How often it is told how the source does.
const TOLD: TimeDelta = TimeDelta::minutes(1);
/// How long a stream is tried.
const TRIAL: Duration = Duration::from_secs(3);
/// The pause before a connection is opened again; doubled each time it breaks at once.
const PAUSE: Duration = Duration::from_secs(5);

/// How a source is listened to.
enum Kind {
    Jetstream(jetstream::Reader),
    Mastodon(Box<mastodon::Reader>),
}

/// What one message says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Heard {
    item: Option<Item>,
    /// The place behind it: its time, and what the server calls it.
    cursor: Option<(DateTime<Utc>, String)>,
}

/// Listens until shutdown is requested, `leave` is, or the connection ends; then the state
/// says when it is opened again. Fails only where nothing will work until a person acts.
pub(crate) async fn listen(
    poller: &Poller,
    cap: Duration,
    mut watched: Watched,
    leave: &Shutdown,
) -> Result<Watched, IngestError> {
    // Asks first where there is a list to ask, and settles what a crash left.
    turn::take(poller, cap, &mut watched).await?;
    let kind = Kind::of(&watched.source).map_err(IngestError::Configuration)?;
    if watched.state.failures > 0 && kind.is_polled() {
        return Ok(watched);
    }
    let started = poller.clock.now();
    watched.state.watched_since = watched.state.watched_since.or(Some(started));
    let outcome = match kind.open(poller, &watched).await {
        Ok(mut connection) => {
            metric::connected("opened");
            let url = connection.url.clone();
            let mut listener =
                Listener { poller, cap, kind: &kind, leave, url, written: Instant::now(), told: started };
            listener.run(&mut connection, &mut watched).await
        }
        Err(error) => Err(error),
    };
    let Err(error) = outcome else { return Ok(watched) };
    metric::connected("lost");
    if kind.is_polled() && error.verdict() != Verdict::Halt {
        let (id, now) = (&watched.source.id, poller.clock.now());
        let held = (now - started).to_std().unwrap_or_default();
        watched.broken = if held > LOST { 1 } else { watched.broken.saturating_add(1) };
        let again = now + delta(doubled(PAUSE, watched.broken - 1, cap));
        watched.state.next_poll_at = watched.state.next_poll_at.map(|at| at.min(again));
        tracing::warn!(source.id = id, "the connection of {id} is lost: {error}");
        return Ok(watched);
    }
    turn::end(poller, cap, &mut watched, Duration::ZERO, Some(error)).await?;
    Ok(watched)
}

/// What is said on a stream of Jetstream within a moment, to try its address.
pub(crate) async fn sample(
    client: &GuardedClient,
    source: &SourceConfig,
    now: DateTime<Utc>,
) -> Result<Vec<Post>, FetchError> {
    let broken = |cause: String| FetchError::Network { url: source.url.clone(), cause };
    let reader = jetstream::Reader::of(source).map_err(broken)?;
    let mut connection = Connection::try_socket(client, &reader.address(None), now).await?;
    let (mut posts, end) = (Vec::new(), Instant::now() + TRIAL);
    while let Ok(message) = tokio::time::timeout_at(end, connection.next()).await {
        let heard = message.map_err(broken)?.map(|message| reader.read(&message.data)).unwrap_or_default();
        if let Some(Item::Post(post)) = heard.item {
            posts.push(post);
        }
    }
    Ok(posts)
}

impl Kind {
    /// `Err` names the setting and what is wrong with it.
    fn of(source: &SourceConfig) -> Result<Self, String> {
        Ok(match &source.stream {
            Some(_) => Self::Mastodon(Box::new(mastodon::Reader::of(source)?)),
            None => Self::Jetstream(jetstream::Reader::of(source)?),
        })
    }

    /// The source has a list that is asked as well.
    const fn is_polled(&self) -> bool {
        matches!(self, Self::Mastodon(_))
    }

    async fn open(&self, poller: &Poller, watched: &Watched) -> Result<Connection, IngestError> {
        match self {
            Self::Jetstream(reader) => {
                let cursor = watched.state.cursor_id.as_deref();
                Connection::socket(&poller.client, &reader.address(cursor)).await
            }
            Self::Mastodon(reader) => {
                let ask = Ask { secret: reader.secret(&watched.source), ..Ask::plain(&reader.url) };
                Connection::events(&poller.client, &ask).await
            }
        }
    }

    fn hear(&self, message: &Message) -> Heard {
        match self {
            Self::Jetstream(reader) => reader.read(&message.data),
            Self::Mastodon(reader) => reader.read(message),
        }
    }
}

/// What is done with what an open connection brings.
struct Listener<'a> {
    poller: &'a Poller,
    cap: Duration,
    kind: &'a Kind,
    leave: &'a Shutdown,
    url: Url,
    /// When something was last written down.
    written: Instant,
    /// When it was last told how the source does.
    told: DateTime<Utc>,
}

/// What arrived and is not written down.
#[derive(Default)]
struct Gathered {
    shown: Shown,
    cursor: Option<(DateTime<Utc>, String)>,
}

impl Listener<'_> {
    /// Ends well only where it was asked to.
    async fn run(&mut self, connection: &mut Connection, watched: &mut Watched) -> Result<(), IngestError> {
        let (mut gathered, mut heard_at, mut write_at) =
            (Gathered::default(), Instant::now(), Instant::now() + MOMENT);
        loop {
            tokio::select! {
                message = connection.next() => match message {
                    Ok(message) => {
                        heard_at = Instant::now();
                        message.iter().for_each(|message| self.gather(&watched.source, message, &mut gathered));
                    }
                    Err(cause) => {
                        self.write(watched, gathered).await?;
                        return Err(self.lost(cause));
                    }
                },
                () = tokio::time::sleep_until(write_at) => {}
                () = self.poller.stop.requested() => return self.write(watched, gathered).await,
                () = self.leave.requested() => return Ok(()),
            }
            if Instant::now() >= write_at || gathered.shown.len() >= MOST {
                if let Err(error) = self.write(watched, std::mem::take(&mut gathered)).await {
                    self.bear(watched, error)?;
                }
                self.keep(watched).await?;
                write_at = Instant::now() + MOMENT;
                match heard_at.elapsed() {
                    quiet if quiet > LOST => return Err(self.lost(format!("nothing came for {quiet:?}"))),
                    quiet if quiet > QUIET => connection.ping().await.map_err(|cause| self.lost(cause))?,
                    _ => {}
                }
            }
        }
    }

    fn lost(&self, cause: String) -> IngestError {
        FetchError::Network { url: self.url.to_string(), cause }.into()
    }

    fn gather(&self, source: &SourceConfig, message: &Message, to: &mut Gathered) {
        let Heard { item, cursor } = self.kind.hear(message);
        to.cursor = cursor.or(to.cursor.take());
        metric::heard(match &item {
            None => "passed",
            Some(Item::Post(_)) => "post",
            Some(Item::Deleted(_)) => "deletion",
            Some(Item::Left(_)) => "departure",
            Some(Item::Unusable(_)) => "unreadable",
        });
        if let Some(item) = item {
            self.poller.show(source, item, || self.url.to_string(), &mut to.shown);
        }
    }

    /// Writes down what was gathered and settles it.
    async fn write(&mut self, watched: &mut Watched, gathered: Gathered) -> Result<(), IngestError> {
        let Gathered { mut shown, cursor } = gathered;
        let deleted = if self.kind.is_polled() { shown.deleted.clone() } else { Vec::new() };
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
        schedule::learn(&mut state, shown.times().chain(newest), now);
        if !self.kind.is_polled() {
            schedule::succeeded(&mut state, Duration::ZERO, now);
        }
        let source = (watched.source.id.as_str(), watched.source.url.as_str());
        let taken_in = self.poller.state.take_in(source, shown, &mut state, now).await;
        let new = taken_in.inspect_err(|_| self.poller.untold.keep(source.0, deleted))?;
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
        tracing::warn!(source.id = id, "what {id} told is not written down: {error}");
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
