//! Whether a code is meant as one: by its form, by the names of the text, or by talk of the market.

use std::collections::HashSet;
use std::sync::Arc;

use super::codes::{Code, Form};
use super::entity::Entity;
use super::fold::{self, is_han, is_word};
use super::hit::Hit;
use super::numbers;
use super::patterns::Tier;
use super::settle::is_index;
use super::words::{MOVES, PLURAL, among, first_words, last_word, moves, starts};

/// Words of a market, in any case, beside which a bare ticker counts.
const MARKET: [&str; 16] = [
    "stock",
    "share",
    "earnings",
    "price target",
    "eps",
    "dividend",
    "upgrade",
    "downgrade",
    "investor",
    "analyst",
    "buy",
    "sell",
    "trading",
    "revenue",
    "premarket",
    "股",
];
/// Letters that the beginning of a name needs to prove the ticker behind it.
const BEGINNING: usize = 4;
/// Before a ticker that somebody rates, and behind it before the rating.
const RATES: &str =
    " upgrade upgrades upgraded downgrade downgrades downgraded initiates initiated reiterates reiterated ";
const TO: &str = " to at with from ";
/// A rating in one word, and in two, `market-perform`.
const RATINGS: &str = " buy sell hold neutral overweight underweight outperform underperform ";
const MEASURES: &str = " market equal sector peer strong ";
const DEGREES: &str = " perform performer weight weighting outperform outperformer buy sell ";
/// Behind a ticker: what is traded on it.
const OPTIONS: &str = " calls puts call put options leaps ";
/// Tickers that are words of any text: the name of the company proves none of them.
const PLAIN: &str = " ai all am an any app are as at be big by can cash do eat fast for fun go good has he her him his how it \
    key life live low man me my new no now off on one open or our out own play post real run safe see self she so sun \
    team the they this to top true two up us usa was we well who will you ";
/// Tickers that are rather a region or a trade where somebody rates them.
const REGIONS: &str = " eu uk usa it ai ";
/// At the end of the name of an index.
const INDICES: [&str; 4] = ["指数", "综指", "成指", "板指"];

/// `codes`, where a bracket behind the name of an index is that index: `上证指数(000001)` is not the share that has
/// the same number. Behind an index that the dictionary lacks it is none.
pub(super) fn of_indices(text: &str, names: &[Hit], codes: Vec<Code>, known: &[Arc<Entity>]) -> Vec<Code> {
    let settled = codes.into_iter().filter_map(|code| {
        if code.form != Form::Bracketed || !is_number(text, &code) {
            return Some(code);
        }
        let before = before_bracket(text, &code);
        let stem = before.strip_suffix("指数").unwrap_or(before);
        let ends = |h: &&Hit| (h.to == before.len() || h.to == stem.len()) && is_index(h, known);
        match names.iter().find(ends) {
            Some(index) => Some(Code { entity: index.entity, ..code }),
            None => (!INDICES.iter().any(|end| before.ends_with(end))).then_some(code),
        }
    });
    settled.collect()
}

/// Entities that something but a short name speaks for.
pub(super) fn evident(text: &str, names: &[Hit], codes: &[Code], known: &[Arc<Entity>]) -> HashSet<usize> {
    let proves = |c: &&Code| match c.form {
        Form::Marked => true,
        Form::Bracketed => !c.wordy && !is_gloss(text, c) || is_named(text, c, known),
        Form::Bare | Form::Amount | Form::Unlisted => false,
    };
    let sure = codes.iter().filter(proves).map(|c| c.entity);
    // An unsure name that is its own ticker does not prove itself: the AMC of a bank, a GM ban.
    let is_own = |h: &Hit| {
        let same = |c: &Code| c.form == Form::Bare && (c.entity, c.from, c.to) == (h.entity, h.from, h.to);
        h.tier == Tier::Ambiguous && codes.iter().any(same)
    };
    let named = names.iter().filter(|h| h.tier <= Tier::Ambiguous && !is_own(h));
    named.map(|h| h.entity).chain(sure).collect()
}

/// The codes that are meant. One without a listing counts too: it is a mention of nothing.
pub(super) fn meant(text: &str, names: &[Hit], codes: &[Code], evident: &HashSet<usize>) -> Vec<Hit> {
    let bare = codes.iter().any(|c| c.form == Form::Bare);
    let market = bare && {
        let text = text.to_lowercase();
        MARKET.iter().any(|word| text.contains(word))
    };
    let told = |code: &Code| has_shares(text, names, code) || is_rated(text, code);
    let proved = |code: &Code| {
        let proves = |c: &&Code| matches!(c.form, Form::Marked | Form::Bracketed);
        codes.iter().filter(proves).any(|c| c.entity == code.entity)
    };
    let counts = |(at, code): &(usize, &Code)| match code.form {
        Form::Marked | Form::Unlisted => true,
        Form::Bare if code.to - code.from < 2 => false,
        Form::Bare if is_plain(text, code) && !proved(code) => told(code),
        _ if evident.contains(&code.entity) => true,
        Form::Bracketed | Form::Amount => false,
        Form::Bare if is_number(text, code) => numbers::meant(text, codes, *at),
        Form::Bare => {
            let sure = market && code.to - code.from > 3 || is_traded(text, code);
            sure && !code.wordy || told(code)
        }
    };
    codes.iter().enumerate().filter(counts).map(|(_, code)| Hit::from(code)).collect()
}

fn is_number(text: &str, code: &Code) -> bool {
    let found = text.get(code.from..code.to).unwrap_or_default();
    found.chars().all(|c| c.is_ascii_digit())
}

fn is_plain(text: &str, code: &Code) -> bool {
    among(PLAIN, text.get(code.from..code.to).unwrap_or_default())
}

/// Whether a ticker moves by percents, `XOM +2%`, has options, or is what somebody is long or short of.
fn is_traded(text: &str, code: &Code) -> bool {
    let (before, after) =
        (text.get(..code.from).unwrap_or_default(), text.get(code.to..).unwrap_or_default());
    let mut words = after.split_whitespace();
    let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let percents = |word: &str| {
        let number = word.trim_start_matches(['+', '-', '$']);
        number.starts_with(|c: char| c.is_ascii_digit()) && number.contains('%')
    };
    let moved = first.starts_with(['+', '-']) && percents(first) || moves(after) && percents(second);
    let optioned = among(OPTIONS, first_words(after).next().unwrap_or_default());
    let length = code.to - code.from;
    let sided = length > 3 && among(" long short ", last_word(before));
    sided || length > 2 && after.starts_with(' ') && (moved || optioned)
}

/// What stands before the bracket that a code is in.
fn before_bracket<'a>(text: &'a str, code: &Code) -> &'a str {
    text.get(..code.from.saturating_sub(1)).unwrap_or_default().trim_end()
}

/// Whether the name of the listing, or how it begins, stands before the bracket: `Grocery Outlet (GO)`.
fn is_named(text: &str, code: &Code, known: &[Arc<Entity>]) -> bool {
    let Some(entity) = known.get(code.entity) else { return false };
    let (before, name) = (before_bracket(text, code), fold::name(&entity.name));
    let ends = name.match_indices(' ').map(|(at, _)| at).chain([name.len()]);
    let mut beginnings = ends.filter_map(|end| name.get(..end)).filter(|b| b.len() >= BEGINNING);
    beginnings.any(|beginning| {
        let shouted = beginning.to_uppercase();
        let rest = before.strip_suffix(beginning).or_else(|| before.strip_suffix(shouted.as_str()));
        rest.is_some_and(|rest| !rest.ends_with(is_word))
    })
}

/// Whether a ticker has shares or earnings, `ON shares fall`: where it is a word too, those that move. Not at the end
/// of a longer name, nor where a name stands.
fn has_shares(text: &str, names: &[Hit], code: &Code) -> bool {
    let (before, after) =
        (text.get(..code.from).unwrap_or_default(), text.get(code.to..).unwrap_or_default());
    let mut words = first_words(after);
    let (goods, verb) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let moves = among(MOVES, verb) || among(PLURAL, verb);
    let meant = match goods.to_lowercase().as_str() {
        "earnings" => moves || !code.wordy,
        "shares" | "stock" => moves && code.wordy,
        _ => false,
    };
    let longer = !starts(before) && last_word(before).starts_with(char::is_uppercase);
    let named = || names.iter().any(|name| name.from == code.from);
    meant && after.starts_with(' ') && goods.contains(char::is_lowercase) && !longer && !named()
}

/// Whether somebody rates a ticker, `upgrades ON to buy`.
fn is_rated(text: &str, code: &Code) -> bool {
    let piece = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    if !among(RATES, last_word(piece(0, code.from))) || among(REGIONS, piece(code.from, code.to)) {
        return false;
    }
    let after = piece(code.to, text.len()).replace('-', " ");
    let mut words = first_words(&after);
    let (to, rating, degree) = (words.next(), words.next(), words.next());
    let is = |word: Option<&str>, list: &str| among(list, word.unwrap_or_default().trim_end_matches('.'));
    is(to, TO) && (is(rating, RATINGS) || is(rating, MEASURES) && is(degree, DEGREES))
}

/// Whether a bracket explains the words before it rather than naming a share:
/// `增强现实(AR)`, `Climate Change Committee (CCC)`.
fn is_gloss(text: &str, code: &Code) -> bool {
    let before = text.get(..code.from - 1).unwrap_or_default();
    let found = text.get(code.from..code.to).unwrap_or_default();
    if is_number(text, code) {
        // `康方生物(09926)`: a zero and four digits behind a name.
        let named = found.len() == 5 && found.starts_with('0') && before.ends_with(char::is_alphabetic);
        let listed = named && !numbers::is_label(before) || text.contains("港股") || text.contains("HK");
        return found.len() < 6 && !listed;
    }
    if before.ends_with(is_han) {
        let after = text.get(code.to..).unwrap_or_default().chars().take(8).collect::<String>();
        return !after.contains(['涨', '跌', '股']);
    }
    let words =
        before.split([' ', '-']).filter(|w| !w.is_empty() && !matches!(*w, "of" | "and" | "the" | "for"));
    let initials: Vec<char> = words.filter_map(|w| w.chars().next()).collect();
    let spelled = initials.iter().rev().zip(found.chars().rev());
    initials.len() >= found.len()
        && spelled.filter(|(a, b)| a.to_ascii_uppercase() == *b).count() == found.len()
}

/// In `经纬电材(300120)` the code says whose name stands before the bracket, also
/// when the company has another name today: four characters, as such names have.
pub(super) fn former_names(text: &str, mut hits: Vec<Hit>, codes: &[Code]) -> Vec<Hit> {
    const LENGTH: usize = 4;
    const VERBS: &str = "持减增遭被让售购对与和及的了在从由向将拟获";
    let bracketed = codes.iter().filter(|c| c.form == Form::Bracketed && c.to - c.from == 6);
    let former: Vec<Hit> = bracketed
        .filter_map(|code| {
            let to = code.from.checked_sub(1)?;
            let before = text.get(..to)?;
            let taken: Vec<(usize, char)> = before.char_indices().rev().take(LENGTH).collect();
            let verb = taken.last().is_some_and(|(_, c)| VERBS.contains(*c));
            let from = if verb { taken.get(LENGTH - 2)?.0 } else { taken.last()?.0 };
            let name = taken.len() == LENGTH && taken.iter().all(|(_, c)| is_han(*c));
            let free = hits.iter().all(|h| h.to <= from || h.from >= to);
            (name && free).then_some(Hit { entity: code.entity, from, to, tier: Tier::Certain })
        })
        .collect();
    hits.extend(former);
    hits.sort_by_key(|h| h.from);
    hits
}
