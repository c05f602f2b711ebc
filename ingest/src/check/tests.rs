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
fn an_odd_item_makes_a_list_of_posts_no_other_thing() {
    let comment = |id: u32| {
        format!(r#"{{"kind":"t1","data":{{"name":"t1_{id}","body":"Fine","created_utc":1709280000}}}}"#)
    };
    let more = r#"{"kind":"more","data":{"name":"t1__","children":[]}}"#;
    let list = |items: &[&str]| format!(r#"{{"data":{{"children":[{}],"after":null}}}}"#, items.join(","));
    let (one, two) = (comment(1), comment(2));
    let findings = described(list(&[one.as_str(), two.as_str(), more]).as_bytes());
    assert!(findings.contains("2 posts, with format = \"reddit\""), "{findings}");
    assert!(findings.contains("1 others, the first has no usable "), "{findings}");
    assert!(findings.ends_with("can be a source with format = \"reddit\"\n"), "{findings}");
    assert!(described(list(&[one.as_str(), more, more]).as_bytes()).ends_with("cannot be a source\n"));
}

#[test]
fn a_crawl_delay_of_more_than_an_hour_is_told_with_what_is_kept_of_it() {
    assert_eq!(told_delay(Duration::from_secs(90)), ", crawl-delay 90 s");
    assert_eq!(told_delay(Duration::from_secs(7200)), ", crawl-delay 7200 s, of which 3600 s are kept");
}

#[test]
fn of_a_file_that_is_read_as_one_column_it_is_told_what_parts_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    std::fs::write(&path, "id;text\n1;Fine\n").unwrap();
    let mut findings = Findings::default();
    files::describe(&path.to_string_lossy(), &mut findings);
    let told = findings.to_string();
    assert!(told.contains("delimiter  looks like ';'"), "{told}");
}
