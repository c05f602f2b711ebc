#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let rules = tocsin_ingest::robots::Rules::parse(bytes);
    // What one agent may not fetch is decided by a line that exists.
    let decision = rules.decide("TocsinBot", "https://example.com/a/b?c=d");
    assert!(decision.allowed || decision.line.is_some_and(|line| line > 0));
});
