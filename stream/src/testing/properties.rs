//! The configuration of the test broker.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::certificates::PASSWORD;

/// Writes `server.properties` into `folder`.
pub(super) fn write(folder: &Path, plain: u16, controller: u16, secure: Option<u16>) -> PathBuf {
    let data = folder.join("data");
    let mut text = format!(
        "process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL
log.dirs={}
num.partitions=1
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
group.consumer.min.heartbeat.interval.ms=500
group.consumer.heartbeat.interval.ms=500
",
        data.display()
    );
    let mut listeners = format!("PLAINTEXT://127.0.0.1:{plain}");
    if let Some(port) = secure {
        listeners += &format!(",SASL_SSL://localhost:{port}");
        text += &security(folder);
    }
    writeln!(text, "advertised.listeners={listeners}").expect("a string takes all");
    writeln!(text, "listeners={listeners},CONTROLLER://127.0.0.1:{controller}").expect("a string takes all");
    let path = folder.join("server.properties");
    std::fs::write(&path, text).expect("the folder of the broker takes files");
    path
}

fn security(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
allow.everyone.if.no.acl.found=false
ssl.keystore.type=PKCS12
ssl.keystore.location={folder}/broker.p12
ssl.keystore.password={PASSWORD}
ssl.key.password={PASSWORD}
ssl.truststore.type=PKCS12
ssl.truststore.location={folder}/trust.p12
ssl.truststore.password={PASSWORD}
"
    )
}
