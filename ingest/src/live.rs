//! Sources that tell instead of being asked: a connection that is held open, over which
//! posts arrive as they are written and deletions as they are made. What arrived within a
//! moment is written down and settled together, with the cursor that stood behind it.
//!
//! A Mastodon timeline is asked as well, by its schedule and whenever the connection was
//! opened anew or something could not be written down: what was written meanwhile stands there, but for
//! deletions, which wait ([`Untold`]). Jetstream is asked to repeat what came since the cursor.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tocsin_runtime::Shutdown;
use tocsin_stream::Verdict;
use tokio::time::Instant;

use crate::client::{Ask, GuardedClient};
use crate::config::SourceConfig;
use crate::error::{FetchError, IngestError};
use crate::json::{Item, Post};
use crate::poll::Poller;
use crate::queue::Watched;
use crate::schedule::{delta, doubled};
use crate::{metric, turn};

mod connection;
mod events;
mod jetstream;
mod listener;
mod mastodon;
mod untold;
mod words;

use connection::{Connection, Message};
pub(crate) use jetstream::http_address;
use listener::Listener;
pub(crate) use untold::Untold;
pub(crate) use words::Words;

/// A connection on which nothing came for so long is given up.
const LOST: Duration = Duration::from_secs(90);
/// How long a stream is tried.
const TRIAL: Duration = Duration::from_secs(3);
/// The pause before the connection beside a list is opened again; doubled each time it breaks at
/// once. That of Jetstream is as of any source that fails.
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
    let unusable = |cause| IngestError::of_source(&watched.source.id, cause);
    let kind = Kind::of(&watched.source).map_err(unusable)?;
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
