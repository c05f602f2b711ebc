//! Role and relevance of each entity, from where and how often it is named.

use tocsin_contract::{Mention, Role};

use super::fold::is_han;

/// Entities from which on a text can be a list.
const LIST: usize = 4;
/// Neighbours in a list stand at most so many characters apart.
const GAP: u32 = 20;

/// Role and relevance (0–100) of each entity; `title` characters are the title.
pub(super) fn assess(text: &str, title: usize, entities: &[&[Mention]]) -> Vec<(Role, u8)> {
    let head = u32::try_from(head(text, title)).unwrap_or(u32::MAX);
    let listed = |index: usize| entities.len() >= LIST && in_list(entities, index);
    entities
        .iter()
        .enumerate()
        .map(|(index, mentions)| one(mentions, head, listed(index), entities.len()))
        .collect()
}

/// Characters at the start that say what the text is about.
fn head(text: &str, title: usize) -> usize {
    let length = text.chars().count();
    let usual = if text.chars().take(60).filter(|c| is_han(*c)).count() > 15 { 40 } else { 100 };
    if title > 0 { title } else { usual.min(length) }
}

fn one(mentions: &[Mention], head: u32, listed: bool, entities: usize) -> (Role, u8) {
    let first = mentions.first().map_or(u32::MAX, |m| m.start);
    let in_head = first < head;
    let very_first = first < 3;
    let mut points = 20 + 10 * mentions.len().min(4).saturating_sub(1);
    points +=
        if in_head { 40 } else { 0 } + if very_first { 10 } else { 0 } + if entities == 1 { 10 } else { 0 };
    if listed {
        return (Role::List, u8::try_from(points / 2).unwrap_or(50));
    }
    let role = if in_head || points >= 60 { Role::Subject } else { Role::Mention };
    (role, u8::try_from(points.min(100)).unwrap_or(100))
}

/// Whether the first mention stands close to those of at least two other entities.
fn in_list(entities: &[&[Mention]], index: usize) -> bool {
    let Some(own) = entities.get(index).and_then(|m| m.first()) else { return false };
    let others = entities.iter().enumerate().filter(|(other, _)| *other != index);
    let close = others.filter(|(_, mentions)| {
        mentions
            .iter()
            .any(|m| m.start.saturating_sub(own.end).max(own.start.saturating_sub(m.end)) <= 2 * GAP)
    });
    close.count() >= 2
}
