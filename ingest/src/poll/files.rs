//! One look at the files of a source: what was written behind what was read is taken in, a
//! part at a time, together with how far its file was read.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tocsin_stream::Verdict;

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

/// What one look at them gave.
#[derive(Default)]
struct Look {
    /// Rows that were new, changed or taken back.
    new: usize,
    parts: usize,
    /// Why files could not be taken in, and others were.
    errors: Vec<IngestError>,
}

impl Poller {
    /// Takes in what can be read, also where it fails: with the first of what cannot.
    pub(super) async fn ask_files(
        &self,
        source: &SourceConfig,
        state: &mut SourceState,
    ) -> Result<usize, IngestError> {
        let reader = Reader::of(source).map_err(|cause| IngestError::of_source(&source.id, cause))?;
        let config = source.file.clone().unwrap_or_default();
        let (form, settle) = (Form::new(source.format, &config), delta(config.settle));
        let files = Files { source, reader, form, settle };
        let unreadable = |cause| IngestError::Unreadable { url: source.url.clone(), cause };
        let pattern = source.url.clone();
        let (found, hidden) = self.read(move || files::find(&pattern)).await.map_err(unreadable)?;
        let known = self.state.files(&source.id).await?;
        let mut look = Look::default();
        for file in &found {
            match self.read_on(&files, file, &known, &mut look, state).await {
                Err(error) if error.verdict() == Verdict::Park => look.errors.push(error),
                outcome => outcome?,
            }
        }
        // What is hidden may be there.
        if hidden.is_empty() {
            let there: Vec<String> = found.iter().map(|file| name_of(&file.path)).collect();
            self.state.forget_files(&source.id, &there).await?;
        }
        let hidden =
            hidden.into_iter().map(|(path, cause)| IngestError::Unreadable { url: name_of(&path), cause });
        look.errors.extend(hidden);
        self.end_look(source, look, state).await
    }

    async fn end_look(
        &self,
        source: &SourceConfig,
        look: Look,
        state: &mut SourceState,
    ) -> Result<usize, IngestError> {
        let (now, is_over) = (self.clock.now(), look.parts < PARTS);
        let mut errors = look.errors.into_iter();
        // While there is more to read the next look follows at once; the last one fails.
        if let Some(first) = errors.next().filter(|_| is_over) {
            errors
                .for_each(|error| tracing::warn!(source.id, "{} is read without a file: {error}", source.id));
            return Err(first);
        }
        self.plan(source, state, Duration::ZERO, now);
        if !is_over {
            state.next_poll_at = Some(now);
        }
        metric::polled(if look.parts > 0 { "read" } else { "not_modified" });
        self.state.save_source(&source.id, &source.url, state).await?;
        Ok(look.new)
    }

    /// Takes in what stands behind what is known of a file, as long as parts are left.
    async fn read_on(
        &self,
        files: &Files<'_>,
        file: &Found,
        known: &HashMap<String, Mark>,
        look: &mut Look,
        state: &mut SourceState,
    ) -> Result<(), IngestError> {
        let name = name_of(&file.path);
        let known = known.get(&name);
        let is_same =
            |mark: &Mark| (mark.size, mark.changed, mark.read.bytes) == (file.size, file.changed, file.size);
        if file.size == 0 || known.is_some_and(is_same) {
            return Ok(());
        }
        let unreadable = |cause| IngestError::Unreadable { url: name.clone(), cause };
        let (path, known) = (file.path.clone(), known.filter(|mark| mark.read.bytes <= file.size).cloned());
        // Opened once: all is read of one file, though another may take its place.
        let opened = self.read(move || resume(&path, known).map_err(|cause| cause.to_string())).await;
        let (open, mut at) = opened.map_err(unreadable)?;
        while look.parts < PARTS && !self.stop.is_requested() {
            let (rows, digest) = self.part(files, file, &open, at).await.map_err(unreadable)?;
            if rows.to == at {
                break;
            }
            at = rows.to;
            look.parts += 1;
            let is_end = rows.is_end;
            let shown = self.shown_by_rows(files, &name, rows);
            let now = self.clock.now();
            let newest = state.newest_at;
            schedule::learn(state, shown.times().chain(newest), now);
            let mark = Mark { read: at, digest, size: file.size, changed: file.changed };
            let source = (files.source.id.as_str(), files.source.url.as_str());
            look.new += self.state.take_in_rows(source, shown, (&name, &mark), state, now).await?;
            if is_end {
                break;
            }
        }
        Ok(())
    }

    /// The next rows of an open file, and the digest of what was read of it with them.
    async fn part(
        &self,
        files: &Files<'_>,
        file: &Found,
        open: &Arc<File>,
        from: Offset,
    ) -> Result<(Rows, i64), String> {
        let (form, open) = (files.form, Arc::clone(open));
        let is_settled = file.changed + files.settle <= self.clock.now();
        let read = move || {
            let rows = form.read(&open, from, PART, is_settled)?;
            let digest = digest(&open, rows.to.bytes).map_err(|cause| cause.to_string())?;
            Ok((rows, digest))
        };
        self.read(read).await
    }

    fn shown_by_rows(&self, files: &Files<'_>, name: &str, rows: Rows) -> Shown {
        let (source, mut shown) = (files.source, Shown { shows_deleted: true, ..Shown::default() });
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

/// A file, and where it is read on: its beginning, unless what was read of it still stands there.
fn resume(path: &Path, known: Option<Mark>) -> io::Result<(Arc<File>, Offset)> {
    let (file, mut at) = (File::open(path)?, Offset::default());
    if let Some(mark) = known
        && digest(&file, mark.read.bytes)? == mark.digest
    {
        at = mark.read;
    }
    Ok((Arc::new(file), at))
}

fn name_of(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
