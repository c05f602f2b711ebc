//! Phrases of several kinds, found by one look at a text, in either case of ASCII letters.

use aho_corasick::{AhoCorasick, AhoCorasickKind};

/// Phrases, each with its kind.
#[derive(Debug)]
pub(super) struct Finder<K> {
    automaton: AhoCorasick,
    kinds: Vec<K>,
}

impl<K: Copy> Finder<K> {
    /// `form`: that of the automaton, where one is better than what the library takes. Nothing is made that would be
    /// too large.
    pub(super) fn new<P: AsRef<[u8]>>(
        phrases: impl Iterator<Item = (P, K)>,
        form: Option<AhoCorasickKind>,
    ) -> Option<Self> {
        let (phrases, kinds): (Vec<P>, Vec<K>) = phrases.unzip();
        let mut builder = AhoCorasick::builder();
        builder.ascii_case_insensitive(true).kind(form);
        Some(Self { automaton: builder.build(phrases).ok()?, kinds })
    }

    /// The kind of each phrase that stands in a text, also within another one.
    pub(super) fn kinds(&self, text: &str) -> impl Iterator<Item = K> {
        let found = self.automaton.find_overlapping_iter(text);
        found.filter_map(move |found| self.kinds.get(found.pattern().as_usize()).copied())
    }
}
