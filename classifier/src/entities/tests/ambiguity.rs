//! Names that are also words, abbreviations or people.

use tocsin_contract::{EntityKind, Role};

use crate::entities::{Dictionary, Linker};

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
fn regulators_and_brokers_that_speak_are_mentions() {
    let mut dictionary: Dictionary = toml::from_str(AMBIGUITY).unwrap();
    dictionary.entities[7].kind = EntityKind::Regulator;
    let linker = Linker::new(dictionary).unwrap();
    let found = linker.link("Danaher raises its outlook after Samsung approves a device", 0);
    let role = |id: &str| found.iter().find(|l| &*l.entity.id == id).map(|l| l.role);
    assert_eq!((role("danaher"), role("samsung")), (Some(Role::Subject), Some(Role::Mention)));
}
