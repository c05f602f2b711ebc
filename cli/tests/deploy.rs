//! Neither `docker compose up` nor systemd nor Prometheus runs where the tests do, so every command in their files
//! is one that is tried here, with the configuration that it gets, and every metric one that a room tells of.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const CONFIG: &str = "/etc/tocsin/tocsin.toml";
const DATABASE: &str = "postgres://tocsin:tocsin@postgres:5432/tocsin";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|cause| panic!("{path}: {cause}"))
}

fn compose() -> String {
    read("docker-compose.yml")
}

/// The lists that follow `key` in the file, written there on one line as JSON.
fn lists(key: &str) -> Vec<Vec<String>> {
    let file = compose();
    let lines = file.lines().filter_map(|line| line.trim().strip_prefix(key));
    lines.map(|list| serde_json::from_str(list).unwrap_or_else(|cause| panic!("{list}: {cause}"))).collect()
}

fn tocsin(arguments: &[String]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tocsin"))
        .args(arguments)
        .current_dir(root())
        .env_remove("TOCSIN_CONFIG")
        .env("TOCSIN_DATABASE__URL", DATABASE)
        .output()
        .expect("the binary runs")
}

#[test]
fn every_container_starts_with_a_command_and_a_configuration_that_tocsin_takes() {
    let commands = lists("command: ");
    let roles: Vec<&str> = commands.iter().map(|command| command[0].as_str()).collect();
    assert_eq!(roles, ["migrate", "ingest", "enrich", "store", "alerting"]);
    for mut command in commands {
        for argument in &mut command {
            *argument = argument.replace(CONFIG, "config/docker.toml");
        }
        command.push("--check-config".to_owned());
        let output = tocsin(&command);
        let (stdout, stderr) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{command:?}: {stderr}");
        assert!(stdout.contains("brokers = \"kafka:9092\""), "{command:?}: {stdout}");
        assert!(!stdout.contains("tocsin:tocsin"), "the password is shown");
    }
}

#[test]
fn the_health_check_is_one_that_tells_ready_from_not() {
    let checks: Vec<Vec<String>> =
        lists("test: ").into_iter().filter(|check| check[1].ends_with("/tocsin")).collect();
    assert_eq!(checks.len(), 1);
    // Nothing listens there, so that the command is understood and says no.
    let arguments: Vec<String> =
        checks[0][2..].iter().map(|argument| argument.replace(":9464/", ":1/")).collect();
    assert_eq!(tocsin(&arguments).status.code(), Some(1));
}

#[test]
fn the_dockerfile_copies_what_the_configuration_names() {
    let dockerfile = read("deploy/Dockerfile");
    for line in ["cp -r models config", "ENTRYPOINT [\"/usr/local/bin/tocsin\"]", "ENV TOCSIN_HOME="] {
        assert!(dockerfile.contains(line), "the Dockerfile lacks {line:?}");
    }
    assert!(compose().contains(&format!("./config/docker.toml:{CONFIG}:ro")));
}

/// Where docker-compose is installed, it has the last word about the file.
#[test]
fn docker_compose_accepts_the_file_where_it_is_installed() {
    let Ok(output) = Command::new("docker-compose").args(["config", "--quiet"]).current_dir(root()).output()
    else {
        return;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_unit_of_systemd_starts_what_tocsin_takes() {
    let unit = read("deploy/tocsin.service");
    let started: Vec<&str> = unit.lines().filter_map(|line| line.strip_prefix("ExecStart=")).collect();
    assert_eq!(started.len(), 1);
    let command = started[0].replace("/etc/tocsin/tocsin.toml", "config/tocsin.toml");
    let mut arguments: Vec<String> = command.split(' ').skip(1).map(str::to_owned).collect();
    arguments.push("--check-config".to_owned());
    let output = tocsin(&arguments);
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_alert_rules_of_prometheus_ask_for_metrics_that_the_rooms_tell_of() {
    let rooms =
        ["ingest", "enrich", "store", "alerting", "stream"].map(|room| read(&format!("{room}/README.md")));
    let rules = read("deploy/prometheus-rules.yml");
    let is_named = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let metrics: Vec<&str> =
        rules.split(|c| !is_named(c)).filter(|word| word.starts_with("tocsin_")).collect();
    assert!(metrics.len() > 5, "{metrics:?}");
    for metric in metrics {
        assert!(rooms.iter().any(|room| room.contains(&format!("`{metric}`"))), "no README has {metric}");
    }
}
