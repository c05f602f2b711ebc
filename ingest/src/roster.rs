//! Which sources this instance watches: those of the register, in the domains it holds.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tocsin_stream::Verdict;
use tokio::time::Instant;

use crate::IngestError;
use crate::config::{IngestConfig, SourceConfig};
use crate::leases::{Change, Held, Leases};
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
    /// Domains that others should have, of which something is still in work.
    parting: HashSet<String>,
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
        let own = sources.iter().filter(|source| source.is_own().is_some());
        let own = own.map(|source| source.id.clone()).collect();
        let leases = Leases::new(state.pool.clone(), holder, config.lease, own);
        Ok(Self {
            state,
            leases,
            own: sources,
            versions: HashMap::new(),
            parting: HashSet::new(),
            every: config.lease / 3,
            next: Instant::now(),
            has_hubs: config.websub.callback.is_some(),
        })
    }

    pub(crate) fn held(&self) -> Held {
        self.leases.held()
    }

    /// Renews when it is time, and says whether it was. A database that is away is waited for;
    /// meanwhile leases run out, and with them the polls.
    pub(crate) async fn keep(&mut self, queue: &mut Queue) -> Result<bool, IngestError> {
        if Instant::now() < self.next {
            return Ok(false);
        }
        self.next = Instant::now() + self.every;
        match tokio::time::timeout(self.every, self.renew(queue)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) if error.verdict() == Verdict::Halt => return Err(error),
            Ok(Err(error)) => tracing::warn!("leases not renewed: {error}"),
            Err(_) => tracing::warn!("leases not renewed within {:?}", self.every),
        }
        Ok(true)
    }

    async fn renew(&mut self, queue: &mut Queue) -> Result<(), IngestError> {
        let change = self.leases.renew(&queue.in_work()).await?;
        if !change.gained.is_empty() || !change.lost.is_empty() {
            let (gained, lost) = (change.gained.len(), change.lost.len());
            tracing::info!(gained, lost, "{gained} domains taken, {lost} lost");
        }
        self.part(queue, change).await?;
        let mut domains = self.held().domains();
        domains.retain(|domain| !self.parting.contains(domain));
        let versions = self.state.versions(&domains, &self.leases.own).await?;
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
        if let Err(error) = self.leases.explain().await {
            tracing::warn!("the register does not say which sources are not polled: {error}");
        }
        if self.has_hubs { self.wake(queue).await } else { Ok(()) }
    }

    /// Lets go of what others should have: at once where nothing is in work. Of the rest nothing
    /// more is begun, connections are closed, and it is let go when that has ended.
    async fn part(&mut self, queue: &Queue, change: Change) -> Result<(), IngestError> {
        let mut going: HashSet<String> = self.parting.drain().chain(change.others).collect();
        let more = change.surplus.saturating_sub(going.len());
        if more > 0 {
            let mut spare = change.spare;
            spare.retain(|domain| !going.contains(domain));
            spare.sort_by_key(|domain| queue.is_in_work(domain));
            going.extend(spare.into_iter().take(more));
        }
        let (busy, free): (Vec<String>, Vec<String>) =
            going.into_iter().partition(|domain| queue.is_in_work(domain));
        self.parting.extend(busy);
        if free.is_empty() { Ok(()) } else { self.leases.release(&free).await }
    }

    /// Something of the domain has ended. Where it was the last that others waited for, they
    /// have it the sooner.
    pub(crate) fn rested(&mut self, domain: &str, queue: &Queue) {
        if self.parting.contains(domain) && !queue.is_in_work(domain) {
            self.next = Instant::now();
        }
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

    /// As [`Self::wake`], when something was delivered here. What fails is done with the next
    /// renewal, which this does not hold up.
    pub(crate) async fn wake_delivered(&self, queue: &mut Queue) {
        match tokio::time::timeout(self.every / 2, self.wake(queue)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!("what was delivered waits: {error}"),
            Err(_) => tracing::warn!("what was delivered waits: not read within {:?}", self.every / 2),
        }
    }

    /// Wakes the sources for which hubs delivered something, to whichever instance.
    async fn wake(&self, queue: &mut Queue) -> Result<(), IngestError> {
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
