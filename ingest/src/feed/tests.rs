//! Feeds as they are found, read whole.

use super::*;

const RSS: &str = r#"<?xml version="1.0" encoding="gb2312"?><rss version="2.0"><channel><title>快报</title><image><url>/logo.png</url></image>
    <item><title>银行股&amp;保险股下跌</title><link>/a/1</link><guid>n-1</guid>
    <pubDate>Fri, 10 Mar 2023 16:00:00 GMT</pubDate><description>&lt;p&gt;三大指数&lt;b&gt;收低&lt;/b&gt;&lt;/p&gt;</description></item></channel></rss>"#;

#[test]
fn an_rss_feed_in_gb2312_is_read_whole() {
    let (bytes, _, _) = encoding_rs::GBK.encode(RSS);
    let entries = entries(&bytes, Some("text/xml"), "https://example.com/rss").unwrap();
    assert_eq!(entries.len(), 1);
    let entry = &entries[0];
    assert_eq!((entry.title.as_str(), entry.native_id.as_str()), ("银行股&保险股下跌", "n-1"));
    assert_eq!(entry.text, "三大指数收低");
    assert_eq!(entry.url.as_deref(), Some("https://example.com/a/1"));
    assert_eq!(entry.published.unwrap().to_rfc3339(), "2023-03-10T16:00:00+00:00");
}

#[test]
fn json_feed_and_atom_are_told_apart_by_content() {
    let json = r#"{"version":"https://jsonfeed.org/version/1.1","title":"t","items":[{"id":"1","url":"https://example.com/1","title":"Profit up","content_text":"Good."}]}"#;
    let atom = r#"<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title><id>x</id><updated>2024-01-01T00:00:00Z</updated>
        <entry><id>e</id><title>Rates cut</title><link href="https://example.com/2"/><updated>2024-01-01T00:00:00Z</updated><summary>By 25 bp.</summary></entry></feed>"#;
    for (feed, title) in [(json, "Profit up"), (atom, "Rates cut")] {
        let entries = entries(feed.as_bytes(), None, "https://example.com/feed").unwrap();
        assert_eq!(entries[0].title, title);
    }
}

#[test]
fn atom_0_3_and_broken_xml_are_read() {
    let old = r#"<feed version="0.3" xmlns="http://purl.org/atom/ns#"><entry><title>Rates &amp; bonds</title>
        <link rel="alternate" type="text/html" href="/2"/><id>tag:x,1</id><issued>2004-01-01T00:00:00Z</issued>
        <modified>2004-01-02T00:00:00Z</modified><author><name>Ann</name></author>
        <content type="text/html" mode="escaped">&lt;p&gt;Up&lt;/p&gt;</content></entry></feed>"#;
    let read = items(old.as_bytes(), None, Some("https://example.com/feed")).unwrap();
    assert_eq!(read.len(), 1);
    let item = &read[0];
    assert_eq!((item.title.as_str(), item.id.as_str()), ("Rates & bonds", "tag:x,1"));
    assert_eq!((item.links[0].as_str(), item.author.as_deref()), ("https://example.com/2", Some("Ann")));
    assert_eq!(item.published.unwrap().to_rfc3339(), "2004-01-01T00:00:00+00:00");
    assert_eq!(item.content.as_deref(), Some("<p>Up</p>"));
    let broken = "<rss><channel><item><title>A & B &nbsp; C</title><link>http://e.com/1</link></item><item><title>Two<b></title><link>http://e.com/2</link></item><item><title>Cut off";
    let read = items(broken.as_bytes(), None, Some("https://example.com/feed")).unwrap();
    let titles: Vec<&str> = read.iter().map(|item| item.title.as_str()).collect();
    assert_eq!(titles, ["A & B C", "Two", "Cut off"]);
    assert_ne!(read[0].id, read[1].id);
}

#[test]
fn titles_of_media_and_sources_are_not_the_entrys() {
    let feed = r#"<rss xmlns:media="http://search.yahoo.com/mrss/" xmlns:a="http://www.w3.org/2005/Atom"><channel>
        <item><title>Bank falls</title><media:group><media:title>A photo</media:title></media:group>
        <media:title>Another photo</media:title><a:link rel="self" href="https://e.com/self"/><link>https://e.com/1</link>
        <source url="https://other.org/feed">Other</source></item></channel></rss>"#;
    let read = items(feed.as_bytes(), None, None).unwrap();
    assert_eq!(read[0].title, "Bank falls");
    assert_eq!(read[0].links, ["https://e.com/1", "https://e.com/self"]);
    let atom = r#"<feed><entry><title>Own</title><source><id>s</id><title>Source</title></source><id>o</id></entry></feed>"#;
    let read = items(atom.as_bytes(), None, None).unwrap();
    assert_eq!((read[0].title.as_str(), read[0].id.as_str()), ("Own", "o"));
}

#[test]
fn markup_within_a_field_stays_its_text() {
    let atom = r#"<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>e</id><content type="xhtml">
        <div xmlns="http://www.w3.org/1999/xhtml"><p>Up <b>5 %</b></p></div></content><title type="text">1 &lt; 2</title></entry></feed>"#;
    let read = items(atom.as_bytes(), None, None).unwrap();
    assert_eq!(plain(read[0].content.as_deref().unwrap()), "Up 5 %");
    assert_eq!(read[0].title, "1 < 2");
}

#[test]
fn what_atom_carries_in_base64_is_read_where_it_is_text() {
    let item = |kind: &str, content: &str| {
        let atom = format!(
            "<feed><entry><title {kind}>{content}</title><content {kind}>{content}</content></entry></feed>"
        );
        items(atom.as_bytes(), None, None).unwrap().remove(0)
    };
    let read = |kind: &str, content: &str| item(kind, content).content;
    assert_eq!(read("type='image/png'", "iVBORw0K\nGgo="), None);
    for (kind, content, markup, title) in [
        ("mode='base64' type='text/html'", "\nPHA+VXAg\n6ZO2PC9wPg==\n", "<p>Up 银</p>", "Up 银"),
        ("type='application/octet-stream'", "PHA+VXA8L3A+", "<p>Up</p>", "Up"),
        ("mode='base64' type='text/plain'", "MSA8IDIgPGI+", "1 &lt; 2 &lt;b>", "1 < 2 <b>"),
        ("mode='base64'", "VXA", "Up", "Up"),
    ] {
        let item = item(kind, content);
        assert_eq!((item.content.as_deref(), item.title.as_str()), (Some(markup), title), "{kind}");
    }
    assert_eq!(
        read("type='application/octet-stream'", "Shares fell, it said.").unwrap(),
        "Shares fell, it said."
    );
    assert_eq!(read("type='application/xhtml+xml'", "<p>Up</p>").unwrap(), "<p>Up</p>");
    assert_eq!(read("type='html'", "Up").unwrap(), "Up");
}

#[test]
fn feeds_whose_bytes_are_ascii_and_mean_something_else_are_read() {
    let feed = "<?xml version='1.0' encoding='iso-2022-jp'?><rss><item><title>日本銀行</title></item></rss>";
    let (bytes, _, _) = encoding_rs::ISO_2022_JP.encode(feed);
    assert!(bytes.is_ascii());
    let wide: Vec<u8> = feed.replace("日本銀行", "BoJ").encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(std::str::from_utf8(&wide).is_ok());
    for (bytes, title) in [(&bytes[..], "日本銀行"), (&wide[..], "BoJ")] {
        assert_eq!(entries(bytes, None, "https://e.com/").unwrap()[0].title, title);
    }
}

#[test]
fn an_author_is_the_first_name_whatever_else_stands_there() {
    let author = |inside: &str| {
        let feed =
            format!("<feed><entry><author>{inside}</author><author><name>Bo</name></author></entry></feed>");
        items(feed.as_bytes(), None, None).unwrap().remove(0).author.unwrap()
    };
    assert_eq!(author("<name>Ann</name><email>a@e.com</email>"), "Ann");
    assert_eq!(author("<name> </name>"), "Bo");
    assert_eq!(author("a@e.com (Ann &amp; Co)"), "a@e.com (Ann & Co)");
    assert!(author(&"Ann ".repeat(10_000)).len() < 5_000);
}

#[test]
fn a_news_sitemap_is_a_feed() {
    let map = r#"<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">
        <url><loc>https://e.com/a?x=1&amp;y=2</loc><news:news><news:publication><news:name>E</news:name><news:language>en</news:language></news:publication>
        <news:publication_date>2024-05-06T10:00:00Z</news:publication_date><news:title>Bank falls</news:title></news:news></url></urlset>"#;
    let read = items(map.as_bytes(), None, None).unwrap();
    let item = &read[0];
    assert_eq!((item.title.as_str(), item.links[0].as_str()), ("Bank falls", "https://e.com/a?x=1&y=2"));
    assert_eq!((item.published.unwrap().timestamp(), item.lang.as_deref()), (1_714_989_600, Some("en")));
}

#[test]
fn a_list_of_sitemaps_is_no_feed_and_a_feed_that_speaks_of_one_is() {
    let index = "<?xml version='1.0'?><sitemapindex><sitemap><loc>https://e.com/s1.xml.gz</loc></sitemap></sitemapindex>";
    let told = entries(index.as_bytes(), None, "https://e.com/sitemap.xml").unwrap_err();
    assert!(told.contains("format = \"sitemap\""), "{told}");
    let feed = "<rss><channel><item><title>How to</title><description><![CDATA[<sitemapindex>]]></description></item></channel></rss>";
    assert_eq!(entries(feed.as_bytes(), None, "https://e.com/rss").unwrap().len(), 1);
}

#[test]
fn a_page_is_no_feed_and_hostile_bytes_do_no_harm() {
    for bytes in [&b"<html><body>hello</body></html>"[..], b"", b"\xff\xfe\x00", b"{\"items\": 7}"] {
        assert!(entries(bytes, None, "https://example.com/").is_err());
    }
}

/// Title, first link and id of each item.
fn told(feed: &str) -> Vec<(String, String, String)> {
    let read = items(feed.as_bytes(), None, None).unwrap();
    read.into_iter()
        .map(|item| (item.title, item.links.into_iter().next().unwrap_or_default(), item.id))
        .collect()
}

#[test]
fn an_element_that_is_never_closed_costs_its_item_nothing() {
    for open in [
        "<enclosure url='https://e.com/a.mp3' type='audio/mpeg'>",
        "<media:thumbnail url='https://e.com/a.png'>",
        "<media:content url='https://e.com/a.png'><media:title>A photo</media:title>",
        "<media:group><media:content url='https://e.com/a.png'>",
        "<source url='https://other.org/feed'>Other",
        "<image><url>https://e.com/a.png</url>",
        "<cloud><source><image>",
        "<point xmlns='urn:geo'><pos>1 2</pos>",
        "<media:credit><media:title>A photo<media:text><source>Other",
    ] {
        let item =
            |n: usize| format!("<item>{open}<title>Bank {n}</title><link>https://e.com/{n}</link></item>");
        let feed = format!("<rss><channel>{}{}</channel></rss>", item(1), item(2));
        let told = told(&feed);
        let shown: Vec<(&str, &str)> =
            told.iter().map(|(title, link, _)| (title.as_str(), link.as_str())).collect();
        assert_eq!(shown, [("Bank 1", "https://e.com/1"), ("Bank 2", "https://e.com/2")], "{open}");
        assert_ne!(told[0].2, told[1].2, "{open}");
    }
}

#[test]
fn what_is_of_another_namespace_is_not_the_entrys_and_a_prefix_of_one_entry_no_others() {
    let dc = "http://purl.org/dc/elements/1.1/";
    let item = |inside: &str| format!("<item>{inside}<title>Bank falls</title></item>");
    let feed = format!(
        "<rss xmlns:a='{dc}'>{}{}</rss>",
        item(&format!(
            "<point xmlns='urn:geo'><title>Harbour</title></point><x:creator xmlns:x='{dc}'>Ann</x:creator>\
             <b xmlns:a='urn:b'><a:date>2023-01-01T00:00:00Z</a:date></b>"
        )),
        item("<a:date>2024-05-06T10:00:00Z</a:date><x:creator>Bo</x:creator>"),
    );
    let read = items(feed.as_bytes(), None, None).unwrap();
    let told = |item: &Item| (item.title.clone(), item.author.clone(), item.published.is_some());
    assert_eq!(told(&read[0]), ("Bank falls".to_owned(), Some("Ann".to_owned()), false));
    assert_eq!(told(&read[1]), ("Bank falls".to_owned(), None, true));
}

#[test]
fn cdata_that_is_never_closed_costs_no_other_field_or_item() {
    let item = |n: usize, title: &str, text: &str| {
        format!(
            "<item><title>{title}</title><link>https://e.com/{n}</link><description>{text}</description></item>"
        )
    };
    let open = "<![CDATA[Bank falls & rises";
    for (text, last) in [("By a third.", "Two"), ("<![CDATA[By a <b>third</b>.]]>", "<![CDATA[Two]]>")] {
        let feed = format!("<rss>{}{}</rss>", item(1, open, text), item(2, last, text));
        let told = told(&feed);
        assert_eq!(
            (told.len(), told[0].0.as_str(), told[0].1.as_str()),
            (2, "Bank falls & rises", "https://e.com/1")
        );
        assert_eq!((told[1].0.as_str(), told[1].1.as_str()), ("Two", "https://e.com/2"), "{text}");
    }
}

#[test]
fn the_surest_date_is_that_of_publication_wherever_it_stands() {
    let spaces = "xmlns:dc='http://purl.org/dc/elements/1.1/' xmlns:dcterms='http://purl.org/dc/terms/' \
                  xmlns:news='http://www.google.com/schemas/sitemap-news/0.9'";
    let surest_first = ["published", "issued", "pubDate", "news:publication_date", "dc:date", "created"];
    let date = |name: &str, day: usize| format!("<{name}>2024-05-{day:02}T10:00:00Z</{name}>");
    let published = |dates: &[String]| {
        let feed = format!("<rss {spaces}><item>{}</item></rss>", dates.concat());
        items(feed.as_bytes(), None, None).unwrap().remove(0).published.unwrap().format("%d").to_string()
    };
    for pair in surest_first.windows(2) {
        let (sure, unsure) = (pair[0], pair[1]);
        let both = [date(unsure, 1), date(sure, 2)];
        assert_eq!(published(&both), "02", "{unsure} before {sure}");
        assert_eq!(published(&[both[1].clone(), both[0].clone()]), "02", "{sure} before {unsure}");
    }
    assert_eq!(published(&[date("dcterms:created", 1), date("pubDate", 2)]), "02");
    assert_eq!(published(&[date("dcterms:issued", 1), date("dc:date", 2)]), "01", "of equals the first");
    assert_eq!(published(&["<published>soon</published>".to_owned(), date("created", 3)]), "03");
}

#[test]
fn an_entry_without_an_author_has_that_of_its_source_or_else_of_its_feed() {
    let person = |name: &str| format!("<author><name>{name}</name><email>a@e.com</email></author>");
    let source = format!("<source><id>s</id>{}<title>Elsewhere</title></source>", person("Wire"));
    let entries = [
        String::new(),
        person("Ann"),
        source.clone(),
        format!("{source}{}", person("Bo")),
        "<source><author><name>Open</source>".to_owned(),
        "<dc:creator>Cy</dc:creator>".to_owned(),
    ];
    let entries: String =
        entries.iter().map(|inside| format!("<entry>{inside}<title>T</title></entry>")).collect();
    let feed = format!("<feed><title>F</title>{}{}{entries}</feed>", person("Desk"), person("Second"));
    let read = items(feed.as_bytes(), None, None).unwrap();
    let authors: Vec<&str> = read.iter().filter_map(|item| item.author.as_deref()).collect();
    assert_eq!(authors, ["Desk", "Ann", "Wire", "Bo", "Open", "Cy"]);
    assert!(read.iter().all(|item| item.title == "T"), "{read:?}");
    let rss =
        "<rss><channel><managingEditor>Desk</managingEditor><author>Desk</author><item/></channel></rss>";
    assert_eq!(items(rss.as_bytes(), None, None).unwrap()[0].author, None);
}

#[test]
fn what_describes_media_is_the_text_of_an_entry_that_has_no_other() {
    let described = "<media:description>Powell &amp; rates</media:description>";
    let group =
        format!("<media:group><media:title>T</media:title><media:content url='v'/>{described}</media:group>");
    let content = format!("<media:content url='v'>{described}</media:content>");
    let subtitle = "<itunes:subtitle>Powell &amp; rates</itunes:subtitle>".to_owned();
    for caption in [described, &group, &content, &subtitle] {
        for own in ["", "<summary/>", "<summary>Own</summary>", "<content>Own</content>"] {
            for inside in [format!("{own}{caption}"), format!("{caption}{own}")] {
                let feed = format!("<feed><entry><title>T</title>{inside}<id>7</id></entry></feed>");
                let item = items(feed.as_bytes(), None, None).unwrap().remove(0);
                let text = if own.contains("Own") { "Own" } else { "Powell & rates" };
                assert_eq!((item.title.as_str(), item.id.as_str()), ("T", "7"), "{feed}");
                assert_eq!(Entry::from(item).text, text, "{feed}");
            }
        }
    }
}

#[test]
fn an_entry_is_in_the_language_of_its_texts_where_it_does_not_say_its_own() {
    let lang = |entry: &str, inside: &str| {
        let feed = format!("<feed xml:lang='fr'><entry{entry}>{inside}</entry></feed>");
        items(feed.as_bytes(), None, None).unwrap().remove(0).lang.unwrap()
    };
    assert_eq!(lang("", "<content type='html' xml:lang='ja'>x</content>"), "ja");
    assert_eq!(lang("", "<title xml:lang='en'>x</title><content>y</content>"), "en");
    assert_eq!(lang(" xml:lang='de'", "<title xml:lang='en'>x</title>"), "de");
    assert_eq!(lang("", "<title>x</title><link xml:lang='en' href='a'/>"), "fr");
}
