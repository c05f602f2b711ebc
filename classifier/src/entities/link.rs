//! Finds names and codes in a text: all matches of one automaton at word boundaries,
//! the longest of those that overlap, the ambiguous ones only in company.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use tocsin_contract::{EntityKind, Mention, Role};

use super::codes::{Codes, Form};
use super::company;
use super::dictionary::{Dictionary, Known, symbols};
use super::entity::Entity;
use super::fold::{self, Folded};
use super::forms;
use super::hit::{Hit, longest};
use super::index::Index;
use super::patterns::{Pattern, Tier, patterns};
use super::proof;
use super::role;
use super::settle::settle;
use crate::document::first_characters;
use crate::error::{ClassifierError, Result};

/// Characters of a text that are searched, white space behind white space not counted.
const SEARCHED: usize = 8_000;
/// Bytes of the longest name that is looked for in parts.
const LONGEST_NAME: usize = 200;

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
            let (start, end) = folded.characters(hit.from, hit.to);
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
        // Roles count the characters of the text as given.
        let plain = characters.into_iter().map(fold::character).collect();
        let roles = role::assess(plain, title, &places);
        let linked =
            roles.into_iter().zip(by_entity).filter_map(|((role, relevance), (entity, mentions))| {
                Some(Linked { entity: Arc::clone(self.known.get(entity)?), mentions, role, relevance })
            });
        let mut linked: Vec<Linked> = linked.collect();
        linked.sort_by_key(|l| (std::cmp::Reverse(l.relevance), l.mentions.first().map(|m| m.start)));
        linked
    }

    /// Where `name`, or an entity known by it or listed under it, stands in `text` (characters). Of several places,
    /// those that mention the entity: in `Price Target Raised: Target jumps` the second.
    pub fn places(&self, text: &str, name: &str) -> Vec<(u32, u32)> {
        let plain = crate::train::data::places(text, name);
        if plain.len() == 1 {
            return plain;
        }
        let mentioned = self.mentioned(text, name);
        if plain.is_empty() {
            return mentioned;
        }
        let is_meant = |place: &&(u32, u32)| mentioned.iter().any(|m| m.0 < place.1 && place.0 < m.1);
        let meant: Vec<(u32, u32)> = plain.iter().filter(is_meant).copied().collect();
        if meant.is_empty() { plain } else { meant }
    }

    /// Where an entity known by `name`, or listed under it, is mentioned in `text` (characters).
    fn mentioned(&self, text: &str, name: &str) -> Vec<(u32, u32)> {
        let name = fold::name(name.trim());
        let named = self.by_name.get(&name.to_lowercase()).or_else(|| self.codes.named(&name));
        let named = named.or_else(|| self.registered(&name));
        let Some(entity) = named.and_then(|i| self.known.get(i)) else {
            return Vec::new();
        };
        let linked = self.link(text, 0).into_iter().find(|l| l.entity.id == entity.id);
        linked.map(|l| l.mentions.iter().map(|m| (m.start, m.end)).collect()).unwrap_or_default()
    }

    /// The entity of a name as registers have it, with its legal form: `Tesla, Inc.`, `The Boeing Company`,
    /// `腾讯控股有限公司`, `美团-W`.
    fn registered(&self, name: &str) -> Option<usize> {
        let hits = if name.len() > LONGEST_NAME { Vec::new() } else { self.mentions(name) };
        let entity = hits.first()?.entity;
        let starts = std::iter::once(0).chain(hits.iter().map(|hit| hit.to));
        let ends = hits.iter().map(|hit| hit.from).chain([name.len()]);
        let is_form = |(from, to): (usize, usize)| name.get(from..to).is_some_and(forms::are_all);
        (hits.iter().all(|hit| hit.entity == entity) && starts.zip(ends).all(is_form)).then_some(entity)
    }

    /// The mentions in a folded text, from left to right, none overlapping.
    fn mentions(&self, text: &str) -> Vec<Hit> {
        let (codes, names) = (self.codes.find(text), self.names(text));
        if names.is_empty() && codes.is_empty() {
            return Vec::new();
        }
        let names = settle(text, names, &self.known);
        let codes = proof::of_indices(text, &names, codes, &self.known);
        let evident = proof::evident(text, &names, &codes, &self.known);
        let coded = proof::meant(text, &names, &codes, &evident);
        let mut hits = names;
        hits.retain(|h| h.tier != Tier::Short || evident.contains(&h.entity));
        hits.extend(coded);
        let hits = proof::former_names(text, longest(hits), &codes);
        company::kept(text, &hits, &self.known)
    }

    /// Names at word boundaries in the right case; they may overlap.
    fn names(&self, text: &str) -> Vec<Hit> {
        let small = !text.bytes().any(|byte| byte.is_ascii_uppercase());
        let loud = !text.bytes().any(|byte| byte.is_ascii_lowercase());
        let found = self.automaton.find_overlapping_iter(text).filter_map(|m| {
            let pattern = self.patterns.get(m.pattern().as_usize())?;
            let (from, to) = (m.start(), m.end());
            let whispered = || small && self.is_company(pattern) && pattern.whispered(text, from, to);
            let stands =
                (pattern.stands(text, from, to, loud) || whispered()) && !self.is_person(pattern, text, from);
            stands.then_some(Hit { entity: pattern.entity(), from, to, tier: pattern.tier })
        });
        found.collect()
    }

    fn is_company(&self, pattern: &Pattern) -> bool {
        self.known.get(pattern.entity()).is_some_and(|entity| entity.kind == EntityKind::Company)
    }

    /// Whether a single word follows a given name, `Charlie Danaher`.
    fn is_person(&self, pattern: &Pattern, text: &str, from: usize) -> bool {
        let single = pattern.tier != Tier::Nothing
            && pattern.text.chars().all(|c| c.is_ascii_alphabetic() || c == '\'');
        let before = text.get(..from).and_then(|t| t.strip_suffix(' ')).unwrap_or_default();
        let previous = before.rsplit([' ', '(', '"', '\n']).next().unwrap_or_default();
        single && self.given_names.contains(previous)
    }
}

/// By what a caller may ask for an entity: its names, and its listings,
/// `NASDAQ:AAPL` or `600519`.
fn by_name(known: &[Known], patterns: &[Pattern]) -> Result<Index, fst::Error> {
    let mut named: Vec<&Pattern> = patterns.iter().filter(|p| p.tier != Tier::Nothing).collect();
    // Of those that share a name, the surest.
    named.sort_by_key(|pattern| pattern.tier);
    let names = named.into_iter().map(|pattern| (pattern.text.to_lowercase(), pattern.entity()));
    let listings = symbols(known).flat_map(|(entity, symbol)| {
        let code = symbol.split_once(':').map_or(symbol, |(_, code)| code);
        [(symbol.to_lowercase(), entity), (code.to_lowercase(), entity)]
    });
    Index::new(names.chain(listings).collect())
}
