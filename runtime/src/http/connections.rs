//! The connections of the port: how long a client may take, and how they end.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::Shutdown;

/// A client that takes longer for the head of a request, or between two, is cut off.
const HEAD: Duration = Duration::from_secs(10);
/// How long requests that are under way at shutdown may take.
const LINGER: Duration = Duration::from_secs(20);
/// The pause after a connection could not be accepted, for example because too many files are open.
const PAUSE: Duration = Duration::from_secs(1);

/// Answers until shutdown is requested, and then what was asked before.
pub(super) async fn answer(
    listener: TcpListener,
    router: Router,
    shutdown: Shutdown,
) -> Result<(), Infallible> {
    let (graceful, mut open) = (GracefulShutdown::new(), JoinSet::new());
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD);
    loop {
        let stream = tokio::select! {
            () = shutdown.requested() => break,
            Some(_) = open.join_next() => continue,
            stream = next(&listener) => stream,
        };
        let service = TowerToHyperService::new(router.clone());
        open.spawn(graceful.watch(builder.serve_connection(TokioIo::new(stream), service)));
    }
    drop(listener);
    if tokio::time::timeout(LINGER, graceful.shutdown()).await.is_err() {
        tracing::warn!("cut off {} connections that did not end within {LINGER:?}", open.len());
    }
    Ok(())
}

async fn next(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) => {
                tracing::warn!("cannot take a connection: {error}");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}
