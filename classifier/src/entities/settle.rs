//! Names that an index shares with an exchange or a company, `Nasdaq`, `S&P`: which of them is meant.

use std::sync::Arc;

use tocsin_contract::EntityKind;

use super::entity::Entity;
use super::hit::Hit;
use super::patterns::Tier;
use super::words::{among, first_words, last_word, moves};

/// Behind the name of one who rates: `S&P downgrades Evergrande`.
const RATES: &str = " cuts cut downgrades downgraded upgrades upgraded downgrade upgrade rating ratings affirms affirmed \
    lowers lowered raises raised revises revised assigns assigned rates rated warns warned says said expects sees \
    estimates places placed puts withdraws ";
/// Behind a verb of those that an index can do too: `S&P cuts losses`.
const STOCKS: &str = " losses gains early earlier its ";
/// Behind an index that moves, or is traded.
const MOVES: [&str; 22] = [
    "涨",
    "跌",
    "大涨",
    "大跌",
    "收涨",
    "收跌",
    "上涨",
    "下跌",
    "暴跌",
    "暴涨",
    "高开",
    "低开",
    "收高",
    "收低",
    "齐跌",
    "齐涨",
    "走势",
    "熔断",
    "期货",
    "收报",
    "收盘",
    "成分股",
];
/// Behind an index that begins or ends a day, and how it does.
const TRADES: &str = " close closes closed end ends ended finish finishes finished open opens opened ";
const HOW: &str = " higher lower up down at mixed flat little sharply slightly marginally above below near ";
/// Behind an index in talk of its level.
const LEVELS: &str = " futures points composite ";
/// Before a place where shares are traded.
const VENUES: &str = " on at to by from via ";

/// `names` without those of the entity that is not meant: the index where it moves, the other where it rates, else
/// whichever is surer, the index first. An index that others share its name with has it as an ambiguous one.
pub(super) fn settle(text: &str, mut names: Vec<Hit>, known: &[Arc<Entity>]) -> Vec<Hit> {
    let indices: Vec<Hit> =
        names.iter().filter(|h| h.tier == Tier::Ambiguous && is_index(h, known)).copied().collect();
    for index in indices {
        let rivals = |h: &Hit| {
            h.from == index.from && h.to == index.to && h.entity != index.entity && h.tier <= Tier::Ambiguous
        };
        let Some(surest) = names.iter().filter(|h| rivals(h)).map(|h| h.tier).min() else { continue };
        let after = text.get(index.to..).unwrap_or_default();
        let moved = moves(after) || trades(after) || MOVES.iter().any(|word| after.starts_with(word));
        let rated = !moved && rates(after);
        let moved = moved || !rated && stands_among_indices(text, &index, &names, known);
        if rated || !moved && surest < Tier::Ambiguous {
            names.retain(|h| *h != index);
        } else {
            names.retain(|h| !rivals(h));
        }
        let sure = |h: &&mut Hit| moved && **h == index || rated && rivals(h);
        names.iter_mut().filter(sure).for_each(|h| h.tier = Tier::Certain);
    }
    names
}

pub(super) fn is_index(hit: &Hit, known: &[Arc<Entity>]) -> bool {
    known.get(hit.entity).is_some_and(|entity| entity.kind == EntityKind::Index)
}

/// Whether a market opens or closes: `closes higher`, `futures fall`.
fn trades(after: &str) -> bool {
    let mut words = first_words(after);
    let (verb, how) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    among(LEVELS, verb) || among(TRADES, verb) && among(HOW, how)
}

/// Whether other indices are named for certain, as in `S&P 500, Dow and Nasdaq`, and this one is not the place where a
/// share is traded.
fn stands_among_indices(text: &str, index: &Hit, names: &[Hit], known: &[Arc<Entity>]) -> bool {
    let before = text.get(..index.from).unwrap_or_default().trim_end();
    let before = before.strip_suffix("the").unwrap_or(before);
    let after = text.get(index.to..).unwrap_or_default();
    let venue = among(VENUES, last_word(before)) || after.starts_with(['-', ':', '上', '交', '挂']);
    let other = |h: &Hit| h.entity != index.entity && h.tier == Tier::Certain && is_index(h, known);
    !venue && names.iter().any(other)
}

fn rates(after: &str) -> bool {
    let mut words = first_words(after);
    let (verb, object) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    among(RATES, verb) && !among(STOCKS, object)
}
