use super::*;
use serde_json::json;
use std::path::Path;
use tempfile::TempDir;

fn file(bytes: impl AsRef<[u8]>) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows");
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn csv(settings: &str) -> Form {
    Form::new(SourceFormat::Csv, &toml::from_str(settings).unwrap())
}

fn ndjson() -> Form {
    Form::new(SourceFormat::Ndjson, &FileConfig::default())
}

fn open(path: &Path) -> File {
    File::open(path).unwrap()
}

fn all(form: Form, path: &Path, from: Offset) -> Rows {
    form.read(&open(path), from, 1000, false).unwrap()
}

fn values(rows: &Rows) -> Vec<Value> {
    rows.rows.iter().map(|row| row.content.clone().unwrap()).collect()
}

#[test]
fn columns_are_found_by_the_names_of_the_header() {
    let text = "\u{feff}id, Comment ,Mood\r\n7,\"It said \"\"no\"\",\ntwice\",\"x\"\r\n\r\n8,,\r\n";
    let (_folder, path) = file(text);
    let rows = all(csv(""), &path, Offset::default());
    assert_eq!(
        values(&rows),
        [
            json!({"id": "7", "Comment": "It said \"no\",\ntwice", "Mood": "x"}),
            json!({"id": "8", "Comment": null, "Mood": null})
        ]
    );
    assert_eq!(rows.rows.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 5]);
    assert!(rows.is_end);
}

#[test]
fn a_file_is_read_on_where_the_last_row_ended() {
    let (csv, lines) = ("id\n1\n2\n3\n4\n", "{\"id\":1}\n\n{\"id\":2}\n{\"id\":3}\n{\"id\":4}\n");
    for (form, text) in [(self::csv(""), csv), (ndjson(), lines)] {
        let (_folder, path) = file(text);
        let (mut at, mut ids) = (Offset::default(), Vec::new());
        loop {
            let rows = form.read(&open(&path), at, 1, false).unwrap();
            ids.extend(values(&rows).into_iter().map(|value| value["id"].to_string().replace('"', "")));
            at = rows.to;
            if rows.is_end {
                break;
            }
        }
        assert_eq!((ids, at.bytes), (["1", "2", "3", "4"].map(str::to_owned).to_vec(), text.len() as u64));
    }
}

#[test]
fn a_row_that_is_still_being_written_waits_for_its_end() {
    let cases = [
        (csv(""), "id,text\n1,whole\n", "2,\"half\n", "way\"\n"),
        (csv(""), "id,text\r\n1,whole\r\n", "2,ha", "lf\r\n"),
        (ndjson(), "{\"id\":\"1\"}\n", "{\"id\":", "\"2\"}\n"),
    ];
    for (form, before, half, rest) in cases {
        let (_folder, path) = file(format!("{before}{half}"));
        let first = all(form, &path, Offset::default());
        assert_eq!(first.rows.len(), 1, "{half}");
        std::fs::write(&path, format!("{before}{half}{rest}")).unwrap();
        let second = all(form, &path, first.to);
        assert_eq!(values(&second)[0]["id"], "2", "{half}");
        assert_eq!(second.rows.len(), 1, "{half}");
    }
    let (_folder, path) = file("id\n1\n2");
    assert_eq!(
        csv("").read(&open(&path), Offset::default(), 9, true).unwrap().rows.len(),
        2,
        "a settled file is whole"
    );
}

#[test]
fn one_bad_row_is_told_with_its_line_and_holds_up_no_other() {
    let (_folder, path) = file("{\"id\":1}\n[2]\nnonsense\n\n\u{20}{\"id\":5}\n");
    let rows = all(ndjson(), &path, Offset::default());
    let bad = |row: &Row| Some((row.line, row.content.as_ref().err()?.cause));
    assert_eq!(
        rows.rows.iter().filter_map(bad).collect::<Vec<_>>(),
        [(2, "no JSON object"), (3, "no JSON object")]
    );
    assert_eq!(rows.rows.last().map(|row| (row.line, row.content.is_ok())), Some((5, true)));

    let (_folder, path) = file(b"id,text\n1,a\n2\n3,\xff\n4,b\n");
    let rows = all(csv(""), &path, Offset::default());
    let expected =
        [(3, "another number of fields than in the header"), (4, "not in the encoding of its file")];
    assert_eq!(rows.rows.iter().filter_map(bad).collect::<Vec<_>>(), expected);
}

#[test]
fn other_encodings_and_delimiters_are_read_where_they_are_named() {
    let (bytes, ..) = encoding_rs::GB18030.encode("编号;内容\n1;银行，被挤兑\n");
    let (_folder, path) = file(bytes);
    let rows = all(csv("delimiter = ';'\nencoding = 'gb18030'"), &path, Offset::default());
    assert_eq!(values(&rows), [json!({"编号": "1", "内容": "银行，被挤兑"})]);
    let wrong = |settings: &str| toml::from_str::<FileConfig>(settings).unwrap().check().unwrap_err();
    assert!(wrong("encoding = 'iso-2022-jp'").contains("row by row"));
    assert!(wrong("encoding = 'klingon'").contains("klingon"));
    assert!(wrong("delimiter = '，'").contains('，'));
}

fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes).collect()
}

#[test]
fn files_in_utf_16_are_read_as_spreadsheets_write_them_and_read_on() {
    let (tabs, lines) = (
        "\u{feff}\"id\"\ttext\r\n1\t\"银行\n挤兑 😀\"\r\n\r\n2\tbank\r\n3\t慢\r\n",
        "\u{feff}{\"id\":\"1\"}\n{\"id\":\"2\",\"text\":\"😀\"}\n\n{\"id\":\"3\"}\n",
    );
    let orders: [fn(u16) -> [u8; 2]; 2] = [u16::to_le_bytes, u16::to_be_bytes];
    for (form, text) in [(csv("delimiter = \"\\t\""), tabs), (ndjson(), lines)] {
        for bytes in orders {
            let (_folder, path) = file(utf16(text, bytes));
            let (mut at, mut read) = (Offset::default(), Vec::new());
            loop {
                let rows = form.read(&open(&path), at, 1, false).unwrap();
                read.extend(rows.rows.iter().map(|row| (row.line, row.content.clone().unwrap())));
                at = rows.to;
                if rows.is_end {
                    break;
                }
            }
            let ids: Vec<&str> = read.iter().map(|(_, row)| row["id"].as_str().unwrap()).collect();
            assert_eq!((ids, at.bytes), (vec!["1", "2", "3"], 2 * text.encode_utf16().count() as u64));
            assert!(read.iter().any(|(_, row)| row["text"].as_str().is_some_and(|text| text.contains('😀'))));
            assert_eq!(read.last().map(|(line, _)| *line), Some(text.lines().count() as u64));
        }
    }
}

#[test]
fn a_file_in_utf_16_without_a_mark_is_read_where_it_is_named_and_half_a_row_waits() {
    let form = csv("encoding = 'utf-16le'");
    let whole = utf16("id,text\n1,银\n2,行\n", u16::to_le_bytes);
    let half = whole.get(..whole.len() - 3).unwrap();
    let (_folder, path) = file(half);
    let first = all(form, &path, Offset::default());
    assert_eq!(values(&first), [json!({"id": "1", "text": "银"})]);
    std::fs::write(&path, &whole).unwrap();
    let second = all(form, &path, first.to);
    assert_eq!(
        (values(&second), second.to.bytes),
        (vec![json!({"id": "2", "text": "行"})], whole.len() as u64)
    );
}

#[test]
fn of_a_long_file_in_utf_16_no_more_is_read_than_the_next_row_needs() {
    let lengths = [5, 600_000, 5, 600_000, 5, 5];
    let row = |(n, length): (usize, &usize)| format!("{n},{}\n", "慢".repeat(*length));
    let rows: String = lengths.iter().enumerate().map(row).collect();
    let (_folder, path) = file(utf16(&format!("\u{feff}id,text\n{rows}"), u16::to_le_bytes));
    let (opened, mut at, mut read, mut looked_at) = (open(&path), Offset::default(), Vec::new(), Vec::new());
    loop {
        let rows = csv("").read(&opened, at, 1, true).unwrap();
        read.extend(values(&rows).iter().map(|row| row["text"].as_str().unwrap().chars().count()));
        looked_at.push((&opened).stream_position().unwrap() - at.bytes);
        at = rows.to;
        if rows.is_end {
            break;
        }
    }
    assert_eq!((read, at.lines), (lengths.to_vec(), 7));
    assert_eq!(at.bytes, opened.metadata().unwrap().len());
    assert_eq!((looked_at[0], looked_at[2]), (1 << 20, 1 << 20), "the long rows alone ask for more");
}

#[test]
fn a_row_without_end_in_utf_16_is_told_with_its_line() {
    let text = format!("\u{feff}id,text\n1,a\n2,\"{}", "x".repeat(3 << 20));
    let (_folder, path) = file(utf16(&text, u16::to_le_bytes));
    let before = all(csv(""), &path, Offset::default());
    assert_eq!(values(&before), [json!({"id": "1", "text": "a"})]);
    let error = csv("").read(&open(&path), before.to, 9, false).unwrap_err();
    assert!(error.starts_with("line 3: ") && error.contains("2 MiB"), "{error}");
}

#[test]
fn a_row_without_end_costs_no_memory() {
    let long = "x".repeat(3 << 20);
    let (_folder, path) = file(format!("id,text\n1,a\n2,\"{long}"));
    let before = all(csv(""), &path, Offset::default());
    assert_eq!(values(&before), [json!({"id": "1", "text": "a"})], "what stands before it is read");
    let error = csv("").read(&open(&path), before.to, 9, false).unwrap_err();
    assert!(error.starts_with("line 3: ") && error.contains("2 MiB"), "{error}");
    let (_folder, path) = file(format!("{{\"id\":\"{long}\"}}\n{{\"id\":2}}\n"));
    let rows = all(ndjson(), &path, Offset::default());
    assert_eq!(rows.rows[0].content.as_ref().unwrap_err().cause, "a row of more than 2 MiB");
    assert_eq!(rows.rows[1].content, Ok(json!({"id": 2})));
}

#[test]
fn a_header_that_names_nothing_or_a_name_twice_is_an_error() {
    for (text, cause) in [("a,a\n1,2\n", "\"a\""), (",\n1,2\n", "no column has a name")] {
        let (_folder, path) = file(text);
        let error = csv("").read(&open(&path), Offset::default(), 9, false).unwrap_err();
        assert!(error.starts_with("line 1: ") && error.contains(cause), "{error}");
    }
}

#[test]
fn what_was_read_is_known_again_by_its_beginning_and_its_end() {
    let text = "a".repeat(5000);
    let (_folder, path) = file(&text);
    let read = digest(&open(&path), 4000).unwrap();
    std::fs::write(&path, format!("{text}more")).unwrap();
    assert_eq!(digest(&open(&path), 4000).unwrap(), read, "it grew");
    for at in [0, 3999] {
        let mut bytes = text.clone().into_bytes();
        bytes[at] = b'b';
        std::fs::write(&path, bytes).unwrap();
        assert_ne!(digest(&open(&path), 4000).unwrap(), read, "{at}");
    }
}

#[test]
fn a_pattern_that_matches_nothing_is_no_error_but_a_place_that_is_not_there_is() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    assert_eq!(find(&at("*.csv")), Ok((Vec::new(), Vec::new())));
    assert!(find(&at("gone.csv")).is_err() && find(&at("gone/*.csv")).is_err());
    std::fs::write(folder.path().join("b.csv"), "x").unwrap();
    std::fs::write(folder.path().join("a.csv"), "x").unwrap();
    let changed = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(9);
    File::options().write(true).open(folder.path().join("b.csv")).unwrap().set_modified(changed).unwrap();
    let (found, _) = find(&at("*.csv")).unwrap();
    let names: Vec<_> = found.iter().filter_map(|file| file.path.file_name()).collect();
    assert_eq!(names, ["b.csv", "a.csv"], "what changed first comes first");
}

#[test]
fn a_link_that_leads_nowhere_hides_no_other_file() {
    let folder = tempfile::tempdir().unwrap();
    let (link, file) = (folder.path().join("a.csv"), folder.path().join("b.csv"));
    std::os::unix::fs::symlink(folder.path().join("gone"), &link).unwrap();
    std::fs::write(&file, "x").unwrap();
    let (found, hidden) = find(&folder.path().join("*.csv").to_string_lossy()).unwrap();
    assert_eq!(found.into_iter().map(|found| found.path).collect::<Vec<_>>(), [file]);
    assert_eq!(hidden.into_iter().map(|(path, _)| path).collect::<Vec<_>>(), [link]);
}
