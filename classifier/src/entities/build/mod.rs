//! Builds the large dictionary out of lists of listings: one entity a company, all
//! its listings, names in both languages sorted by how much they prove. What the
//! hand-made dictionaries have stays as it is there; the lists only add listings
//! and full names to it.

mod chinese;
mod csv;
mod english;
mod listings;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use tocsin_contract::EntityKind;

use super::dictionary::{Dictionary, Known};
use super::patterns::DOUBTFUL;
use super::table;
use crate::error::{ClassifierError, Result};
use english::Names;
use listings::Listing;

/// What to build from what.
#[derive(Debug, Clone)]
pub struct BuildOptions {
    /// Folder of the lists (`us_listings.csv`, `cn_a_shares.csv`, ...).
    pub lists: PathBuf,
    /// Hand-made dictionaries that the result will stand beside.
    pub known: Vec<PathBuf>,
    /// Words that are no sure sign of a company, one a line.
    pub words: PathBuf,
    /// Names to add to listings: symbol, names, ambiguous names.
    pub names: PathBuf,
    /// Lines put in front of the table, each as a remark: sources and licences.
    pub header: String,
}

/// What was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    pub table: String,
    pub entities: usize,
    pub listings: usize,
    pub names: usize,
}

/// Words of everyday language, places and family names that are also names of
/// listings. A word marked with `+` is rare: it is no name by itself but may be part of one.
#[derive(Debug, Clone, Default)]
pub(super) struct Words(HashMap<String, bool>);

impl Words {
    pub(super) fn new(text: &str) -> Self {
        let words = text.lines().map(str::trim).filter(|w| !w.is_empty() && !w.starts_with('#'));
        Self(
            words
                .map(|w| match w.strip_prefix('+') {
                    Some(rare) => (rare.to_lowercase(), false),
                    None => (w.to_lowercase(), true),
                })
                .collect(),
        )
    }

    fn read(path: &Path) -> Result<Self> {
        std::fs::read_to_string(path).map(|text| Self::new(&text)).map_err(|e| ClassifierError::read(path, e))
    }

    /// A name that is this word needs context.
    fn common(&self, word: &str) -> bool {
        let word = word.to_lowercase();
        self.0.contains_key(word.strip_suffix("'s").unwrap_or(&word))
    }

    /// So common that a name made of such words needs it too.
    fn frequent(&self, word: &str) -> bool {
        self.0.get(&word.to_lowercase()).copied().unwrap_or(false)
    }
}

/// Reads the lists and builds the table. The same lists give the same bytes.
pub fn run(options: &BuildOptions) -> Result<Built> {
    let words = Words::read(&options.words)?;
    let known = Dictionary::read(&options.known)?;
    let mut listings = listings::read(&options.lists, &words)?;
    listings::add_names(&mut listings, &options.names)?;
    let mut entities = companies(&listings, &known);
    part(&mut entities, &known);
    entities.sort_by(|a, b| a.symbols.first().cmp(&b.symbols.first()));
    let names = entities.iter().map(|e| e.names.len() + e.ambiguous.len() + e.short.len()).sum();
    let mut table: String = options.header.lines().map(|line| format!("# {line}\n")).collect();
    for entity in &entities {
        table.push_str(&table::render(entity));
        table.push('\n');
    }
    Ok(Built { table, entities: entities.len(), listings: listings.len(), names })
}

/// One entity for each group of listings that share a key, in the order of the first.
fn companies(listings: &[Listing], known: &Dictionary) -> Vec<Known> {
    let owners: HashMap<&str, &Known> =
        known.entities.iter().flat_map(|k| k.symbols.iter().map(move |s| (s.as_str(), k))).collect();
    let mut groups = Groups::default();
    for listing in listings {
        let owner = owners.get(listing.symbol.as_str()).map(|k| format!("id {}", k.id));
        groups.add(listing.keys.iter().cloned().chain(owner));
    }
    let mut members: Vec<(usize, Vec<&Listing>)> = Vec::new();
    let mut places = HashMap::new();
    for (at, listing) in listings.iter().enumerate() {
        let group = groups.root(at);
        let place = *places.entry(group).or_insert_with(|| {
            members.push((group, Vec::new()));
            members.len() - 1
        });
        if let Some((_, group)) = members.get_mut(place) {
            group.push(listing);
        }
    }
    members
        .iter()
        .map(|(_, group)| {
            let owner = group.iter().find_map(|l| owners.get(l.symbol.as_str()).copied());
            entity(group, owner)
        })
        .collect()
}

/// The entity of a group; with the id of `owner`, to which only full names are added.
fn entity(group: &[&Listing], owner: Option<&Known>) -> Known {
    let symbols: Vec<String> = group.iter().map(|l| l.symbol.clone()).collect();
    let main = symbols.first().cloned().unwrap_or_default();
    let all: Vec<&Names> = group.iter().flat_map(|l| &l.names).collect();
    let plain = all.iter().map(|n| n.plain.as_str()).find(|n| !n.is_empty()).unwrap_or_default();
    let id = owner.map_or_else(|| main.to_lowercase().replace([':', '.'], "_"), |k| k.id.clone());
    let kind = if group.iter().all(|l| l.fund) { EntityKind::Fund } else { EntityKind::Company };
    let mut seen = HashSet::new();
    let mut take = |of: fn(&Names) -> &[String]| -> Vec<String> {
        let names = all.iter().flat_map(|names| of(names).iter());
        names.filter(|n| seen.insert((*n).clone())).cloned().collect()
    };
    let mut names = take(|n| &n.certain);
    // What was added by hand as ambiguous is not certain by the lists.
    let unsure: HashSet<&str> = all
        .iter()
        .filter(|n| n.plain.is_empty())
        .flat_map(|n| n.ambiguous.iter().map(|a| a.trim_start_matches(DOUBTFUL)))
        .collect();
    names.retain(|n| !unsure.contains(n.as_str()));
    let (ambiguous, short) = (take(|n| &n.ambiguous), take(|n| &n.short));
    let mut known = Known {
        id,
        name: owner.map_or(plain, |k| k.name.as_str()).to_owned(),
        kind,
        symbols,
        names,
        ambiguous,
        context: Vec::new(),
        short,
    };
    if let Some(owner) = owner {
        leave_to(owner, &mut known, &all);
    }
    known
}

/// What the hand-made `owner` gains of its listings: symbols, full names and the
/// names that were added by hand.
fn leave_to(owner: &Known, known: &mut Known, all: &[&Names]) {
    let by_hand = all.iter().filter(|n| n.plain.is_empty());
    let added: HashSet<&String> = by_hand.flat_map(|n| &n.certain).collect();
    known.symbols.retain(|s| !owner.symbols.contains(s));
    known.names.retain(|n| n.contains(' ') || n.chars().count() > 3 || added.contains(n));
    known.ambiguous.clear();
    known.short.clear();
}

/// Of a name that several entities claim, none keeps more than a hint; what the
/// hand-made dictionary names is its own.
fn part(entities: &mut Vec<Known>, known: &Dictionary) {
    let own: HashMap<String, &str> = known
        .entities
        .iter()
        .flat_map(|k| {
            k.names.iter().chain(&k.ambiguous).chain(&k.short).map(move |n| (n.to_lowercase(), k.id.as_str()))
        })
        .collect();
    let mut claims: HashMap<String, usize> = HashMap::new();
    for entity in entities.iter() {
        let names: HashSet<String> =
            entity.names.iter().chain(&entity.ambiguous).map(|n| n.to_lowercase()).collect();
        for name in names {
            *claims.entry(name).or_default() += 1;
        }
    }
    for entity in entities.iter_mut() {
        let free = |n: &String| own.get(&n.to_lowercase()).is_none_or(|id| *id == entity.id);
        let single = |n: &String| claims.get(&n.to_lowercase()).copied() == Some(1);
        let shared = entity.names.iter().chain(&entity.ambiguous).filter(|n| free(n) && !single(n));
        let shared: Vec<String> = shared.cloned().collect();
        entity.names.retain(|n| free(n) && single(n));
        entity.ambiguous.retain(|n| free(n) && single(n));
        entity.short.retain(|n| own.get(&n.to_lowercase()).is_none_or(|id| *id == entity.id));
        entity.short.extend(shared);
    }
    // A line that adds nothing to what is known is left out.
    let known: HashSet<&str> = known.entities.iter().map(|k| k.id.as_str()).collect();
    entities.retain(|e| !(known.contains(e.id.as_str()) && e.symbols.is_empty() && e.names.is_empty()));
}

/// Which listings belong together: those that share a key, and so on.
#[derive(Debug, Default)]
struct Groups {
    parents: Vec<usize>,
    keys: HashMap<String, usize>,
}

impl Groups {
    fn add(&mut self, keys: impl Iterator<Item = String>) {
        let at = self.parents.len();
        self.parents.push(at);
        for key in keys {
            let other = *self.keys.entry(key).or_insert(at);
            let (a, b) = (self.root(other), self.root(at));
            if let Some(parent) = self.parents.get_mut(a.max(b)) {
                *parent = a.min(b);
            }
        }
    }

    fn root(&self, mut at: usize) -> usize {
        while let Some(parent) = self.parents.get(at).filter(|parent| **parent != at) {
            at = *parent;
        }
        at
    }
}
