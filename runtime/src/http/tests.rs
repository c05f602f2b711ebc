//! The port of a process, asked over a real connection.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;
use crate::shutdown::Drained;

async fn ask(address: SocketAddr, path: &str) -> String {
    let mut connection = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    answer
}

fn any_port() -> HttpConfig {
    HttpConfig { listen: (Ipv4Addr::LOCALHOST, 0).into() }
}

#[tokio::test]
async fn one_port_serves_health_metrics_and_the_routes_of_a_service() {
    let shutdown = Shutdown::new();
    let extra = Router::new().route("/v1/documents", get(async || "pushed"));
    let address = serve(&any_port(), &Readiness::new(), extra, &shutdown).await.unwrap();
    assert!(ask(address, "/healthz").await.starts_with("HTTP/1.1 200"));
    assert!(ask(address, "/v1/documents").await.ends_with("pushed"));
    metrics::counter!("tocsin_runtime_test_total").increment(3);
    metrics::histogram!("tocsin_runtime_test_seconds").record(0.2);
    metrics::histogram!("tocsin_runtime_test_ratio").record(0.85);
    let page = ask(address, "/metrics").await;
    assert!(page.contains("\ntocsin_runtime_test_total 3\n"), "{page}");
    assert!(page.contains("tocsin_runtime_test_seconds_bucket{le=\"0.25\"} 1"), "{page}");
    assert!(page.contains("tocsin_runtime_test_ratio_bucket{le=\"0.9\"} 1"), "{page}");
    shutdown.request();
    assert_eq!(shutdown.drained(Duration::from_secs(30)).await, Drained::Clean);
    // A child process that another test is just starting has the port too, until its own program runs.
    let refused = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), refused).await.expect("the port is closed");
}

#[tokio::test]
async fn a_request_that_never_ends_does_not_hold_up_the_end() {
    let shutdown = Shutdown::new();
    let address = serve(&any_port(), &Readiness::new(), Router::new(), &shutdown).await.unwrap();
    let mut stalled = TcpStream::connect(address).await.unwrap();
    stalled.write_all(b"GET /he").await.unwrap();
    assert!(ask(address, "/healthz").await.starts_with("HTTP/1.1 200"), "others are answered");
    shutdown.request();
    assert_eq!(shutdown.drained(Duration::from_secs(25)).await, Drained::Clean);
}

#[tokio::test]
async fn a_process_is_ready_when_every_check_is() {
    let (shutdown, readiness) = (Shutdown::new(), Readiness::new());
    let (store, alerting) = (readiness.check("store"), readiness.check("alerting"));
    let address = serve(&any_port(), &readiness, Router::new(), &shutdown).await.unwrap();
    store.ready();
    let answer = ask(address, "/readyz").await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.ends_with(r#"{"alerting":"starting","store":"ready"}"#), "{answer}");
    alerting.ready();
    assert!(ask(address, "/readyz").await.starts_with("HTTP/1.1 200"));
    store.not_ready("the database does not answer");
    assert!(ask(address, "/readyz").await.contains("the database does not answer"));
}

#[tokio::test]
async fn a_port_in_use_is_refused_with_its_address() {
    let shutdown = Shutdown::new();
    let taken = serve(&any_port(), &Readiness::new(), Router::new(), &shutdown).await.unwrap();
    let config = HttpConfig { listen: taken };
    let refusal = serve(&config, &Readiness::new(), Router::new(), &shutdown).await.unwrap_err();
    assert!(
        refusal.0.starts_with(&format!("cannot listen on {taken} (configuration: `http.listen`)")),
        "{refusal}"
    );
}
