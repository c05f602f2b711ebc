//! Test support: a real Apache Kafka broker (KRaft, one process) on free loopback
//! ports with a data folder of its own. Here and not under `tests/`, because other
//! crates' tests use it. It ends with the value, or with the process.

mod certificates;
mod java;
mod properties;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use secrecy::ExposeSecret as _;

use crate::StreamConfig;

/// Principals that a secure broker knows; the password is the name with `-secret`.
pub const PRINCIPALS: [&str; 3] = ["ingest", "enrich", "nobody"];

/// Several brokers may start at once on two slow cores.
const READY: Duration = Duration::from_secs(300);
/// Where brokers listen: below the ports that systems give to connections and to whoever asks
/// for any, since a broker takes its own only seconds after they were found free.
const FIRST_PORT: u16 = 10_000;
const PORTS: u32 = 6000;
/// Kills the broker (its own child) when the test process closes the pipe by ending.
const SUPERVISE: &str = r#""$@" >"$FOLDER/broker.log" 2>&1 </dev/null & broker=$!
cat >/dev/null
kill -9 $broker 2>/dev/null
rm -rf "$FOLDER""#;

/// A broker that runs until this is dropped or the process ends.
#[derive(Debug)]
pub struct KafkaBroker {
    supervisor: Child,
    lifeline: Option<ChildStdin>,
    folder: PathBuf,
    plain: u16,
    secure: Option<u16>,
}

impl KafkaBroker {
    /// A broker without security.
    ///
    /// # Panics
    /// When Kafka cannot be fetched or started, with the reason.
    pub async fn start() -> Self {
        Self::launch(false).await
    }

    /// A broker with a SASL_SSL listener (SCRAM-SHA-512, a CA made for it) and ACLs:
    /// the [`PRINCIPALS`] can log in and may do nothing until [`Self::allow`].
    ///
    /// # Panics
    /// When Kafka cannot be fetched or started, with the reason.
    pub async fn start_secure() -> Self {
        Self::launch(true).await
    }

    /// The listener without security: on a secure broker for its administrator.
    pub fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.plain)
    }

    /// Settings for the listener without security.
    pub fn config(&self) -> StreamConfig {
        StreamConfig { brokers: self.bootstrap(), ..StreamConfig::default() }
    }

    /// Settings for the secure listener.
    ///
    /// # Panics
    /// When the broker has none.
    pub fn config_for(&self, principal: &str, password: &str) -> StreamConfig {
        let port = self.secure.expect("started with start_secure");
        let authority = self.authority().display().to_string();
        let kafka = [
            ("security.protocol", "sasl_ssl"),
            ("sasl.mechanism", "SCRAM-SHA-512"),
            ("sasl.username", principal),
            ("ssl.ca.location", &authority),
        ];
        StreamConfig {
            brokers: format!("localhost:{port}"),
            kafka: kafka.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
            sasl_password: Some(password.into()),
            ..StreamConfig::default()
        }
    }

    /// The certificate of the CA of a secure broker.
    pub fn authority(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// Grants rights as `kafka-acls.sh --add --allow-principal User:PRINCIPAL ARGUMENTS`
    /// does, for example `["--operation", "Read", "--topic", "documents.raw"]`.
    ///
    /// # Panics
    /// When the broker refuses.
    pub fn allow(&self, principal: &str, arguments: &[&str]) {
        let (brokers, user) = (self.bootstrap(), format!("User:{principal}"));
        let mut all = vec!["--bootstrap-server", &brokers, "--add", "--allow-principal", &user];
        all.extend(arguments);
        java::run("org.apache.kafka.tools.AclCommand", &all);
    }

    /// Deletes a topic, as named on the bus.
    ///
    /// # Panics
    /// When the broker refuses.
    pub fn delete(&self, topic: &str) {
        let brokers = self.bootstrap();
        let arguments = ["--bootstrap-server", &brokers, "--delete", "--topic", topic];
        java::run("org.apache.kafka.tools.TopicCommand", &arguments);
    }

    async fn launch(secure: bool) -> Self {
        let launched = tokio::task::spawn_blocking(move || Self::launch_here(secure)).await;
        launched.unwrap_or_else(|ended| std::panic::resume_unwind(ended.into_panic()))
    }

    fn launch_here(secure: bool) -> Self {
        let folder =
            tempfile::Builder::new().prefix("tocsin-kafka-").tempdir().expect("a temporary folder").keep();
        if secure {
            certificates::make(&folder);
        }
        let [plain, controller, tls] = free_ports();
        let secure = secure.then_some(tls);
        let path = properties::write(&folder, plain, controller, secure);
        format(&path, secure.is_some());
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SUPERVISE, "tocsin-kafka"]).env("FOLDER", &folder).arg("java");
        command.args(java::BROKER_FLAGS).arg(java::logging(&folder)).arg("-cp").arg(java::class_path());
        command.arg("kafka.Kafka").arg(&path);
        let mut supervisor = command.stdin(Stdio::piped()).spawn().expect("/bin/sh");
        let lifeline = supervisor.stdin.take();
        let broker = Self { supervisor, lifeline, folder, plain, secure };
        broker.await_ready();
        broker
    }

    fn await_ready(&self) {
        self.await_answer(&self.config());
        if self.secure.is_some() {
            // The first login of all takes the longest: the broker loads what it needs for it.
            let name = PRINCIPALS[0];
            self.await_answer(&self.config_for(name, &format!("{name}-secret")));
        }
    }

    fn await_answer(&self, config: &StreamConfig) {
        let mut settings = ClientConfig::new();
        settings.set("bootstrap.servers", &config.brokers);
        for (key, value) in &config.kafka {
            settings.set(key, value);
        }
        if let Some(password) = &config.sasl_password {
            settings.set("sasl.password", password.expose_secret());
        }
        let client: BaseConsumer = settings.create().expect("a client with these settings");
        let start = Instant::now();
        while client.fetch_metadata(None, Duration::from_secs(1)).is_err() {
            assert!(start.elapsed() < READY, "kafka did not start:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("broker.log")).unwrap_or_default()
    }
}

impl Drop for KafkaBroker {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        if let Err(error) = self.supervisor.wait() {
            tracing::warn!("a kafka broker under {} may still run: {error}", self.folder.display());
        }
    }
}

fn format(properties: &Path, secure: bool) {
    // Any 16 bytes in base64 are a cluster's name.
    let path = properties.display().to_string();
    let mut arguments: Vec<String> =
        ["format", "-t", "dG9jc2luLXRlc3Qta2Fma2E", "-c", &path].map(ToOwned::to_owned).into();
    for name in PRINCIPALS.iter().filter(|_| secure) {
        arguments
            .extend(["--add-scram".into(), format!("SCRAM-SHA-512=[name={name},password={name}-secret]")]);
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    java::run("kafka.tools.StorageTool", &arguments);
}

/// Free ports that no other call gives.
fn free_ports() -> [u16; 3] {
    [(); 3].map(|()| (0..PORTS).map(|_| next_port()).find(|port| is_free(*port)).expect("a free port"))
}

/// A process that runs beside this one begins elsewhere.
fn next_port() -> u16 {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    let number = std::process::id().wrapping_mul(16).wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed));
    FIRST_PORT + (number % PORTS) as u16
}

fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}
