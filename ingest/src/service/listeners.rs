//! Which sources are listened to: of each one connection at a time, also while it is changed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tocsin_runtime::Shutdown;

use crate::queue::Watched;

/// Whoever listens, by the id of the source; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Listeners(Arc<Mutex<HashMap<String, Listener>>>);

#[derive(Debug)]
struct Listener {
    /// Of the source, in the register.
    version: i64,
    /// What ends it.
    leave: Shutdown,
    /// The source as it is by now, which waits until this one has ended.
    next: Option<Watched>,
}

impl Listeners {
    /// The source back, with what ends listening to it. `None`: it is listened to as it was before;
    /// that is asked to end, and [`Self::end`] then gives this one.
    pub(super) fn begin(&self, watched: Watched) -> Option<(Watched, Shutdown)> {
        let mut all = self.lock();
        if let Some(before) = all.get_mut(&watched.source.id) {
            before.leave.request();
            before.next = Some(watched);
            return None;
        }
        let leave = Shutdown::new();
        let listener = Listener { version: watched.version, leave: leave.clone(), next: None };
        all.insert(watched.source.id.clone(), listener);
        Some((watched, leave))
    }

    /// The source that waited for this end.
    pub(super) fn end(&self, id: &str) -> Option<Watched> {
        self.lock().remove(id)?.next
    }

    /// Nothing is heard any more of what is not to be kept, by its id and version.
    pub(super) fn retain(&self, keep: impl Fn(&str, i64) -> bool) {
        for (_, listener) in self.lock().iter().filter(|(id, listener)| !keep(id, listener.version)) {
            listener.leave.request();
        }
    }

    pub(super) fn has(&self, id: &str) -> bool {
        self.lock().contains_key(id)
    }

    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Listener>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::SourceState;

    fn watched(version: i64) -> Watched {
        let source = "id = 's'\nurl = 'wss://jet.example/subscribe'\nformat = 'jetstream'";
        Watched::new(toml::from_str(source).unwrap(), version, SourceState::default(), None)
    }

    #[test]
    fn a_source_that_was_changed_is_listened_to_once_what_listens_has_ended() {
        let listeners = Listeners::default();
        let (_, before) = listeners.begin(watched(1)).unwrap();
        assert!(listeners.begin(watched(2)).is_none() && before.is_requested());
        assert!(listeners.begin(watched(3)).is_none(), "changed once more");
        let next = listeners.end("s").unwrap();
        assert_eq!((next.version, listeners.has("s")), (3, false));
        let (_, now) = listeners.begin(next).unwrap();
        listeners.retain(|id, version| (id, version) == ("s", 3));
        assert!(!now.is_requested(), "the end of the other one does not end it");
        listeners.retain(|_, _| false);
        assert!(now.is_requested() && listeners.has("s"), "it is there until it has ended");
        assert!(listeners.end("s").is_none() && listeners.len() == 0);
    }
}
