//! One call of a webhook: the address is judged after DNS and pinned, redirects are
//! not followed, time and what is read of the answer are capped.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, redirect};
use tocsin_runtime::guard::{Forbidden, Guard, literal, port_of};
use url::Url;

use super::endpoint::Endpoint;
use super::schedule::retry_after;

const CONNECT: Duration = Duration::from_secs(5);
/// Bytes of an answer that are kept for the log, and how long they are waited for.
const KEPT: usize = 512;
const BODY: Duration = Duration::from_secs(2);

/// How an attempt went.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answer {
    pub(crate) status: Option<u16>,
    pub(crate) latency: Duration,
    /// The beginning of the body.
    pub(crate) response: String,
    pub(crate) error: Option<String>,
    pub(crate) asked: Option<TimeDelta>,
}

impl Answer {
    pub(crate) fn is_success(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.status == Some(StatusCode::GONE.as_u16())
    }
}

/// A signed message, ready to be sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) endpoint: &'a Endpoint,
    pub(crate) id: &'a str,
    pub(crate) body: &'a str,
}

/// Calls once; a failure is an answer too.
pub(crate) async fn send(call: Call<'_>, guard: &Guard, timeout: Duration, now: DateTime<Utc>) -> Answer {
    let started = Instant::now();
    let answer = match tokio::time::timeout(timeout, attempt(call, guard, now)).await {
        Ok(Ok(response)) => read(response, now).await,
        Ok(Err(error)) => Answer { error: Some(error), ..Answer::default() },
        Err(_) => {
            let error = format!("no answer within {}s", timeout.as_secs_f64());
            Answer { error: Some(error), ..Answer::default() }
        }
    };
    Answer { latency: started.elapsed(), ..answer }
}

async fn attempt(call: Call<'_>, guard: &Guard, now: DateTime<Utc>) -> Result<Response, String> {
    let Call { endpoint, id, body } = call;
    let client = client(&endpoint.url, &addresses(&endpoint.url, guard).await?)?;
    let timestamp = now.timestamp();
    client
        .post(endpoint.url.clone())
        .header(CONTENT_TYPE, "application/json")
        .header("webhook-id", id)
        .header("webhook-timestamp", timestamp.to_string())
        .header("webhook-signature", endpoint.secret.sign(id, timestamp, body)?)
        .body(body.to_owned())
        .send()
        .await
        .map_err(|error| in_full(&error.without_url()))
}

/// What the head says holds, however the body goes on.
async fn read(mut response: Response, now: DateTime<Utc>) -> Answer {
    let status = response.status();
    let asked = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let asked = asked.and_then(|value| retry_after(value, now));
    let (mut kept, until) = (Vec::new(), tokio::time::Instant::now() + BODY);
    while kept.len() < KEPT {
        match tokio::time::timeout_at(until, response.chunk()).await {
            Ok(Ok(Some(chunk))) => kept.extend(chunk.iter().take(KEPT - kept.len())),
            Ok(Ok(None) | Err(_)) | Err(_) => break,
        }
    }
    let error = status.is_redirection().then(|| "answered a redirect, which is not followed".to_owned());
    let response = String::from_utf8_lossy(&kept).replace('\0', "");
    Answer { status: Some(status.as_u16()), response, error, asked, ..Answer::default() }
}

/// The addresses of the host that may be connected to; an error where there is none.
pub(super) async fn addresses(url: &Url, guard: &Guard) -> Result<Vec<SocketAddr>, String> {
    guard.judge_url(url).map_err(|error| refusal(&error))?;
    let (host, port) = (url.host_str().unwrap_or_default(), port_of(url));
    if let Some(address) = literal(url) {
        return Ok(vec![(address, port).into()]);
    }
    let found = tokio::net::lookup_host((host, port))
        .await
        .map_err(|error| format!("host {host} is not found: {error}"))?;
    let (mut allowed, mut refused) = (Vec::new(), None);
    for address in found {
        match guard.judge(host, address.ip(), port) {
            Ok(()) => allowed.push(address),
            Err(error) => refused = Some(refusal(&error)),
        }
    }
    // A name with one private address among public ones is a trick.
    refused.map_or(Ok(allowed), Err)
}

/// Says also what would let it through.
fn refusal(error: &Forbidden) -> String {
    match error {
        Forbidden::NotPublic { .. } => format!("{error}, and `alerting.allow` does not list it"),
        Forbidden::Scheme(_) | Forbidden::NoHost => error.to_string(),
    }
}

/// A client that can reach these addresses only.
fn client(url: &Url, addresses: &[SocketAddr]) -> Result<Client, String> {
    Client::builder()
        .resolve_to_addrs(url.host_str().unwrap_or_default(), addresses)
        .redirect(redirect::Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT)
        .user_agent(concat!("tocsin/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| in_full(&error))
}

/// An error with its causes: reqwest's own text says little.
fn in_full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::deliver::sign::Secret;
    use crate::samples::at;

    #[tokio::test]
    async fn an_answer_counts_though_its_body_never_ends() {
        drop(rustls::crypto::ring::default_provider().install_default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let receiver = async {
            let (mut connection, _) = listener.accept().await.unwrap();
            assert!(connection.read(&mut [0; 1024]).await.unwrap() > 0);
            connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nthanks").await.unwrap();
            std::future::pending::<()>().await;
        };
        let url = format!("http://{address}/").parse().unwrap();
        let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let endpoint = Endpoint { name: "slow".into(), url, secret };
        let guard = Guard::new(&[address]).unwrap();
        let call = Call { endpoint: &endpoint, id: "msg_a_1", body: "{}" };
        let answer = tokio::select! {
            answer = send(call, &guard, 10 * BODY, at("2023-03-10T12:00:00Z")) => answer,
            () = receiver => panic!("it holds the connection"),
        };
        assert!(answer.is_success(), "{answer:?}");
        assert_eq!(answer.response, "thanks");
    }
}
