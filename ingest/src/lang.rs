//! The language of a text: `en`, `zh`, or `und` where it is another or too short to tell; and what is said of one.

use whichlang::{Lang, detect_language};

/// Letters below which a statistical guess is not trusted by itself.
const ENOUGH: usize = 25;
/// How much of a text is looked at.
const SAMPLE: usize = 2000;

/// Words that English headlines hold and other languages in Latin letters do not.
const ENGLISH: [&str; 16] = [
    "the", "and", "with", "from", "after", "are", "its", "shares", "says", "fails", "falls", "rises",
    "drops", "cuts", "why", "how",
];

/// Words of short posts and complaints. Longer texts in other languages may borrow some of them.
const SPOKEN: &str = "this that these those what when where who they their you your our been would could \
    should because about again never always only every very much nothing everything something anyone everyone people \
    today yesterday tomorrow year years money price prices buy buys buying bought sell sells selling \
    going know think need great good better awful please thanks into out down higher lower earnings \
    losses loses beats misses jumps soars plunge plunges slides surge surges \
    tumbles slumps sinks climbs warns raises sues bankruptcy lawsuit layoffs customer customers \
    withdraw withdrawal withdrawals deposits refund crashes crashed works working doesn didn isn aren \
    wasn couldn wouldn overvalued undervalued";

/// Others that they hold, which among ASCII alone tell English, too.
const SHARED: [&str; 14] =
    ["of", "to", "for", "as", "is", "by", "at", "will", "bank", "stock", "stocks", "market", "profit", "new"];

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
    if han * 4 >= letters || (han > 1 && kana + hangul == 0 && is_chinese_with_names(&sample, han)) {
        return "zh";
    }
    let is_long = letters >= ENOUGH;
    // The guess takes longest.
    let is_guessed = || is_long && detect_language(&without_signs(&sample)) == Lang::Eng;
    if is_english_by_words(&sample, if is_long { 2 } else { 1 }) || is_guessed() { "en" } else { "und" }
}

/// Whether what is not Chinese is names: words that no sentence is made of, or hardly any.
fn is_chinese_with_names(sample: &str, han: usize) -> bool {
    let is_apart = |c: char| !c.is_alphabetic() || is_han(c);
    let words = || sample.split(is_apart).filter(|word| word.chars().nth(1).is_some());
    let is_small = |word: &&str| word.chars().all(char::is_lowercase);
    let is_latin = sample.chars().all(|c| !c.is_alphabetic() || is_han(c) || c.is_ascii());
    let is_english = |word: &str| is_of(&ENGLISH, word) || is_of(&SHARED, word) || is_spoken(word);
    is_latin && words().filter(is_small).count() * 2 <= han && !words().any(is_english)
}

/// Typographic signs as those of ASCII: a guess takes them for letters of another language.
fn without_signs(sample: &str) -> String {
    let sign = |c| match c {
        '‘' | '’' => '\'',
        '\u{2010}'..='\u{2026}' | '\u{20a0}'..='\u{20cf}' | '¢' | '£' | '¥' => ' ',
        _ => c,
    };
    sample.chars().map(sign).collect()
}

/// Whether so many words are English. Where not all is ASCII they must be words that no other
/// language has, one in ten, and at least two where letters are not: a name may be foreign.
fn is_english_by_words(sample: &str, least: usize) -> bool {
    let words = || sample.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty());
    let is_english = |word: &str| is_of(&ENGLISH, word) || (least == 1 && is_spoken(word));
    if sample.is_ascii() {
        let known = words().filter(|word| is_english(word) || is_of(&SHARED, word));
        return known.take(least).count() == least;
    }
    // A company's name may stand there in Chinese too.
    let letters = || sample.chars().filter(|c| c.is_alphabetic() && !is_han(*c));
    let foreign = letters().filter(|c| !c.is_ascii()).count();
    let is_latin = letters().all(is_latin) && foreign * 10 <= letters().count();
    let english = words().filter(|word| is_english(word)).count();
    is_latin && english >= least.max(usize::from(foreign > 0) * 2) && english * 10 >= words().count()
}

fn is_spoken(word: &str) -> bool {
    SPOKEN.split(' ').any(|known| known.eq_ignore_ascii_case(word))
}

fn is_of(known: &[&str], word: &str) -> bool {
    known.iter().any(|known| known.eq_ignore_ascii_case(word))
}

/// The primary language of a tag of BCP 47, or of what sources write for one: `zh` of `zh-Hans`, `ZH_cn` and `cn`.
/// `None`: it names no language.
pub(crate) fn primary(tag: &str) -> Option<String> {
    let main = tag.split(['-', '_']).next().unwrap_or_default().trim().to_ascii_lowercase();
    match main.as_str() {
        "und" | "mul" | "mis" | "zxx" => None,
        "eng" => Some("en".to_owned()),
        "zho" | "chi" | "cmn" | "cn" => Some("zh".to_owned()),
        _ => {
            let is_language =
                matches!(main.len(), 2 | 3) && main.bytes().all(|byte| byte.is_ascii_lowercase());
            is_language.then_some(main)
        }
    }
}

fn is_latin(c: char) -> bool {
    c.is_ascii()
        || matches!(c, '\u{aa}' | '\u{b5}' | '\u{ba}' | '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}')
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

    #[test]
    fn short_posts_are_told_by_a_word_and_chinese_by_the_names_that_alone_are_none() {
        for (text, lang) in [
            ("Support never answers", "en"),
            ("My withdrawal failed", "en"),
            ("Buy now 🚀🚀", "en"),
            ("Selling everything!!", "en"),
            ("It doesn’t work", "en"),
            ("BYD (比亚迪) shares rise", "en"),
            ("Apple iPhone Pro Max 卖不动", "zh"),
            ("NVDA AMD TSLA 全清了", "zh"),
            ("Robinhood Markets app 崩了", "zh"),
            ("Toyota Motor 利上げ", "und"),
            ("Bin bullish auf BTC", "und"),
            ("Vendo todo hoy", "und"),
            ("Kaufe TSLA nach", "und"),
            ("Compre PETR4 agora", "und"),
        ] {
            assert_eq!(language_of(text, ""), lang, "{text}");
        }
        for text in ["BYD (比亚迪) To Build Plant In Hungary", "BYD (比亚迪) opens plant near Budapest"]
        {
            assert_ne!(language_of(text, ""), "zh", "{text}");
        }
    }

    #[test]
    fn a_tag_says_its_primary_language() {
        for (tag, lang) in [
            ("en", Some("en")),
            ("EN-us", Some("en")),
            ("zh-Hans-CN", Some("zh")),
            ("zh_CN", Some("zh")),
            ("cmn", Some("zh")),
            ("cn", Some("zh")),
            (" yue ", Some("yue")),
            ("und", None),
            ("English", None),
            ("中文", None),
            ("", None),
            ("jane@example.com", None),
        ] {
            assert_eq!(primary(tag).as_deref(), lang, "{tag}");
        }
    }

    #[test]
    fn typographic_signs_do_not_make_another_language_of_english() {
        for text in [
            "Bank’s shares fall",
            "Fed cuts rates – Dow rises",
            "£5bn loss — why shares drop",
            "“We are not for sale”, says bank’s chairman",
            "Nestlé’s profit falls after “cautious” outlook",
            "Crédit Agricole to pay €1bn for its rival’s branches",
        ] {
            assert_eq!(language_of(text, ""), "en", "{text}");
        }
    }

    #[test]
    fn nor_do_they_make_english_of_another_language() {
        for text in [
            "Bank will „Geld“ – Aktie steigt",
            "Bank in Not – Aktie fällt",
            "Deutsche Bank will 3.500 Stellen streichen – Aktie gibt nach",
            "Standard and Poor’s stuft Österreich herab",
            "L’Oréal : le profit bondit",
            "Le profit d’Orange recule",
            "La Bourse de Paris termine en baisse – les valeurs bancaires reculent",
            "El banco cae – los clientes huyen",
            "“No estamos en venta”, dice el presidente del banco",
            "Banco do Brasil – lucro de R$ 9 bilhões",
            "ING’s winst daalt – bank is voorzichtig",
            "Цены на нефть – the Brent and WTI",
        ] {
            assert_eq!(language_of(text, ""), "und", "{text}");
        }
    }
}
