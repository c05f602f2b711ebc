//! One element as the blocks in it see it: its tag, and how far up the nearest element
//! stands whose tag, names or attributes say something.

use super::classes;
use super::dom::{Data, Dom};
use super::tag::Tag;

/// Distance that stands for "nowhere above".
pub(super) const NOWHERE: u8 = 40;
/// See [`marks`].
const MARKS: usize = 13;

#[derive(Debug, Clone)]
pub(super) struct Shape {
    pub(super) tag: Tag,
    pub(super) depth: f32,
    /// How many elements up the nearest one is of each group of names; 0: the element itself.
    pub(super) groups: [u8; classes::COUNT],
    /// The same of each mark.
    pub(super) marks: [u8; MARKS],
    /// Hashes of tag and class of the element and the two above it.
    lineage: [u64; 3],
}

impl Shape {
    /// `own`: what its names say.
    pub(super) fn of(dom: &Dom<'_>, node: usize, own: u32, above: Option<&Self>) -> Self {
        let tag = dom.tag(node).unwrap_or(Tag::Other);
        let mut groups = above.map_or([NOWHERE; classes::COUNT], |above| above.groups.map(farther));
        let mut marks = above.map_or([NOWHERE; MARKS], |above| above.marks.map(farther));
        groups
            .iter_mut()
            .enumerate()
            .filter(|(group, _)| own & (1 << group) != 0)
            .for_each(|(_, near)| *near = 0);
        marks
            .iter_mut()
            .zip(self::marks(dom, node, tag))
            .filter(|(_, is)| *is)
            .for_each(|(near, _)| *near = 0);
        let class = dom.attribute(node, "class").unwrap_or_default();
        // Numbers tell posts of one list apart; they look the same.
        let class: Vec<u8> = class.bytes().filter(|byte| !byte.is_ascii_digit()).collect();
        let name = xxhash_rust::xxh3::xxh3_64_with_seed(&class, tag as u64);
        let [parent, grandparent, _] = above.map_or([0; 3], |above| above.lineage);
        let depth = above.map_or(0.0, |above| above.depth + 1.0);
        Self { tag, depth, groups, marks, lineage: [name, parent, grandparent] }
    }

    /// The same for elements of one tag and class.
    pub(super) fn name(&self) -> u64 {
        self.lineage[0]
    }

    /// The same for elements that look the same, and stand in such that do.
    pub(super) fn likeness(&self) -> u64 {
        let [name, parent, grandparent] = self.lineage;
        name ^ parent.rotate_left(21) ^ grandparent.rotate_left(42)
    }
}

fn farther(distance: u8) -> u8 {
    distance.saturating_add(1).min(NOWHERE)
}

fn marks(dom: &Dom<'_>, node: usize, tag: Tag) -> [bool; MARKS] {
    let attributes = match dom.nodes.get(node).map(|node| node.data) {
        Some(Data::Element(_, attributes)) => attributes,
        Some(Data::Text(_) | Data::Raw(_)) | None => "",
    };
    let has = |name: &str, values: &[&str]| {
        let value = attributes.contains(name).then(|| dom.attribute(node, name)).flatten();
        value.is_some_and(|value| values.iter().any(|known| value.contains(known)))
    };
    let is_hidden = attributes.contains("isplay:none")
        || attributes.contains("isplay: none")
        || has("aria-hidden", &["true"])
        || has("hidden", &[""]);
    [
        tag == Tag::Nav,
        tag == Tag::Aside,
        tag == Tag::Footer,
        tag == Tag::Header,
        matches!(tag, Tag::Form | Tag::Button | Tag::Fieldset),
        matches!(tag, Tag::Ul | Tag::Ol | Tag::Dl),
        tag == Tag::Table,
        matches!(tag, Tag::Figure | Tag::Figcaption),
        matches!(tag, Tag::Blockquote | Tag::Pre),
        tag == Tag::Article,
        tag == Tag::Main || has("role", &["main"]) || has("itemprop", &["articleBody", "text"]),
        is_hidden,
        // Forums that build their pages in the browser keep a plain copy here.
        tag == Tag::Noscript,
    ]
}
