//! Linking by table: what is found in a text, and what must not be.

use super::{Dictionary, Linker};
use tocsin_contract::Role;

const DICTIONARY: &str = r#"
[[entity]]
id = "apple"
name = "Apple"
symbols = ["NASDAQ:AAPL"]
names = ["Apple Inc", "苹果公司"]
ambiguous = ["Apple", "苹果"]
context = ["iPhone"]

[[entity]]
id = "moutai"
name = "Kweichow Moutai"
symbols = ["SSE:600519"]
names = ["Kweichow Moutai", "贵州茅台", "茅台"]

[[entity]]
id = "tencent"
name = "Tencent"
symbols = ["HKEX:0700"]
names = ["Tencent", "腾讯", "腾讯控股"]

[[entity]]
id = "meta"
name = "Meta"
symbols = ["NASDAQ:META"]
names = ["Meta Platforms", "Facebook"]
ambiguous = ["Meta"]

[[entity]]
id = "svb"
name = "Silicon Valley Bank"
symbols = ["NASDAQ:SIVB"]
names = ["Silicon Valley Bank", "SVB", "硅谷银行"]

[[entity]]
id = "shell"
name = "Shell"
symbols = ["NYSE:SHEL"]
names = ["Shell"]

[[entity]]
id = "fed"
name = "Federal Reserve"
kind = "central_bank"
symbols = ["central_bank:FED"]
names = ["Federal Reserve", "the Fed", "Fed", "美联储"]

[[entity]]
id = "harrowgate_bank"
name = "Harrowgate Bank"
names = ["Harrowgate Bank", "Harrowgate", "哈罗盖特银行"]
"#;

fn linker() -> Linker {
    Linker::new(toml::from_str::<Dictionary>(DICTIONARY).unwrap()).unwrap()
}

fn ids(text: &str) -> Vec<String> {
    let mut ids: Vec<String> = linker().link(text, 0).into_iter().map(|l| l.entity.id.clone()).collect();
    ids.sort();
    ids
}

#[test]
fn names_codes_and_cashtags_are_found_and_common_words_are_not() {
    let table: [(&str, &[&str]); 24] = [
        ("$AAPL jumps after results", &["apple"]),
        ("NASDAQ:AAPL closes higher", &["apple"]),
        ("The maker of phones (AAPL) said", &["apple"]),
        ("Apple shares fall 3%", &["apple"]),
        ("Apple's new chief speaks", &["apple"]),
        ("New iPhone from Apple on show", &["apple"]),
        ("An Apple a day keeps the doctor away", &[]),
        ("We baked an apple pie", &[]),
        ("苹果股价大跌", &["apple"]),
        ("今天的苹果很甜很好吃", &[]),
        ("苹果公司表示", &["apple"]),
        ("600519.SH 盘中走低", &["moutai"]),
        ("贵州茅台(600519)公告", &["moutai"]),
        ("电话1600519.SHop", &[]),
        ("0700.HK rallies", &["tencent"]),
        ("00700.HK 收涨", &["tencent"]),
        ("腾讯控股发布财报", &["tencent"]),
        ("Metaverse hopes fade", &[]),
        ("a meta analysis of trials", &[]),
        ("SVB fails, Fed steps in", &["fed", "svb"]),
        ("硅谷银行倒闭，美联储出手", &["fed", "svb"]),
        ("FedEx delivers", &[]),
        ("a shell company was fined", &[]),
        ("哈罗盖特银行否认传闻 Harrowgate", &["harrowgate_bank"]),
    ];
    for (text, want) in table {
        assert_eq!(ids(text), want, "{text}");
    }
}

#[test]
fn an_ambiguous_name_counts_beside_a_certain_one() {
    let found = linker().link("Apple was quiet. Later $AAPL moved.", 0);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].mentions.len(), 2);
}

#[test]
fn offsets_count_characters() {
    let text = "昨日，硅谷银行（SVB）倒闭";
    let found = linker().link(text, 0);
    let chars: Vec<char> = text.chars().collect();
    assert_eq!(found[0].mentions.len(), 2);
    for mention in &found[0].mentions {
        let slice: String = chars[mention.start as usize..mention.end as usize].iter().collect();
        assert_eq!(slice, mention.text);
    }
}

#[test]
fn brackets_are_not_part_of_a_code() {
    let found = linker().link("贵州茅台（600519）公告", 0);
    assert_eq!(found[0].mentions[1].text, "600519");
    assert_eq!((found[0].mentions[1].start, found[0].mentions[1].end), (5, 11));
}

#[test]
fn an_unlisted_company_is_private_and_a_listed_one_has_its_main_listing() {
    let found = linker().link("Harrowgate Bank and $AAPL", 0);
    let mut symbols: Vec<String> = found.iter().map(|l| l.entity.symbol()).collect();
    symbols.sort();
    assert_eq!(symbols, ["NASDAQ:AAPL", "private"]);
}

#[test]
fn the_title_makes_a_subject_and_a_late_name_a_mention() {
    let title = "Silicon Valley Bank collapses";
    let body = "Depositors queued all day while officials spoke of the matter at great length, and far down in the text Tencent is named.";
    let found = linker().link(&format!("{title}\n{body}"), title.len());
    assert_eq!((found[0].entity.id.as_str(), found[0].role), ("svb", Role::Subject));
    assert_eq!((found[1].entity.id.as_str(), found[1].role), ("tencent", Role::Mention));
    assert!(found[0].relevance > found[1].relevance);
}

#[test]
fn names_in_a_row_are_a_list() {
    let found = linker().link("Movers: Tencent, SVB, Shell, Facebook, Harrowgate", 0);
    assert_eq!(found.len(), 5);
    assert!(found.iter().all(|l| l.role == Role::List), "{found:?}");
}

#[test]
fn a_target_is_found_by_any_of_its_names() {
    let linker = linker();
    assert_eq!(linker.places("Depositors flee SVB", "Silicon Valley Bank"), [(16, 19)]);
    assert_eq!(linker.places("foo bar foo", "FOO"), [(0, 3), (8, 11)]);
    assert!(linker.places("nothing here", "Silicon Valley Bank").is_empty());
}

#[test]
fn an_id_given_twice_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.toml");
    std::fs::write(&path, "[[entity]]\nid=\"x\"\nname=\"X\"\n[[entity]]\nid=\"x\"\nname=\"Y\"\n").unwrap();
    let error = Dictionary::read(&[path]).unwrap_err().to_string();
    assert!(error.contains("\"x\" occurs twice"), "{error}");
}

#[test]
fn json_lines_are_a_dictionary_too() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.jsonl"), "{\"id\":\"x\",\"name\":\"X\",\"names\":[\"Xcorp\"]}\n")
        .unwrap();
    let linker = Linker::read(&[folder.path().to_owned()]).unwrap();
    assert_eq!(linker.link("Xcorp rises", 0).len(), 1);
}
