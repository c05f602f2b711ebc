//! The last hour of one subject, in twelve bins. What falls out of it is learned
//! from; until then late documents can still be added.

use serde::{Deserialize, Serialize};

use super::bin::{BINS_PER_HOUR, Bin};

/// Documents of a bin in hundredths, so that sums do not depend on their order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cell {
    pub(crate) negative: u32,
    pub(crate) all: u32,
}

impl Cell {
    pub(crate) fn negative(self) -> f64 {
        f64::from(self.negative) / 100.0
    }

    pub(crate) fn all(self) -> f64 {
        f64::from(self.all) / 100.0
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ring {
    start: Bin,
    cells: [Cell; BINS_PER_HOUR as usize],
}

impl Ring {
    /// The hour before boundary `end`, empty.
    pub(crate) fn ending_at(end: Bin) -> Self {
        Self { start: end.plus(-BINS_PER_HOUR), cells: Default::default() }
    }

    pub(crate) const fn start(&self) -> Bin {
        self.start
    }

    pub(crate) const fn end(&self) -> Bin {
        self.start.plus(BINS_PER_HOUR)
    }

    pub(crate) fn bins(&self) -> impl Iterator<Item = Bin> + use<> {
        let start = self.start;
        (0..BINS_PER_HOUR).map(move |n| start.plus(n))
    }

    pub(crate) fn holds(&self, bin: Bin) -> bool {
        bin >= self.start && bin < self.end()
    }

    /// Adds to a bin that [`Self::holds`].
    pub(crate) fn add(&mut self, bin: Bin, weight: u32, negative: bool) {
        let cell = &mut self.cells[index(bin)];
        cell.all = cell.all.saturating_add(weight);
        if negative {
            cell.negative = cell.negative.saturating_add(weight);
        }
    }

    /// Moves on by one bin and gives the one that falls out.
    pub(crate) fn shift(&mut self) -> (Bin, Cell) {
        let leaving = self.start;
        self.start = leaving.plus(1);
        (leaving, std::mem::take(&mut self.cells[index(leaving)]))
    }

    pub(crate) fn total(&self) -> Cell {
        self.cells.iter().fold(Cell::default(), |sum, cell| Cell {
            negative: sum.negative.saturating_add(cell.negative),
            all: sum.all.saturating_add(cell.all),
        })
    }
}

fn index(bin: Bin) -> usize {
    bin.0.rem_euclid(BINS_PER_HOUR) as usize
}
