//! Documents built to exhaust memory end soon and small. A process of its own: what is
//! measured is the peak of the whole process.

use std::io::Write as _;

use tocsin_ingest::{feed, page};

const URL: &str = "https://example.com/2024/a";

/// Peak memory of this process in MB; `None` where the system does not tell.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1024)
}

/// Two hundred megabytes of spaces, packed.
fn gzip_bomb() -> std::io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for _ in 0..200 {
        encoder.write_all(&[b' '; 1 << 20])?;
    }
    encoder.finish()
}

#[test]
fn bombs_end_small() {
    let lol: String =
        (1..10).map(|n| format!("<!ENTITY l{n} \"{}\">", format!("&l{};", n - 1).repeat(10))).collect();
    let xml = format!(
        "<!DOCTYPE r [<!ENTITY l0 \"lol\">{lol}]><rss><channel><item><title>&l9;</title></item></channel></rss>"
    );
    let read = feed::items(xml.as_bytes(), None, None).unwrap();
    assert_eq!(read[0].title, "&l9;", "a declared entity is not expanded");
    assert!(feed::items(&gzip_bomb().unwrap(), None, None).is_err());
    for html in ["<i>", "<div>", "<p>a", "<b><table>", "<a href=x>b", "<!a>", "&amp;", "<li>", "</b>"] {
        page::read(&html.repeat((4 << 20) / html.len()), URL);
    }
    for xml in ["<item>", "<entry/>", "<a ", "<!a>", "<![CDATA[&&", "<title>"] {
        drop(feed::items(format!("<rss>{}", xml.repeat((4 << 20) / xml.len())).as_bytes(), None, None));
    }
    let json = format!("{{\"items\":[{}{{}}]}}", "{\"x\":[[],[]]},".repeat(200_000));
    assert_eq!(feed::items(json.as_bytes(), None, None).unwrap().len(), 50_000);
    match peak() {
        // The bombs themselves take some 10 MB of it.
        Some(megabytes) => assert!(megabytes < 100, "{megabytes} MB at the peak"),
        None => eprintln!("peak memory is not told by this system: not checked"),
    }
}
