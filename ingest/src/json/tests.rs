use super::*;
use crate::config::SourceFormat;
use reqwest::header::{HeaderMap, HeaderValue, LINK};
use serde_json::json;

fn reader(settings: &str) -> Reader {
    Reader::compile(toml::from_str::<JsonConfig>(settings).unwrap().or(preset(SourceFormat::Json).unwrap()))
        .unwrap()
}

fn answer(body: &str) -> Fetched {
    answer_at("https://e.com/api/posts?q=bank", body)
}

fn answer_at(url: &str, body: &str) -> Fetched {
    let url = Url::parse(url).unwrap();
    let body = body.to_owned().into();
    Fetched { url, status: 200, headers: HeaderMap::new(), body, moved: false }
}

fn east(hours: i32) -> FixedOffset {
    FixedOffset::east_opt(hours * 3600).unwrap()
}

const PATHS: &str =
    "items = 'data.posts'\ntext = 'body.text'\nauthor = '$.user.handle'\nlikes = 'stats.0'\nurl = 'link'";

#[test]
fn fields_are_found_by_their_paths() {
    let body = r#"{"data":{"posts":[{"id":7,"created_at":1709280000,"body":{"text":"<b>银行</b> run"},
        "user":{"handle":"jane"},"stats":["3"],"link":"/p/7"}]}}"#;
    let Listed { posts, unusable, .. } = reader(PATHS).read(&answer(body)).unwrap();
    assert!(unusable.is_empty(), "{unusable:?}");
    assert_eq!((posts[0].id.as_str(), posts[0].text.as_str()), ("7", "银行 run"));
    assert_eq!(posts[0].created_at.unwrap().to_rfc3339(), "2024-03-01T08:00:00+00:00");
    assert_eq!(posts[0].author.as_deref(), Some("jane"));
    assert_eq!(posts[0].url.as_deref(), Some("https://e.com/p/7"));
    assert_eq!(posts[0].engagement.unwrap().likes, Some(3));
}

#[test]
fn times_may_be_text_seconds_or_milliseconds() {
    let read = |value: Value, format| instant(&value, format, east(0)).unwrap().timestamp();
    for value in [
        json!("2024-03-01T08:00:00Z"),
        json!(1_709_280_000),
        json!(1_709_280_000.0),
        json!(1_709_280_000_000_i64),
        json!("Fri, 01 Mar 2024 08:00:00 GMT"),
    ] {
        assert_eq!(read(value, None), 1_709_280_000);
    }
    for text in [
        "1709280000",
        "1709280000000",
        "1709280000.0",
        "Fri Mar 1 2024 16:00:00 GMT+0800",
        "2024-03-01T08:00:00",
    ] {
        assert_eq!(read(json!(text), None), 1_709_280_000, "{text}");
    }
    let weibo = Some("%a %b %d %H:%M:%S %z %Y");
    assert_eq!(read(json!("Fri Mar 01 16:00:00 +0800 2024"), weibo), 1_709_280_000);
    assert_eq!(read(json!("2024-03-01 08:00"), Some("%Y-%m-%d %H:%M")), 1_709_280_000);
    assert_eq!(read(json!("2024-03-01 08:00:00"), None), 1_709_280_000);
    let midnight = 1_709_280_000 - 8 * 3600;
    assert_eq!(
        (read(json!("2024-03-01"), None), read(json!("1.3.24"), Some("%d.%m.%y"))),
        (midnight, midnight)
    );
    assert_eq!(read(json!("20240301"), None), midnight, "no seconds since 1970");
}

#[test]
fn a_time_without_a_zone_is_in_that_of_its_source_and_a_day_alone_in_none() {
    let read = |text: &str, format| instant(&json!(text), format, east(8)).unwrap().to_rfc3339();
    for text in [
        "2024-03-01 16:00:00",
        "2024-03-01T16:00",
        "2024-03-01 16:00",
        "2024/3/1 16:00",
        "2024/03/01 16:00:00",
        "2024-03-01T08:00:00Z",
        "Fri, 01 Mar 2024 09:00:00 +0100",
        "1709280000",
    ] {
        assert_eq!(read(text, None), "2024-03-01T08:00:00+00:00", "{text}");
    }
    assert_eq!(read("1.3.2024 16:00", Some("%d.%m.%Y %H:%M")), "2024-03-01T08:00:00+00:00");
    assert_eq!(read("2024-03-01", None), "2024-03-01T00:00:00+00:00", "its precision is a day");
    let reader = reader("time_offset = '-05:00'");
    let listed = reader.read(&answer(r#"[{"id":1,"text":"x","created_at":"2024-03-01 03:00:00"}]"#)).unwrap();
    assert_eq!(listed.posts[0].created_at.unwrap().to_rfc3339(), "2024-03-01T08:00:00+00:00");
}

#[test]
fn what_is_no_time_of_a_post_is_none() {
    for value in [
        json!("NaN"),
        json!("inf"),
        json!("soon"),
        json!("12345678901234567890"),
        json!(1e300),
        json!(-1),
        json!("0001-01-01T00:00:00Z"),
        json!("31 Dec 262142 23:30:00 GMT"),
        json!(true),
    ] {
        assert_eq!(instant(&value, None, east(0)), None, "{value}");
    }
    assert_eq!(instant(&json!("9999-12-31"), Some("%Y-%m-%d"), east(0)), None);
    let (url, newest) = (Url::parse("https://e.com/").unwrap(), DateTime::<Utc>::MIN_UTC);
    let by_time = "since_param = 'from'\nsince_value = '{time}'\noverlap = '1m'";
    assert_eq!(reader(by_time).since(&url, Some((newest, "1"))).query(), Some("from=0"));
}

#[test]
fn an_odd_item_costs_no_other() {
    let odd = "null,7,[],{\"id\":1,\"id\":2,\"text\":\"raw\ttab \\ud83d\",\"created_at\":1}";
    let listed =
        reader("").read(&answer(&format!("[{odd},{{\"id\":3,\"text\":\"y\",\"created_at\":1}}]"))).unwrap();
    let posts: Vec<(&str, &str)> =
        listed.posts.iter().map(|post| (post.id.as_str(), post.text.as_str())).collect();
    assert_eq!(posts, [("2", "raw tab \u{fffd}"), ("3", "y")]);
    assert_eq!(listed.unusable.len(), 3);
}

#[test]
fn an_answer_in_another_encoding_is_read() {
    let body = r#"[{"id":1,"text":"银行股下跌","created_at":1}]"#;
    let mut answer = answer("");
    answer.body = encoding_rs::GBK.encode(body).0.into_owned().into();
    answer.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=gbk"));
    assert_eq!(reader("").read(&answer).unwrap().posts[0].text, "银行股下跌");
}

#[test]
fn a_post_that_was_taken_back_is_told_by_its_id() {
    let body = r#"[{"id":1,"gone":true},{"id":2,"gone":0,"created_at":1,"text":"y"},{"id":4,"gone":"false","created_at":1,"text":"y"},{"id":3,"gone":"2024-01-01"}]"#;
    let listed = reader("deleted = 'gone'").read(&answer(body)).unwrap();
    assert_eq!((listed.deleted, listed.posts.len()), (vec!["1".to_owned(), "3".to_owned()], 2));
}

#[test]
fn a_row_without_words_has_no_text_and_one_without_the_column_is_no_row_of_its_source() {
    let source = "id = 'f'\npath = '/f.csv'\nformat = 'csv'\ncolumns.text = 'Comment'";
    let reader = Reader::of(&toml::from_str(source).unwrap()).unwrap();
    let item = |row: Value| reader.item(&row, None);
    let Item::Post(post) = item(json!({"ID": "1", "comment": null, "Title": null})) else { panic!() };
    assert_eq!((post.id.as_str(), post.text.as_str(), post.created_at), ("1", "", None));
    let Item::Post(post) = item(json!({"id": null, "Comment": "Fine"})) else { panic!() };
    assert_eq!((post.id.as_str(), post.text.as_str()), (r#"{"Comment":"Fine"}"#, "Fine"));
    let Item::Unusable(bad) = item(json!({"ID": "1", "Words": "Fine"})) else { panic!() };
    assert_eq!(bad.cause, "no usable \"Comment\"");
}

#[test]
fn what_is_missing_is_named() {
    let body = r#"{"data":{"posts":[{"id":"1","created_at":"soon","body":{"text":"x"}},
        {"id":"2","created_at":1,"body":{"text":"y"}}]}}"#;
    let Listed { posts: good, unusable: bad, .. } = reader(PATHS).read(&answer(body)).unwrap();
    assert_eq!((good.len(), good[0].id.as_str()), (1, "2"));
    assert_eq!((bad.len(), bad[0].cause.as_str()), (1, "no usable \"created_at\""));
    assert!(bad[0].json.contains("soon"));
    assert_eq!(reader(PATHS).read(&answer("{}")).unwrap_err(), "no list at \"data.posts\"");
}

#[test]
fn what_came_since_is_asked_for_by_id_or_by_a_time_that_is_included() {
    let at = "2024-03-01T08:00:00Z".parse().unwrap();
    let url = Url::parse("https://e.com/api?since=old&q=bank").unwrap();
    let asked = |settings: &str, newest| reader(settings).since(&url, newest).to_string();
    let by_id = "since_param = 'since'";
    assert_eq!(asked(by_id, Some((at, "17"))), "https://e.com/api?q=bank&since=17");
    assert_eq!(asked(by_id, None), url.as_str());
    let by_time = "since_param = 'from'\nsince_value = 'at>={time}'\noverlap = '1m'";
    assert_eq!(
        asked(by_time, Some((at, "17"))),
        "https://e.com/api?since=old&q=bank&from=at%3E%3D1709279940"
    );
}

#[test]
fn a_filter_by_time_stands_beside_those_of_the_address() {
    let reader = Reader::compile(preset(SourceFormat::HackerNews).unwrap()).unwrap();
    let newest = Some(("2024-03-01T08:10:00Z".parse().unwrap(), "17"));
    let asked = |url: &str| {
        let url = reader.since(&Url::parse(url).unwrap(), newest);
        url.query_pairs().map(|(name, value)| format!("{name}:{value}")).collect::<Vec<_>>()
    };
    let since = "created_at_i>=1709280000";
    assert_eq!(
        asked("https://e.com/?tags=story"),
        ["tags:story".to_owned(), format!("numericFilters:{since}")]
    );
    assert_eq!(asked("https://e.com/?numericFilters=points>5"), [format!("numericFilters:points>5,{since}")]);
    assert_eq!(asked("https://e.com/?numericFilters="), [format!("numericFilters:{since}")]);
}

#[test]
fn what_reddit_shows_as_gone_is_gone_and_no_text() {
    let thing = |id: u32, text: &str| {
        format!(
            r#"{{"kind":"t","data":{{"name":"t_{id}","title":"T","created_utc":1709280000.0,"author":"a",{text}}}}}"#
        )
    };
    let children = [
        thing(1, r#""selftext":"Mine","removed_by_category":null"#),
        thing(2, r#""body":"[removed]""#),
        thing(3, r#""body":"[deleted]","author":"[deleted]""#),
        thing(4, r#""selftext":"[removed]","removed_by_category":null"#),
        thing(5, r#""selftext":"Kept","removed_by_category":"moderator""#),
        thing(6, r#""body":"They wrote [removed]""#),
    ];
    let body = format!(r#"{{"data":{{"children":[{}],"after":null}}}}"#, children.join(","));
    let reader = Reader::compile(preset(SourceFormat::Reddit).unwrap()).unwrap();
    let Listed { posts, deleted, unusable, .. } = reader.read(&answer(&body)).unwrap();
    let ids: Vec<&str> = posts.iter().map(|post| post.id.as_str()).collect();
    assert_eq!((ids, unusable), (vec!["t_1", "t_6"], Vec::new()));
    assert_eq!(deleted, ["t_2", "t_3", "t_4", "t_5"]);
}

#[test]
fn of_mastodon_the_post_that_is_repeated_is_read_and_of_a_picture_what_it_shows() {
    let toot = |id: u64, more: Value| {
        let mut toot = json!({"id": id.to_string(), "created_at": "2024-03-01T08:00:00Z", "content": "",
            "spoiler_text": "", "url": format!("https://e.com/@a/{id}"), "account": {"acct": format!("a{id}")},
            "media_attachments": [], "reblog": null});
        more.as_object().unwrap().iter().for_each(|(name, value)| toot[name] = value.clone());
        toot
    };
    let pictures = json!([{"description": "A queue"}, {"description": null}, {"description": " at a bank "}]);
    let repeated = toot(7, json!({"content": "<p>Repeated</p>"}));
    let toots = json!([
        toot(1, json!({"reblog": repeated})),
        toot(2, json!({"media_attachments": pictures})),
        toot(3, json!({"content": "<p>Words</p>", "media_attachments": pictures})),
        toot(4, json!({})),
    ]);
    let reader = Reader::compile(preset(SourceFormat::Mastodon).unwrap()).unwrap();
    let posts = reader.read(&answer(&toots.to_string())).unwrap().posts;
    let said: Vec<_> = posts.iter().map(|post| (post.id.as_str(), post.text.as_str())).collect();
    assert_eq!(said, [("7", "Repeated"), ("2", "A queue at a bank"), ("3", "Words"), ("4", "")]);
    assert_eq!(posts[0].author.as_deref(), Some("a7"));
}

#[test]
fn an_answer_leads_to_the_next_in_each_of_the_ways_known() {
    let next = |settings: &str, body: &str| {
        let listed = reader(&format!("items = 'l'\n{settings}")).read(&answer(body)).unwrap();
        listed.next.map(|url| url.to_string())
    };
    let token = "next = { path = '$.after', param = 'after' }";
    let at = |rest: &str| Some(format!("https://e.com{rest}"));
    assert_eq!(next(token, r#"{"l":[],"after":"t3_x"}"#), at("/api/posts?q=bank&after=t3_x"));
    assert_eq!(next(token, r#"{"l":[],"after":null}"#), None);
    let address = "next = { path = 'paging.next' }";
    assert_eq!(next(address, r#"{"l":[],"paging":{"next":"/api/posts?p=2"}}"#), at("/api/posts?p=2"));
    let pages = "next = { param = 'page', counts = 'pages' }";
    assert_eq!(next(pages, r#"{"l":[]}"#), at("/api/posts?q=bank&page=1"));
    let from_1 = "next = { param = 'page', counts = 'pages', first = 1 }";
    assert_eq!(next(from_1, r#"{"l":[]}"#), at("/api/posts?q=bank&page=2"));
    let at_3 = answer_at("https://e.com/api/posts?page=3", r#"{"l":[]}"#);
    let after_3 = reader(&format!("items = 'l'\n{from_1}")).read(&at_3).unwrap().next;
    assert_eq!(after_3.unwrap().as_str(), "https://e.com/api/posts?page=4", "the address knows better");
    let items = "next = { param = 'offset', counts = 'items' }";
    assert_eq!(next(items, r#"{"l":[{},{}]}"#), at("/api/posts?q=bank&offset=2"));
    let mut linked = answer(r#"{"l":[]}"#);
    let header = "<https://e.com/p?since_id=9>; rel=\"prev\", <https://e.com/p?max_id=3>; rel=\"next\"";
    linked.headers.insert(LINK, HeaderValue::from_static(header));
    let listed = reader("items = 'l'\nnext = { header = true }").read(&linked).unwrap();
    assert_eq!(listed.next.unwrap().as_str(), "https://e.com/p?max_id=3");
}

#[test]
fn no_answer_leads_to_another_place_where_the_secret_would_go() {
    let body = r#"{"l":[],"next":"https://evil.example/?p=2"}"#;
    let error = reader("items = 'l'\nnext = { path = 'next' }").read(&answer(body)).unwrap_err();
    assert!(error.contains("evil.example"), "{error}");
}

#[test]
fn what_is_wrong_with_a_setting_is_said_with_its_name() {
    for (wrong, named) in [
        ("items = '$.a['", "json.items"),
        ("author = '$x'", "json.author"),
        ("next = { path = '$[' }", "json.next.path"),
        ("next = { param = 'p' }", "json.next"),
        ("next = { header = true, first = 1 }", "json.next.first"),
        ("time_format = '%Q'", "json.time_format"),
        ("pages = 0", "json.pages"),
        ("time_offset = 'Beijing'", "json.time_offset"),
        ("authorization_header = 'a b'", "json.authorization_header"),
    ] {
        let config: JsonConfig = toml::from_str(wrong).unwrap();
        let error = Reader::compile(config.or(preset(SourceFormat::Json).unwrap())).unwrap_err();
        assert!(error.contains(named), "{wrong}: {error}");
    }
}

#[test]
fn every_preset_can_be_used_and_changed() {
    for (format, _) in KNOWN {
        Reader::compile(preset(format).unwrap()).unwrap();
    }
    let own: JsonConfig = toml::from_str("pages = 2\nitems = 'x'").unwrap();
    let merged = own.or(preset(SourceFormat::Reddit).unwrap());
    assert_eq!((merged.items.as_deref(), merged.pages), (Some("x"), Some(2)));
    assert_eq!(merged.id.as_deref(), Some("data.name"));
}

#[test]
fn lists_are_found_wherever_they_stand() {
    let answer = json!({"data": {"posts": [{}, {}], "tags": ["a"]}, "ok": [{}]});
    assert_eq!(lists(&answer), [("data.posts".to_owned(), 2), ("ok".to_owned(), 1)]);
    assert_eq!(lists(&json!([{}])), [(String::new(), 1)]);
}
