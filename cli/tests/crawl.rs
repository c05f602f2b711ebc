//! The crawler's filters as a user runs them: texts in, lines out.

#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

/// Standard output and exit code.
fn run(arguments: &[&str], input: &[u8]) -> (String, i32) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tocsin"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    // A command that refuses its input need not read it.
    drop(writer.join().unwrap());
    (String::from_utf8(output.stdout).unwrap(), output.status.code().unwrap())
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn guard_answers_every_line_without_connecting() {
    let urls =
        "https://example.com/a\nhttp://127.0.0.1/\nhttp://[::ffff:10.0.0.1]/\nfile:///etc/passwd\nno url\n";
    let (out, code) = run(&["guard"], urls.as_bytes());
    let verdicts: Vec<bool> = lines(&out).iter().map(|line| line["allowed"].as_bool().unwrap()).collect();
    assert_eq!((verdicts, code), (vec![true, false, false, false, false], 0));
    assert!(lines(&out)[1]["reason"].as_str().unwrap().contains("127.0.0.1"));
    let (out, _) = run(&["guard", "--allow", "127.0.0.1"], b"http://127.0.0.1/\n");
    assert_eq!(lines(&out)[0]["allowed"], true);
}

#[test]
fn sources_check_says_why_an_address_cannot_be_a_source() {
    let (out, code) = run(&["sources", "check", "http://127.0.0.1:1/feed"], b"");
    assert!(out.contains("not fetched") && out.contains("not a public address"), "{out}");
    assert!(out.trim_end().ends_with("cannot be a source"), "{out}");
    assert_eq!(code, 1);
    let (out, _) = run(&["sources", "check", "nowhere"], b"");
    assert!(out.contains("no URL"), "{out}");
    assert_eq!(run(&["sources", "add", "--file", "/nowhere.toml"], b"").1, 64);
}

#[test]
fn robots_names_the_line_that_decided() {
    let file = b"User-agent: *\nDisallow: /private\n\nUser-agent: TocsinBot\nDisallow: /staff\n";
    let ask = |url: &str| run(&["robots", "--agent", "TocsinBot", "--url", url], file);
    assert_eq!(ask("https://example.com/private").0, "allowed\tno rule matches\n");
    assert_eq!(ask("https://example.com/staff/1").0, "disallowed\tline 5: Disallow: /staff\n");
    let ours = b"User-agent: tocsin\nDisallow: /\n";
    assert_eq!(
        run(&["robots", "--url", "https://example.com/a"], ours).0,
        "disallowed\tline 2: Disallow: /\n"
    );
    // Google's own cases ask for such URLs too: they have an answer.
    assert_eq!(ask(""), ("allowed\tno rule matches\n".to_owned(), 0));
}

#[test]
fn feed_prints_entries_and_says_which_file_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let (good, bad) = (folder.path().join("good.xml"), folder.path().join("bad.xml"));
    let rss = "<rss version=\"2.0\"><channel><language>en</language><item><title>Bank falls</title><link>https://e.com/1</link><description>By a third.</description></item></channel></rss>";
    std::fs::write(&good, rss).unwrap();
    std::fs::write(&bad, "<html><body>no feed</body></html>").unwrap();
    let (out, code) = run(&["feed", good.to_str().unwrap(), bad.to_str().unwrap()], b"");
    let out = lines(&out);
    assert_eq!((out.len(), code), (2, 1));
    assert_eq!((&out[0]["title"], &out[0]["lang"]), (&"Bank falls".into(), &"en".into()));
    assert_eq!((&out[0]["links"][0], &out[0]["summary"]), (&"https://e.com/1".into(), &"By a third.".into()));
    assert!(out[1]["file"].as_str().unwrap().ends_with("bad.xml") && out[1]["error"].is_string());
}

fn page(title: &str) -> String {
    let paragraph = "The lender said that deposits had fallen by a third in the quarter, and that it would sell assets to meet withdrawals. ";
    format!(
        "<html><head><title>{title}</title><meta property='article:published_time' content='2024-05-06T10:00:00Z'></head><body><article><h1>{title}</h1><p>{}</p></article></body></html>",
        paragraph.repeat(4)
    )
}

#[test]
fn extract_cuts_no_page_and_refuses_one_that_is_too_long() {
    let with_padding =
        |bytes: usize| page("Bank falls").replace("<h1>", &format!("<!--{}--><h1>", "x".repeat(bytes)));
    let (out, code) = run(&["extract"], with_padding(12 << 20).as_bytes());
    assert!(lines(&out)[0]["text"].as_str().unwrap().contains("deposits had fallen"));
    assert_eq!(code, 0);
    let (out, code) = run(&["extract"], with_padding(25 << 20).as_bytes());
    assert_eq!((out.as_str(), code), ("", 1));
}

#[test]
fn extract_answers_one_page_or_many_in_order() {
    let (out, code) = run(&["extract", "--url", "https://example.com/a"], page("Bank falls").as_bytes());
    let one = &lines(&out)[0];
    assert_eq!((&one["title"], &one["kind"], code), (&"Bank falls".into(), &"article".into(), 0));
    assert_eq!(one["published_at"], "2024-05-06T10:00:00Z");
    assert_eq!(one["lang"], "en");
    let mut input = String::new();
    for i in 0..70 {
        let line = match i {
            33 => "{not json".to_owned(),
            34 => serde_json::json!({ "id": i, "path": "/nowhere/page.html" }).to_string(),
            _ => serde_json::json!({ "id": i, "url": "https://example.com/a", "html": page(&format!("Bank {i}")) }).to_string(),
        };
        input += &(line + "\n");
    }
    let (out, code) = run(&["extract", "--jsonl"], input.as_bytes());
    let many = lines(&out);
    assert_eq!((many.len(), code), (70, 1));
    for (i, answer) in many.iter().enumerate() {
        match i {
            33 => assert!(answer["error"].is_string()),
            34 => assert!(answer["error"].as_str().unwrap().contains("/nowhere/page.html")),
            _ => assert_eq!(
                (&answer["id"], answer["title"].as_str()),
                (&i.into(), Some(format!("Bank {i}").as_str()))
            ),
        }
    }
}
