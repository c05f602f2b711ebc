//! The elements around blocks: how much text each holds, what its names say, which one is
//! likely to be the article, and which look alike.

use std::collections::HashMap;

use super::blocks::{Block, Count};
use super::classes;
use super::dom::Dom;
use super::facts::Facts;
use super::features::Row;
use super::items::{Items, Piece};
use super::shape::{NOWHERE, Shape};
use super::tag::Tag;

/// Sums over an element, or over elements that look alike.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    count: Count,
    blocks: f32,
    /// Blocks that read like a sentence or more.
    sentences: f32,
    /// Tokens of blocks that the page repeats in its description or in JSON-LD.
    told: f32,
    score: f32,
}

/// An element that holds blocks.
#[derive(Debug)]
struct Element {
    node: usize,
    end: usize,
    /// Place among the elements; the first is its own.
    parent: usize,
    shape: Shape,
    sum: Sum,
}

#[derive(Debug)]
pub(super) struct Page<'a> {
    dom: &'a Dom<'a>,
    /// What the names of each node say.
    groups: &'a [u32],
    /// Those that hold blocks, and those around them; parents first.
    elements: Vec<Element>,
    /// Place of each node among the elements.
    places: Vec<u32>,
    /// Sums over blocks whose elements are alike, and whose elements one further up are.
    alike: [HashMap<u64, Sum>; 2],
    /// The elements most likely to hold the article, best first.
    best: [usize; 3],
    /// First and last block of a sentence or more in the best element.
    range: (usize, usize),
    /// What the page's own words about itself say of each block.
    relations: Vec<[f32; 3]>,
    items: Items,
    /// The blocks that hold the title, and the beginning of the description.
    anchors: [Option<usize>; 2],
    facts: Facts,
    total: Sum,
    /// Tokens of sentences in comments, and outside.
    commented: [f32; 2],
}

impl<'a> Page<'a> {
    pub(super) fn new(dom: &'a Dom<'a>, groups: &'a [u32], blocks: &[Block], facts: Facts) -> Self {
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
        let alike = [HashMap::new(), HashMap::new()];
        let (best, range, total) = ([0; 3], (0, 0), Sum::default());
        let relations: Vec<[f32; 3]> = blocks.iter().map(|block| facts.relations(&block.text)).collect();
        let anchors = [facts.title_of(dom, blocks), relations.iter().position(|[_, told, _]| *told > 0.5)];
        let (items, commented) = (Items::default(), [0.0; 2]);
        let elements = vec![root];
        let mut page = Self {
            dom,
            groups,
            elements,
            places,
            alike,
            best,
            range,
            relations,
            items,
            anchors,
            facts,
            total,
            commented,
        };
        for (at, block) in blocks.iter().enumerate() {
            page.add_elements(block.parent);
            page.add(at, block);
        }
        page.find_best(blocks);
        page.items = Items::of(page.pieces());
        page
    }

    /// The block that is the title.
    pub(super) fn title(&self) -> Option<usize> {
        self.anchors[0]
    }

    fn place(&self, node: usize) -> usize {
        self.places.get(node).map_or(0, |place| if *place == u32::MAX { 0 } else { *place as usize })
    }

    fn element(&self, place: usize) -> &Element {
        // The root is always there.
        self.elements.get(place).unwrap_or(&self.elements[0])
    }

    pub(super) fn shape(&self, node: usize) -> &Shape {
        &self.element(self.place(node)).shape
    }

    /// The element of `node` and those above it that are not known yet.
    fn add_elements(&mut self, node: usize) {
        let mut path = Vec::new();
        let mut at = node;
        while self.places.get(at) == Some(&u32::MAX) {
            path.push(at);
            at = self.dom.nodes.get(at).map_or(0, |node| node.parent);
        }
        for node in path.into_iter().rev() {
            let (parent, end) = self.dom.nodes.get(node).map_or((0, 0), |node| (node.parent, node.end));
            let parent = self.place(parent);
            let own = self.groups.get(node).copied().unwrap_or_default();
            let shape = Shape::of(self.dom, node, own, Some(&self.element(parent).shape));
            if let Some(place) = self.places.get_mut(node) {
                *place = u32::try_from(self.elements.len()).unwrap_or(u32::MAX);
            }
            self.elements.push(Element { node, end, parent, shape, sum: Sum::default() });
        }
    }

    fn add(&mut self, at: usize, block: &Block) {
        let is_told = self.relations.get(at).is_some_and(|[_, told, body]| *told > 0.5 || *body > 0.5);
        let sum = Sum {
            count: block.count,
            blocks: 1.0,
            sentences: f32::from(u8::from(is_sentence(block))),
            told: if is_told { block.count.tokens } else { 0.0 },
            score: score(block),
        };
        if is_sentence(block) {
            let is_comment = self.shape(block.parent).groups.first().is_some_and(|near| *near < NOWHERE);
            if let Some(tokens) = self.commented.get_mut(usize::from(!is_comment)) {
                *tokens += block.count.tokens;
            }
        }
        self.total.add(&sum);
        let likenesses = self.likenesses(block.parent);
        for (alike, likeness) in self.alike.iter_mut().zip(likenesses) {
            alike.entry(likeness).or_default().add(&sum);
        }
        let (mut at, mut share) = (self.place(block.parent), 1.0);
        for level in 0_u32.. {
            let Some(element) = self.elements.get_mut(at) else { break };
            element.sum.add(&Sum { score: sum.score * share, ..sum });
            if at == 0 {
                break;
            }
            // A paragraph's own element and the one above share its whole weight.
            share *= if level == 0 { 1.0 } else { 0.6 };
            at = element.parent;
        }
    }

    fn find_best(&mut self, blocks: &[Block]) {
        let weighed = |element: &Element| {
            let groups = self.groups.get(element.node).copied().unwrap_or_default();
            let is_named = groups & (classes::CONTENT | classes::POST) != 0;
            let is_beside = groups & classes::BESIDE != 0 && groups & classes::CONTENT == 0;
            let weight = if is_named { 1.2 } else { 1.0 } * if is_beside { 0.6 } else { 1.0 };
            element.sum.score * (1.0 - element.sum.count.link_density()) * weight
        };
        let mut scored: Vec<(f32, usize)> =
            self.elements.iter().enumerate().map(|(place, element)| (weighed(element), place)).collect();
        scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        for (best, (_, place)) in self.best.iter_mut().zip(scored) {
            *best = place;
        }
        let fits =
            |(_, block): &(usize, &Block)| self.holds(self.best[0], block.parent) && is_sentence(block);
        let first = blocks.iter().enumerate().find(fits).map_or(0, |(at, _)| at);
        let last = blocks.iter().enumerate().rfind(fits).map_or(0, |(at, _)| at);
        self.range = (first, last);
    }

    /// Whether `node` is the element at `place` or below it.
    fn holds(&self, place: usize, node: usize) -> bool {
        let element = self.element(place);
        (element.node..element.end).contains(&node)
    }

    /// The five elements above a block.
    pub(super) fn containers(&self, row: &mut Row, parent: usize) {
        let mut at = Some(self.place(parent));
        for _ in 0..5 {
            let sum = at.map(|at| self.element(at).sum).unwrap_or_default();
            row.extend_from_slice(&sum.numbers(&self.total));
            at = at.filter(|at| *at > 0).map(|at| self.element(at).parent);
        }
    }

    /// The blocks that look like this one.
    pub(super) fn alike(&self, row: &mut Row, parent: usize) {
        for (alike, likeness) in self.alike.iter().zip(self.likenesses(parent)) {
            let sum = alike.get(&likeness).copied().unwrap_or_default();
            row.extend_from_slice(&sum.numbers(&self.total));
        }
    }

    fn likenesses(&self, node: usize) -> [u64; 2] {
        let place = self.place(node);
        let above = if place > 0 { self.element(self.element(place).parent).shape.likeness() } else { 0 };
        [self.element(place).shape.likeness(), above]
    }

    /// Of each block, how many blocks in a row before and after it look the same, and their tokens.
    pub(super) fn runs(&self, blocks: &[Block]) -> Vec<[f32; 4]> {
        let likeness = |block: &Block| self.shape(block.parent).likeness();
        let mut runs = vec![[0.0; 4]; blocks.len()];
        let mut from = 0;
        for run in blocks.chunk_by(|a, b| likeness(a) == likeness(b)) {
            let whole: f32 = run.iter().map(|block| block.count.tokens).sum();
            let mut before = 0.0;
            for (at, block) in run.iter().enumerate() {
                if let Some(numbers) = runs.get_mut(from + at) {
                    *numbers = [at as f32, (run.len() - at) as f32, before, whole - before];
                }
                before += block.count.tokens;
            }
            from += run.len();
        }
        runs
    }

    /// Where a block stands to the elements likely to be the article.
    pub(super) fn standing(&self, row: &mut Row, at: usize, block: &Block) {
        for (index, best) in self.best.into_iter().enumerate() {
            let target = self.element(best);
            let steps = self.steps(block.parent, target.node);
            row.extend_from_slice(&[f32::from(u8::from(self.holds(best, block.parent))), steps]);
            if index == 0 {
                row.push(target.shape.depth - self.shape(block.parent).depth + steps);
            }
        }
        let (first, last) = self.range;
        row.extend_from_slice(&[at as f32 - first as f32, last as f32 - at as f32]);
    }

    /// The elements as runs of items see them.
    fn pieces(&self) -> Vec<Piece> {
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

    /// How its like stand beside a block, and beside the records that it is part of.
    pub(super) fn items(&self, row: &mut Row, parent: usize) {
        self.items.numbers(row, self.place(parent), self.total.count.tokens);
    }

    /// What the page's own words about itself say of a block, and how far it is from where they are repeated.
    pub(super) fn relations(&self, row: &mut Row, at: usize, blocks: &[Block]) {
        row.extend_from_slice(&self.relations.get(at).copied().unwrap_or_default());
        let parent = blocks.get(at).map_or(0, |block| block.parent);
        for anchor in self.anchors {
            match anchor.and_then(|anchor| Some((anchor, blocks.get(anchor)?))) {
                Some((anchor, block)) => {
                    row.extend_from_slice(&[at as f32 - anchor as f32, self.steps(parent, block.parent)]);
                }
                None => row.extend_from_slice(&[-9999.0, 99.0]),
            }
        }
    }

    /// How many elements up from `node` the first is that holds `other` too.
    fn steps(&self, node: usize, other: usize) -> f32 {
        let mut steps = 0.0;
        let mut place = self.place(node);
        while place > 0 && !self.holds(place, other) {
            steps += 1.0;
            place = self.element(place).parent;
        }
        steps
    }

    /// Numbers that all blocks of the page share.
    pub(super) fn numbers(&self, blocks: &[Block]) -> Vec<f32> {
        let mut numbers = vec![
            blocks.len() as f32,
            self.total.count.tokens,
            self.total.count.link_density(),
            self.total.count.cjk / self.total.count.characters.max(1.0),
            self.total.sentences,
            self.total.count.common / self.total.count.tokens.max(1.0),
            self.total.count.personal / self.total.count.tokens.max(1.0),
            self.commented[0],
            self.commented[1],
            self.total.told,
        ];
        numbers.extend(self.items.largest());
        numbers.extend_from_slice(&self.element(self.best[0]).sum.numbers(&self.total));
        numbers.extend_from_slice(&self.facts.numbers());
        numbers
    }
}

impl Sum {
    fn add(&mut self, other: &Self) {
        self.count.add(&other.count);
        self.blocks += other.blocks;
        self.sentences += other.sentences;
        self.told += other.told;
        self.score += other.score;
    }

    fn numbers(&self, total: &Self) -> [f32; 10] {
        [
            self.count.tokens,
            self.count.tokens / total.count.tokens.max(1.0),
            self.count.link_density(),
            self.count.stops / self.count.tokens.max(1.0),
            self.blocks,
            self.count.tokens / self.blocks.max(1.0),
            self.sentences / self.blocks.max(1.0),
            self.count.common / self.count.tokens.max(1.0),
            self.count.personal / self.count.tokens.max(1.0),
            self.told,
        ]
    }
}

fn is_sentence(block: &Block) -> bool {
    block.count.tokens >= 12.0 && block.count.link_density() < 0.4 && block.count.stops >= 1.0
}

/// How much a block speaks for the elements around it.
fn score(block: &Block) -> f32 {
    let free = block.count.tokens - block.count.linked;
    if free < 8.0 { 0.0 } else { 1.0 + block.count.stops + (free / 20.0).min(4.0) }
}
