//! The elements that hold blocks and those around them: which one a node stands in, which
//! holds which, and what the blocks in each add up to. Judges none of them.

use super::super::classes;
use super::super::dom::Dom;
use super::super::items::Piece;
use super::super::shape::Shape;
use super::super::tag::Tag;
use super::sum::Sum;

/// An element that holds blocks.
#[derive(Debug)]
pub(super) struct Element {
    pub(super) node: usize,
    end: usize,
    /// Place among the elements; the first is its own.
    pub(super) parent: usize,
    pub(super) shape: Shape,
    pub(super) sum: Sum,
}

#[derive(Debug)]
pub(super) struct Elements<'a> {
    dom: &'a Dom<'a>,
    /// What the names of each node say.
    groups: &'a [u32],
    /// Parents first.
    elements: Vec<Element>,
    /// Place of each node among the elements.
    places: Vec<u32>,
}

impl<'a> Elements<'a> {
    /// Only the root, until others are added.
    pub(super) fn new(dom: &'a Dom<'a>, groups: &'a [u32]) -> Self {
        let root = Element {
            node: 0,
            end: dom.nodes.len(),
            parent: 0,
            shape: Shape::of(dom, 0, 0, None),
            sum: Sum::default(),
        };
        let mut places = vec![u32::MAX; dom.nodes.len()];
        if let Some(place) = places.first_mut() {
            *place = 0;
        }
        Self { dom, groups, elements: vec![root], places }
    }

    /// In the order of their places.
    pub(super) fn all(&self) -> &[Element] {
        &self.elements
    }

    pub(super) fn at(&self, place: usize) -> &Element {
        // The root is always there.
        self.elements.get(place).unwrap_or(&self.elements[0])
    }

    pub(super) fn place(&self, node: usize) -> usize {
        self.places.get(node).map_or(0, |place| if *place == u32::MAX { 0 } else { *place as usize })
    }

    pub(super) fn shape(&self, node: usize) -> &Shape {
        &self.at(self.place(node)).shape
    }

    /// How the element of `node` looks, and the one above it.
    pub(super) fn likenesses(&self, node: usize) -> [u64; 2] {
        let place = self.place(node);
        let above = if place > 0 { self.at(self.at(place).parent).shape.likeness() } else { 0 };
        [self.at(place).shape.likeness(), above]
    }

    /// What the names of `node` say.
    pub(super) fn groups(&self, node: usize) -> u32 {
        self.groups.get(node).copied().unwrap_or_default()
    }

    /// The element of `node` and those above it that are not known yet.
    pub(super) fn add(&mut self, node: usize) {
        let mut path = Vec::new();
        let mut at = node;
        while self.places.get(at) == Some(&u32::MAX) {
            path.push(at);
            at = self.dom.nodes.get(at).map_or(0, |node| node.parent);
        }
        for node in path.into_iter().rev() {
            let (parent, end) = self.dom.nodes.get(node).map_or((0, 0), |node| (node.parent, node.end));
            let parent = self.place(parent);
            let shape = Shape::of(self.dom, node, self.groups(node), Some(&self.at(parent).shape));
            if let Some(place) = self.places.get_mut(node) {
                *place = u32::try_from(self.elements.len()).unwrap_or(u32::MAX);
            }
            self.elements.push(Element { node, end, parent, shape, sum: Sum::default() });
        }
    }

    /// Counts a block's `sum` for the element of `node` and all above it.
    pub(super) fn count(&mut self, node: usize, sum: &Sum) {
        let (mut at, mut share) = (self.place(node), 1.0);
        for level in 0_u32.. {
            let Some(element) = self.elements.get_mut(at) else { break };
            element.sum.add(&Sum { score: sum.score * share, ..*sum });
            if at == 0 {
                break;
            }
            // A paragraph's own element and the one above share its whole weight.
            share *= if level == 0 { 1.0 } else { 0.6 };
            at = element.parent;
        }
    }

    /// Whether `node` is the element at `place` or below it.
    pub(super) fn holds(&self, place: usize, node: usize) -> bool {
        let element = self.at(place);
        (element.node..element.end).contains(&node)
    }

    /// How many elements up from `node` the first is that holds `other` too.
    pub(super) fn steps(&self, node: usize, other: usize) -> f32 {
        let mut steps = 0.0;
        let mut place = self.place(node);
        while place > 0 && !self.holds(place, other) {
            steps += 1.0;
            place = self.at(place).parent;
        }
        steps
    }

    /// The elements as runs of items see them.
    pub(super) fn pieces(&self) -> Vec<Piece> {
        let mut before = vec![[0_u32; 2]];
        let mut sum = [0; 2];
        for (node, groups) in self.groups.iter().enumerate() {
            let is_time = self.dom.tag(node) == Some(Tag::Time);
            sum[0] += u32::from(groups & classes::AUTHOR != 0);
            sum[1] += u32::from(groups & classes::DATE != 0 || is_time);
            before.push(sum);
        }
        let tells = |element: &Element, what: usize| {
            let count = |at: usize| before.get(at).map_or(0, |sum: &[u32; 2]| sum[what]);
            count(element.end) > count(element.node)
        };
        let piece = |element: &Element| Piece {
            parent: element.parent,
            name: element.shape.name(),
            count: element.sum.count,
            blocks: element.sum.blocks,
            sentences: element.sum.sentences,
            tells: [tells(element, 0), tells(element, 1)],
        };
        self.elements.iter().map(piece).collect()
    }
}
