//! English names of companies: what is left of a listing's title without the text
//! about the share and without the legal form, and which of the forms can stand
//! for the company.

use super::Words;
use crate::entities::forms::LEGAL_FORMS;
use crate::entities::patterns::DOUBTFUL;

/// Where the text about the share begins in a listing's title.
const SHARE: [&str; 28] = [
    " Class A",
    " Class B",
    " Class C",
    " Class V",
    " Common",
    " American Depositary",
    " Ordinary",
    " Depositary",
    " Capital Stock",
    " Subordinate",
    " Sponsored",
    " ADS",
    " ADR",
    " Voting",
    " Non-Voting",
    " Series ",
    " New York Registry",
    " New York Shares",
    " Registered",
    " Shares",
    " Limited Partner",
    " representing",
    " Units",
    " (Each",
    " each representing",
    " Beneficial",
    " par value",
    " REIT",
];
/// Legal forms that these lists write so, beside [`LEGAL_FORMS`].
const FORMS: [&str; 8] = ["l.p", "n.v", "s.a", "s.a.b", "s.p.a", "(the)", "de", "cv"];
/// Words that say what kind of company it is: without them the name is looser.
const KINDS: [&str; 40] = [
    "holding",
    "holdings",
    "group",
    "technologies",
    "technology",
    "pharmaceuticals",
    "pharmaceutical",
    "pharma",
    "therapeutics",
    "biosciences",
    "biopharma",
    "biotherapeutics",
    "bancorp",
    "bancshares",
    "financial",
    "international",
    "industries",
    "enterprises",
    "partners",
    "trust",
    "systems",
    "solutions",
    "brands",
    "energy",
    "resources",
    "software",
    "networks",
    "labs",
    "laboratories",
    "materials",
    "entertainment",
    "medical",
    "health",
    "global",
    "worldwide",
    "platforms",
    "stores",
    "communications",
    "semiconductor",
    "motors",
];

/// The names of one listing by how much they prove.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Names {
    /// For people: without the legal form.
    pub(super) plain: String,
    pub(super) certain: Vec<String>,
    pub(super) ambiguous: Vec<String>,
    pub(super) short: Vec<String>,
}

/// Title without share text, `Apple Inc.`.
pub(super) fn formal(title: &str) -> String {
    let mut end = title.len();
    for mark in SHARE {
        end = title.get(..end).and_then(|t| t.find(mark)).unwrap_or(end);
    }
    let cut = title.get(..end).unwrap_or(title).split(" /").next().unwrap_or_default();
    let spaced = cut.replace(".,", "., ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    words.join(" ").trim_end_matches([',', '-', ' ']).to_owned()
}

/// Without the legal form, `Apple`; the same for `APPLE INC` and `Apple, Inc. (The)`.
pub(super) fn plain(formal: &str) -> String {
    let mut words: Vec<&str> = formal.split_whitespace().collect();
    while let (Some(last), true) = (words.last(), words.len() > 1) {
        let bare = last.trim_matches(['.', ',']).to_lowercase();
        if !is_form(&bare) && !matches!(bare.as_str(), "&" | "and") {
            break;
        }
        words.pop();
    }
    if words.len() > 1 && words.first().is_some_and(|w| w.eq_ignore_ascii_case("the")) {
        words.remove(0);
    }
    words.join(" ").trim_end_matches([',', '.', ' ']).to_owned()
}

/// Folded for comparison: letters and digits of the plain name, `group` and
/// `holdings` dropped.
pub(super) fn key(title: &str) -> String {
    let plain = plain(&formal(title)).to_lowercase();
    let words = plain.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty());
    let kept: Vec<&str> =
        words.filter(|w| !is_form(w) && !matches!(*w, "group" | "holding" | "holdings")).collect();
    kept.join(" ")
}

/// The names of a listing. A `large` company may go by a common word, with context;
/// any other only beside its ticker or formal name.
pub(super) fn names(title: &str, words: &Words, large: bool) -> Names {
    let formal = formal(title);
    let base = plain(&formal);
    let mut names = Names { plain: base.clone(), ..Names::default() };
    if shouts(&base) && base.contains(' ') {
        return names;
    }
    let full = formal.trim_end_matches('.');
    if full != base && full.len() > base.len() && !full.ends_with(',') {
        names.certain.push(full.to_owned());
    }
    sort(&base, &mut names, words, large);
    shorten(&base, &mut names, words, large);
    names
}

/// Adds what people call it later in a text: `Aethlon`, `First Majestic`.
fn shorten(base: &str, names: &mut Names, words: &Words, large: bool) {
    let short = without_kinds(base);
    let letters = short.chars().filter(|c| c.is_alphabetic()).count();
    let single = !short.contains(' ');
    if short != base && letters > 2 {
        if large && letters > 3 && !(single && words.common(&short)) {
            names.certain.push(short.clone());
        } else if large && single {
            names.ambiguous.push(format!("{DOUBTFUL}{short}"));
        } else if !(single && words.frequent(&short)) {
            names.short.push(short.clone());
        }
    }
    let all: Vec<&str> = short.split_whitespace().collect();
    if let [first, second, _, ..] = all.as_slice()
        && !(words.common(first) && words.common(second))
    {
        names.short.push(format!("{first} {second}"));
    }
}

fn sort(base: &str, names: &mut Names, words: &Words, large: bool) {
    let all: Vec<&str> = base.split([' ', '-']).filter(|w| !w.is_empty()).collect();
    let length = base.chars().count();
    let common = words.common(base) || KINDS.contains(&base.to_lowercase().as_str());
    let base = base.to_owned();
    match all.len() {
        _ if length < 2 => {}
        0 | 1 if !common && (length > 4 || length == 4 && !shouts(&base)) => names.certain.push(base),
        0 | 1 if !large && (words.frequent(&base) || length < 4) => names.short.push(base),
        0 | 1 => names.ambiguous.push(format!("{DOUBTFUL}{base}")),
        2 if !large && all.iter().all(|w| words.frequent(w)) => {
            names.ambiguous.push(format!("{DOUBTFUL}{base}"));
        }
        _ => names.certain.push(base),
    }
}

/// Without the words at the end that say what kind of company it is.
fn without_kinds(base: &str) -> String {
    let mut words: Vec<&str> = base.split_whitespace().collect();
    while words.len() > 1 {
        let last = words.last().map_or(String::new(), |w| w.trim_matches([',', '.', '&']).to_lowercase());
        if !last.is_empty() && !KINDS.contains(&last.as_str()) && !is_form(&last) {
            break;
        }
        words.pop();
    }
    words.join(" ").trim_end_matches(',').to_owned()
}

fn shouts(text: &str) -> bool {
    !text.chars().any(char::is_lowercase)
}

/// Dropping such a word leaves the same company.
fn is_form(word: &str) -> bool {
    LEGAL_FORMS.contains(&word) || FORMS.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn share_text_and_legal_form_are_dropped() {
        for (title, want) in [
            ("Apple Inc. Common Stock", "Apple"),
            ("Coca-Cola Company (The) Common Stock", "Coca-Cola"),
            ("Alphabet Inc. Class A Common Stock", "Alphabet"),
            (
                "Alibaba Group Holding Limited American Depositary Shares each representing eight Ordinary share",
                "Alibaba Group Holding",
            ),
            ("The Gap, Inc.", "Gap"),
            ("Eli Lilly and Company Common Stock", "Eli Lilly"),
            ("Guangxi Wuzhou Zhongheng Group Co.,Ltd", "Guangxi Wuzhou Zhongheng Group"),
            ("Wharf (Holdings) Limited", "Wharf (Holdings)"),
        ] {
            assert_eq!(plain(&formal(title)), want);
        }
        assert_eq!(key("HSBC Holdings plc"), key("HSBC HOLDINGS"));
    }

    #[test]
    fn a_common_word_needs_context_or_a_ticker() {
        let words = Words::new("target\n+graham\nmain\nstreet\n");
        let of = |title: &str, large| names(title, &words, large);
        assert_eq!(of("Target Corporation Common Stock", true).ambiguous, ["~Target"]);
        assert_eq!(of("Main Limited", false).short, ["Main"]);
        assert_eq!(of("Graham Corp.", false).ambiguous, ["~Graham"]);
        assert_eq!(of("Main Street Inc.", false).ambiguous, ["~Main Street"]);
        assert_eq!(
            of("Aethlon Medical, Inc. Common Stock", false).certain,
            ["Aethlon Medical, Inc", "Aethlon Medical"]
        );
        assert_eq!(of("Aethlon Medical, Inc. Common Stock", false).short, ["Aethlon"]);
        assert_eq!(
            of("Conagra Brands, Inc.", true).certain,
            ["Conagra Brands, Inc", "Conagra Brands", "Conagra"]
        );
    }
}
