//! Clients of the HTTP library, all alike. An open connection takes 27 KB of this process and a place
//! on the server, so a turn has a client of its own: what it opened is closed when it is over.

use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder};
use rustls::ClientConfig;
use rustls_platform_verifier::ConfigVerifierExt;

use super::Judged;
use crate::config::IngestConfig;

/// How long a connection that nothing is asked over stays open, while its client is there.
const IDLE: Duration = Duration::from_secs(30);

/// What a client is made of.
#[derive(Debug)]
pub(super) struct Transport {
    user_agent: String,
    connect: Duration,
    judged: Judged,
    /// Read once: trust anchors, and sessions to resume.
    tls: ClientConfig,
}

impl Transport {
    /// `Err`: why there can be none.
    pub(super) fn new(config: &IngestConfig, judged: Judged) -> Result<Self, String> {
        // Another part of the process may have installed it already.
        drop(rustls::crypto::ring::default_provider().install_default());
        let tls = ClientConfig::with_platform_verifier().map_err(|cause| cause.to_string())?;
        let (user_agent, connect) = (config.user_agent.clone(), config.limits.connect);
        Ok(Self { user_agent, connect, judged, tls })
    }

    pub(super) fn client(&self) -> Result<Client, String> {
        self.builder(&["h2", "http/1.1"]).build().map_err(|cause| cause.to_string())
    }

    /// Speaks HTTP/1.1 only, over which a connection can become another protocol's.
    pub(super) fn http1(&self) -> Result<Client, String> {
        self.builder(&["http/1.1"]).http1_only().build().map_err(|cause| cause.to_string())
    }

    fn builder(&self, protocols: &[&str]) -> ClientBuilder {
        let mut tls = self.tls.clone();
        tls.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(&self.user_agent)
            .redirect(Policy::none())
            .referer(false)
            .no_proxy()
            .connect_timeout(self.connect)
            .pool_idle_timeout(IDLE)
            .dns_resolver(Arc::new(self.judged.clone()))
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use crate::client::GuardedClient;
    use crate::config::IngestConfig;

    /// Answers one request, and gives what it came over.
    async fn answered(listener: TcpListener) -> TcpStream {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        assert!(stream.read(&mut request).await.unwrap() > 0);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
        stream
    }

    #[tokio::test]
    async fn what_a_turn_opened_is_closed_when_it_is_over() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
        let allow = vec!["127.0.0.0/8".to_owned()];
        let client = GuardedClient::new(&IngestConfig { allow, ..IngestConfig::default() }).unwrap();
        let turn = client.of_a_turn();
        let (mut stream, fetched) = tokio::join!(answered(listener), turn.get(&url));
        assert_eq!(fetched.unwrap().body.as_ref(), b"ok");
        let mut end = [0; 8];
        let mut end = pin!(stream.read(&mut end));
        let open = tokio::time::timeout(Duration::from_millis(200), &mut end).await;
        assert!(open.is_err(), "the turn goes on, and with it the connection");
        drop(turn);
        let read = tokio::time::timeout(Duration::from_secs(5), end).await;
        assert_eq!(read.expect("it is closed").unwrap(), 0);
    }
}
