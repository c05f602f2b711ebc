//! The negative documents of the last hour: which stories carry the window, and
//! how many independent publishers tell them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use tocsin_contract::{AlertStory, Signal};

use super::bin::Bin;

/// Stories in one alert, and characters of what is quoted, so that it stays small.
const STORIES: usize = 5;
const TITLE: usize = 200;
const URL: usize = 600;
const NAME: usize = 100;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Evidence {
    documents: Vec<Item>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Item {
    bin: Bin,
    weight: u32,
    story: AlertStory,
}

impl Evidence {
    pub(crate) fn add(&mut self, bin: Bin, weight: u32, signal: &Signal) {
        let story = AlertStory {
            story_id: first_of(&signal.story_id, NAME),
            document_id: signal.document_id,
            title: first_of(&signal.title, TITLE),
            // Half an address leads nowhere.
            url: signal.url.as_ref().filter(|url| url.len() <= URL).map(|url| first_of(url, URL)),
            source_id: first_of(&signal.source_id, NAME),
            publisher_family: first_of(&signal.publisher_family, NAME),
            event_time: signal.event_time,
            label: signal.label,
            score: signal.score,
            documents: 1,
        };
        self.documents.push(Item { bin, weight, story });
    }

    /// Drops what happened before `start`.
    pub(crate) fn forget_before(&mut self, start: Bin) {
        self.documents.retain(|item| item.bin >= start);
    }

    pub(crate) fn publishers(&self) -> u32 {
        let families: BTreeSet<&str> =
            self.documents.iter().map(|item| item.story.publisher_family.as_str()).collect();
        u32::try_from(families.len()).unwrap_or(u32::MAX)
    }

    /// The heaviest stories, each by its first document.
    pub(crate) fn stories(&self) -> Vec<AlertStory> {
        let mut stories: BTreeMap<&str, (u32, AlertStory)> = BTreeMap::new();
        for item in &self.documents {
            stories
                .entry(&item.story.story_id)
                .and_modify(|(weight, story)| {
                    *weight = weight.saturating_add(item.weight);
                    story.documents += 1;
                })
                .or_insert_with(|| (item.weight, item.story.clone()));
        }
        let mut stories: Vec<_> = stories.into_values().collect();
        stories.sort_by(|(a, x), (b, y)| {
            b.cmp(a).then_with(|| (x.event_time, x.document_id).cmp(&(y.event_time, y.document_id)))
        });
        stories.into_iter().take(STORIES).map(|(_, story)| story).collect()
    }
}

/// The beginning of a text, without NUL, which jsonb refuses.
fn first_of(text: &str, characters: usize) -> String {
    text.chars().filter(|c| *c != '\0').take(characters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{at, signal};

    #[test]
    fn nothing_that_is_quoted_holds_a_nul() {
        let when = at("2023-03-10T00:00:00Z");
        let clean = signal("bank", 1, when, true);
        let mut told = clean.clone();
        let Signal { title, story_id, source_id, publisher_family, url, .. } = &mut told;
        for text in [title, story_id, source_id, publisher_family].into_iter().chain(url) {
            text.insert(1, '\0');
        }
        let stories = |signal: &Signal| {
            let mut evidence = Evidence::default();
            evidence.add(Bin::of(when), 1, signal);
            evidence.stories()
        };
        assert!(told.url.as_ref().is_some_and(|url| url.contains('\0')));
        assert_eq!(stories(&told), stories(&clean));
    }
}
