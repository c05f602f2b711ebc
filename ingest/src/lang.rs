//! The language of a text, as far as Tocsin reads languages.

use whichlang::{Lang, detect_language};

/// Fewer letters than this say nothing.
const LEAST: usize = 3;

/// `en`, `zh`, or `und` for every other and for too little text.
pub fn language_of(title: &str, body: &str) -> &'static str {
    let sample: String = title.chars().chain([' ']).chain(body.chars()).take(600).collect();
    let letters = sample.chars().filter(|c| c.is_alphabetic()).count();
    let han = sample.chars().filter(|c| matches!(c, '\u{4e00}'..='\u{9fff}')).count();
    let kana = sample.chars().filter(|c| matches!(c, '\u{3040}'..='\u{30ff}')).count();
    if letters < LEAST {
        return "und";
    }
    // A Chinese headline with tickers and names in Latin letters is Chinese.
    if han * 4 >= letters && kana * 8 < han {
        return "zh";
    }
    match detect_language(&sample) {
        Lang::Eng => "en",
        Lang::Cmn => "zh",
        Lang::Ara | Lang::Deu | Lang::Fra | Lang::Hin | Lang::Ita | Lang::Jpn | Lang::Kor | Lang::Nld
        | Lang::Por | Lang::Rus | Lang::Spa | Lang::Swe | Lang::Tur | Lang::Vie => "und",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn english_and_chinese_are_told_apart_and_the_rest_is_undetermined() {
        assert_eq!(language_of("The central bank raised interest rates on Wednesday", ""), "en");
        assert_eq!(language_of("央行周三宣布加息", ""), "zh");
        assert_eq!(language_of("日本銀行は金利を引き上げました。これは予想外の決定です。", ""), "und");
        assert_eq!(language_of("$", "7"), "und");
    }

    #[test]
    fn latin_names_do_not_make_a_chinese_headline_english() {
        assert_eq!(language_of("苹果AAPL发布iPhone 16 Pro Max新品", ""), "zh");
    }
}
