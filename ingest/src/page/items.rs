//! What stands on a page again and again: elements of one name beside each other, as the
//! posts of a thread, the comments below an article, the teasers of a list.

use std::collections::HashMap;

use super::blocks::Count;
use super::features::Row;

/// Blocks an item holds on average, from which a run of them is a list of records and not of paragraphs.
const RECORD: f32 = 1.9;

/// An element as a run of items sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    /// Place of the element around it.
    pub(super) parent: usize,
    /// Hash of tag and class.
    pub(super) name: u64,
    pub(super) count: Count,
    pub(super) blocks: f32,
    pub(super) sentences: f32,
    /// Whether names of elements in it speak of an author, of a date.
    pub(super) tells: [bool; 2],
}

/// Elements of one name in one element.
#[derive(Debug, Clone, Copy, Default)]
struct Run {
    items: f32,
    count: Count,
    blocks: f32,
    sentences: f32,
    /// Items with a sentence; that speak of an author; of a date.
    with: [f32; 3],
}

impl Run {
    fn add(&mut self, piece: &Piece) {
        self.items += 1.0;
        self.count.add(&piece.count);
        self.blocks += piece.blocks;
        self.sentences += piece.sentences;
        let with = [piece.sentences > 0.0, piece.tells[0], piece.tells[1]];
        self.with.iter_mut().zip(with).for_each(|(sum, has)| *sum += f32::from(u8::from(has)));
    }

    fn is_records(&self) -> bool {
        self.items >= 2.0 && self.blocks / self.items >= RECORD
    }
}

/// The runs of a page, and the item of each that its elements stand in.
#[derive(Debug, Default)]
pub(super) struct Items {
    runs: Vec<Run>,
    /// Of each element its run and its number in it.
    places: Vec<(usize, f32)>,
    /// Of each element the innermost and the outermost item around it that is a record; its own place where none is.
    records: Vec<[usize; 2]>,
    pieces: Vec<Piece>,
}

impl Items {
    /// `pieces`: the elements of a page, parents first; the first is the root.
    pub(super) fn of(pieces: Vec<Piece>) -> Self {
        let mut items = Self { pieces, ..Self::default() };
        let mut known: HashMap<(usize, u64), usize> = HashMap::new();
        for piece in &items.pieces {
            let run = *known.entry((piece.parent, piece.name)).or_insert_with(|| {
                items.runs.push(Run::default());
                items.runs.len() - 1
            });
            let Some(into) = items.runs.get_mut(run) else { continue };
            items.places.push((run, into.items));
            into.add(piece);
        }
        for (place, piece) in items.pieces.iter().enumerate() {
            let [inner, outer] = items.records.get(piece.parent).copied().unwrap_or([0; 2]);
            let is_record = place > 0 && items.run(place).is_records();
            items.records.push(match (is_record, outer) {
                (true, 0) => [place, place],
                (true, outer) => [place, outer],
                (false, _) => [inner, outer],
            });
        }
        items
    }

    fn run(&self, place: usize) -> Run {
        let run = self.places.get(place).and_then(|(run, _)| self.runs.get(*run));
        run.copied().unwrap_or_default()
    }

    /// Of the element itself, and of the innermost and the outermost record around it: how its like are built.
    pub(super) fn numbers(&self, row: &mut Row, place: usize, total: f32) {
        let [inner, outer] = self.records.get(place).copied().unwrap_or([0; 2]);
        for place in [place, inner, outer] {
            let run = self.run(place);
            let (_, number) = self.places.get(place).copied().unwrap_or_default();
            let own = self.pieces.get(place).map_or(0.0, |piece| piece.count.tokens);
            let share = |sum: f32| sum / run.items.max(1.0);
            row.extend_from_slice(&[
                if place == 0 { 0.0 } else { run.items },
                number,
                share(run.count.tokens),
                run.count.tokens / total.max(1.0),
                run.count.link_density(),
                share(run.sentences),
                own,
            ]);
            row.extend(run.with.iter().skip(1).map(|with| share(*with)));
            row.push(share(run.with.first().copied().unwrap_or_default()));
        }
    }

    /// How many tokens the largest run of records holds, and how many items.
    pub(super) fn largest(&self) -> [f32; 2] {
        let records = self
            .runs
            .iter()
            .skip(1)
            .filter(|run| run.is_records() && run.with.first().is_some_and(|n| *n >= 2.0));
        let free = |run: &Run| run.count.tokens - run.count.linked;
        records.max_by(|a, b| free(a).total_cmp(&free(b))).map_or([0.0; 2], |run| [free(run), run.items])
    }
}
