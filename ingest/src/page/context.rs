//! What is around blocks: how much text the elements hold (`elements`, `sum`), which one is
//! likely to be the article, which look alike, and what all blocks of the page share.

use std::collections::HashMap;

use super::blocks::Block;
use super::classes;
use super::dom::Dom;
use super::facts::Facts;
use super::features::Row;
use super::items::Items;
use super::shape::{NOWHERE, Shape};

mod elements;
mod sum;

use elements::{Element, Elements};
use sum::{Sum, is_sentence};

#[derive(Debug)]
pub(super) struct Page<'a> {
    elements: Elements<'a>,
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
        let alike = [HashMap::new(), HashMap::new()];
        let (best, range, total) = ([0; 3], (0, 0), Sum::default());
        let relations: Vec<[f32; 3]> = blocks.iter().map(|block| facts.relations(&block.text)).collect();
        let anchors = [facts.title_of(dom, blocks), relations.iter().position(|[_, told, _]| *told > 0.5)];
        let (items, commented) = (Items::default(), [0.0; 2]);
        let elements = Elements::new(dom, groups);
        let mut page =
            Self { elements, alike, best, range, relations, items, anchors, facts, total, commented };
        for (at, block) in blocks.iter().enumerate() {
            page.elements.add(block.parent);
            page.add(at, block);
        }
        page.find_best(blocks);
        page.items = Items::of(page.elements.pieces());
        page
    }

    /// The block that is the title.
    pub(super) fn title(&self) -> Option<usize> {
        self.anchors[0]
    }

    pub(super) fn shape(&self, node: usize) -> &Shape {
        self.elements.shape(node)
    }

    fn add(&mut self, at: usize, block: &Block) {
        let is_told = self.relations.get(at).is_some_and(|[_, told, body]| *told > 0.5 || *body > 0.5);
        let sum = Sum::of(block, is_told);
        if is_sentence(block) {
            let is_comment = self.shape(block.parent).groups.first().is_some_and(|near| *near < NOWHERE);
            if let Some(tokens) = self.commented.get_mut(usize::from(!is_comment)) {
                *tokens += block.count.tokens;
            }
        }
        self.total.add(&sum);
        for (alike, likeness) in self.alike.iter_mut().zip(self.elements.likenesses(block.parent)) {
            alike.entry(likeness).or_default().add(&sum);
        }
        self.elements.count(block.parent, &sum);
    }

    fn find_best(&mut self, blocks: &[Block]) {
        let weighed = |element: &Element| {
            let groups = self.elements.groups(element.node);
            let is_named = groups & (classes::CONTENT | classes::POST) != 0;
            let is_beside = groups & classes::BESIDE != 0 && groups & classes::CONTENT == 0;
            let weight = if is_named { 1.2 } else { 1.0 } * if is_beside { 0.6 } else { 1.0 };
            element.sum.score * (1.0 - element.sum.count.link_density()) * weight
        };
        let elements = self.elements.all().iter().enumerate();
        let mut scored: Vec<(f32, usize)> =
            elements.map(|(place, element)| (weighed(element), place)).collect();
        scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        for (best, (_, place)) in self.best.iter_mut().zip(scored) {
            *best = place;
        }
        let is_in_best = |block: &Block| self.elements.holds(self.best[0], block.parent);
        let fits = |(_, block): &(usize, &Block)| is_in_best(block) && is_sentence(block);
        let first = blocks.iter().enumerate().find(fits).map_or(0, |(at, _)| at);
        let last = blocks.iter().enumerate().rfind(fits).map_or(0, |(at, _)| at);
        self.range = (first, last);
    }

    /// The five elements above a block.
    pub(super) fn containers(&self, row: &mut Row, parent: usize) {
        let mut at = Some(self.elements.place(parent));
        for _ in 0..5 {
            let sum = at.map(|at| self.elements.at(at).sum).unwrap_or_default();
            row.extend_from_slice(&sum.numbers(&self.total));
            at = at.filter(|at| *at > 0).map(|at| self.elements.at(at).parent);
        }
    }

    /// The blocks that look like this one.
    pub(super) fn alike(&self, row: &mut Row, parent: usize) {
        for (alike, likeness) in self.alike.iter().zip(self.elements.likenesses(parent)) {
            let sum = alike.get(&likeness).copied().unwrap_or_default();
            row.extend_from_slice(&sum.numbers(&self.total));
        }
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
            let target = self.elements.at(best);
            let steps = self.elements.steps(block.parent, target.node);
            row.extend_from_slice(&[f32::from(u8::from(self.elements.holds(best, block.parent))), steps]);
            if index == 0 {
                row.push(target.shape.depth - self.shape(block.parent).depth + steps);
            }
        }
        let (first, last) = self.range;
        row.extend_from_slice(&[at as f32 - first as f32, last as f32 - at as f32]);
    }

    /// How its like stand beside a block, and beside the records that it is part of.
    pub(super) fn items(&self, row: &mut Row, parent: usize) {
        self.items.numbers(row, self.elements.place(parent), self.total.count.tokens);
    }

    /// What the page's own words about itself say of a block, and how far it is from where they are repeated.
    pub(super) fn relations(&self, row: &mut Row, at: usize, blocks: &[Block]) {
        row.extend_from_slice(&self.relations.get(at).copied().unwrap_or_default());
        let parent = blocks.get(at).map_or(0, |block| block.parent);
        for anchor in self.anchors {
            match anchor.and_then(|anchor| Some((anchor, blocks.get(anchor)?))) {
                Some((anchor, block)) => {
                    let steps = self.elements.steps(parent, block.parent);
                    row.extend_from_slice(&[at as f32 - anchor as f32, steps]);
                }
                None => row.extend_from_slice(&[-9999.0, 99.0]),
            }
        }
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
        numbers.extend_from_slice(&self.elements.at(self.best[0]).sum.numbers(&self.total));
        numbers.extend_from_slice(&self.facts.numbers());
        numbers
    }
}
