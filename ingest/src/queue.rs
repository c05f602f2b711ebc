//! Which sources are due. One source of a domain is polled at a time, and sources
//! that fail or are slow get a part of the places only, so that they delay no other.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};

use crate::config::SourceConfig;
use crate::silence::Standing;
use crate::state::SourceState;

/// A source and its state between polls.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) source: SourceConfig,
    /// Of the register.
    pub(crate) version: i64,
    pub(crate) state: SourceState,
    /// When the first of its items that wait may be settled.
    pub(crate) waiting: Option<DateTime<Utc>>,
    /// Its last poll took long.
    pub(crate) is_slow: bool,
    /// How often in a row its connection broke soon after it was opened.
    pub(crate) broken: i32,
    pub(crate) standing: Standing,
}

impl Watched {
    pub(crate) const fn new(
        source: SourceConfig,
        version: i64,
        state: SourceState,
        waiting: Option<DateTime<Utc>>,
    ) -> Self {
        Self { source, version, state, waiting, is_slow: false, broken: 0, standing: Standing::Good }
    }

    pub(crate) fn due(&self) -> DateTime<Utc> {
        let poll = self.state.next_poll_at.unwrap_or(DateTime::UNIX_EPOCH);
        self.waiting.map_or(poll, |waiting| waiting.min(poll))
    }

    pub(crate) fn is_suspect(&self) -> bool {
        self.is_slow || self.state.failures > 0
    }
}

/// The sources that wait for their time.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    domains: HashMap<String, Domain>,
    /// The first source of each domain of which none is being polled.
    heads: BTreeSet<(DateTime<Utc>, String)>,
}

#[derive(Debug, Default)]
struct Domain {
    /// Boxed: a node of the map has room for eleven, and most domains have one source.
    sources: BTreeMap<(DateTime<Utc>, String), Box<Watched>>,
    /// One of its sources is being polled.
    is_busy: bool,
    /// So many connections to it are held open.
    connections: usize,
}

impl Queue {
    pub(crate) fn put(&mut self, watched: Watched) {
        self.change(&watched.source.domain(), |domain| {
            domain.sources.insert((watched.due(), watched.source.id.clone()), Box::new(watched));
        });
    }

    /// Nothing of the domain is being polled any more.
    pub(crate) fn rest(&mut self, domain: &str) {
        self.change(domain, |domain| domain.is_busy = false);
    }

    /// What was taken of the domain is listened to, and holds up no poll.
    pub(crate) fn listen(&mut self, domain: &str) {
        self.change(domain, |domain| {
            domain.is_busy = false;
            domain.connections += 1;
        });
    }

    /// One of those that were listened to is no more.
    pub(crate) fn hang_up(&mut self, domain: &str) {
        self.change(domain, |domain| domain.connections = domain.connections.saturating_sub(1));
    }

    /// Forgets the waiting sources that are not to be kept.
    pub(crate) fn retain(&mut self, keep: impl Fn(&Watched) -> bool) {
        let names: Vec<String> = self.domains.keys().cloned().collect();
        for name in names {
            self.change(&name, |domain| domain.sources.retain(|_, watched| keep(watched)));
        }
    }

    /// A source that waits for its next poll has items that may be settled at `at`.
    pub(crate) fn wake(&mut self, domain: &str, id: &str, at: DateTime<Utc>) {
        if !self.domains.contains_key(domain) {
            return;
        }
        self.change(domain, |domain| {
            let key = domain.sources.keys().find(|(_, known)| known == id).cloned();
            if let Some(mut watched) = key.and_then(|key| domain.sources.remove(&key)) {
                watched.waiting = Some(watched.waiting.map_or(at, |waiting| waiting.min(at)));
                domain.sources.insert((watched.due(), watched.source.id.clone()), watched);
            }
        });
    }

    /// Domains of which something is in work.
    pub(crate) fn in_work(&self) -> Vec<String> {
        let in_work = self.domains.iter().filter(|(_, domain)| domain.is_in_work());
        in_work.map(|(name, _)| name.clone()).collect()
    }

    pub(crate) fn is_in_work(&self, domain: &str) -> bool {
        self.domains.get(domain).is_some_and(Domain::is_in_work)
    }

    /// The source that is longest overdue; no suspect where those have no place left.
    pub(crate) fn take_due(&mut self, now: DateTime<Utc>, is_suspect_taken: bool) -> Option<Watched> {
        let is_fit = |name: &str| {
            let first = self.domains.get(name).and_then(|domain| domain.sources.values().next());
            first.is_some_and(|watched| is_suspect_taken || !watched.is_suspect())
        };
        let due = self.heads.iter().take_while(|(at, _)| *at <= now);
        let name = due.map(|(_, name)| name).find(|name| is_fit(name))?.clone();
        let mut taken = None;
        self.change(&name, |domain| {
            taken = domain.sources.pop_first().map(|(_, watched)| *watched);
            domain.is_busy = true;
        });
        taken
    }

    /// How many of the waiting sources stand how.
    pub(crate) fn standings(&self) -> HashMap<&'static str, usize> {
        let mut counts = HashMap::new();
        for watched in self.domains.values().flat_map(|domain| domain.sources.values()) {
            *counts.entry(watched.standing.as_str()).or_default() += 1;
        }
        counts
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.domains.values().map(|domain| domain.sources.len()).sum()
    }

    /// Changes a domain and keeps its head where it belongs.
    fn change(&mut self, name: &str, how: impl FnOnce(&mut Domain)) {
        let domain = self.domains.entry(name.to_owned()).or_default();
        if let Some(head) = domain.head() {
            self.heads.remove(&(head, name.to_owned()));
        }
        how(domain);
        if let Some(head) = domain.head() {
            self.heads.insert((head, name.to_owned()));
        } else if domain.sources.is_empty() && !domain.is_in_work() {
            self.domains.remove(name);
        }
    }
}

impl Domain {
    const fn is_in_work(&self) -> bool {
        self.is_busy || self.connections > 0
    }

    fn head(&self) -> Option<DateTime<Utc>> {
        self.sources.keys().next().map(|(at, _)| *at).filter(|_| !self.is_busy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    fn watched(id: &str, host: &str, due: i64, failures: i32) -> Watched {
        let text = format!("id = '{id}'\nurl = 'https://{host}/{id}'");
        let state = SourceState { next_poll_at: Some(at(due)), failures, ..SourceState::default() };
        Watched::new(toml::from_str(&text).unwrap(), 1, state, None)
    }

    fn taken(queue: &mut Queue, now: i64, suspects: bool) -> Option<String> {
        queue.take_due(at(now), suspects).map(|watched| watched.source.id)
    }

    #[test]
    fn the_longest_overdue_comes_first_and_the_future_not_at_all() {
        let mut queue = Queue::default();
        for (id, due) in [("b", 20), ("a", 10), ("c", 30)] {
            queue.put(watched(id, &format!("{id}.com"), due, 0));
        }
        assert_eq!(taken(&mut queue, 25, true).as_deref(), Some("a"));
        assert_eq!(taken(&mut queue, 25, true).as_deref(), Some("b"));
        assert_eq!(taken(&mut queue, 25, true), None);
        assert_eq!(queue.len(), 1);
    }

    #[test]
    fn of_one_domain_one_source_is_polled_at_a_time() {
        let mut queue = Queue::default();
        queue.put(watched("a", "x.example.com", 1, 0));
        queue.put(watched("b", "y.example.com", 2, 0));
        queue.put(watched("c", "other.com", 3, 0));
        let first = queue.take_due(at(9), true).unwrap();
        assert_eq!(taken(&mut queue, 9, true).as_deref(), Some("c"));
        assert_eq!(taken(&mut queue, 9, true), None);
        assert!(queue.is_in_work("example.com") && queue.is_in_work("other.com"));
        queue.rest("example.com");
        queue.put(first);
        assert_eq!(taken(&mut queue, 9, true).as_deref(), Some("a"), "it is due as before");
    }

    #[test]
    fn a_domain_is_in_work_while_a_connection_is_open_that_holds_up_no_poll() {
        let mut queue = Queue::default();
        for (id, due) in [("live", 1), ("other", 2), ("feed", 3)] {
            queue.put(watched(id, "a.com", due, 0));
        }
        for id in ["live", "other"] {
            assert_eq!(taken(&mut queue, 9, true).as_deref(), Some(id));
            queue.listen("a.com");
        }
        assert_eq!(taken(&mut queue, 9, true).as_deref(), Some("feed"));
        queue.rest("a.com");
        queue.hang_up("a.com");
        assert_eq!(queue.in_work(), ["a.com"], "nothing waits, one connection is open");
        queue.hang_up("a.com");
        assert!(!queue.is_in_work("a.com") && queue.in_work().is_empty());
    }

    #[test]
    fn what_is_not_kept_is_forgotten() {
        let mut queue = Queue::default();
        queue.put(watched("a", "a.com", 1, 0));
        queue.put(watched("b", "b.com", 2, 0));
        queue.retain(|watched| watched.source.id == "b");
        assert_eq!((queue.len(), queue.domains.len()), (1, 1));
        assert_eq!(taken(&mut queue, 9, true).as_deref(), Some("b"));
    }

    #[test]
    fn suspects_wait_where_their_places_are_taken_and_hold_up_nobody() {
        let mut queue = Queue::default();
        queue.put(watched("broken", "a.com", 1, 3));
        queue.put(watched("good", "b.com", 2, 0));
        assert_eq!(taken(&mut queue, 9, false).as_deref(), Some("good"));
        assert_eq!(taken(&mut queue, 9, false), None);
        assert_eq!(taken(&mut queue, 9, true).as_deref(), Some("broken"));
    }

    #[test]
    fn a_source_that_sleeps_is_woken_by_items_that_were_delivered() {
        let mut queue = Queue::default();
        queue.put(watched("a", "a.com", 100, 0));
        queue.wake("a.com", "a", at(5));
        queue.wake("a.com", "unknown", at(1));
        queue.wake("b.com", "a", at(1));
        assert_eq!((taken(&mut queue, 4, true), queue.len()), (None, 1));
        assert_eq!(taken(&mut queue, 5, true).as_deref(), Some("a"));
    }

    #[test]
    fn items_that_wait_make_a_source_due_before_its_next_poll() {
        let mut queue = Queue::default();
        queue.put(Watched { waiting: Some(at(5)), ..watched("a", "a.com", 100, 0) });
        assert_eq!(taken(&mut queue, 4, true), None);
        assert_eq!(taken(&mut queue, 5, true).as_deref(), Some("a"));
    }
}
