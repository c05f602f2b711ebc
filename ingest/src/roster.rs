//! Which sources this instance watches: those of the register, in the domains it holds.

use std::collections::HashMap;
use std::time::Duration;

use tocsin_stream::Verdict;
use tokio::time::Instant;

use crate::IngestError;
use crate::config::{IngestConfig, SourceConfig};
use crate::leases::{Held, Leases};
use crate::queue::{Queue, Watched};
use crate::state::State;

/// Keeps a queue up with register and leases.
#[derive(Debug)]
pub(crate) struct Roster {
    state: State,
    leases: Leases,
    /// What our own file says, secrets included.
    own: Vec<SourceConfig>,
    /// The version of each source that is watched.
    versions: HashMap<String, i64>,
    every: Duration,
    next: Instant,
    /// Whether hubs deliver.
    has_hubs: bool,
}

impl Roster {
    /// Enrolls the sources of the file, and holds nothing yet.
    pub(crate) async fn open(config: &IngestConfig, state: State) -> Result<Self, IngestError> {
        let mut sources = config.sources.clone();
        for source in &mut sources {
            source.retention = source.retention.or(config.privacy.of(source.kind).retention);
        }
        state.enroll_file(&config.instance, &sources).await?;
        let holder = format!("{}/{}", config.instance, state.token().await?);
        let own = sources.iter().map(|source| source.id.clone()).collect();
        let leases = Leases::new(state.pool.clone(), holder, config.lease, own);
        Ok(Self {
            state,
            leases,
            own: sources,
            versions: HashMap::new(),
            every: config.lease / 3,
            next: Instant::now(),
            has_hubs: config.websub.callback.is_some(),
        })
    }

    pub(crate) fn held(&self) -> Held {
        self.leases.held()
    }

    /// Renews when it is time. A database that is away is waited for; meanwhile leases
    /// run out, and with them the polls.
    pub(crate) async fn keep(&mut self, queue: &mut Queue) -> Result<(), IngestError> {
        if Instant::now() < self.next {
            return Ok(());
        }
        self.next = Instant::now() + self.every;
        match tokio::time::timeout(self.every, self.renew(queue)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) if error.verdict() == Verdict::Halt => return Err(error),
            Ok(Err(error)) => tracing::warn!("leases not renewed: {error}"),
            Err(_) => tracing::warn!("leases not renewed within {:?}", self.every),
        }
        Ok(())
    }

    async fn renew(&mut self, queue: &mut Queue) -> Result<(), IngestError> {
        let change = self.leases.renew().await?;
        if !change.gained.is_empty() || !change.lost.is_empty() {
            let (gained, lost) = (change.gained.len(), change.lost.len());
            tracing::info!(gained, lost, "{gained} domains taken, {lost} lost");
        }
        if change.surplus > 0 {
            let idle = queue.idle_domains(change.surplus);
            self.leases.release(&idle).await?;
        }
        let versions = self.state.versions(&self.held().domains(), &self.leases.own).await?;
        let is_same = |id: &str, version: i64| self.versions.get(id) == Some(&version);
        let ids: Vec<String> = versions
            .iter()
            .filter(|(id, version)| !is_same(id, **version))
            .map(|(id, _)| id.clone())
            .collect();
        queue.retain(|watched| versions.get(&watched.source.id) == Some(&watched.version));
        if !ids.is_empty() {
            self.watch(queue, &ids).await?;
        }
        self.versions = versions;
        if self.has_hubs { self.wake(queue).await } else { Ok(()) }
    }

    /// Brings sources that are new or changed into the queue, with what is remembered of them.
    async fn watch(&self, queue: &mut Queue, ids: &[String]) -> Result<(), IngestError> {
        let enrolled = self.state.enrolled(ids, &self.own).await?;
        let mut states = self.state.sources(ids).await?;
        let mut waiting = self.state.waiting(ids).await?;
        for (source, version) in enrolled {
            let state = states.remove(&source.id).map(|known| known.of(&source.url)).unwrap_or_default();
            let waiting = waiting.remove(&source.id);
            queue.put(Watched::new(source, version, state, waiting));
        }
        Ok(())
    }

    /// Wakes the sources for which hubs delivered something, to whichever instance.
    pub(crate) async fn wake(&self, queue: &mut Queue) -> Result<(), IngestError> {
        for (id, (domain, at)) in self.state.waiting_deliveries().await? {
            queue.wake(&domain, &id, at);
        }
        Ok(())
    }

    /// Whether a source that comes back from its turn is still ours, as it is.
    pub(crate) fn watches(&self, watched: &Watched) -> bool {
        self.has(&watched.source.id, watched.version)
    }

    pub(crate) fn has(&self, id: &str, version: i64) -> bool {
        self.versions.get(id) == Some(&version)
    }

    /// Whatever is watched of it is gone; the next renewal brings it back if it is ours.
    pub(crate) fn forget(&mut self, id: &str) {
        self.versions.remove(id);
    }

    pub(crate) async fn close(mut self) -> Result<(), IngestError> {
        self.leases.release_all().await
    }
}
