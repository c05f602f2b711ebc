//! A connection over which a server tells: server-sent events, or a WebSocket. Opened with
//! the same judgement and manners as any request.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::{SinkExt, StreamExt};
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, CONNECTION, HeaderMap, HeaderName, HeaderValue, UPGRADE};
use reqwest::{Response, Upgraded};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use url::Url;

use super::events::Parser;
use crate::IngestError;
use crate::client::{Ask, GuardedClient};
use crate::error::FetchError;
use crate::politeness::PoliteClient;

/// Longest message, in bytes.
pub(super) const LONGEST: usize = 1 << 20;

/// What a server tells at once. Without a name where the protocol has none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) name: String,
    pub(super) data: String,
}

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) url: Url,
    way: Way,
}

#[derive(Debug)]
enum Way {
    Events(Box<Response>, Parser),
    Socket(Box<WebSocketStream<Upgraded>>),
}

impl Connection {
    /// Server-sent events (HTML standard, section 9.2).
    pub(super) async fn events(client: &PoliteClient, ask: &Ask<'_>) -> Result<Self, IngestError> {
        let mut headers = ask.headers(ask.url);
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        // Packed, an event may wait in the server for the next one.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let response = client.open(ask.url, &headers, 200).await?;
        Ok(Self { url: ask.url.clone(), way: Way::Events(Box::new(response), Parser::default()) })
    }

    /// A WebSocket (RFC 6455); `url` has `http` for `ws`.
    pub(super) async fn socket(client: &PoliteClient, url: &Url) -> Result<Self, IngestError> {
        let key = generate_key();
        let response = client.open(url, &opening(&key), 101).await?;
        Ok(Self::over(url, response, &key).await?)
    }

    /// The same, to try an address once.
    pub(super) async fn try_socket(
        client: &GuardedClient,
        url: &Url,
        now: DateTime<Utc>,
    ) -> Result<Self, FetchError> {
        let key = generate_key();
        let response = client.open(url, &opening(&key), 101, now).await?;
        Self::over(url, response, &key).await
    }

    async fn over(url: &Url, response: Response, key: &str) -> Result<Self, FetchError> {
        let broken = |cause: String| FetchError::Network { url: url.to_string(), cause };
        let accepted = response.headers().get("sec-websocket-accept").map(HeaderValue::as_bytes);
        if accepted != Some(derive_accept_key(key.as_bytes()).as_bytes()) {
            return Err(broken("it did not accept the WebSocket".to_owned()));
        }
        let upgraded = response.upgrade().await.map_err(|cause| broken(cause.to_string()))?;
        let limits = WebSocketConfig::default().max_message_size(Some(LONGEST)).max_frame_size(Some(LONGEST));
        let socket = WebSocketStream::from_raw_socket(upgraded, Role::Client, Some(limits)).await;
        Ok(Self { url: url.clone(), way: Way::Socket(Box::new(socket)) })
    }

    /// What comes next; `None`: a sign of life that says nothing. `Err`: the connection has
    /// ended, and why. Nothing is lost when it is not waited for to the end.
    pub(super) async fn next(&mut self) -> Result<Option<Message>, String> {
        match &mut self.way {
            Way::Events(response, parser) => {
                if let Some(message) = parser.next()? {
                    return Ok(Some(message));
                }
                let chunk = response.chunk().await.map_err(|cause| cause.to_string())?;
                parser.put(&chunk.ok_or("the server ended it")?);
                parser.next()
            }
            Way::Socket(socket) => match socket.next().await {
                Some(Ok(Frame::Text(text))) => {
                    Ok(Some(Message { data: text.as_str().to_owned(), ..Message::default() }))
                }
                Some(Ok(Frame::Close(frame))) => {
                    Err(frame.map_or_else(|| "the server ended it".to_owned(), |frame| frame.to_string()))
                }
                Some(Ok(Frame::Binary(_) | Frame::Ping(_) | Frame::Pong(_) | Frame::Frame(_))) => Ok(None),
                Some(Err(cause)) => Err(cause.to_string()),
                None => Err("the server ended it".to_owned()),
            },
        }
    }

    /// Asks for a sign of life, where the protocol knows one.
    pub(super) async fn ping(&mut self) -> Result<(), String> {
        match &mut self.way {
            Way::Events(..) => Ok(()),
            Way::Socket(socket) => {
                socket.send(Frame::Ping(Bytes::new())).await.map_err(|cause| cause.to_string())
            }
        }
    }
}

fn opening(key: &str) -> HeaderMap {
    let fixed = [
        (CONNECTION, "Upgrade"),
        (UPGRADE, "websocket"),
        (HeaderName::from_static("sec-websocket-version"), "13"),
    ];
    let fixed = fixed.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value)));
    let key = HeaderValue::from_str(key).ok().map(|key| (HeaderName::from_static("sec-websocket-key"), key));
    fixed.chain(key).collect()
}
