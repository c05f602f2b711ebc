//! Finds names and codes in a text: all matches of one automaton at word boundaries,
//! the longest of those that overlap, the ambiguous ones only in company.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use tocsin_contract::{EntityKind, Mention, Role};

use super::codes::{Code, Codes, Form};
use super::context::{self, Place};
use super::dictionary::{Dictionary, Known, symbols};
use super::entity::Entity;
use super::fold::{self, Folded, is_han};
use super::index::Index;
use super::patterns::{Pattern, Tier, patterns};
use super::role;
use crate::document::first_characters;
use crate::error::{ClassifierError, Result};

/// Characters of a text that are searched, white space behind white space not counted.
const SEARCHED: usize = 8_000;
/// Words of a market, beside which a bare ticker counts.
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

/// The dictionary, ready to search.
#[derive(Debug)]
pub struct Linker {
    known: Vec<Arc<Entity>>,
    patterns: Vec<Pattern>,
    automaton: AhoCorasick,
    codes: Codes,
    given_names: HashSet<String>,
    by_name: Index,
}

/// One entity found in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    pub entity: Arc<Entity>,
    pub mentions: Vec<Mention>,
    pub role: Role,
    pub relevance: u8,
}

/// A match in bytes of the folded text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Hit {
    entity: usize,
    from: usize,
    to: usize,
    tier: Tier,
}

impl Linker {
    pub fn read(paths: &[PathBuf]) -> Result<Self> {
        Self::new(Dictionary::read(paths)?)
    }

    pub fn new(dictionary: Dictionary) -> Result<Self> {
        let unfit = |reason: String| {
            ClassifierError::unfit(&PathBuf::from("dictionary"), "entity dictionary", reason)
        };
        let patterns = patterns(&dictionary.entities, &dictionary.not_names);
        let codes = Codes::new(&dictionary.entities, &dictionary.not_tickers).map_err(unfit)?;
        let by_name = by_name(&dictionary.entities, &patterns).map_err(|e| unfit(e.to_string()))?;
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .ascii_case_insensitive(true)
            .build(patterns.iter().map(|p| &*p.text))
            .map_err(|e| unfit(e.to_string()))?;
        let known = dictionary.entities.iter().map(|known| Arc::new(known.into())).collect();
        let given_names = dictionary.given_names.into_iter().collect();
        Ok(Self { known, patterns, automaton, codes, given_names, by_name })
    }

    pub fn len(&self) -> usize {
        self.known.len()
    }

    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// The entities of `text`, the most relevant first; `title` is the number of its
    /// first characters that are the title.
    pub fn link(&self, text: &str, title: usize) -> Vec<Linked> {
        let folded = Folded::new(text, SEARCHED);
        self.linked(text, title, &folded, &self.mentions(&folded.text))
    }

    /// Every name and code wherever it stands: the floor that linking is measured against.
    pub fn link_naively(&self, text: &str) -> Vec<Linked> {
        let folded = Folded::new(text, SEARCHED);
        let mut hits = self.names(&folded.text);
        hits.retain(|h| h.tier != Tier::Nothing);
        let codes = self.codes.find(&folded.text);
        hits.extend(codes.iter().filter(|c| c.form != Form::Unlisted).map(Hit::from));
        self.linked(text, 0, &folded, &longest(hits))
    }

    fn linked(&self, text: &str, title: usize, folded: &Folded, hits: &[Hit]) -> Vec<Linked> {
        if hits.is_empty() {
            return Vec::new();
        }
        let characters: Vec<char> = first_characters(text, SEARCHED).chars().collect();
        let mut by_entity: Vec<(usize, Vec<Mention>)> = Vec::new();
        for hit in hits {
            let (start, end) = (folded.characters(hit.from), folded.characters(hit.to));
            let found = characters.get(start as usize..end as usize).unwrap_or_default();
            let mention = Mention { start, end, text: found.iter().collect() };
            match by_entity.iter_mut().find(|(entity, _)| *entity == hit.entity) {
                Some((_, mentions)) => mentions.push(mention),
                None => by_entity.push((hit.entity, vec![mention])),
            }
        }
        let kind = |at: usize| self.known.get(at).map_or(EntityKind::Company, |k| k.kind);
        let places: Vec<role::Named<'_>> =
            by_entity.iter().map(|(at, mentions)| (kind(*at), mentions.as_slice())).collect();
        let roles = role::assess(text, title, &places);
        let linked =
            roles.into_iter().zip(by_entity).filter_map(|((role, relevance), (entity, mentions))| {
                Some(Linked { entity: Arc::clone(self.known.get(entity)?), mentions, role, relevance })
            });
        let mut linked: Vec<Linked> = linked.collect();
        linked.sort_by_key(|l| (std::cmp::Reverse(l.relevance), l.mentions.first().map(|m| m.start)));
        linked
    }

    /// Where `name`, or an entity known by it or listed under it, stands in `text` (characters).
    pub fn places(&self, text: &str, name: &str) -> Vec<(u32, u32)> {
        let plain = crate::train::data::places(text, name);
        if !plain.is_empty() {
            return plain;
        }
        let name = fold::name(name.trim());
        let named = self.by_name.get(&name.to_lowercase()).or_else(|| self.codes.named(&name));
        let Some(entity) = named.and_then(|i| self.known.get(i)) else {
            return Vec::new();
        };
        let linked = self.link(text, 0).into_iter().find(|l| l.entity.id == entity.id);
        linked.map(|l| l.mentions.iter().map(|m| (m.start, m.end)).collect()).unwrap_or_default()
    }

    /// The mentions in a folded text, from left to right, none overlapping.
    fn mentions(&self, text: &str) -> Vec<Hit> {
        let codes = self.codes.find(text);
        let names = self.names(text);
        if names.is_empty() && codes.is_empty() {
            return Vec::new();
        }
        let evident = evident(&names, &codes, text);
        let mut hits = names;
        hits.retain(|h| h.tier != Tier::Short || evident.contains(&h.entity));
        let bare = codes.iter().any(|c| c.form == Form::Bare);
        let market = bare && MARKET.iter().any(|word| text.contains(word));
        hits.extend(codes.iter().filter(|c| counts(c, &evident, text, market)).map(Hit::from));
        let hits = longest(hits);
        let hits = former_names(text, hits, &codes);
        self.in_company(text, hits)
    }

    /// Names at word boundaries in the right case; they may overlap.
    fn names(&self, text: &str) -> Vec<Hit> {
        let found = self.automaton.find_overlapping_iter(text).filter_map(|m| {
            let pattern = self.patterns.get(m.pattern().as_usize())?;
            let stands =
                pattern.stands(text, m.start(), m.end()) && !self.is_person(pattern, text, m.start());
            stands.then_some(Hit {
                entity: pattern.entity(),
                from: m.start(),
                to: m.end(),
                tier: pattern.tier,
            })
        });
        found.collect()
    }

    /// Whether a single word follows a given name, `Charlie Danaher`.
    fn is_person(&self, pattern: &Pattern, text: &str, from: usize) -> bool {
        let single = pattern.tier != Tier::Nothing
            && pattern.text.chars().all(|c| c.is_ascii_alphabetic() || c == '\'');
        let before = text.get(..from).and_then(|t| t.strip_suffix(' ')).unwrap_or_default();
        let previous = before.rsplit([' ', '(', '"', '\n']).next().unwrap_or_default();
        single && self.given_names.contains(previous)
    }

    /// Keeps an ambiguous name only beside a certain mention of the same entity, or
    /// where its surroundings speak for it.
    fn in_company(&self, text: &str, hits: Vec<Hit>) -> Vec<Hit> {
        let certain: HashSet<usize> =
            hits.iter().filter(|h| h.tier == Tier::Certain).map(|h| h.entity).collect();
        let unsure = hits.iter().any(|h| matches!(h.tier, Tier::Ambiguous | Tier::Doubtful));
        let titled = unsure && context::titled(text);
        let kept = hits.iter().enumerate().filter(|(at, hit)| match hit.tier {
            Tier::Certain => true,
            Tier::Nothing => false,
            Tier::Short => certain.contains(&hit.entity),
            Tier::Ambiguous | Tier::Doubtful => {
                certain.contains(&hit.entity) || context::speaks_for(&self.place(text, &hits, *at, titled))
            }
        });
        let mut kept: Vec<Hit> = kept.map(|(_, hit)| *hit).collect();
        // One place speaks for the others.
        let meant: HashSet<usize> = kept.iter().map(|h| h.entity).collect();
        let others = hits.iter().filter(|h| h.tier != Tier::Nothing && meant.contains(&h.entity));
        let others: Vec<Hit> = others.filter(|h| !kept.contains(h)).copied().collect();
        kept.extend(others);
        kept.sort_by_key(|h| h.from);
        kept
    }

    fn place<'a>(&self, text: &'a str, hits: &[Hit], at: usize, titled: bool) -> Place<'a> {
        let (hit, piece) = (hits.get(at).copied(), |from, to| text.get(from..to).unwrap_or_default());
        let (from, to, entity) = hit.map_or((0, 0, usize::MAX), |h| (h.from, h.to, h.entity));
        let company = |h: &&Hit| h.tier == Tier::Certain && h.entity != entity;
        let left = hits.iter().take(at).rev().find(company).map(|h| from - h.to);
        let right = hits.iter().skip(at + 1).find(company).map(|h| h.from - to);
        let own = self.known.get(entity).is_some_and(|k| k.context.iter().any(|word| text.contains(&**word)));
        let doubtful = hit.is_some_and(|h| h.tier == Tier::Doubtful);
        let (before, name, after) = (piece(0, from), piece(from, to), piece(to, text.len()));
        Place { before, name, after, own, left, right, titled, doubtful }
    }
}

impl From<&Code> for Hit {
    fn from(code: &Code) -> Self {
        let tier = if code.form == Form::Unlisted { Tier::Nothing } else { Tier::Certain };
        Self { entity: code.entity, from: code.from, to: code.to, tier }
    }
}

/// By what a caller may ask for an entity: its names, and its listings,
/// `NASDAQ:AAPL` or `600519`.
fn by_name(known: &[Known], patterns: &[Pattern]) -> Result<Index, fst::Error> {
    let named = patterns.iter().filter(|p| p.tier != Tier::Nothing);
    let names = named.map(|pattern| (pattern.text.to_lowercase(), pattern.entity()));
    let listings = symbols(known).flat_map(|(entity, symbol)| {
        let code = symbol.split_once(':').map_or(symbol, |(_, code)| code);
        [(symbol.to_lowercase(), entity), (code.to_lowercase(), entity)]
    });
    Index::new(names.chain(listings).collect())
}

/// Entities that something but a short name speaks for.
fn evident(names: &[Hit], codes: &[Code], text: &str) -> HashSet<usize> {
    let proves = |c: &&Code| match c.form {
        Form::Marked => true,
        Form::Bracketed => !c.wordy && !is_gloss(text, c),
        Form::Bare | Form::Amount | Form::Unlisted => false,
    };
    let sure = codes.iter().filter(proves).map(|c| c.entity);
    names.iter().filter(|h| h.tier <= Tier::Ambiguous).map(|h| h.entity).chain(sure).collect()
}

/// Whether a code is meant as one: by its form, by a name of the same entity in the
/// text, or, for a ticker that is no word, by talk of the market. One without a listing
/// counts too: it is a mention of nothing.
fn counts(code: &Code, evident: &HashSet<usize>, text: &str, market: bool) -> bool {
    let found = text.get(code.from..code.to).unwrap_or_default();
    let digits = found.chars().all(|c| c.is_ascii_digit());
    match code.form {
        Form::Marked | Form::Unlisted => true,
        Form::Bare if found.len() < 2 => false,
        _ if evident.contains(&code.entity) => true,
        Form::Bracketed | Form::Amount => false,
        Form::Bare if digits => {
            let before = text.get(..code.from).unwrap_or_default().trim_end_matches([':', ' ']);
            before.ends_with("代码")
        }
        Form::Bare => market && !code.wordy && found.len() > 3,
    }
}

/// Whether a bracket explains the words before it rather than naming a share:
/// `增强现实(AR)`, `Climate Change Committee (CCC)`.
fn is_gloss(text: &str, code: &Code) -> bool {
    let before = text.get(..code.from - 1).unwrap_or_default();
    let found = text.get(code.from..code.to).unwrap_or_default();
    if found.chars().all(|c| c.is_ascii_digit()) {
        return found.len() < 6 && !text.contains("港股") && !text.contains("HK");
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

/// Leftmost first, longest first, none overlapping.
fn longest(mut hits: Vec<Hit>) -> Vec<Hit> {
    hits.sort_by_key(|h| (h.from, std::cmp::Reverse(h.to), h.tier != Tier::Nothing, h.tier));
    let mut end = 0;
    hits.retain(|h| {
        let free = h.from >= end;
        end = if free { h.to } else { end };
        free
    });
    hits
}

/// In `经纬电材(300120)` the code says whose name stands before the bracket, also
/// when the company has another name today: four characters, as such names have.
fn former_names(text: &str, mut hits: Vec<Hit>, codes: &[Code]) -> Vec<Hit> {
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
