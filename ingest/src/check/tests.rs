use super::*;

fn described(body: &[u8]) -> String {
    let url = Url::parse("https://example.com/sitemap.xml").unwrap();
    let (headers, body) = (HeaderMap::new(), body.to_vec().into());
    let fetched = Fetched { url, status: 200, headers, body, moved: false };
    let mut findings = Findings::default();
    describe(&IngestConfig::default(), &fetched, DateTime::UNIX_EPOCH, &mut findings);
    findings.to_string()
}

#[test]
fn a_sitemap_is_named_with_the_format_that_reads_it_and_a_feed_is_a_source_as_it_is() {
    let index = "<sitemapindex><sitemap><loc>https://example.com/s1.xml.gz</loc></sitemap></sitemapindex>";
    let pages = "<urlset><url><loc>https://example.com/a</loc><lastmod>2024-05-06</lastmod></url></urlset>";
    for (map, told) in [(index, "1 sitemaps, 0 with a date"), (pages, "1 pages, 1 with a date")] {
        let findings = described(map.as_bytes());
        assert!(findings.contains(told), "{findings}");
        assert!(findings.ends_with("can be a source with format = \"sitemap\"\n"), "{findings}");
    }
    let feed = "<rss><channel><item><title>Bank falls</title></item></channel></rss>";
    assert!(described(feed.as_bytes()).ends_with("can be a source as it is\n"));
}

#[test]
fn a_crawl_delay_of_more_than_an_hour_is_told_with_what_is_kept_of_it() {
    assert_eq!(told_delay(Duration::from_secs(90)), ", crawl-delay 90 s");
    assert_eq!(told_delay(Duration::from_secs(7200)), ", crawl-delay 7200 s, of which 3600 s are kept");
}
