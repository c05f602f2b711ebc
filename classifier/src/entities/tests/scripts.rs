//! Traditional characters, and texts without a capital.

use super::shipped::ids;

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
fn small_letters_name_a_company_before_its_stock_in_a_text_without_capitals() {
    let table: [(&str, &[&str]); 7] = [
        ("tesla stock plunges", &["tesla"]),
        ("nvidia earnings crush estimates", &["nvidia"]),
        ("tesla stock plunges, says Ann", &[]),
        ("tesla drivers like it", &[]),
        ("shell stock falls", &[]),
        ("target shares fall", &[]),
        ("teslas stock up", &[]),
    ];
    for (text, want) in table {
        assert_eq!(ids(text), want, "{text}");
    }
}
