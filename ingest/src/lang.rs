//! The language of a text: `en`, `zh`, or `und` where it is another or too short to tell.

use whichlang::{Lang, detect_language};

/// Letters below which a statistical guess is not trusted by itself.
const ENOUGH: usize = 25;
/// How much of a text is looked at.
const SAMPLE: usize = 2000;

/// Words that English headlines hold and other languages in ASCII do not.
const ENGLISH: [&str; 30] = [
    "the", "of", "and", "to", "for", "with", "from", "after", "as", "is", "are", "by", "at", "its", "will",
    "bank", "shares", "stock", "stocks", "says", "fails", "falls", "rises", "drops", "market", "cuts",
    "profit", "why", "how", "new",
];

/// `en`, `zh`, or `und`.
pub fn language_of(title: &str, body: &str) -> &'static str {
    let sample: String = title.chars().chain([' ']).chain(body.chars()).take(SAMPLE).collect();
    let count = |is: fn(char) -> bool| sample.chars().filter(|c| is(*c)).count();
    let letters = count(char::is_alphabetic);
    let (han, kana, hangul) = (count(is_han), count(is_kana), count(is_hangul));
    if letters == 0 {
        return "und";
    }
    if kana * 20 > letters || hangul * 5 > letters {
        return "und";
    }
    if han * 4 >= letters {
        return "zh";
    }
    let guess = detect_language(&sample);
    if letters >= ENOUGH {
        return if guess == Lang::Eng { "en" } else { english_by_words(&sample, 2) };
    }
    english_by_words(&sample, 1)
}

fn english_by_words(sample: &str, least: usize) -> &'static str {
    let words = sample.split(|c: char| !c.is_alphabetic()).map(str::to_ascii_lowercase);
    let known = words.filter(|word| ENGLISH.contains(&word.as_str())).count();
    if sample.is_ascii() && known >= least { "en" } else { "und" }
}

fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3134f}')
}

fn is_kana(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}')
}

fn is_hangul(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{11ff}' | '\u{ac00}'..='\u{d7af}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn english_and_chinese_are_told_from_the_rest() {
        for (text, lang) in [
            ("Harrogate Bank shares fall by a third after it sold bonds at a loss", "en"),
            ("Bank fails", "en"),
            ("海港银行股价暴跌", "zh"),
            ("苹果公司 iPhone 15 Pro Max 销量下滑", "zh"),
            ("Die Bank hat am Freitag einen Verlust gemeldet und verliert Einlagen", "und"),
            ("日本銀行は金利を引き上げた", "und"),
            ("한국은행 금리 인상", "und"),
            ("12.5 %", "und"),
            ("BTC $$$", "und"),
        ] {
            assert_eq!(language_of(text, ""), lang, "{text}");
        }
    }
}
