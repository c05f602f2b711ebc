//! Kafka's jars (fetched once by `scripts/kafka.sh`) and its command line tools.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

pub(super) const BROKER_FLAGS: [&str; 3] = ["-Xmx320m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];
const TOOL_FLAGS: [&str; 3] = ["-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];

const LOGGING: &str = r#"<Configuration status="ERROR"><Appenders>
<Console name="out"><PatternLayout pattern="%d %p %c %m%n"/></Console></Appenders>
<Loggers><Root level="WARN"><AppenderRef ref="out"/></Root></Loggers></Configuration>"#;

static LIBRARIES: OnceLock<PathBuf> = OnceLock::new();

fn libraries() -> &'static Path {
    LIBRARIES.get_or_init(|| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/kafka.sh");
        let done = Command::new(&script).output().unwrap_or_else(|e| panic!("run {}: {e}", script.display()));
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "Apache Kafka could not be fetched:\n{said}");
        PathBuf::from(String::from_utf8_lossy(&done.stdout).trim())
    })
}

pub(super) fn class_path() -> OsString {
    libraries().join("*").into()
}

/// Warnings of the broker go to its log; without this a failed start says nothing.
pub(super) fn logging(folder: &Path) -> OsString {
    let path = folder.join("log4j2.xml");
    std::fs::write(&path, LOGGING).expect("the folder of the broker takes files");
    let mut flag = OsString::from("-Dlog4j2.configurationFile=");
    flag.push(path);
    flag
}

/// Runs one of Kafka's tools to its end.
pub(super) fn run(class: &str, arguments: &[&str]) {
    let mut command = Command::new("java");
    command.args(TOOL_FLAGS).arg("-cp").arg(class_path()).arg(class).args(arguments);
    check(class, &mut command);
}

/// Runs `keytool`, which comes with Java.
pub(super) fn keytool(folder: &Path, arguments: &[&str]) {
    let mut command = Command::new("keytool");
    command.current_dir(folder).arg("-noprompt").args(arguments);
    check("keytool", &mut command);
}

fn check(name: &str, command: &mut Command) {
    let done = command.output().unwrap_or_else(|error| panic!("run {name}: {error}"));
    let said = [done.stdout, done.stderr].concat();
    assert!(done.status.success(), "{name} failed:\n{}", String::from_utf8_lossy(&said));
}
