//! Whole names and listings, and whose they are: a finite-state transducer, which takes far
//! less memory than a hash table of strings.

use fst::Map;

#[derive(Debug)]
pub(super) struct Index(Map<Vec<u8>>);

impl Index {
    /// Of equal keys the first counts.
    pub(super) fn new(mut entries: Vec<(String, usize)>) -> Result<Self, fst::Error> {
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        entries.dedup_by(|later, first| later.0 == first.0);
        Map::from_iter(entries.into_iter().map(|(key, entity)| (key, entity as u64))).map(Self)
    }

    pub(super) fn get(&self, key: &str) -> Option<usize> {
        self.0.get(key).and_then(|entity| usize::try_from(entity).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_equal_keys_counts() {
        let entries = [("b", 1), ("茅台", 2), ("b", 0), ("", 7)].map(|(key, of)| (key.to_owned(), of));
        let index = Index::new(entries.into()).unwrap();
        assert_eq!(
            ["b", "茅台", "", "茅", "c"].map(|key| index.get(key)),
            [Some(1), Some(2), Some(7), None, None]
        );
    }
}
