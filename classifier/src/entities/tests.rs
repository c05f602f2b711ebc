//! Linking by table: what is found in a text, and what must not be.

use super::{Dictionary, Linker};
use tocsin_contract::Role;

mod ambiguity;
mod chinese;
mod headlines;
mod listings;
mod reading;
mod roles;
mod scripts;
mod shared;
mod shipped;
mod targets;

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

[[entity]]
id = "nyse"
name = "New York Stock Exchange"
kind = "exchange"
symbols = ["exchange:NYSE"]
names = ["NYSE"]

[[entity]]
id = "att"
name = "AT&T"
symbols = ["NYSE:T"]
names = ["AT&T"]
"#;

fn linker() -> Linker {
    Linker::new(toml::from_str::<Dictionary>(DICTIONARY).unwrap()).unwrap()
}

fn ids(text: &str) -> Vec<String> {
    let mut ids: Vec<String> = linker().link(text, 0).into_iter().map(|l| l.entity.id.to_string()).collect();
    ids.sort();
    ids
}

/// F1 that the shipped dictionary must keep on the labelled texts nobody tuned on.
#[test]
fn the_shipped_dictionary_keeps_its_precision_and_recall() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let texts = root.join("../shared");
    if !texts.join("data/annotated").is_dir() {
        eprintln!("skipped: no labelled texts beside the repository");
        return;
    }
    let linker = Linker::read(&[root.join("config/entities")]).unwrap();
    let set = root.join("bench/entities/set.jsonl");
    let report = super::score::score(&linker, &set, &texts, super::score::Method::Linker).unwrap();
    for ((lang, half, unit), counts) in &report.counts {
        assert!(counts.precision() > 0.93 && counts.f1() > 0.90, "{lang} {half} {unit}: {counts:?}");
    }
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
fn a_market_before_a_code_and_an_amount_of_money_are_no_mentions() {
    let table: [(&str, &[&str]); 7] = [
        ("Zyxovar Holdings (NYSE American: ZYXV) plunges after fraud charges", &[]),
        ("Zyxovar (NYSE: ZYXV) and Tencent fall", &["tencent"]),
        ("NYSE halts trading in Zyxovar (NYSE: ZYXV)", &["nyse"]),
        ("NYSE: 15000 points at the close", &["nyse"]),
        ("Net debt ($T) and costs in $T", &[]),
        ("AT&T: net debt ($T)", &["att"]),
        ("$T shares fall", &["att"]),
    ];
    for (text, want) in table {
        assert_eq!(ids(text), want, "{text}");
    }
    let naive = linker().link_naively("Zyxovar (NYSE: ZYXV) and Tencent fall");
    assert_eq!(naive.len(), 2, "the exchange and Tencent: {naive:?}");
}

#[test]
fn white_space_does_not_hide_what_stands_behind_it() {
    let found = linker().link(&format!("{}SVB fails", " \n".repeat(5_000)), 0);
    assert_eq!((found[0].mentions[0].start, found[0].mentions[0].text.as_str()), (10_000, "SVB"));
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
    assert_eq!((&*found[0].entity.id, found[0].role), ("svb", Role::Subject));
    assert_eq!((&*found[1].entity.id, found[1].role), ("tencent", Role::Mention));
    assert!(found[0].relevance > found[1].relevance);
}

#[test]
fn names_in_a_row_are_a_list() {
    let found = linker().link("Movers: Tencent, SVB, Shell, Facebook, Harrowgate", 0);
    assert_eq!(found.len(), 5);
    assert!(found.iter().all(|l| l.role == Role::List), "{found:?}");
}
