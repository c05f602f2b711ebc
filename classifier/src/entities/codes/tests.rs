//! How codes are written, and what only looks like one.

use super::*;

fn codes() -> Codes {
    let entity = |symbols: &[&str]| Known {
        id: symbols[0].to_owned(),
        name: String::new(),
        kind: tocsin_contract::EntityKind::Company,
        symbols: symbols.iter().map(|s| (*s).to_owned()).collect(),
        names: Vec::new(),
        ambiguous: Vec::new(),
        context: Vec::new(),
        short: Vec::new(),
    };
    let known = [
        entity(&["NASDAQ:AAPL"]),
        entity(&["NYSE:BRK.A", "NYSE:BRK.B"]),
        entity(&["SSE:600519"]),
        entity(&["SZSE:000001"]),
        entity(&["HKEX:0700"]),
        entity(&["index:000001"]),
        entity(&["NYSE:F"]),
        entity(&["crypto:BTC"]),
        entity(&["NYSE:T"]),
        entity(&["NYSE:BN"]),
        entity(&["HKEX:2023"]),
        entity(&["HKEX:0010"]),
    ];
    Codes::new(&known, &["F".to_owned()]).unwrap()
}

#[test]
fn every_spelling_of_a_listing_is_read() {
    let table: [(&str, &[usize]); 27] = [
        ("$AAPL up", &[0]),
        ("($AAPL)", &[0]),
        ("(NASDAQ: AAPL)", &[0]),
        ("苹果(AAPL.O)跌", &[0]),
        ("(F.N) F.N", &[6]),
        ("BRK-B or BRK.A or BRKb.N", &[1, 1, 1]),
        ("600519.SH、SH600519、sh600519", &[2, 2, 2]),
        ("贵州茅台(600519，涨", &[2]),
        ("(000001)与000001.SH", &[3, 5]),
        ("00700 0700.HK 700.HK HK00700 00700.hk", &[4, 4, 4, 4, 4]),
        ("$BTC and $XYZQ", &[7]),
        ("电话1600519", &[]),
        ("v600519.SHx", &[]),
        ("US$AAPL", &[]),
        ("$0700.HK、$SH600519、$600519", &[4, 2]),
        ("US$0700.HK", &[]),
        ("HK:00700, HKG: 700", &[4, 4]),
        ("(SEHK: 700) HKEX: 700 falls", &[4, 4]),
        ("HKEX: 700 companies, HK: 2023 in review", &[]),
        ("#AAPL @AAPL", &[0]),
        ("AAPLE", &[]),
        ("a.AAPL", &[]),
        ("aaplus", &[]),
        ("NYSE:F", &[6]),
        ("(F)", &[6]),
        ("5F", &[]),
        ("60051", &[]),
    ];
    let codes = codes();
    for (text, want) in table {
        let found: Vec<usize> = codes.find(text).iter().map(|c| c.entity).collect();
        assert_eq!(found, want, "{text}");
    }
}

#[test]
fn terminals_and_chinese_markets_have_spellings_of_their_own() {
    let table: [(&str, &[usize]); 18] = [
        ("sh.600519", &[2]),
        ("600519 CH Equity, 600519:CH", &[2, 2]),
        ("700 HK Equity", &[4]),
        ("Tencent (700 HK)", &[4]),
        ("top 700 HK banks", &[]),
        ("Top 10 HK Equity Funds", &[]),
        ("买00700 HK", &[4]),
        ("at 0700 HK time", &[]),
        ("腾讯(00700-HK)", &[4]),
        ("COVID-700-HK", &[]),
        ("(港交所:0700)", &[4]),
        ("港交所:0700涨3%", &[4]),
        ("港交所:2023", &[10]),
        ("港交所:2023年、港交所:2023-03-10", &[]),
        ("(纳斯达克:AAPL)、(上交所:600519)", &[0, 2]),
        ("纳斯达克:AAPL涨3%", &[0]),
        ("纽交所:F热潮", &[]),
        ("HKSE: 0700", &[4]),
    ];
    let codes = codes();
    for (text, want) in table {
        let found: Vec<usize> = codes.find(text).iter().map(|c| c.entity).collect();
        assert_eq!(found, want, "{text}");
    }
}

#[test]
fn a_class_of_shares_stands_by_itself() {
    let forms: Vec<Form> = codes().find("BRK.B rises, BRK-A too").iter().map(|c| c.form).collect();
    assert_eq!(forms, [Form::Marked, Form::Marked]);
}

#[test]
fn the_form_says_how_much_a_code_proves() {
    let forms = |text: &str| codes().find(text).iter().map(|c| (c.form, c.wordy)).collect::<Vec<_>>();
    assert_eq!(forms("(F)"), [(Form::Bracketed, true)]);
    assert_eq!(forms("$F AAPL"), [(Form::Marked, false), (Form::Bare, false)]);
    assert_eq!(forms("x(600519)"), [(Form::Bracketed, false)]);
}

#[test]
fn a_unit_behind_a_dollar_is_an_amount_unless_it_stands_like_a_ticker() {
    let forms = |text: &str| codes().find(text).iter().map(|c| c.form).collect::<Vec<_>>();
    for amount in ["Revenue ($T)", "in $T", "(in $BN)", "cost, $t", "$bn", "$Bn", "$f", "[$T; audited]"] {
        assert_eq!(forms(amount), [Form::Amount], "{amount}");
    }
    for ticker in ["$T gains", "bought $T", "$T: a look", "$BN, $AAPL", "($F)", "$aapl up"] {
        assert_eq!(forms(ticker).first(), Some(&Form::Marked), "{ticker}");
    }
}

#[test]
fn a_code_that_no_listing_has_takes_its_market_with_it() {
    let found = |text: &str| -> Vec<(usize, Form)> {
        codes().find(text).iter().map(|c| (c.to - c.from, c.form)).collect()
    };
    assert_eq!(found("(NYSE American: ZYXV)"), [("NYSE American: ZYXV".len(), Form::Unlisted)]);
    assert_eq!(found("(Nasdaq: ZYXV)"), [("Nasdaq: ZYXV".len(), Form::Unlisted)]);
    assert_eq!(found("SSE:999999"), [("SSE:999999".len(), Form::Unlisted)]);
    assert_eq!(found("Nasdaq: AAPL"), [("Nasdaq: AAPL".len(), Form::Marked)]);
    assert!(found("NASDAQ: 13500.25, SSE: AAA, NYSE falls").is_empty());
}

#[test]
fn a_code_and_nothing_else_names_its_entity() {
    let table = [("$AAPL", 0), ("600519.SH", 2), ("00700", 4), ("0700.HK", 4), ("NYSE: F", 6), ("$T", 8)];
    for (text, want) in table {
        assert_eq!(codes().named(text), Some(want), "{text}");
    }
    for text in ["$AAPL up", "$XYZQ", "NYSE: ZYXV", "2023", ""] {
        assert_eq!(codes().named(text), None, "{text}");
    }
}
