//! The main job: from a crawled page to a delivered webhook, by one command.

mod support;

use support::tocsin;

#[test]
fn the_demo_ends_by_itself_once_the_signed_webhook_has_arrived() {
    let data = tempfile::tempdir().unwrap();
    let output = tocsin()
        .args(["demo", "--once", "--listen", "127.0.0.1:0", "--data"])
        .arg(data.path())
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stdout}\n{stderr}");
    assert!(!stderr.contains("Connection refused"), "the newsroom ended before its readers:\n{stderr}");
    for part in ["Harrowgate Bank", "signature verified", "psql", "/metrics"] {
        assert!(stdout.contains(part), "no {part:?} in:\n{stdout}\n{stderr}");
    }
}

#[test]
fn a_demo_whose_port_is_taken_says_so_before_it_starts() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let data = tempfile::tempdir().unwrap();
    let output =
        tocsin().args(["demo", "--once", "--listen", &address, "--data"]).arg(data.path()).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(64), "{stderr}");
    assert!(stderr.contains(&address) && stderr.contains("--listen"), "{stderr}");
    assert!(std::fs::read_dir(data.path()).unwrap().next().is_none(), "nothing was started");
}
