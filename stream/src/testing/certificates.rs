//! A CA and a broker's certificate, made with `keytool` for one test run.

use std::path::Path;

use super::java::keytool;

pub(super) const PASSWORD: &str = "only-for-tests";

/// Leaves `ca.pem`, `broker.p12` and `trust.p12` in `folder`.
pub(super) fn make(folder: &Path) {
    let run = |command: &str| {
        let words: Vec<&str> = command.split_whitespace().collect();
        keytool(folder, &words);
    };
    let pair = format!("-genkeypair -keyalg EC -storetype PKCS12 -storepass {PASSWORD} -validity 30");
    run(&format!("{pair} -keystore ca.p12 -alias ca -dname CN=tocsin-test-ca -ext bc:c"));
    run(&format!("-exportcert -rfc -keystore ca.p12 -storepass {PASSWORD} -alias ca -file ca.pem"));
    let names = "-ext san=dns:localhost,ip:127.0.0.1";
    run(&format!("{pair} -keystore broker.p12 -alias broker -dname CN=localhost {names}"));
    run(&format!("-certreq -keystore broker.p12 -storepass {PASSWORD} -alias broker -file broker.csr"));
    run(&format!(
        "-gencert -keystore ca.p12 -storepass {PASSWORD} -alias ca -validity 30 {names} -infile broker.csr -outfile broker.pem -rfc"
    ));
    let import = format!("-importcert -storetype PKCS12 -storepass {PASSWORD}");
    run(&format!("{import} -keystore broker.p12 -alias ca -file ca.pem"));
    run(&format!("{import} -keystore broker.p12 -alias broker -file broker.pem"));
    // Without a trust store the broker ends at its start.
    run(&format!("{import} -keystore trust.p12 -alias ca -file ca.pem"));
}
