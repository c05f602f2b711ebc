//! Which names of a text are kept: the certain ones, and of the others those of entities that are certain elsewhere, or
//! that the surroundings speak for.

use std::collections::HashSet;
use std::sync::Arc;

use super::context::{self, Place};
use super::entity::Entity;
use super::hit::Hit;
use super::patterns::Tier;

/// Characters from which on a name of a list is no mere word.
const LONG: usize = 3;

/// The mentions among `hits`, which stand from left to right and do not overlap. A name that was kept is company for
/// those in a list with it, so one name may bring in the next.
pub(super) fn kept(text: &str, hits: &[Hit], known: &[Arc<Entity>]) -> Vec<Hit> {
    let mut meant: HashSet<usize> =
        hits.iter().filter(|h| h.tier == Tier::Certain).map(|h| h.entity).collect();
    let unsure = hits.iter().any(|h| matches!(h.tier, Tier::Ambiguous | Tier::Doubtful));
    let titled = unsure && context::titled(text);
    let names = Names { text, hits, known, titled, certain: !meant.is_empty() };
    let mut more = if unsure { names.spoken_for(&meant, false) } else { HashSet::new() };
    while !more.is_empty() {
        meant.extend(more);
        more = names.spoken_for(&meant, true);
    }
    hits.iter().filter(|h| h.tier != Tier::Nothing && meant.contains(&h.entity)).copied().collect()
}

struct Names<'a> {
    text: &'a str,
    hits: &'a [Hit],
    known: &'a [Arc<Entity>],
    titled: bool,
    /// Something in the text is certain.
    certain: bool,
}

impl<'a> Names<'a> {
    /// Entities not yet `meant` that the surroundings of a name speak for; `beside`: only where one that is meant
    /// stands in a list with it.
    fn spoken_for(&self, meant: &HashSet<usize>, beside: bool) -> HashSet<usize> {
        let open =
            |hit: &Hit| matches!(hit.tier, Tier::Ambiguous | Tier::Doubtful) && !meant.contains(&hit.entity);
        let spoken = self.hits.iter().enumerate().filter(|(at, hit)| {
            open(hit) && {
                let listed = self.beside(*at, meant);
                (listed || !beside) && context::speaks_for(&self.place(*at, hit, listed))
            }
        });
        spoken.map(|(_, hit)| hit.entity).collect()
    }

    /// Whether a name of an entity that is `meant` stands in a list with the name `at`.
    fn beside(&self, at: usize, meant: &HashSet<usize>) -> bool {
        let is_meant = |at: usize| self.hits.get(at).is_some_and(|hit| meant.contains(&hit.entity));
        at > 0 && is_meant(at - 1) && self.listed(at - 1) || is_meant(at + 1) && self.listed(at)
    }

    /// Whether the name `at` and the next are two of a list.
    fn listed(&self, at: usize) -> bool {
        let (Some(hit), Some(next)) = (self.hits.get(at), self.hits.get(at + 1)) else { return false };
        let names = hit.tier != Tier::Nothing && next.tier != Tier::Nothing && hit.entity != next.entity;
        names && self.text.get(hit.to..next.from).is_some_and(context::listed)
    }

    /// Whether the name `at` is a long one that stands in a list with another, both unsure.
    fn among_names(&self, at: usize) -> bool {
        let long = |at: usize| {
            let hit = self.hits.get(at).filter(|hit| hit.tier == Tier::Ambiguous);
            let name = hit.and_then(|hit| self.text.get(hit.from..hit.to));
            name.is_some_and(|name| name.chars().count() >= LONG)
        };
        let before = at > 0 && self.listed(at - 1) && long(at - 1);
        long(at) && (before || self.listed(at) && long(at + 1))
    }

    fn place(&self, at: usize, hit: &Hit, beside: bool) -> Place<'a> {
        let piece = |from: usize, to: usize| self.text.get(from..to).unwrap_or_default();
        let own = |entity: &Arc<Entity>| entity.context.iter().any(|word| self.text.contains(&**word));
        Place {
            before: piece(0, hit.from),
            name: piece(hit.from, hit.to),
            after: piece(hit.to, self.text.len()),
            own: self.known.get(hit.entity).is_some_and(own),
            company: self.certain,
            beside,
            among_names: self.among_names(at),
            joined: at > 0 && self.listed(at - 1),
            titled: self.titled,
            doubtful: hit.tier == Tier::Doubtful,
            only: self.known.get(hit.entity).is_some_and(|entity| &*entity.name == piece(hit.from, hit.to)),
        }
    }
}
