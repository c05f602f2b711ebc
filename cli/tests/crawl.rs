//! The crawler's filters as a user runs them: texts in, lines out.

#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use serde_json::Value;

fn start(arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_tocsin"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Standard output and exit code.
fn run(arguments: &[&str], input: &[u8]) -> (String, i32) {
    let mut child = start(arguments);
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
    let (out, _) = run(&["guard"], b"https://example.com/a\n \nhttps://example.com/b\n");
    let out = lines(&out);
    assert_eq!((out.len(), &out[1]["url"], &out[1]["allowed"]), (3, &"".into(), &false.into()));
    assert!(out[1]["reason"].as_str().unwrap().contains("empty"));
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
fn sources_are_not_renamed_by_the_way() {
    let add = ["sources", "add", "--id", "a", "--url", "https://example.com/rss", "--with"];
    let import = ["sources", "add", "--opml", "/nowhere.opml", "--with"];
    for setting in ["id=b", "url=https://example.com/b", "path=/b"] {
        for command in [&add[..], &import[..]] {
            assert_eq!(run(&[command, &[setting]].concat(), b"").1, 64, "{command:?} {setting}");
        }
    }
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
fn robots_shows_the_line_of_the_file_however_its_lines_end_and_however_long_it_is() {
    let ask = |file: &[u8]| run(&["robots", "--agent", "FooBot/2.1", "--url", "https://example.com/a"], file);
    let carriage_returns = b"User-agent: FooBot/2.1\r# mine\rDisallow: /a\r";
    assert_eq!(ask(carriage_returns), ("disallowed\tline 3: Disallow: /a\n".to_owned(), 0));
    let mut long = b"User-agent: *\nDisallow: /a # all of it".to_vec();
    long.extend(b"\n#".repeat(300_000));
    long.extend(b"\nDisallow: /\n");
    assert_eq!(ask(&long), ("disallowed\tline 2: Disallow: /a # all of it\n".to_owned(), 0));
}

#[test]
fn robots_answers_an_agent_that_no_file_can_call_by_the_rules_for_all() {
    // Google's own cases ask for such an agent too.
    for agent in ["", "/2.1", "*"] {
        let ask = |url: &str| {
            let file = b"User-agent: TocsinBot\nDisallow: /a\n\nUser-agent: *\nDisallow: /b\n";
            run(&["robots", "--agent", agent, "--url", url], file)
        };
        assert_eq!(ask("https://example.com/a"), ("allowed\tno rule matches\n".to_owned(), 0), "{agent}");
        assert_eq!(ask("https://example.com/b").0, "disallowed\tline 5: Disallow: /b\n", "{agent}");
    }
}

#[test]
fn a_reader_that_wants_no_more_ends_a_filter_quietly() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tocsin"))
        .arg("guard")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(&b"https://example.com/\n".repeat(100_000)));
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    let output = child.wait_with_output().unwrap();
    drop(writer.join().unwrap());
    assert!(first.contains("\"allowed\":true"), "{first}");
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap()), (Some(0), String::new()));
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
    for command in [&["feed"][..], &["feed", "-"]] {
        let (out, code) = run(command, rss.as_bytes());
        assert_eq!((lines(&out)[0]["file"].as_str(), code), (Some("-"), 0));
    }
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

#[test]
fn extract_answers_a_line_before_the_next_one_comes() {
    let mut child = start(&["extract", "--jsonl"]);
    let (mut stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (sender, answers) = channel();
    let reader = std::thread::spawn(move || {
        BufReader::new(stdout).lines().try_for_each(|line| sender.send(line.unwrap()))
    });
    for title in ["Bank falls", "Bank rises"] {
        let line = serde_json::json!({ "id": title, "html": page(title) });
        writeln!(stdin, "{line}").unwrap();
        let answer = answers.recv_timeout(Duration::from_secs(60)).unwrap();
        assert_eq!(lines(&answer)[0]["title"], title);
    }
    drop(stdin);
    reader.join().unwrap().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_line_that_is_not_as_asked_is_answered_with_its_number_and_costs_no_other() {
    let good = |id: i32| serde_json::json!({ "id": id, "html": page("Bank falls") }).to_string().into_bytes();
    let mut broken = serde_json::json!({ "id": 2, "html": "x?" }).to_string().into_bytes();
    let at = broken.iter().position(|byte| *byte == b'?').unwrap();
    broken[at] = 0xe9;
    let mut input = b"\xef\xbb\xbf".to_vec();
    for line in
        [good(1), broken, Vec::new(), b"{\"id\":[4],\"html\":5}".to_vec(), b"{\"id\":5}".to_vec(), good(6)]
    {
        input.extend(line);
        input.push(b'\n');
    }
    let (out, code) = run(&["extract", "--jsonl"], &input);
    let out = lines(&out);
    assert_eq!((out.len(), code), (6, 1));
    for (at, id) in [(0, serde_json::json!(1)), (5, serde_json::json!(6))] {
        assert_eq!((&out[at]["id"], &out[at]["title"]), (&id, &"Bank falls".into()));
    }
    let ids = [serde_json::json!(2), Value::Null, serde_json::json!([4]), serde_json::json!(5)];
    for (at, id) in (1..).zip(ids) {
        assert!(out[at]["error"].is_string(), "{}", out[at]);
        assert_eq!((&out[at]["id"], &out[at]["line"]), (&id, &(at + 1).into()));
    }
    assert!(out[1]["error"].as_str().unwrap().contains("UTF-8"));
}

#[test]
fn a_line_says_what_the_page_alone_does() {
    let html = page("Bank falls");
    let (alone, _) = run(&["extract"], html.as_bytes());
    let line = serde_json::json!({ "id": null, "url": null, "path": null, "html": html }).to_string();
    let (out, code) = run(&["extract", "--jsonl"], (line + "\n").as_bytes());
    assert_eq!((out, code), (alone.replacen('{', "{\"id\":null,", 1), 0));
    let half =
        serde_json::json!({ "id": 1, "html": page("Bank ? falls") }).to_string().replace('?', "\\ud83d");
    let (out, code) = run(&["extract", "--jsonl"], half.as_bytes());
    let title = lines(&out)[0]["title"].as_str().unwrap().to_owned();
    assert!(title.starts_with("Bank \u{fffd}") && title.ends_with(" falls") && code == 0, "{title}");
}

/// As gzip without compressing; without the sum at the end, as of a transfer that was cut off there.
fn packed(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap();
    let head = b"\x1f\x8b\x08\0\0\0\0\0\0\xff\x01".as_slice();
    [head, &length.to_le_bytes(), &(!length).to_le_bytes(), bytes].concat()
}

#[test]
fn a_packed_page_is_read_and_what_is_no_page_is_called_by_its_name() {
    let pdf = b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n1 0 obj\n".as_slice();
    let (out, code) = run(&["extract"], &packed(page("Bank falls").as_bytes()));
    assert_eq!((&lines(&out)[0]["title"], code), (&"Bank falls".into(), 0));
    for file in [pdf.to_vec(), packed(pdf)] {
        assert_eq!(run(&["extract"], &file), (String::new(), 1));
    }
    let folder = tempfile::tempdir().unwrap();
    let mut input = String::new();
    let files = [("page.gz", packed(page("Bank falls").as_bytes())), ("report.html", pdf.to_vec())];
    for (name, bytes) in files {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        input += &(serde_json::json!({ "id": name, "path": path }).to_string() + "\n");
    }
    let (out, code) = run(&["extract", "--jsonl"], input.as_bytes());
    let out = lines(&out);
    assert_eq!((&out[0]["title"], code), (&"Bank falls".into(), 1));
    let error = out[1]["error"].as_str().unwrap();
    assert!(error.contains("report.html") && error.contains("a PDF file"), "{error}");
}
