//! Precedence, refusals and secrets of a configuration.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::*;

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct Stream {
    brokers: String,
    partitions: u32,
    #[serde(serialize_with = "secret::serialize")]
    password: Option<SecretString>,
    #[serde(serialize_with = "secret::serialize")]
    token: SecretString,
}

impl Default for Stream {
    fn default() -> Self {
        Self { brokers: "embedded".into(), partitions: 8, password: None, token: "built in".into() }
    }
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct Config {
    stream: Stream,
    hosts: Vec<String>,
}

fn with(file: &str, environment: &[(&str, &str)], flags: &[(&str, toml::Value)]) -> Result<Config, Refusal> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tocsin.toml");
    std::fs::write(&path, file).unwrap();
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let flags = flags.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    merge(Some(&path), environment, flags)
}

fn refusal(file: &str, environment: &[(&str, &str)], flags: &[(&str, toml::Value)]) -> String {
    with(file, environment, flags).unwrap_err().0
}

#[test]
fn nothing_set_gives_the_defaults() {
    let config: Config = merge(None, std::iter::empty(), Vec::new()).unwrap();
    assert_eq!((config.stream.brokers.as_str(), config.stream.partitions), ("embedded", 8));
}

#[test]
fn each_source_overrides_the_one_before() {
    let file = "[stream]\nbrokers = \"file\"\npartitions = 2";
    let environment = [("TOCSIN_STREAM__BROKERS", "environment")];
    let flag = ("stream.brokers", "flag".into());
    assert_eq!(with(file, &[], &[]).unwrap().stream.brokers, "file");
    assert_eq!(with(file, &environment, &[]).unwrap().stream.brokers, "environment");
    let all = with(file, &environment, &[flag]).unwrap();
    assert_eq!((all.stream.brokers.as_str(), all.stream.partitions), ("flag", 2));
}

#[test]
fn a_list_can_come_from_the_environment() {
    let config = with("", &[("TOCSIN_HOSTS__", "x")], &[]);
    assert!(config.is_err());
    let config = with("hosts = [\"a\"]", &[], &[("hosts", vec!["b", "c"].into())]).unwrap();
    assert_eq!(config.hosts, ["b", "c"]);
}

#[test]
fn an_unknown_key_is_refused_with_its_name_and_file() {
    let text = refusal("[stream]\nbrokers = \"a\"\nbroker = \"typo\"", &[], &[]);
    assert!(text.starts_with("configuration: `stream.broker` is unknown here; known are brokers"), "{text}");
    assert!(text.contains("tocsin.toml)"), "{text}");
    let text = refusal("[streem]\nbrokers = \"a\"", &[], &[]);
    assert!(
        text.starts_with("configuration: `streem` is unknown here; known are stream, hosts (in "),
        "{text}"
    );
}

#[test]
fn an_unknown_key_from_the_environment_or_a_flag_names_its_origin() {
    let text = refusal("", &[("TOCSIN_STREAM__BROKER", "x")], &[]);
    assert!(text.contains("`stream.broker` is unknown") && text.contains("TOCSIN_STREAM__BROKER"), "{text}");
    let text = refusal("", &[], &[("stream.broker", "x".into())]);
    assert!(text.contains("`stream.broker` is unknown") && text.contains("a flag"), "{text}");
}

#[test]
fn other_variables_are_left_alone() {
    let config = with("", &[("TOCSIN_CACHE", "/cache"), ("STREAM__BROKERS", "x")], &[]).unwrap();
    assert_eq!(config.stream.brokers, "embedded");
}

#[test]
fn a_wrong_type_is_named_without_its_value() {
    let text = refusal("[stream]\npartitions = \"many\"", &[], &[]);
    assert!(text.starts_with("configuration: `stream.partitions` should be u32, not string (in "), "{text}");
    let text = refusal("[stream]\npassword = 12345", &[], &[]);
    assert!(text.contains("`stream.password` should be") && !text.contains("12345"), "{text}");
}

#[test]
fn a_file_that_is_not_toml_is_named_with_the_line_and_not_shown() {
    let text = refusal("[stream]\npassword = \"hunter2", &[], &[]);
    assert!(text.contains("tocsin.toml is not TOML: line 2") && !text.contains("hunter2"), "{text}");
}

#[test]
fn a_missing_file_is_named() {
    let refusal = load::<Config>(Some(Path::new("/no/such/tocsin.toml")), Vec::new()).unwrap_err();
    assert!(refusal.0.starts_with("cannot read the configuration /no/such/tocsin.toml: "), "{refusal}");
}

#[test]
fn a_password_of_digits_stays_text_in_the_environment() {
    let environment = [("TOCSIN_STREAM__PASSWORD", "00123"), ("TOCSIN_STREAM__BROKERS", "9092")];
    let config = with("", &environment, &[]).unwrap();
    assert_eq!(config.stream.password.unwrap().expose_secret(), "00123");
    assert_eq!(config.stream.brokers, "9092");
}

#[test]
fn a_text_that_is_no_toml_is_told_by_its_line_and_not_shown() {
    for bad in ["a = 1\ntoken = \"hunter2", "[stream]\ntokne = \"hunter2\""] {
        let told = parse::<Config>(bad).unwrap_err();
        assert!(told.starts_with("line 2: ") && !told.contains("hunter2") && !told.contains('\n'), "{told}");
    }
}

#[test]
fn a_secret_can_be_in_a_file_of_its_own() {
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), "hunter2\n").unwrap();
    let named = format!("file:{}", secret.path().display());
    let config = with(&format!("[stream]\npassword = \"{named}\""), &[], &[]).unwrap();
    assert_eq!(config.stream.password.unwrap().expose_secret(), "hunter2");
    let config = with("", &[("TOCSIN_STREAM__TOKEN", &named)], &[]).unwrap();
    assert_eq!(config.stream.token.expose_secret(), "hunter2");
    let text = refusal("[stream]\npassword = \"file:/no/such/secret\"", &[], &[]);
    assert!(text.contains("cannot read the file of `stream.password`, /no/such/secret"), "{text}");
    std::fs::write(secret.path(), "\n").unwrap();
    let text = refusal(&format!("[stream]\npassword = \"{named}\""), &[], &[]);
    assert!(text.contains("the file of `stream.password`") && text.ends_with("is empty"), "{text}");
}

#[test]
fn the_printed_configuration_can_be_read_again_and_hides_secrets() {
    let config = with("[stream]\npassword = \"hunter2\"\npartitions = 3", &[], &[]).unwrap();
    let text = print_merged(&config).unwrap();
    assert!(!text.contains("hunter2") && !text.contains("built in"), "{text}");
    let again = with(&text, &[], &[]).unwrap();
    assert_eq!((again.stream.partitions, again.stream.password.unwrap().expose_secret()), (3, "***"));
    assert!(!print_merged(&Config::default()).unwrap().contains("password"));
}
