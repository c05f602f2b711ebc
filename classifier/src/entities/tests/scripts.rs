//! Traditional characters, texts in one case, and names that a page broke.

use super::shipped::{ids, mentioned};

#[test]
fn traditional_characters_name_the_same_companies() {
    let table: [(&str, &[&str]); 6] = [
        ("騰訊控股股價大跌", &["tencent"]),
        ("恒生指數大跌800點", &["hsi"]),
        ("恆生指數", &["hsi"]),
        ("美聯儲加息", &["fed"]),
        ("匯豐控股", &["hsbc"]),
        ("滙豐控股", &["hsbc"]),
    ];
    for (text, want) in table {
        assert_eq!(ids(text), want, "{text}");
    }
}

#[test]
fn small_letters_name_a_company_in_a_text_without_capitals() {
    let table: [(&str, &[&str]); 9] = [
        ("tesla stock plunges", &["tesla"]),
        ("nvidia earnings crush estimates", &["nvidia"]),
        ("sold all of my tesla, nvidia next", &["nvidia", "tesla"]),
        ("tesla stock plunges, says Ann", &[]),
        ("tesla.com is down", &[]),
        ("non-tesla and tesla-like cars", &[]),
        ("shell stock falls", &[]),
        ("target shares fall", &[]),
        ("teslas stock up", &[]),
    ];
    for (text, want) in table {
        assert_eq!(ids(text), want, "{text}");
    }
}

#[test]
fn short_names_may_be_in_capitals_where_all_is() {
    let table: [(&str, &[&str]); 7] = [
        ("FED RAISES RATES AGAIN", &["fed"]),
        ("NIKE SHARES SINK 12%", &["nike"]),
        ("NIKE发布财报", &["nike"]),
        ("the NIKE label", &[]),
        ("OUTPUT OF 5.8 MLN BOE", &[]),
        ("GAP BETWEEN RICH AND POOR AT RECORD", &[]),
        ("SNAP ELECTION CALLED IN FRANCE", &[]),
    ];
    for (text, want) in table {
        assert_eq!(ids(text), want, "{text}");
    }
}

#[test]
fn a_name_is_found_across_what_nobody_sees() {
    for (text, name) in [
        ("Goldman  Sachs cuts jobs", "Goldman  Sachs"),
        ("profit at Bank of\nAmerica fell", "Bank of\nAmerica"),
        ("Micro\u{ad}soft wins a deal", "Micro\u{ad}soft"),
        ("\u{feff}Nvi\u{200b}dia\u{200b} falls", "Nvi\u{200b}dia"),
    ] {
        assert_eq!(mentioned(text), [name], "{text:?}");
    }
}
