//! One look at the files of a source: what was written behind what was read is taken in, a
//! part at a time, together with how far its file was read.

use std::collections::HashMap;
use std::time::Duration;

use chrono::TimeDelta;

use super::Poller;
use crate::config::SourceConfig;
use crate::files::{self, Form, Found, Mark, Offset, Rows, digest};
use crate::items::{Shown, Unfit};
use crate::json::Reader;
use crate::schedule::delta;
use crate::state::SourceState;
use crate::{IngestError, metric, schedule};

/// Rows that are written down at a time.
const PART: usize = 500;
/// Most parts that one look reads; the next one follows at once.
const PARTS: usize = 20;

/// What reading the files of one source needs.
struct Files<'a> {
    source: &'a SourceConfig,
    reader: Reader,
    form: Form,
    settle: TimeDelta,
}

impl Poller {
    pub(super) async fn ask_files(
        &self,
        source: &SourceConfig,
        state: &mut SourceState,
    ) -> Result<usize, IngestError> {
        let reader = Reader::of(source).map_err(IngestError::Configuration)?;
        let config = source.file.clone().unwrap_or_default();
        let (form, settle) = (Form::new(source.format, &config), delta(config.settle));
        let files = Files { source, reader, form, settle };
        let unreadable = |cause| IngestError::Unreadable { url: source.url.clone(), cause };
        let pattern = source.url.clone();
        let found = self.read(move || files::find(&pattern)).await.map_err(unreadable)?;
        let known = self.state.files(&source.id).await?;
        self.plan(source, state, Duration::ZERO, self.clock.now());
        let (mut new, mut parts) = (0, 0);
        for file in &found {
            new += self.read_on(&files, file, &known, &mut parts, state).await?;
        }
        if parts == PARTS {
            state.next_poll_at = Some(self.clock.now());
        }
        let there: Vec<String> = found.iter().map(name_of).collect();
        self.state.forget_files(&source.id, &there).await?;
        metric::polled(if parts > 0 { "read" } else { "not_modified" });
        self.state.save_source(&source.id, &source.url, state).await?;
        Ok(new)
    }

    /// Takes in what stands behind what is known of a file, as long as `parts` are left.
    async fn read_on(
        &self,
        files: &Files<'_>,
        file: &Found,
        known: &HashMap<String, Mark>,
        parts: &mut usize,
        state: &mut SourceState,
    ) -> Result<usize, IngestError> {
        let (name, mut new) = (name_of(file), 0);
        let known = known.get(&name);
        let is_same =
            |mark: &Mark| (mark.size, mark.changed, mark.read.bytes) == (file.size, file.changed, file.size);
        if file.size == 0 || known.is_some_and(is_same) {
            return Ok(0);
        }
        let unreadable = |cause| IngestError::Unreadable { url: name.clone(), cause };
        let mut at = self.resume(file, known).await.map_err(unreadable)?;
        while *parts < PARTS && !self.stop.is_requested() {
            let (form, path, from) = (files.form, file.path.clone(), at);
            let is_settled = file.changed + files.settle <= self.clock.now();
            let read = move || {
                let rows = form.read(&path, from, PART, is_settled)?;
                let digest = digest(&path, rows.to.bytes).map_err(|cause| cause.to_string())?;
                Ok((rows, digest))
            };
            let (rows, digest) = self.read(read).await.map_err(unreadable)?;
            if rows.to == at {
                break;
            }
            at = rows.to;
            *parts += 1;
            let is_end = rows.is_end;
            let shown = self.shown_by_rows(files, &name, rows);
            let now = self.clock.now();
            let newest = state.newest_at;
            schedule::learn(state, shown.times().chain(newest), now);
            let mark = Mark { read: at, digest, size: file.size, changed: file.changed };
            let source = (files.source.id.as_str(), files.source.url.as_str());
            new += self.state.take_in_rows(source, shown, (&name, &mark), state, now).await?;
            if is_end {
                break;
            }
        }
        Ok(new)
    }

    /// Where a file is read on: its beginning, unless what was read of it still stands there.
    async fn resume(&self, file: &Found, known: Option<&Mark>) -> Result<Offset, String> {
        let Some(mark) = known.filter(|mark| mark.read.bytes <= file.size) else {
            return Ok(Offset::default());
        };
        let (path, read) = (file.path.clone(), mark.read);
        let now = self.read(move || digest(&path, read.bytes).map_err(|cause| cause.to_string())).await?;
        Ok(if now == mark.digest { read } else { Offset::default() })
    }

    fn shown_by_rows(&self, files: &Files<'_>, name: &str, rows: Rows) -> Shown {
        let (source, mut shown) = (files.source, Shown::default());
        for row in rows.rows {
            let place = || format!("{name}:{}", row.line);
            match row.content.map(|content| files.reader.item(&content, None)) {
                Ok(item) => self.show(source, item, place, &mut shown),
                Err(bad) => {
                    shown.unfit.push(Unfit::new(&source.id, &bad.text, bad.cause.to_owned(), place()));
                }
            }
        }
        if let Some(first) = shown.unfit.first() {
            let count = shown.unfit.len();
            tracing::warn!(source.id, rows = count, "{count} rows of {} left out, first {first}", source.id);
        }
        shown
    }
}

fn name_of(file: &Found) -> String {
    file.path.to_string_lossy().into_owned()
}
