//! Listings as they are written: `$AAPL`, `NASDAQ: AAPL`, `(AAPL)`, `AAPL.O`,
//! `600519.SH`, `SH600519`, `00700.HK`, `$0700.HK`, `HKG: 700`, `港交所:0700`, `700 HK Equity`.
//! Finds them, and says how sure the form is.

use std::collections::HashSet;

use regex::{Captures, Regex};

use super::dictionary::{Known, symbols};
use super::fold::is_word;
use super::index::Index;
use super::words::moves;

/// How a code is written, which says how much it proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// With a market, a dollar sign or a class of shares: it stands by itself.
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
            "HKEX" | "HKG" | "SEHK" | "HKSE" => Self::HongKong,
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

/// The alternatives, the surest first; each has one group, the code, and at most one more, its market.
const PATTERN: &str = concat!(
    r"\$(?<cash>[A-Za-z]{1,6}(?:[.\-/][A-Za-z])?)(?-u:\b)",
    r"|(?-u:\b)(?:",
    r"(?:HKEX|HKG|SEHK|HKSE|HK)\s?:\s?(?<numbered>\d{1,5})|",
    r"(?<market>NASDAQ|Nasdaq|NYSE(?: American| Arca| MKT)?|AMEX|NYSEAMERICAN|HKEX|HKG|SEHK|SSE|SHA|SZSE|SHE|SH|SZ|BSE)\s?:\s?(?<coded>\d{4,6}|[A-Z]{1,5}(?:[.\-/][A-Z])?)",
    r"|(?<us>[A-Z]{1,5}(?:[.\-/]?[ABab])?)\.(?:O|N|A|OQ|K|US)",
    r"|(?<cn>\d{6})\.(?<at>SH|SS|SZ|BJ|sh|ss|sz|bj)|(?<ch>\d{6})[: ](?:CH|C1|C2)",
    r"|(?<head>SH|SZ|BJ|sh|sz|bj)\.?(?<tail>\d{6})",
    r"|(?<hk>\d{1,5})\.(?:HK|hk)|(?<dash>0\d{3,4}|\d{5})[:\-]HK|(?:HK|hk)\.?(?<hkt>\d{4,5})",
    r"|(?<terminal>\d{1,5}) HK(?: Equity)?",
    r"|(?<digits>\d{5,6})|(?<bare>[A-Z]{1,5}(?:[.\-/][A-Z])?)",
    r")(?-u:\b)",
    r"|(?:上交所|深交所|北交所)\s?:\s?(?<mainland>\d{6})(?-u:\b)",
    r"|港交所\s?:\s?(?<island>\d{4,5})(?-u:\b)",
    r"|(?:纽交所|纳斯达克)\s?:\s?(?<letters>[A-Z]{1,5}(?:\.[A-Z])?)(?-u:\b)",
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
            let dollar = dollar(text, whole.start());
            let within = before.is_some_and(|c| joined(c) || c == '.' || c == '$' && dollar.is_none());
            if within || after.is_some_and(joined) {
                return None;
            }
            let bracketed = before == Some('(') && after.is_some_and(|c| matches!(c, ')' | ',' | ';' | '/'));
            let code = self.code(text, &self.pattern.captures_at(text, whole.start())?, bracketed)?;
            (dollar.is_none() || code.form == Form::Marked)
                .then_some(Code { from: dollar.unwrap_or(code.from), ..code })
        });
        codes.collect()
    }

    /// The entity of a folded text that is a code and nothing else.
    pub(super) fn named(&self, text: &str) -> Option<usize> {
        let code = self.find(text).into_iter().next().filter(|code| code.form != Form::Unlisted)?;
        (code.from == 0 && code.to == text.len()).then_some(code.entity)
    }

    /// The code of one match of the pattern; `None`: it is nobody's.
    fn code(&self, text: &str, groups: &Captures<'_>, bracketed: bool) -> Option<Code> {
        let whole = groups.get(0)?;
        let (entity, form) = self
            .marked(text, groups, bracketed)
            .or_else(|| Some((Some(self.chinese(text, groups, bracketed)?), Form::Marked)))
            .unwrap_or_else(|| self.loose(groups, bracketed));
        let wordy = group(groups, "bare").is_some_and(|code| code.len() < 2 || self.wordy.contains(code));
        Some(Code { entity: entity?, from: whole.start(), to: whole.end(), form, wordy })
    }

    /// Whose code it is behind a dollar sign or a market with a colon, or before a market of America, and how it
    /// is written; `None`: it stands at no such place.
    fn marked(&self, text: &str, groups: &Captures<'_>, bracketed: bool) -> Option<(Option<usize>, Form)> {
        let whole = groups.get(0)?;
        let (before, after) = (text.get(..whole.start())?, text.get(whole.end()..)?);
        if let Some(cash) = group(groups, "cash") {
            let listed = self.america(cash).or_else(|| self.get(Market::Other, &cash.to_uppercase()));
            let form = if is_amount(cash, (before, after)) { Form::Amount } else { Form::Marked };
            return Some((listed, form));
        }
        if let Some(code) = group(groups, "numbered") {
            let is_listing = is_hong_kong(whole.as_str(), code, bracketed, after);
            let listed = is_listing.then(|| self.with_market(Market::HongKong, code));
            return Some(listed.unwrap_or((None, Form::Marked)));
        }
        if let (Some(market), Some(code)) = (group(groups, "market"), group(groups, "coded")) {
            return Some(self.with_market(Market::named(market), code));
        }
        let code = group(groups, "us")?;
        // U.N and A.O. are no listings; (F.N) is.
        let initial = code.len() < 2 && !bracketed;
        let listed = self.america(code).filter(|_| !initial);
        // In BRK.A the last letter is a class, not a market.
        Some((listed.or_else(|| self.america(whole.as_str())), Form::Marked))
    }

    /// The same of digits or capitals and nothing else.
    fn loose(&self, groups: &Captures<'_>, bracketed: bool) -> (Option<usize>, Form) {
        let loose = if bracketed { Form::Bracketed } else { Form::Bare };
        if let Some(code) = group(groups, "digits") {
            return (self.digits(code), loose);
        }
        let code = group(groups, "bare").unwrap_or_default();
        // A class of shares, BRK.B, is no word.
        let form = if code.contains(['.', '-', '/']) { Form::Marked } else { loose };
        (self.america(code), form)
    }

    /// The entity of a code beside a market of China, or behind the Chinese name of one.
    fn chinese(&self, text: &str, groups: &Captures<'_>, bracketed: bool) -> Option<usize> {
        let whole = groups.get(0)?;
        let after = text.get(whole.end()..)?;
        let goes_on = after.trim_start_matches([' ', '-', '/', '.']).starts_with(char::is_alphanumeric);
        if let (Some(at), Some(code)) =
            (group(groups, "at").or(group(groups, "head")), group(groups, "cn").or(group(groups, "tail")))
        {
            return self.get(Market::named(&at.to_uppercase()), code);
        }
        if let Some(code) = group(groups, "hk").or(group(groups, "hkt")).or(group(groups, "dash")) {
            return self.get(Market::HongKong, number(code));
        }
        if let Some(code) = group(groups, "terminal") {
            // `top 10 HK banks`, `Top 10 HK Equity Funds` and `from 0930 HK time` are no listings.
            let padded = code.len() == 5 && code.starts_with('0');
            let equity =
                whole.as_str().ends_with("Equity") && !after.trim_start().starts_with(char::is_uppercase);
            return self.get(Market::HongKong, number(code)).filter(|_| bracketed || padded || equity);
        }
        if let Some(code) = group(groups, "ch").or(group(groups, "mainland")) {
            return self.digits(code);
        }
        if let Some(code) = group(groups, "island") {
            // `港交所:2023年` and `港交所:2023-03-10` are no listings.
            return self.get(Market::HongKong, number(code)).filter(|_| code.starts_with('0') || !goes_on);
        }
        let code = group(groups, "letters")?;
        // Nor is `纳斯达克:AI热潮`.
        let word = code.len() < 3 || self.wordy.contains(code);
        self.america(code).filter(|_| !(word && goes_on))
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

/// The text of a group of the pattern, where it took part in the match.
fn group<'t>(groups: &Captures<'t>, name: &str) -> Option<&'t str> {
    groups.name(name).map(|found| found.as_str())
}

/// Where the dollar sign stands that marks a code at `from`, `$0700.HK`; in `US$` it marks an amount.
fn dollar(text: &str, from: usize) -> Option<usize> {
    let before = text.get(..from)?.strip_suffix('$')?;
    (!before.ends_with(is_word)).then_some(before.len())
}

/// Whether a market of Hong Kong and a number are a listing, `HKG: 700`. Not `HKEX: 5 things to know`, nor
/// `HK: 2023 in review`: a short number or a year behind a space needs a bracket, an end, or a price that moves.
fn is_hong_kong(whole: &str, number: &str, bracketed: bool, after: &str) -> bool {
    let tight = !whole.contains(char::is_whitespace);
    let long = number.len() > 3 && !number.starts_with("19") && !number.starts_with("20");
    let ends = !after.trim_start().starts_with(char::is_alphanumeric);
    bracketed || tight || long || number.starts_with('0') || ends || moves(after)
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
mod tests;
