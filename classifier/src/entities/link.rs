//! Finds names in a text: all matches of one automaton, those at word boundaries,
//! the longest of those that overlap, the ambiguous ones only in company.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, MatchKind};
use tocsin_contract::{Mention, Role};

use super::codes::spellings;
use super::dictionary::{Dictionary, Known};
use super::role;
use crate::error::{ClassifierError, Result};

/// Characters of a text that are searched.
const SEARCHED: usize = 8_000;
/// Characters on either side of an ambiguous name in which context counts.
const NEAR: usize = 40;

const ENGLISH: [&str; 34] = [
    "share",
    "stock",
    "earnings",
    "profit",
    "revenue",
    "sales",
    "quarter",
    "ceo",
    "cfo",
    "inc",
    "corp",
    "plc",
    "ltd",
    "company",
    "bank",
    "analyst",
    "investor",
    "market cap",
    "dividend",
    "acqui",
    "merger",
    "layoff",
    "lawsuit",
    "antitrust",
    "ipo",
    "upgrade",
    "downgrade",
    "price target",
    "shareholder",
    "chip",
    "ev maker",
    "retailer",
    "automaker",
    "tech giant",
];
const CHINESE: [&str; 24] = [
    "股",
    "公司",
    "集团",
    "财报",
    "业绩",
    "营收",
    "净利",
    "市值",
    "发布",
    "董事",
    "总裁",
    "旗下",
    "收购",
    "上市",
    "投资者",
    "首席",
    "裁员",
    "起诉",
    "监管",
    "投诉",
    "用户",
    "涨",
    "跌",
    "年报",
];

/// How a pattern must be met.
#[derive(Debug, Clone)]
struct Pattern {
    entity: usize,
    text: String,
    /// Letters must have this case: codes, short names, ambiguous names.
    exact: bool,
    ambiguous: bool,
    bracketed: bool,
}

impl Pattern {
    /// A single Latin word keeps its capital (or shouts); longer names come in any case.
    fn accepts(&self, found: &str) -> bool {
        let spaced = self.text.contains(' ');
        found == self.text || (!self.exact && (spaced || found == self.text.to_uppercase()))
    }
}

/// The dictionary, ready to search.
#[derive(Debug)]
pub struct Linker {
    known: Vec<Arc<Known>>,
    patterns: Vec<Pattern>,
    automaton: AhoCorasick,
    by_name: HashMap<String, usize>,
}

/// One entity found in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    pub entity: Arc<Known>,
    pub mentions: Vec<Mention>,
    pub role: Role,
    pub relevance: u8,
}

/// A match in bytes of the text.
#[derive(Debug, Clone, Copy)]
struct Hit {
    pattern: usize,
    from: usize,
    to: usize,
}

impl Linker {
    pub fn read(paths: &[PathBuf]) -> Result<Self> {
        Self::new(Dictionary::read(paths)?)
    }

    pub fn new(dictionary: Dictionary) -> Result<Self> {
        let known: Vec<Arc<Known>> = dictionary.entities.into_iter().map(Arc::new).collect();
        let patterns: Vec<Pattern> = known.iter().enumerate().flat_map(|(i, k)| patterns(i, k)).collect();
        let by_name = patterns.iter().map(|p| (p.text.to_lowercase(), p.entity)).collect();
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .ascii_case_insensitive(true)
            .build(patterns.iter().map(|p| p.text.as_str()))
            .map_err(|e| ClassifierError::unfit(&PathBuf::from("dictionary"), "entity dictionary", e))?;
        Ok(Self { known, patterns, automaton, by_name })
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
        let text = text.char_indices().nth(SEARCHED).and_then(|(at, _)| text.get(..at)).unwrap_or(text);
        let hits = self.in_company(text, self.hits(text));
        let offsets = Offsets::new(text);
        let mut by_entity: Vec<(usize, Vec<Mention>)> = Vec::new();
        for hit in hits {
            let Some(pattern) = self.patterns.get(hit.pattern) else { continue };
            let mention = offsets.mention(text, hit, pattern.bracketed);
            match by_entity.iter_mut().find(|(entity, _)| *entity == pattern.entity) {
                Some((_, mentions)) => mentions.push(mention),
                None => by_entity.push((pattern.entity, vec![mention])),
            }
        }
        let places: Vec<&[Mention]> = by_entity.iter().map(|(_, mentions)| mentions.as_slice()).collect();
        let roles = role::assess(text, title, &places);
        let linked =
            roles.into_iter().zip(by_entity).filter_map(|((role, relevance), (entity, mentions))| {
                Some(Linked { entity: Arc::clone(self.known.get(entity)?), mentions, role, relevance })
            });
        let mut linked: Vec<Linked> = linked.collect();
        linked.sort_by_key(|l| (std::cmp::Reverse(l.relevance), l.mentions.first().map(|m| m.start)));
        linked
    }

    /// Where `name`, or an entity known by it, stands in `text` (characters).
    pub fn places(&self, text: &str, name: &str) -> Vec<(u32, u32)> {
        let plain = crate::train::data::places(text, name);
        if !plain.is_empty() {
            return plain;
        }
        let Some(entity) = self.by_name.get(&name.trim().to_lowercase()).and_then(|i| self.known.get(*i))
        else {
            return Vec::new();
        };
        let linked = self.link(text, 0).into_iter().find(|l| l.entity.id == entity.id);
        linked.map(|l| l.mentions.iter().map(|m| (m.start, m.end)).collect()).unwrap_or_default()
    }

    /// Matches at word boundaries in the right case, leftmost first, longest first, none overlapping.
    fn hits(&self, text: &str) -> Vec<Hit> {
        let mut hits: Vec<Hit> = self
            .automaton
            .find_overlapping_iter(text)
            .map(|m| Hit { pattern: m.pattern().as_usize(), from: m.start(), to: m.end() })
            .filter(|hit| self.stands(text, *hit))
            .collect();
        hits.sort_by_key(|h| (h.from, std::cmp::Reverse(h.to), h.pattern));
        let mut end = 0;
        hits.retain(|h| {
            let free = h.from >= end;
            end = if free { h.to } else { end };
            free
        });
        hits
    }

    fn stands(&self, text: &str, hit: Hit) -> bool {
        let (Some(pattern), Some(found)) = (self.patterns.get(hit.pattern), text.get(hit.from..hit.to))
        else {
            return false;
        };
        if !pattern.accepts(found) {
            return false;
        }
        let word = |c: char| c.is_alphanumeric() && !is_han(c);
        let joined = |inside: Option<char>, outside: Option<char>| {
            inside.is_some_and(word) && outside.is_some_and(word)
        };
        let before = text.get(..hit.from).and_then(|t| t.chars().next_back());
        let after = text.get(hit.to..).and_then(|t| t.chars().next());
        let dollar = found.starts_with('$') && before.is_some_and(word);
        !joined(found.chars().next(), before) && !joined(found.chars().next_back(), after) && !dollar
    }

    /// Keeps an ambiguous match only beside a certain one of the same entity, or
    /// beside a word of business.
    fn in_company(&self, text: &str, mut hits: Vec<Hit>) -> Vec<Hit> {
        let pattern = |h: &Hit| self.patterns.get(h.pattern);
        let certain: HashSet<usize> =
            hits.iter().filter_map(pattern).filter(|p| !p.ambiguous).map(|p| p.entity).collect();
        hits.retain(|hit| {
            pattern(hit).is_some_and(|p| {
                !p.ambiguous || certain.contains(&p.entity) || self.has_context(text, *hit, p.entity)
            })
        });
        hits
    }

    fn has_context(&self, text: &str, hit: Hit, entity: usize) -> bool {
        let before: String = text.get(..hit.from).unwrap_or_default().chars().rev().take(NEAR).collect();
        let before: String = before.chars().rev().collect();
        let after: String = text.get(hit.to..).unwrap_or_default().chars().take(NEAR).collect();
        let near = format!("{before} | {after}").to_lowercase();
        let possessive = after.starts_with("'s") || after.starts_with("’s");
        let own = self.known.get(entity).is_some_and(|k| {
            let text = text.to_lowercase();
            k.context.iter().any(|word| text.contains(&word.to_lowercase()))
        });
        let chinese = text.get(hit.from..hit.to).is_some_and(|t| t.chars().any(is_han));
        own || possessive
            || if chinese {
                CHINESE.iter().any(|w| near.contains(w))
            } else {
                ENGLISH.iter().any(|w| starts_word(&near, w))
            }
    }
}

/// Whether a word of `text` starts with `stem`.
fn starts_word(text: &str, stem: &str) -> bool {
    text.match_indices(stem).any(|(at, _)| {
        text.get(..at).and_then(|t| t.chars().next_back()).is_none_or(|c| !c.is_alphanumeric())
    })
}

pub(super) fn is_han(c: char) -> bool {
    ('\u{3400}'..='\u{9fff}').contains(&c)
}

fn patterns(entity: usize, known: &Known) -> Vec<Pattern> {
    let name = |text: &String, ambiguous: bool| Pattern {
        entity,
        text: text.clone(),
        exact: ambiguous || text.chars().count() <= 4 || text.chars().all(|c| !c.is_lowercase()),
        ambiguous,
        bracketed: false,
    };
    let code = |text: String| Pattern {
        entity,
        bracketed: text.starts_with(['(', '（']),
        text,
        exact: true,
        ambiguous: false,
    };
    let names = known.names.iter().map(|n| name(n, false));
    let unsure = known.ambiguous.iter().map(|n| name(n, true));
    names.chain(unsure).chain(known.symbols.iter().flat_map(|s| spellings(s)).map(code)).collect()
}

/// Byte offsets to character offsets.
struct Offsets(Vec<usize>);

impl Offsets {
    fn new(text: &str) -> Self {
        Self(text.char_indices().map(|(at, _)| at).collect())
    }

    fn of(&self, byte: usize) -> u32 {
        self.0.partition_point(|at| *at < byte) as u32
    }

    fn mention(&self, text: &str, hit: Hit, bracketed: bool) -> Mention {
        let (mut start, mut end) = (self.of(hit.from), self.of(hit.to));
        let mut found = text.get(hit.from..hit.to).unwrap_or_default();
        if bracketed {
            found = found.trim_matches(['(', ')', '（', '）']);
            (start, end) = (start + 1, end - 1);
        }
        Mention { start, end, text: found.to_owned() }
    }
}
