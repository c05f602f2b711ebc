//! A trie of byte strings in three arrays: nodes breadth first, so that the children of
//! a node stand together, ordered by their byte.

/// No string ends here.
const NONE: u32 = u32::MAX;

#[derive(Debug, Clone)]
pub(super) struct Trie {
    /// The byte that leads to each node; the root's means nothing.
    labels: Vec<u8>,
    /// The first child of each node; one more, for the end of the last one's.
    children: Vec<u32>,
    /// The number of the string that ends at each node, or [`NONE`].
    strings: Vec<u32>,
}

impl Trie {
    /// Of two strings that are equal the later one counts.
    pub(super) fn new(strings: &[&str]) -> Self {
        let mut order: Vec<u32> = (0..strings.len() as u32).collect();
        let bytes = |number: &u32| strings.get(*number as usize).map(|s| s.as_bytes()).unwrap_or_default();
        order.sort_by_key(|number| (bytes(number), *number));
        let mut trie = Self { labels: vec![0], children: Vec::new(), strings: Vec::new() };
        // For each node the strings that pass it, and how long they are there.
        let mut nodes = vec![(0, order.len(), 0)];
        let mut node = 0;
        while let Some(&(from, to, depth)) = nodes.get(node) {
            let passing = &order[from..to];
            let ending = passing.iter().take_while(|number| bytes(number).len() == depth);
            let last = ending.last().copied();
            trie.strings.push(last.unwrap_or(NONE));
            trie.children.push(trie.labels.len() as u32);
            let byte = |number: &u32| bytes(number).get(depth).copied();
            let mut start = from;
            for group in passing.chunk_by(|a, b| byte(a) == byte(b)) {
                if let Some(label) = group.first().and_then(byte) {
                    trie.labels.push(label);
                    nodes.push((start, start + group.len(), depth + 1));
                }
                start += group.len();
            }
            node += 1;
        }
        trie.children.push(trie.labels.len() as u32);
        trie
    }

    /// The strings with which `bytes` begins, the shortest first: length and number.
    pub(super) fn prefixes(&self, bytes: &[u8]) -> impl Iterator<Item = (usize, u32)> {
        let walk = bytes.iter().enumerate().scan(0, |node, (at, byte)| {
            *node = self.child(*node, *byte)?;
            Some((at + 1, self.strings[*node]))
        });
        walk.filter(|(_, string)| *string != NONE)
    }

    /// The number of the string that `bytes` is.
    pub(super) fn find(&self, bytes: &[u8]) -> Option<u32> {
        let node = bytes.iter().try_fold(0, |node, byte| self.child(node, *byte))?;
        self.strings.get(node).copied().filter(|string| *string != NONE)
    }

    fn child(&self, node: usize, byte: u8) -> Option<usize> {
        let (from, to) = (self.children[node] as usize, self.children[node + 1] as usize);
        self.labels[from..to].binary_search(&byte).ok().map(|at| from + at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_string_that_begins_a_text_is_found_shortest_first() {
        let trie = Trie::new(&["ab", "b", "abcd", "a", "中"]);
        assert_eq!(trie.prefixes(b"abcx").collect::<Vec<_>>(), [(1, 3), (2, 0)]);
        assert_eq!(trie.prefixes("中国".as_bytes()).collect::<Vec<_>>(), [(3, 4)]);
        assert_eq!(trie.prefixes(b"x").count(), 0);
        assert_eq!((trie.find(b"abcd"), trie.find(b"abc"), trie.find(b"")), (Some(2), None, None));
    }

    #[test]
    fn the_later_of_equal_strings_counts_and_none_is_no_trie_at_all() {
        assert_eq!(Trie::new(&["a", "", "a"]).find(b"a"), Some(2));
        assert_eq!(Trie::new(&["a", "", "a"]).find(b""), Some(1));
        assert_eq!(Trie::new(&[]).prefixes(b"a").count(), 0);
    }
}
