//! What is kept of an entity once its names are in the automaton.

use tocsin_contract::EntityKind;

use super::dictionary::Known;

/// A known entity, without the names by which it is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entity {
    /// Stable id, `apple`.
    pub id: Box<str>,
    /// Name for people.
    pub name: Box<str>,
    pub kind: EntityKind,
    /// `NASDAQ:AAPL`, the main listing first; empty: private.
    pub symbols: Box<[Box<str>]>,
    /// Words that give context to its ambiguous names.
    pub(super) context: Box<[Box<str>]>,
}

impl Entity {
    /// The main listing, or `private`.
    pub fn symbol(&self) -> String {
        self.symbols.first().map_or("private", AsRef::as_ref).to_owned()
    }
}

impl From<&Known> for Entity {
    fn from(known: &Known) -> Self {
        // Copies: boxes made of the strings themselves would lie scattered among what is freed.
        let boxes = |texts: &[String]| texts.iter().map(|text| Box::from(text.as_str())).collect();
        Self {
            id: Box::from(known.id.as_str()),
            name: Box::from(known.name.as_str()),
            kind: known.kind,
            symbols: boxes(&known.symbols),
            context: boxes(&known.context),
        }
    }
}
