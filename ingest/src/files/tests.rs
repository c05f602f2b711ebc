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
        [json!({"id": "7", "Comment": "It said \"no\",\ntwice", "Mood": "x"}), json!({"id": "8"})]
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
    assert!(wrong("encoding = 'utf-16'").contains("row by row"));
    assert!(wrong("encoding = 'klingon'").contains("klingon"));
    assert!(wrong("delimiter = '，'").contains('，'));
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
