//! The fuzz targets on written seeds with random changes: a moment here, and as long as
//! wished by `FUZZ_SECONDS=300 FUZZ_SEEDS=FOLDER cargo test -p tocsin-ingest --test fuzz`,
//! where the folder has a subfolder `feed`, `page`, `robots` or `sitemap` for each target. Blind to
//! coverage; `fuzz/` is not. What fails is printed, and becomes a test of its own.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../fuzz/targets.rs"]
#[expect(unreachable_pub, reason = "the fuzz targets share it")]
mod targets;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

/// Longest input; what is slow shows at that length too.
const LONGEST: usize = 64 << 10;
/// No input of that length may take longer, even on a busy machine without optimisation.
const SLOWEST: Duration = Duration::from_secs(10);

const FEEDS: [&str; 5] = [
    "<?xml version='1.0' encoding='gbk'?><rss version='2.0'><channel><title>T</title><item><guid>1</guid><title>&amp;a</title>\
     <link>/a</link><pubDate>Mon, 06 May 2024 01:00:00 GMT</pubDate><description><![CDATA[<p>x]]></description></item></channel></rss>",
    "<feed xmlns='http://www.w3.org/2005/Atom' xml:base='https://e.com/'><entry><id>i</id><title type='html'>&lt;b&gt;</title>\
     <link rel='alternate' href='a'/><updated>2024-05-06T00:00:00Z</updated><content type='xhtml'><div>x</div></content></entry></feed>",
    "{\"version\":\"https://jsonfeed.org/version/1.1\",\"items\":[{\"id\":1,\"url\":\"/a\",\"content_html\":\"<p>x\",\
     \"date_published\":\"2024-05-06T00:00:00Z\",\"authors\":[{\"name\":\"J\"}]}]}",
    "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/'><item rdf:about='/a'>\
     <title>T</title><dc:date xmlns:dc='d'>2024-05-06</dc:date></item></rdf:RDF>",
    "<html><script>'<item>'</script><feed xml:lang='en'><author><name>J</name></author><entry><source><author><name>K</author></source>\
     <media:group><title><![CDATA[T</title><link href='a'></entry><entry><enclosure url='a'><source url='b'>S<created>2024</created></entry>",
];
const PAGES: [&str; 3] = [
    "<!doctype html><html lang=en><head><meta charset=gbk><title>T</title><script type='application/ld+json'>{\"@type\":\"NewsArticle\",\
     \"datePublished\":\"2024-05-06\",\"author\":[{\"name\":\"J\"}]}</script></head><body><nav><a href=/>Home</a></nav><article><h1>Bank falls</h1>\
     <p>The lender said that deposits had fallen by a tenth.</p><time datetime='2024-05-06'>May 6</time></article></body></html>",
    "<table><tr><td><div class=comment><a href=x>Jane</a><p>A<p>B<br>C</div><!-- c --><pre> x\n</pre></table><svg><p>&#x1F600;&#150;&nbsp",
    "<html><body><div id=content>银行股下跌。<p>2024年5月6日 10:00</p></div><ul><li>a<li>b</ul></body>",
];
const ROBOTS: [&str; 2] = [
    "# c\nUser-agent: *\nUser-agent: TocsinBot/1\nDisallow: /a*b$\nAllow: /a/%7Eb\nCrawl-delay: 2.5\nSitemap: https://e.com/s.xml\n",
    "\u{feff}user agent:tocsinbot\rdisallow /\r\nAllow: *?c=\n\nUser-agent: other\nDisallow: /",
];
const SITEMAPS: [&str; 2] = [
    "<urlset xmlns:n='http://www.google.com/schemas/sitemap-news/0.9'><url><loc> https://e.com/a </loc><lastmod>2024-05-06</lastmod>\
     <n:news><n:title>T</n:title><n:publication_date>2024-05-06T01:00Z</n:publication_date></n:news></url></urlset>",
    "<?xml version='1.0'?><sitemapindex><sitemap><loc>https://e.com/n.xml.gz</loc></sitemap></sitemapindex>",
];

/// A small generator: the same changes in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % below.max(1)
    }

    fn change(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        let at = self.roll(bytes.len() + 1);
        let length = 1 << self.roll(9);
        let end = (at + length).min(bytes.len());
        match self.roll(7) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..end)),
            2 => bytes.insert(at, b"<>&;'\"=/[]{}:\0\n\xff"[self.roll(16)]),
            3 => bytes[at..end].iter_mut().for_each(|byte| *byte ^= 1 << (length % 8)),
            4 => {
                let piece = bytes[at..end].repeat(1 + self.roll(64));
                drop(bytes.splice(at..at, piece));
            }
            5 => {
                let from = self.roll(other.len() + 1);
                let piece = &other[from..(from + length).min(other.len())];
                drop(bytes.splice(at..end, piece.iter().copied()));
            }
            _ => bytes[at..end].reverse(),
        }
        bytes.truncate(LONGEST);
    }
}

fn seeds(name: &str, written: &[&str]) -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = written.iter().map(|text| text.as_bytes().to_vec()).collect();
    if let Ok(folder) = std::env::var("FUZZ_SEEDS") {
        let files = std::fs::read_dir(Path::new(&folder).join(name)).into_iter().flatten().flatten();
        seeds.extend(files.filter_map(|file| std::fs::read(file.path()).ok()));
    }
    seeds
}

fn run(name: &str, written: &[&str], target: fn(&[u8])) {
    let seconds = std::env::var("FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(0.4);
    let (seeds, started) = (seeds(name, written), Instant::now());
    let (mut dice, mut rounds) = (Dice(0x9e37_79b9_7f4a_7c15), 0_u64);
    while rounds < 20 || started.elapsed().as_secs_f64() < seconds {
        let mut bytes = seeds[dice.roll(seeds.len())].clone();
        bytes.truncate(LONGEST);
        for _ in 0..=dice.roll(6) {
            let other = dice.roll(seeds.len());
            dice.change(&mut bytes, &seeds[other]);
        }
        let began = Instant::now();
        let shown = || String::from_utf8_lossy(&bytes).escape_debug().to_string();
        assert!(catch_unwind(AssertUnwindSafe(|| target(&bytes))).is_ok(), "{name}: {}", shown());
        assert!(began.elapsed() < SLOWEST, "{name}: {:?}: {}", began.elapsed(), shown());
        rounds += 1;
    }
    eprintln!("{name}: {rounds} inputs of {} seeds", seeds.len());
}

#[test]
fn no_change_of_a_feed_breaks_its_reader() {
    run("feed", &FEEDS, targets::feed);
}

#[test]
fn no_change_of_a_page_breaks_its_reader() {
    run("page", &PAGES, targets::page);
}

#[test]
fn no_change_of_a_robots_txt_breaks_its_reader() {
    run("robots", &ROBOTS, targets::robots);
}

#[test]
fn no_change_of_a_sitemap_breaks_its_reader() {
    run("sitemap", &SITEMAPS, targets::sitemap);
}
