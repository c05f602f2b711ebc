//! Elements whose content is not the item's are passed over; of some one thing is read.

use super::{Reader, Reading};
use crate::feed::names::{Field, is_root};
use crate::feed::reading::MAX_DEPTH;
use crate::feed::xml::{Piece, Tag};

impl Reader {
    pub(super) fn is_skipping(&self) -> bool {
        !self.skipping.is_empty()
    }

    /// Whether the item ends here while something in it is skipped.
    pub(super) fn ends_item(&self, piece: &Piece<'_>) -> bool {
        if !self.is_skipping() {
            return false;
        }
        match piece {
            Piece::Open(tag) => {
                let (space, local) = self.spaces.meaning(tag.name);
                self.is_item(space, &local)
            }
            Piece::Close { name, .. } => {
                let (space, local) = self.spaces.meaning(name);
                is_root(&local) || self.is_item(space, &local)
            }
            Piece::Text(_) | Piece::Raw(_) => false,
        }
    }

    /// Skips nothing of what comes.
    pub(super) fn reread(&mut self) {
        self.skipping.clear();
        self.reading = None;
        self.aside.source_author = None;
        self.rereadings += 1;
    }

    /// Counts elements of the same name within one that is skipped. Of a source the author is read, of a group of
    /// media what describes them.
    pub(super) fn skip(&mut self, space: &str, local: &str, tag: Tag<'_>) {
        if self.skipping.last().is_some_and(|open| open == tag.name) {
            if !tag.is_closed && self.skipping.len() < MAX_DEPTH {
                self.skipping.push(tag.name.to_owned());
            }
        } else if self.reading.is_some() {
            self.open_within(space, local, tag);
        } else if Field::of(space, local) == Some(Field::Caption) && !tag.is_closed && self.is_in_media() {
            self.reading = Some(Reading::new(Field::Caption, space, local, tag));
        } else if local == "author" && self.skipping.first().is_some_and(|open| self.is_source(open)) {
            self.open_author(space, local, tag);
        }
    }

    fn is_in_media(&self) -> bool {
        self.skipping.first().is_some_and(|open| self.spaces.meaning(open).0 == "media")
    }

    fn is_source(&self, name: &str) -> bool {
        let (space, local) = self.spaces.meaning(name);
        space.is_empty() && local == "source"
    }
}
