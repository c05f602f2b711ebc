//! Reads the lists of one market each into listings of one form.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::Words;
use super::chinese;
use super::csv::{Columns, Row, rows};
use super::english::{self, Names};
use crate::entities::{fold, table};
use crate::error::{ClassifierError, Result};

const AMERICA: Columns<'_> = Columns { filled: &["ticker", "exchange"], others: &["name_en"] };
const FILED: Columns<'_> = Columns { filled: &["ticker"], others: &["cik"] };
const CONSTITUENTS: Columns<'_> = Columns { filled: &["Symbol"], others: &["Security"] };
const MAINLAND: Columns<'_> = Columns { filled: &["code", "exchange"], others: &["name_zh", "name_en"] };
const HONG_KONG: Columns<'_> = Columns { filled: &["code"], others: &["type", "name_zh", "name_en_long"] };

/// One listing, with all that says which company it is of.
#[derive(Debug, Clone, Default)]
pub(super) struct Listing {
    pub(super) symbol: String,
    pub(super) fund: bool,
    pub(super) names: Vec<Names>,
    /// Listings that share a key are of one company.
    pub(super) keys: Vec<String>,
}

/// All listings of `folder`: America first, then the mainland, then Hong Kong.
pub(super) fn read(folder: &Path, words: &Words) -> Result<Vec<Listing>> {
    Ok([america(folder, words)?, mainland(folder, words)?, hong_kong(folder, words)?].concat())
}

/// Adds the names of the file `path` to the listings they belong to. A symbol that
/// no list has is passed over: lists change. A Chinese name also joins an
/// American listing to those in China that bear it.
pub(super) fn add_names(listings: &mut [Listing], path: &Path) -> Result<()> {
    let text = std::fs::read_to_string(path).map_err(|e| ClassifierError::read(path, e))?;
    let places: HashMap<String, usize> =
        listings.iter().enumerate().map(|(at, listing)| (listing.symbol.clone(), at)).collect();
    for line in text.lines().filter(|l| !l.is_empty() && !l.starts_with('#')) {
        let mut columns = line.split('\t');
        let symbol = columns.next().unwrap_or_default();
        let mut list = || table::list(columns.next().unwrap_or_default());
        let names = Names { certain: list(), ambiguous: list(), ..Names::default() };
        if let Some(listing) = places.get(symbol).and_then(|at| listings.get_mut(*at)) {
            // Another mainland share may bear the name today.
            let mainland = listing.keys.iter().any(|key| key.starts_with("zh ") || key.starts_with("hk "));
            let chinese = names.certain.iter().filter(|n| !mainland && n.chars().any(fold::is_han));
            listing.keys.extend(chinese.map(|n| format!("zh {}", chinese::key(n))));
            listing.names.push(names);
        }
    }
    Ok(())
}

fn america(folder: &Path, words: &Words) -> Result<Vec<Listing>> {
    let dotted = |ticker: &str| ticker.replace(['-', '/'], ".");
    let filed = rows(folder, "us_sec_company_tickers.csv", FILED)?;
    let order: HashMap<String, (usize, String)> = filed
        .iter()
        .enumerate()
        .map(|(at, row)| (dotted(row.get("ticker")), (at, row.get("cik").to_owned())))
        .collect();
    let constituents = rows(folder, "sp500_constituents.csv", CONSTITUENTS)?;
    let large: HashMap<String, &Row> = constituents.iter().map(|r| (dotted(r.get("Symbol")), r)).collect();
    let mut listings: Vec<(usize, Listing)> = Vec::new();
    for row in rows(folder, "us_listings.csv", AMERICA)? {
        let (ticker, title) = (dotted(row.get("ticker")), row.get("name_en").to_owned());
        if ticker.contains('^') || other_paper(&title) {
            continue;
        }
        let (rank, cik) = order.get(&ticker).cloned().unwrap_or((usize::MAX, String::new()));
        let mut names = vec![english::names(&title, words, large.contains_key(&ticker))];
        names.extend(large.get(&ticker).map(|r| english::names(security(r), words, true)));
        let mut keys = english_keys(&title);
        keys.extend((!cik.is_empty()).then(|| format!("cik {cik}")));
        let symbol = format!("{}:{ticker}", row.get("exchange"));
        listings.push((rank, Listing { symbol, fund: is_fund(&title), names, keys }));
    }
    listings.sort_by_key(|(rank, _)| *rank);
    Ok(listings.into_iter().map(|(_, listing)| listing).collect())
}

/// `Alphabet Inc. (Class A)` without the bracket.
fn security(row: &Row) -> &str {
    row.get("Security").split(" (").next().unwrap_or_default()
}

/// Warrants, notes and preferred shares have no name of their own; units of a partnership are its shares, and some
/// foreign shares are deposited as preferred ones.
fn other_paper(title: &str) -> bool {
    let papers = ["Warrant", "Notes", " Right", " Debentures", "% "];
    let preferred = title.contains("Preferred") && !title.contains("American Depositary");
    let partnership = title.contains(" LP ") || title.contains(" L.P. ");
    let unit = (title.ends_with(" Unit") || title.ends_with(" Units")) && !partnership;
    preferred || unit || papers.iter().any(|paper| title.contains(paper))
}

fn is_fund(title: &str) -> bool {
    title.contains(" Fund") || title.contains(" ETF") || title.contains("Acquisition Corp")
}

fn english_keys(title: &str) -> Vec<String> {
    let key = english::key(title);
    let long = key.chars().count() > 5 && key.contains(' ') || key.chars().count() > 7;
    long.then(|| format!("en {key}")).into_iter().collect()
}

fn mainland(folder: &Path, words: &Words) -> Result<Vec<Listing>> {
    let of = |row: &Row| {
        let listed = row.get("name_zh");
        let mut names = vec![chinese::names(listed, words)];
        let mut keys = vec![format!("zh {}", chinese::key(listed))];
        if !row.get("name_en").is_empty() {
            names.push(tail(row.get("name_en"), words));
            keys.extend(english_keys(row.get("name_en")));
        }
        let symbol = format!("{}:{}", row.get("exchange"), row.get("code"));
        Listing { symbol, fund: false, names, keys }
    };
    Ok(rows(folder, "cn_a_shares.csv", MAINLAND)?.iter().map(of).collect())
}

fn hong_kong(folder: &Path, words: &Words) -> Result<Vec<Listing>> {
    let mut seen = HashSet::new();
    let of = |row: &Row| {
        let code = row.get("code").trim_start_matches('0');
        let (listed, long) = (row.get("name_zh"), row.get("name_en_long"));
        let mut listing = Listing { symbol: format!("HKEX:{code:0>4}"), ..Listing::default() };
        // A counter in another currency, 80700 for 00700.
        let base = code.strip_prefix('8').filter(|rest| code.len() == 5 && !rest.is_empty());
        listing.keys.extend(base.map(|rest| format!("hk {}", rest.trim_start_matches('0'))));
        listing.keys.push(format!("hk {code}"));
        if !listed.is_empty() {
            listing.names.push(chinese::names(listed, words));
            listing.keys.push(format!("zh {}", chinese::key(listed)));
        }
        if !long.is_empty() {
            listing.names.push(tail(long, words));
            listing.keys.extend(english_keys(long));
        }
        if listing.names.is_empty() {
            listing.names.push(Names { plain: row.get("name_en_short").to_owned(), ..Names::default() });
        }
        listing
    };
    let all = rows(folder, "hk_listings.csv", HONG_KONG)?;
    let stocks = all.iter().filter(|r| r.get("type") == "stock");
    Ok(stocks.map(of).filter(|l| seen.insert(l.symbol.clone())).collect())
}

/// English names of listings outside America: only those of two words or more.
fn tail(title: &str, words: &Words) -> Names {
    let mut names = english::names(title, words, false);
    let spaced = |list: &mut Vec<String>| list.retain(|n| n.contains(' '));
    spaced(&mut names.certain);
    spaced(&mut names.ambiguous);
    names.short.clear();
    names
}
