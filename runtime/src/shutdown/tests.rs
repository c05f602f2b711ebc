//! Order, deadline and failure of a shutdown.

use std::convert::Infallible;
use std::process::{Command, Stdio};

use super::*;

const LONG: Duration = Duration::from_secs(60);

fn watcher(shutdown: &Shutdown) -> impl Future<Output = Result<(), Infallible>> + use<> {
    let shutdown = shutdown.clone();
    async move {
        shutdown.requested().await;
        Ok(())
    }
}

#[tokio::test]
async fn tasks_that_end_when_asked_make_a_clean_end() {
    let shutdown = Shutdown::new();
    shutdown.spawn("one", watcher(&shutdown));
    shutdown.spawn("two", watcher(&shutdown));
    assert!(!shutdown.is_requested());
    shutdown.request();
    assert_eq!(shutdown.drained(LONG).await, Drained::Clean);
}

#[tokio::test]
async fn work_in_hand_is_finished_before_the_end() {
    let shutdown = Shutdown::new();
    let (finished, mut told) = tokio::sync::oneshot::channel();
    let inside = shutdown.clone();
    shutdown.spawn("worker", async move {
        inside.requested().await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        finished.send("committed")
    });
    shutdown.request();
    assert_eq!(shutdown.drained(LONG).await, Drained::Clean);
    assert_eq!(told.try_recv(), Ok("committed"));
}

#[tokio::test]
async fn a_task_that_fails_stops_the_others() {
    let shutdown = Shutdown::new();
    shutdown.spawn("steady", watcher(&shutdown));
    shutdown.spawn("broken", async { Err("no more disk") });
    assert_eq!(shutdown.drained(LONG).await, Drained::Failed("broken", "no more disk".into()));
    assert!(shutdown.is_requested());
}

#[tokio::test]
async fn a_task_that_panics_stops_the_others() {
    let shutdown = Shutdown::new();
    shutdown.spawn("steady", watcher(&shutdown));
    let bad = |n: u32| if n > 0 { panic!("number {n}") } else { Ok::<(), Infallible>(()) };
    shutdown.spawn("broken", async move { bad(7) });
    assert_eq!(shutdown.drained(LONG).await, Drained::Failed("broken", "panicked: number 7".into()));
}

#[tokio::test]
async fn a_task_that_ends_early_stops_the_others() {
    let shutdown = Shutdown::new();
    shutdown.spawn("steady", watcher(&shutdown));
    shutdown.spawn("short", async { Ok::<(), Infallible>(()) });
    let ended = Drained::Failed("short", "ended before shutdown was requested".into());
    assert_eq!(shutdown.drained(LONG).await, ended);
}

#[tokio::test]
async fn a_task_with_a_natural_end_asks_for_it() {
    let shutdown = Shutdown::new();
    let inside = shutdown.clone();
    shutdown.spawn("replay", async move {
        inside.request();
        Ok::<(), Infallible>(())
    });
    assert_eq!(shutdown.drained(LONG).await, Drained::Clean);
}

#[tokio::test]
async fn the_deadline_ends_a_task_that_does_not() {
    let shutdown = Shutdown::new();
    let (alive, mut gone) = tokio::sync::oneshot::channel::<()>();
    shutdown.spawn("stuck", async move {
        std::future::pending::<()>().await;
        drop(alive);
        Ok::<(), Infallible>(())
    });
    shutdown.request();
    assert_eq!(shutdown.drained(Duration::from_millis(10)).await, Drained::Forced(vec!["stuck"]));
    assert!(gone.try_recv().is_err());
    assert!(gone.await.is_err(), "the task was dropped");
}

/// Not a test: a process that the next ones send signals to.
#[tokio::test]
#[ignore = "started by the tests about signals"]
#[expect(clippy::print_stdout, reason = "tells the parent process that signals are heard")]
async fn wait_for_signals() {
    let shutdown = Shutdown::on_signals().unwrap();
    let steady = watcher(&shutdown);
    match std::env::var("TOCSIN_TEST_TASK").unwrap_or_default().as_str() {
        "stuck" => shutdown.spawn("stuck", std::future::pending::<Result<(), Infallible>>()),
        "slow" => shutdown.spawn("slow", async move {
            steady.await?;
            tokio::time::sleep(2 * ECHO).await;
            Ok::<(), Infallible>(())
        }),
        _ => shutdown.spawn("steady", steady),
    }
    let inside = shutdown.clone();
    shutdown.spawn("reporter", async move {
        println!("\nlistening");
        inside.requested().await;
        println!("\nrequested");
        Ok::<(), Infallible>(())
    });
    println!("\nended {:?}", shutdown.drained(LONG).await);
}

/// Sends `signals` to a new process, the first once it listens, the others `pause` after that was seen; its last words.
/// Those that stand in one text come at once.
fn signalled(signals: &[&str], task: &str, pause: Duration) -> String {
    use std::io::{BufRead, BufReader};
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "--nocapture", "shutdown::tests::wait_for_signals"]);
    command.env("TOCSIN_TEST_TASK", task);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut waiting = signals.iter();
    let mut ended = String::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok) {
        if line == "requested" {
            std::thread::sleep(pause);
        }
        if matches!(line.as_str(), "listening" | "requested")
            && let Some(signal) = waiting.next()
        {
            let (send, to) = ("for one in $1; do kill -s $one $2 || exit; done", child.id().to_string());
            let status = Command::new("sh").args(["-c", send, "sh", signal, &to]).status();
            assert!(status.unwrap().success());
        }
        if let Some(how) = line.strip_prefix("ended ") {
            ended = how.to_owned();
        }
    }
    child.wait().unwrap();
    ended
}

#[test]
fn a_signal_requests_a_clean_end() {
    assert_eq!(signalled(&["TERM"], "steady", Duration::ZERO), "Clean");
    assert_eq!(signalled(&["INT"], "steady", Duration::ZERO), "Clean");
}

#[test]
fn a_second_signal_does_not_wait_for_the_deadline() {
    let start = Instant::now();
    assert_eq!(signalled(&["INT", "TERM"], "stuck", 2 * ECHO), r#"Forced(["stuck"])"#);
    assert!(start.elapsed() < LONG);
}

#[test]
fn a_signal_that_comes_twice_at_once_is_one() {
    // Of one kind, the system may make one of the two.
    assert_eq!(signalled(&["TERM INT"], "slow", Duration::ZERO), "Clean");
}
