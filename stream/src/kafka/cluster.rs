//! Who we are to a cluster, and what its errors mean in one sentence.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "librdkafka has 150 codes, and new ones with each version"
)]

use std::sync::{Mutex, PoisonError};

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use crate::{StreamConfig, StreamError};

/// What an attempt needs, by the plain name of a topic or group.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Need<'a> {
    Describe(&'a str),
    Read(&'a str),
    Write(&'a str),
    Create(&'a str),
    Join(&'a str),
}

#[derive(Debug)]
pub(super) struct Cluster {
    brokers: String,
    principal: Option<String>,
    /// The last complaint about the connection, as librdkafka words it.
    complaint: Mutex<Option<(Code, String)>>,
}

impl Cluster {
    pub(super) fn new(config: &StreamConfig) -> Self {
        let principal = config.kafka.get("sasl.username").cloned();
        Self { brokers: config.brokers.clone(), principal, complaint: Mutex::default() }
    }

    fn who(&self) -> String {
        self.principal.as_ref().map_or_else(|| "this client".into(), |name| format!("principal \"{name}\""))
    }

    /// Notes what librdkafka says, unless what was noted before tells more: a refusal is
    /// only replaced by another, and a reason never by "all brokers are down".
    pub(super) fn complain(&self, code: Code, reason: &str) {
        let weight = |code| (is_refusal(code), code != Code::AllBrokersDown);
        let mut complaint = self.complaint.lock().unwrap_or_else(PoisonError::into_inner);
        if complaint.as_ref().is_none_or(|(old, _)| weight(code) >= weight(*old)) {
            *complaint = Some((code, reason.to_owned()));
        }
    }

    fn complaint(&self) -> Option<(Code, String)> {
        self.complaint.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether waiting is of no use: the name, password or certificate is wrong.
    pub(super) fn is_refusing(&self) -> bool {
        self.complaint().is_some_and(|(code, _)| is_refusal(code))
    }

    /// A client could not be made: a wrong setting.
    pub(super) fn refused(&self, error: &KafkaError) -> StreamError {
        let cause = match error {
            KafkaError::ClientConfig(_, cause, key, _) => format!("{key}: {cause}"),
            KafkaError::ClientCreation(cause) => cause.clone(),
            other => other.to_string(),
        };
        StreamError::Configuration(format!("[stream.kafka] cannot be used: {cause}"))
    }

    /// Nobody answers.
    pub(super) fn unreachable(&self, error: &KafkaError) -> StreamError {
        let brokers = &self.brokers;
        let (code, reason) = self.complaint().unwrap_or((Code::BrokerTransportFailure, error.to_string()));
        StreamError::Configuration(match code {
            Code::Authentication | Code::SaslAuthenticationFailed => {
                format!("kafka at {brokers} does not let {} in: wrong name or password", self.who())
            }
            Code::SSL if reason.contains("verif") => format!(
                "kafka at {brokers} shows a certificate that ssl.ca.location does not vouch for: give its CA"
            ),
            Code::SSL => format!("kafka at {brokers} cannot be reached over TLS: {}", short(&reason)),
            Code::Resolve => format!("kafka at {brokers} cannot be reached: the host name is unknown"),
            _ => format!("kafka at {brokers} cannot be reached: {}", short(&reason)),
        })
    }

    /// Any other error, by what was attempted.
    pub(super) fn explain(
        &self,
        attempted: impl Into<String>,
        need: Need<'_>,
        error: &KafkaError,
    ) -> StreamError {
        let Some(code) = code_of(error) else {
            return StreamError::unavailable(attempted, error);
        };
        match code {
            Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed => self.denied(need, code),
            Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition => match need {
                Need::Describe(topic) | Need::Read(topic) | Need::Write(topic) | Need::Create(topic) => {
                    StreamError::no_topic(topic)
                }
                Need::Join(_) => StreamError::unavailable(attempted, code),
            },
            Code::MessageSizeTooLarge
            | Code::InvalidMessageSize
            | Code::InvalidMessage
            | Code::InvalidRecord => StreamError::unfit(attempted, code),
            Code::UnsupportedVersion
            | Code::InvalidArgument
            | Code::PolicyViolation
            | Code::InvalidReplicationFactor => {
                StreamError::Configuration(format!("{}: {code}", attempted.into()))
            }
            _ => StreamError::unavailable(attempted, code),
        }
    }

    fn denied(&self, need: Need<'_>, code: Code) -> StreamError {
        let who = self.who();
        StreamError::Configuration(match (need, code) {
            (Need::Join(group), _) => format!("{who} may not join group {group}: grant it Read on the group"),
            (_, Code::GroupAuthorizationFailed) => {
                format!("{who} may not join its group: grant it Read on the group")
            }
            (Need::Describe(topic), _) => format!("{who} may not see topic {topic}: grant it Describe"),
            (Need::Read(topic), _) => format!("{who} may not read topic {topic}: grant it Read"),
            (Need::Write(topic), _) => format!("{who} may not write topic {topic}: grant it Write"),
            (Need::Create(topic), _) => format!("{who} may not create topic {topic}: grant it Create"),
        })
    }
}

fn code_of(error: &KafkaError) -> Option<Code> {
    match error {
        KafkaError::AdminOp(code) => Some(*code),
        other => other.rdkafka_error_code(),
    }
}

fn is_refusal(code: Code) -> bool {
    matches!(code, Code::Authentication | Code::SaslAuthenticationFailed | Code::SSL)
}

/// librdkafka's words up to the part that is for its developers.
fn short(reason: &str) -> &str {
    let reason = reason.split(" (after ").next().unwrap_or(reason);
    reason.strip_suffix('.').unwrap_or(reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster() -> Cluster {
        let kafka = [("sasl.username".to_owned(), "enrich".to_owned())].into();
        Cluster::new(&StreamConfig { brokers: "b:9092".into(), kafka, ..StreamConfig::default() })
    }

    #[test]
    fn missing_rights_are_one_sentence_that_names_them() {
        let error = KafkaError::MessageConsumption(Code::TopicAuthorizationFailed);
        let said = cluster().explain("read", Need::Read("documents.raw"), &error);
        assert_eq!(said.to_string(), "principal \"enrich\" may not read topic documents.raw: grant it Read");
        assert_eq!(said.verdict(), crate::Verdict::Halt);
    }

    #[test]
    fn a_refusal_that_was_one_broker_s_restart_is_waited_for() {
        let cluster = cluster();
        cluster.complain(Code::Authentication, "Disconnected while requesting SASL handshake");
        let error = KafkaError::ConsumerCommit(Code::NotCoordinator);
        let said = cluster.explain("commit", Need::Join("enrich"), &error);
        assert_eq!(said.verdict(), crate::Verdict::Retry, "once in, whoever refuses is restarting");
    }

    #[test]
    fn a_refusal_is_not_hidden_by_what_follows_from_it() {
        let cluster = cluster();
        cluster.complain(Code::Authentication, "SASL authentication error");
        cluster.complain(Code::AllBrokersDown, "1/1 brokers are down");
        let said = cluster.unreachable(&KafkaError::MetadataFetch(Code::BrokerTransportFailure));
        assert_eq!(
            said.to_string(),
            "kafka at b:9092 does not let principal \"enrich\" in: wrong name or password"
        );
    }
}
