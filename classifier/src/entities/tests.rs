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

const AMBIGUITY: &str = r#"
not_names = ["平安夜", "Apple pie"]
not_tickers = ["AR", "ALL"]
given_names = ["Charlie"]

[[entity]]
id = "pingan"
name = "Ping An"
symbols = ["SSE:601318", "HKEX:2318"]
names = ["中国平安"]
ambiguous = ["平安"]

[[entity]]
id = "danaher"
name = "Danaher"
symbols = ["NYSE:DHR"]
names = ["Danaher"]

[[entity]]
id = "graham"
name = "Graham"
symbols = ["NYSE:GHM"]
ambiguous = ["~Graham"]

[[entity]]
id = "boya"
name = "博雅生物"
symbols = ["SZSE:300294"]
names = ["博雅生物"]
short = ["博雅"]

[[entity]]
id = "antero"
name = "Antero Resources"
symbols = ["NYSE:AR"]
names = ["Antero Resources"]

[[entity]]
id = "jingwei"
name = "经纬辉开"
symbols = ["SZSE:300120"]
names = ["经纬辉开"]

[[entity]]
id = "apple"
name = "Apple"
symbols = ["NASDAQ:AAPL"]
ambiguous = ["Apple"]

[[entity]]
id = "samsung"
name = "Samsung"
names = ["Samsung"]
"#;

#[test]
fn words_abbreviations_and_people_are_no_companies_without_proof() {
    let linker = Linker::new(toml::from_str::<Dictionary>(AMBIGUITY).unwrap()).unwrap();
    let table: [(&str, &[&str]); 21] = [
        ("平安夜快乐，股市大涨", &[]),
        ("平安股价大涨", &["pingan"]),
        ("祝大家一路平安", &[]),
        ("Danaher raises its outlook", &["danaher"]),
        ("a spokesman, Charlie Danaher, said", &[]),
        ("Later Graham says he will go", &[]),
        ("Later shares of the pump maker Graham fell", &["graham"]),
        ("博雅带来快感", &[]),
        ("博雅带来快感，看好博雅生物", &["boya"]),
        ("增强现实（AR）眼镜", &[]),
        ("AR stocks to buy", &[]),
        ("a Daily Herald Review (DHR) story", &[]),
        ("the maker of tools (DHR) said", &["danaher"]),
        ("Antero Resources (AR) stock", &["antero"]),
        ("$AR up", &["antero"]),
        ("经纬电材(300120)控股股东减持", &["jingwei"]),
        ("sold 300120 shares", &[]),
        ("I like Apple pie", &[]),
        ("Samsung and Apple", &["apple", "samsung"]),
        ("read it on www.Samsung/news or @Samsung", &[]),
        ("ＳＡＭＳＵＮＧ发布新机", &["samsung"]),
    ];
    for (text, want) in table {
        let mut ids: Vec<String> =
            linker.link(text, 0).into_iter().map(|l| l.entity.id.to_string()).collect();
        ids.sort();
        assert_eq!(ids, want, "{text}");
    }
}

#[test]
fn a_former_name_before_a_code_is_a_mention() {
    let linker = Linker::new(toml::from_str::<Dictionary>(AMBIGUITY).unwrap()).unwrap();
    let found = linker.link("经纬电材(300120)控股股东减持", 0);
    let texts: Vec<&str> = found[0].mentions.iter().map(|m| m.text.as_str()).collect();
    assert_eq!(texts, ["经纬电材", "300120"]);
}

#[test]
fn a_table_line_adds_to_the_entity_that_has_its_id() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.toml"), "[[entity]]\nid=\"x\"\nname=\"X\"\nambiguous=[\"Xa\"]\n")
        .unwrap();
    std::fs::write(folder.path().join("b.tsv"), "x\tNYSE:XX\tX\tXcorp|Xa\ny\t\tYcorp\t=\n").unwrap();
    let dictionary = Dictionary::read(&[folder.path().to_owned()]).unwrap();
    assert_eq!(dictionary.entities.len(), 2);
    assert_eq!(dictionary.entities[0].symbols, ["NYSE:XX"]);
    assert_eq!(dictionary.entities[0].names, ["Xcorp"], "what is ambiguous by hand stays so");
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
fn regulators_and_brokers_that_speak_are_mentions() {
    let mut dictionary: Dictionary = toml::from_str(AMBIGUITY).unwrap();
    dictionary.entities[7].kind = tocsin_contract::EntityKind::Regulator;
    let linker = Linker::new(dictionary).unwrap();
    let found = linker.link("Danaher raises its outlook after Samsung approves a device", 0);
    let role = |id: &str| found.iter().find(|l| &*l.entity.id == id).map(|l| l.role);
    assert_eq!((role("danaher"), role("samsung")), (Some(Role::Subject), Some(Role::Mention)));
}

fn linker() -> Linker {
    Linker::new(toml::from_str::<Dictionary>(DICTIONARY).unwrap()).unwrap()
}

fn ids(text: &str) -> Vec<String> {
    let mut ids: Vec<String> = linker().link(text, 0).into_iter().map(|l| l.entity.id.to_string()).collect();
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

#[test]
fn a_target_is_found_by_any_of_its_names() {
    let linker = linker();
    assert_eq!(linker.places("Depositors flee SVB", "Silicon Valley Bank"), [(16, 19)]);
    assert_eq!(linker.places("Depositors flee SVB", "NASDAQ:SIVB"), [(16, 19)]);
    assert_eq!(linker.places("茅台股价走低", "600519"), [(0, 2)]);
    assert_eq!(linker.places("foo bar foo", "FOO"), [(0, 3), (8, 11)]);
    assert!(linker.places("nothing here", "Silicon Valley Bank").is_empty());
    for code in ["$SIVB", "NASDAQ: SIVB", "sivb"] {
        assert_eq!(linker.places("Depositors flee SVB", code), [(16, 19)], "{code}");
    }
    for code in ["00700", "0700.HK", "hk00700"] {
        assert_eq!(linker.places("腾讯大跌", code), [(0, 2)], "{code}");
    }
    assert_eq!(linker.places("茅台股价走低", "600519.SH"), [(0, 2)]);
}

#[test]
fn a_target_does_not_begin_or_end_within_a_word() {
    let linker = linker();
    let starts = |text: &str, name: &str| -> Vec<u32> {
        linker.places(text, name).into_iter().map(|(start, _)| start).collect()
    };
    assert!(starts("Augmented reality is a growing segment; GM2 too", "GM").is_empty());
    assert_eq!(starts("segment: GM's, $GM, GM.N (GM)", "GM"), [9, 16, 20, 26]);
    assert_eq!(starts("Metals and Facebook", "Meta"), [11], "by another name");
    assert!(starts("Pineapple juice", "Apple").is_empty());
    assert_eq!(starts("apple pie by Apple, 苹果Apple手机", "Apple"), [13, 22], "the case of the caller");
    assert_eq!(starts("APPLE and apple", "Apple"), [0, 10], "any case where his is nowhere");
    assert_eq!(starts("看好贵州茅台酒", "茅台"), [4]);
    assert_eq!(starts("sells $NWND today", "$NWND"), [6]);
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
fn an_error_names_the_files_of_a_double_id_and_the_line_of_a_bad_object() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let error = || Dictionary::read(&[folder.path().to_owned()]).unwrap_err().to_string();
    write("a.toml", "[[entity]]\nid=\"x\"\nname=\"X\"\n");
    write("b.toml", "[[entity]]\nid=\"y\"\nname=\"Y\"\n");
    write("c.jsonl", "{\"id\":\"x\",\"name\":\"X\"}\n");
    let twice = error();
    assert!(twice.contains("c.jsonl is not") && twice.contains("a.toml"), "{twice}");
    write("c.jsonl", "{\"id\":\"z\",\"name\":\"Z\"}\n\n{\"id\":1}\n");
    let bad = error();
    assert!(bad.contains("c.jsonl") && bad.contains("line 3, column "), "{bad}");
}

#[test]
fn json_lines_are_a_dictionary_too() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.jsonl"), "{\"id\":\"x\",\"name\":\"X\",\"names\":[\"Xcorp\"]}\n")
        .unwrap();
    let linker = Linker::read(&[folder.path().to_owned()]).unwrap();
    assert_eq!(linker.link("Xcorp rises", 0).len(), 1);
}
