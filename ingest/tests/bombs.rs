//! Documents built to exhaust memory end soon and small. A process of its own: what is
//! measured is the peak of the whole process.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::io::Write as _;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use support::{Reply, Site};
use tocsin_ingest::sitemap::{self, Sitemap};
use tocsin_ingest::{FetchError, GuardedClient, IngestConfig, feed, page};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

const URL: &str = "https://example.com/2024/a";

/// Memory of this process in MB, as /proc/self/status has it; `None` where the system does not tell.
fn memory(field: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(field))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1024)
}

/// The peak is that of the process: one test at a time.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// What a test takes at its peak, beside what the one before left behind.
struct Peak {
    before: Option<u64>,
}

impl Peak {
    fn count() -> Self {
        // 5: the high-water mark begins anew, by proc(5).
        std::fs::write("/proc/self/clear_refs", "5")
            .unwrap_or_else(|cause| eprintln!("peak not reset: {cause}"));
        Self { before: memory("VmRSS:") }
    }

    /// In MB.
    fn taken(&self) -> Option<u64> {
        Some(memory("VmHWM:")?.saturating_sub(self.before?))
    }
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
    let _alone = ALONE.blocking_lock();
    let peak = Peak::count();
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
    // Each end of a name within an author would be an author.
    let names = format!("<rss><item><author>{}{}", "&amp;<x>".repeat(1 << 18), "</name>".repeat(1 << 18));
    assert_eq!(feed::items(names.as_bytes(), None, None).unwrap().len(), 1);
    drop(feed::items("<!a[>".repeat(1 << 19).as_bytes(), None, None));
    for text in ["\\ud83d", "\t", "\\", "\"\t"] {
        let json = format!("{{\"items\":[{{\"title\":\"{}", text.repeat((4 << 20) / text.len()));
        assert!(feed::items(json.as_bytes(), None, None).is_err());
    }
    let json = format!("{{\"items\":[{}{{}}]}}", "{\"x\":[[],[]]},".repeat(200_000));
    assert_eq!(feed::items(json.as_bytes(), None, None).unwrap().len(), 50_000);
    match peak.taken() {
        // The bombs themselves take some 10 MB of it.
        Some(megabytes) => assert!(megabytes < 100, "{megabytes} MB at the peak"),
        None => eprintln!("peak memory is not told by this system: not checked"),
    }
}

/// What is written once and told of each entry, or is longer than anything that means something.
#[test]
fn what_entries_inherit_ends_small_and_soon() {
    let _alone = ALONE.blocking_lock();
    let (long, many) = ("x".repeat(1_000_000), 50_000);
    let author = "x".repeat(1000);
    let bombs: [(&str, &dyn Fn() -> String); 9] = [
        ("language", &|| format!("<rss xml:lang='{long}'>{}", "<item/>".repeat(many))),
        ("channel", &|| format!("<rss><language>{long}</language>{}", "<item/>".repeat(many))),
        ("JSON", &|| format!("{{\"language\":\"{long}\",\"items\":[{}{{}}]}}", "{},".repeat(many - 1))),
        ("base", &|| {
            let base = format!("http://e.com/{}/", "x".repeat(200_000));
            format!("<feed xml:base='{base}'>{}", "<entry><link href='a'/></entry>".repeat(many))
        }),
        ("short base", &|| {
            let base = format!("http://e.com/{}/", "x".repeat(8000));
            format!("<feed xml:base='{base}'>{}", "<entry><link href='a'/></entry>".repeat(many))
        }),
        ("many links", &|| {
            let base = format!("http://e.com/{}/", "x".repeat(8000));
            format!(
                "<rss xml:base='{base}'><item>{}",
                "<link rel='via' xml:base='a' href='a'/>".repeat(600_000)
            )
        }),
        ("author", &|| format!("<feed><author>{author}</author>{}", "<entry/>".repeat(many))),
        ("address", &|| format!("<feed><entry><link href='{}'/></entry>", long.repeat(24))),
        ("prefixes", &|| {
            let prefix = |n: usize| format!(" xmlns:p{n}='a'");
            format!("<rss{}><item/>", (0..1_000_000).map(prefix).collect::<String>())
        }),
    ];
    for (name, bomb) in bombs {
        let packed = gzipped(bomb().as_bytes()).unwrap();
        let (peak, started) = (Peak::count(), Instant::now());
        let items = feed::items(&packed, None, Some(URL)).unwrap();
        assert!(!items.is_empty() && items.len() <= many, "{name}: {}", items.len());
        // Two seconds are enough; a busy machine may need more.
        assert!(started.elapsed() < Duration::from_secs(6), "{name}: {:?}", started.elapsed());
        assert!(peak.taken().is_none_or(|megabytes| megabytes < 100), "{name}: {:?} MB", peak.taken());
    }
}

/// A sitemap of news, packed, as long as its protocol allows.
fn longest_sitemap() -> std::io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(b"<urlset xmlns:news='http://www.google.com/schemas/sitemap-news/0.9'>")?;
    for n in 0..50_000 {
        let news = format!(
            "<news:publication_date>2024-05-06T10:00:00Z</news:publication_date>\
             <news:title>Bank {n} falls by a third after it sold bonds at a loss</news:title>"
        );
        let url =
            format!("<url><loc>https://example.com/2024/05/06/{n}</loc><news:news>{news}<news:keywords>");
        write!(encoder, "{url:x<1000}</news:keywords></news:news></url>")?;
    }
    encoder.write_all(b"</urlset>")?;
    encoder.finish()
}

#[test]
fn the_longest_sitemap_is_read_in_little_memory() {
    let _alone = ALONE.blocking_lock();
    let packed = longest_sitemap().unwrap();
    let peak = Peak::count();
    let Sitemap::Pages(listed) = sitemap::read(&packed, URL).unwrap() else { panic!("no pages") };
    assert_eq!((listed.len(), listed[49_999].url.as_str()), (50_000, "https://example.com/2024/05/06/49999"));
    assert!(listed.iter().all(|page| page.published.is_some() && page.title.is_some()));
    assert!(peak.taken().is_none_or(|megabytes| megabytes < 100), "{:?} MB at the peak", peak.taken());
}

/// Two hundred megabytes of spaces, packed by Brotli.
fn brotli_bomb() -> std::io::Result<Vec<u8>> {
    let mut writer = brotli::CompressorWriter::new(Vec::new(), 1 << 16, 5, 22);
    for _ in 0..200 {
        writer.write_all(&[b' '; 1 << 20])?;
    }
    Ok(writer.into_inner())
}

/// `bytes` packed by gzip.
fn gzipped(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// A client that may ask `site`, with a second for each answer.
fn client(at: SocketAddr) -> GuardedClient {
    let mut config = IngestConfig { allow: vec![at.to_string()], ..IngestConfig::default() };
    config.limits.total = Duration::from_secs(1);
    GuardedClient::new(&config).unwrap()
}

#[tokio::test]
async fn packed_answers_end_small_while_they_are_unpacked() {
    let _alone = ALONE.lock().await;
    let peak = Peak::count();
    let (site, bomb) = (Site::start().await, gzip_bomb().unwrap());
    let packed = |by: &str, body: Vec<u8>| Reply::ok("text/html", body).with("content-encoding", by);
    site.set("/gzip", packed("gzip", bomb.clone()));
    site.set("/br", packed("br", brotli_bomb().unwrap()));
    // Not asked for, so not unpacked either.
    site.set("/zstd", packed("zstd", b"\x28\xb5\x2f\xfd".to_vec()));
    // A packed sitemap in a packed answer in a packed sitemap.
    site.set("/nested", packed("gzip", gzipped(&gzipped(&bomb).unwrap()).unwrap()));
    let mut unlimited = IngestConfig { allow: vec![site.at.to_string()], ..IngestConfig::default() };
    unlimited.limits.total = Duration::from_secs(60);
    let client = GuardedClient::new(&unlimited).unwrap();
    let get = async |path: &str| client.get(&site.url(path).parse().unwrap()).await;
    for path in ["/gzip", "/br"] {
        let error = get(path).await.unwrap_err();
        assert!(matches!(error, FetchError::TooLarge { .. }), "{path}: {error}");
    }
    assert_eq!(get("/zstd").await.unwrap().body.len(), 4);
    let nested = get("/nested").await.unwrap();
    assert!(sitemap::read(&nested.body, URL).is_err(), "what is packed twice is no sitemap");
    assert!(peak.taken().is_none_or(|megabytes| megabytes < 100), "{:?} MB at the peak", peak.taken());
}

/// A server that sends `head` at once and then a byte each tenth of a second, for ever.
#[expect(clippy::disallowed_methods, reason = "the server ends with the test's runtime")]
async fn dripping(head: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut sent = stream.write_all(head.as_bytes()).await;
        while sent.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
            sent = stream.write_all(b"a").await;
        }
    });
    at
}

#[tokio::test]
async fn a_server_that_drips_headers_or_body_is_given_up_in_time() {
    let heads = [
        "",
        "HTTP/1.1 200 OK\r\nx-slow: ",
        "HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n",
        "HTTP/1.1 302 Found\r\nlocation: /",
    ];
    for head in heads {
        let at = dripping(head).await;
        let started = Instant::now();
        let error = client(at).get(&format!("http://{at}/").parse().unwrap()).await.unwrap_err();
        assert!(matches!(error, FetchError::Network { .. }), "{head:?}: {error}");
        assert!(started.elapsed() < Duration::from_secs(5), "{head:?}: {:?}", started.elapsed());
    }
}
