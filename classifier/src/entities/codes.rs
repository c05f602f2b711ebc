//! Listings as they are written: `$AAPL`, `NASDAQ: AAPL`, `(AAPL)`, `AAPL.O`,
//! `600519.SH`, `SH600519`, `00700.HK`. Finds them, and says how sure the form is.

use std::collections::HashSet;

use regex::Regex;

use super::dictionary::{Known, symbols};
use super::fold::is_word;
use super::index::Index;

/// How a code is written, which says how much it proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// With a market or a dollar sign: it stands by itself.
    Marked,
    /// In brackets.
    Bracketed,
    /// Digits or capitals and nothing else.
    Bare,
    /// `$bn`, `in $M`: rather an amount of money.
    Amount,
    /// With a market, and no listing of the dictionary: it names nobody, nor does its market.
    Unlisted,
}

/// A code in a text, in bytes; brackets are not part of it. The entity of one without a
/// listing is behind the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) entity: usize,
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) form: Form,
    /// A word or an abbreviation too.
    pub(super) wordy: bool,
}

/// Markets that number or name listings in their own way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Market {
    America,
    Shanghai,
    Shenzhen,
    HongKong,
    /// Indices and coins, `$SPX`, `$BTC`.
    Other,
}

impl Market {
    fn named(name: &str) -> Self {
        match name {
            "SSE" | "SHA" | "SH" | "SS" => Self::Shanghai,
            "SZSE" | "SHE" | "SZ" | "BSE" | "BJ" => Self::Shenzhen,
            "HKEX" | "HKG" | "SEHK" => Self::HongKong,
            _ => Self::America,
        }
    }

    fn key(self, code: &str) -> String {
        let letter = match self {
            Self::America => 'A',
            Self::Shanghai => 'S',
            Self::Shenzhen => 'Z',
            Self::HongKong => 'H',
            Self::Other => 'O',
        };
        format!("{letter}{code}")
    }
}

/// Every listing of a dictionary, ready to be looked up.
#[derive(Debug)]
pub(super) struct Codes {
    listings: Index,
    wordy: HashSet<String>,
    pattern: Regex,
}

/// The alternatives, the surest first; each has one group, the code.
const PATTERN: &str = concat!(
    r"\$(?<cash>[A-Za-z]{1,6}(?:[.\-/][A-Za-z])?)(?-u:\b)",
    r"|(?-u:\b)(?:",
    r"(?<market>NASDAQ|Nasdaq|NYSE(?: American| Arca| MKT)?|AMEX|NYSEAMERICAN|HKEX|HKG|SEHK|SSE|SHA|SZSE|SHE|SH|SZ|BSE)\s?:\s?(?<coded>\d{4,6}|[A-Z]{1,5}(?:[.\-/][A-Z])?)",
    r"|(?<us>[A-Z]{1,5}(?:[.\-/]?[ABab])?)\.(?:O|N|A|OQ|K|US)",
    r"|(?<cn>\d{6})\.(?<at>SH|SS|SZ|BJ|sh|ss|sz|bj)",
    r"|(?<head>SH|SZ|BJ|sh|sz|bj)(?<tail>\d{6})",
    r"|(?<hk>\d{1,5})\.(?:HK|hk)|(?:HK|hk)\.?(?<hkt>\d{4,5})",
    r"|(?<digits>\d{5,6})|(?<bare>[A-Z]{1,5}(?:[.\-/][A-Z])?)",
    r")(?-u:\b)",
);

impl Codes {
    pub(super) fn new(known: &[Known], not_tickers: &[String]) -> Result<Self, String> {
        let listings = symbols(known).filter_map(|(entity, symbol)| Some((key(symbol)?, entity))).collect();
        let listings = Index::new(listings).map_err(|e| e.to_string())?;
        let pattern = Regex::new(PATTERN).map_err(|e| e.to_string())?;
        Ok(Self { listings, wordy: not_tickers.iter().cloned().collect(), pattern })
    }

    /// The known codes of a folded text, from left to right.
    pub(super) fn find(&self, text: &str) -> Vec<Code> {
        let codes = self.pattern.find_iter(text).filter_map(|whole| {
            let before = text.get(..whole.start()).and_then(|t| t.chars().next_back());
            let after = text.get(whole.end()..).and_then(|t| t.chars().next());
            let joined = |c: char| is_word(c) || c == '_' || c == '@';
            if before.is_some_and(|c| joined(c) || c == '.' || c == '$') || after.is_some_and(joined) {
                return None;
            }
            let bracketed = before == Some('(') && after.is_some_and(|c| matches!(c, ')' | ',' | ';' | '/'));
            self.code(text, &self.pattern.captures_at(text, whole.start())?, bracketed)
        });
        codes.collect()
    }

    /// The entity of a folded text that is a code and nothing else.
    pub(super) fn named(&self, text: &str) -> Option<usize> {
        let code = self.find(text).into_iter().next().filter(|code| code.form != Form::Unlisted)?;
        (code.from == 0 && code.to == text.len()).then_some(code.entity)
    }

    fn code(&self, text: &str, groups: &regex::Captures<'_>, bracketed: bool) -> Option<Code> {
        let (from, to) = groups.get(0).map(|whole| (whole.start(), whole.end()))?;
        let group = |name: &str| groups.name(name).map(|m| m.as_str());
        let loose = if bracketed { Form::Bracketed } else { Form::Bare };
        let (entity, form) = if let Some(cash) = group("cash") {
            let listed = self.america(cash).or_else(|| self.get(Market::Other, &cash.to_uppercase()));
            let around = (text.get(..from).unwrap_or_default(), text.get(to..).unwrap_or_default());
            (listed, if is_amount(cash, around) { Form::Amount } else { Form::Marked })
        } else if let (Some(market), Some(code)) = (group("market"), group("coded")) {
            self.with_market(Market::named(market), code)
        } else if let Some(code) = group("us") {
            // U.N and A.O. are no listings; (F.N) is.
            let initial = code.len() < 2 && !bracketed;
            // In BRK.A the last letter is a class, not a market.
            let whole = || groups.get(0).and_then(|whole| self.america(whole.as_str()));
            (self.america(code).filter(|_| !initial).or_else(whole), Form::Marked)
        } else if let (Some(at), Some(code)) = (group("at").or(group("head")), group("cn").or(group("tail")))
        {
            (self.get(Market::named(&at.to_uppercase()), code), Form::Marked)
        } else if let Some(code) = group("hk").or(group("hkt")) {
            (self.get(Market::HongKong, number(code)), Form::Marked)
        } else if let Some(code) = group("digits") {
            (self.digits(code), loose)
        } else {
            (group("bare").and_then(|code| self.america(code)), loose)
        };
        let wordy = group("bare").is_some_and(|code| code.len() < 2 || self.wordy.contains(code));
        Some(Code { entity: entity?, from, to, form, wordy })
    }

    fn get(&self, market: Market, code: &str) -> Option<usize> {
        self.listings.get(&market.key(code))
    }

    /// `BRK.B`, `BRK-B`, `BRK/B`, `BRKb`.
    fn america(&self, code: &str) -> Option<usize> {
        let plain = code.to_uppercase().replace(['-', '/'], ".");
        let class = |plain: &str| {
            let mut parted = plain.to_owned();
            let last = parted.pop()?;
            self.get(Market::America, &format!("{parted}.{last}"))
        };
        self.get(Market::America, &plain).or_else(|| class(&plain))
    }

    /// A code behind its market. Digits are none of America, letters none of China:
    /// `NASDAQ: 13500` is the exchange, and how its index stands.
    fn with_market(&self, market: Market, code: &str) -> (Option<usize>, Form) {
        let listed = match market {
            Market::America => self.america(code),
            Market::HongKong => self.get(market, number(code)),
            Market::Shanghai | Market::Shenzhen | Market::Other => self.get(market, code),
        };
        let digits = code.starts_with(|c: char| c.is_ascii_digit());
        match listed {
            None if digits != (market == Market::America) => (Some(usize::MAX), Form::Unlisted),
            listed => (listed, Form::Marked),
        }
    }

    /// Six digits are a mainland share, five one of Hong Kong; four may be a year.
    fn digits(&self, code: &str) -> Option<usize> {
        match code.len() {
            6 if code.starts_with(['6', '9']) => {
                self.get(Market::Shanghai, code).or_else(|| self.get(Market::Shenzhen, code))
            }
            6 => self.get(Market::Shenzhen, code),
            _ => self.get(Market::HongKong, number(code)),
        }
    }
}

/// What stands for thousands to trillions behind a dollar.
const UNITS: [&str; 8] = ["K", "M", "MM", "MN", "B", "BN", "T", "TN"];

/// Whether `$bn`, `($M)` or `in $T` is rather an amount than a share: one or two letters, small
/// ones, or a unit in brackets or behind "in".
fn is_amount(cash: &str, (before, after): (&str, &str)) -> bool {
    let before = before.trim_end();
    let word = before.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    let bracketed = before.ends_with(['(', '[']) || after.starts_with([')', ']']);
    let small = cash.chars().any(|c| c.is_ascii_lowercase());
    cash.len() < 3
        && (small || UNITS.contains(&cash) && (bracketed || word.eq_ignore_ascii_case("in") || word == "US"))
}

/// Without leading zeros: 00700 and 0700 are the same listing.
fn number(code: &str) -> &str {
    code.trim_start_matches('0')
}

/// The key under which a symbol is found: `NYSE:BRK.B`, `index:000001`.
fn key(symbol: &str) -> Option<String> {
    let (market, code) = symbol.split_once(':')?;
    let market = match market {
        "NASDAQ" | "NYSE" | "AMEX" | "US" => Market::America,
        "SSE" => Market::Shanghai,
        "SZSE" | "BSE" => Market::Shenzhen,
        "HKEX" => Market::HongKong,
        // Shanghai numbers its indices 000...; Shenzhen 399....
        "index" if code.starts_with("000") => Market::Shanghai,
        "index" if code.starts_with("399") => Market::Shenzhen,
        "index" | "crypto" => Market::Other,
        _ => return None,
    };
    let code = if market == Market::HongKong { number(code) } else { code };
    Some(market.key(code))
}

#[cfg(test)]
mod tests {
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
        ];
        Codes::new(&known, &["F".to_owned()]).unwrap()
    }

    #[test]
    fn every_spelling_of_a_listing_is_read() {
        let table: [(&str, &[usize]); 22] = [
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
}
