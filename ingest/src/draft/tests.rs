use super::*;

fn rough(published: Option<&str>) -> Rough {
    Rough {
        id: DocumentId::from_native("s", "1"),
        source: Source { id: "s".into(), kind: SourceKind::Social, publisher_family: "s".into() },
        url: None,
        canonical_url: None,
        author: Some("jane".into()),
        lang: None,
        title: String::new(),
        body: "mail me: jane@example.com\0".into(),
        published: published.map(|text| (text.parse().unwrap(), PublishedPrecision::Exact)),
        engagement: None,
    }
}

fn finisher(key: &[u8]) -> Finisher {
    Finisher::new(key.to_vec(), Privacy::default(), std::time::Duration::from_secs(86_400))
}

fn finish(rough: Rough, key: &[u8]) -> Document {
    let now = "2024-05-06T00:00:00Z".parse().unwrap();
    finisher(key).finish(finisher(key).clean(rough), now, now)
}

#[test]
fn neither_author_nor_address_is_written_in_clear() {
    let document = finish(rough(None), b"key");
    assert_eq!((document.body.as_str(), document.redactions), ("mail me: [email]", 1));
    let hash = document.author_hash.unwrap();
    assert_eq!(hash.len(), 32);
    assert_ne!(Some(hash), finish(rough(None), b"other").author_hash);
    let written = serde_json::to_string(&finisher(b"key").clean(rough(None))).unwrap();
    assert!(!written.contains("jane"), "{written}");
}

#[test]
fn what_is_kept_of_people_depends_on_the_kind_of_source() {
    let mut privacy = Privacy::default();
    (privacy.social.authors, privacy.social.redact) = (false, Default::default());
    let finisher = Finisher::new(b"k".to_vec(), privacy, std::time::Duration::from_secs(86_400));
    let social = finisher.clean(rough(None));
    assert_eq!((social.body.as_str(), social.author_hash), ("mail me: jane@example.com", None));
    let mut news = rough(None);
    news.source.kind = SourceKind::News;
    let news = finisher.clean(news);
    assert!(news.body.ends_with("[email]") && news.author_hash.is_some());
}

#[test]
fn with_another_key_an_author_is_another() {
    let finisher = finisher(b"k");
    let before = finisher.clean(rough(None)).author_hash;
    finisher.rotate(b"l".to_vec());
    assert_ne!(before, finisher.clone().clean(rough(None)).author_hash);
}

#[test]
fn the_text_of_a_page_is_blacked_out_in_place_of_the_list_s() {
    let mut draft = finisher(b"k").clean(rough(None));
    assert!(finisher(b"k").replace_body(&mut draft, "Call 13812345678 or 13912345678."));
    finisher(b"k").fill_in(&mut draft, "From bo@example.com", Some("bo".into()));
    assert_eq!((draft.body.as_str(), draft.title.as_str()), ("Call [phone] or [phone].", "From [email]"));
    assert_eq!(draft.redactions, (1, 2));
    assert_eq!(draft.author_hash, finisher(b"k").clean(rough(None)).author_hash, "the list's stays");
}

#[test]
fn a_title_and_an_address_of_the_page_are_taken_without_what_is_somebodys() {
    let list = Some("https://example.com/a?email=jo@example.com".to_owned());
    let (url, canonical_url) = (list.clone(), list);
    let mut news = Rough { url, canonical_url, body: String::new(), ..rough(None) };
    news.source.kind = SourceKind::News;
    let mut draft = finisher(b"k").clean(news);
    finisher(b"k").fill_in(&mut draft, "From bo@example.com", None);
    assert_eq!((draft.title.as_str(), draft.redactions), ("From [email]", (2, 0)));
    for (address, kept) in [
        ("https://example.com/question/13812345678", "https://example.com/question/13812345678"),
        ("https://example.com/u/jane@example.com", "https://example.com/question/13812345678"),
    ] {
        finisher(b"k").take_address(&mut draft, Some(address.to_owned()));
        assert_eq!(draft.canonical_url.as_deref(), Some(kept));
    }
}

#[test]
fn a_page_that_says_less_than_the_list_leaves_the_list_s_text() {
    let long = "The bank fell by a third. ".repeat(20);
    let longer = long.repeat(2);
    for (list, page, is_replaced) in [
        (long.as_str(), "Subscribe to read on.", false),
        ("The bank fell. Its shares were halted.", "The bank\n\nfell.", false),
        ("The bank fell.", "Subscribe to read on.", true),
        (long.as_str(), longer.as_str(), true),
        ("", "The bank fell.", true),
    ] {
        let mut draft = finisher(b"k").clean(Rough { body: list.into(), ..rough(None) });
        assert_eq!(finisher(b"k").replace_body(&mut draft, page), is_replaced, "{list} {page}");
        assert_eq!(draft.body, if is_replaced { page } else { list });
    }
}

#[test]
fn a_text_without_end_is_cut_between_characters() {
    let long = Rough { body: "银".repeat(MAX_BODY + 5), ..rough(None) };
    assert_eq!(finisher(b"k").clean(long).body.chars().count(), MAX_BODY);
}

#[test]
fn no_text_of_a_document_keeps_nul() {
    let with_nul = Rough {
        source: Source { id: "s\0".into(), kind: SourceKind::Social, publisher_family: "\0s".into() },
        url: Some("https://example.com/\0a".into()),
        canonical_url: Some("https://example.com/a\0".into()),
        author: Some("ja\0ne".into()),
        lang: Some("en\0".into()),
        title: "Bank\0 falls".into(),
        ..rough(None)
    };
    let clean = finisher(b"k").clean(with_nul);
    assert!(!serde_json::to_string(&clean).unwrap().contains("\\u0000"), "{clean:?}");
    assert_eq!((clean.source.id.as_str(), clean.lang.as_deref()), ("s", Some("en")));
    assert_eq!(clean.author_hash, finisher(b"k").clean(rough(None)).author_hash);
}

#[test]
fn what_is_dated_by_its_day_is_backfill_a_day_after_its_end_everywhere() {
    let seen = |at: &str| {
        let mut rough = rough(Some("2024-05-06T00:00:00Z"));
        rough.published = rough.published.map(|(day, _)| (day, PublishedPrecision::Day));
        let at = at.parse().unwrap();
        finisher(b"k").finish(finisher(b"k").clean(rough), at, at).is_backfill
    };
    assert!(!seen("2024-05-07T00:05:00Z"), "of an evening in the east, seen at once");
    assert!(!seen("2024-05-08T12:00:00Z"), "of an evening in the far west, seen within the day");
    assert!(seen("2024-05-08T12:00:01Z"));
}

#[test]
fn what_was_old_when_first_seen_is_backfill_and_the_undated_is_not() {
    assert!(finish(rough(Some("2024-05-01T00:00:00Z")), b"k").is_backfill);
    assert!(!finish(rough(Some("2024-05-05T12:00:00Z")), b"k").is_backfill);
    assert!(!finish(rough(None), b"k").is_backfill);
}

#[test]
fn a_document_has_the_primary_language_that_its_source_says_or_else_that_of_its_text() {
    for (said, lang) in
        [(Some("zh-Hans"), "zh"), (Some("EN_us"), "en"), (Some("English"), "zh"), (None, "zh")]
    {
        let said = said.map(str::to_owned);
        assert_eq!(
            finish(Rough { lang: said, body: "海港银行股价暴跌".into(), ..rough(None) }, b"k").lang,
            lang
        );
    }
}
