//! What rows are read from.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};

/// A file, or text of one in UTF-8.
#[derive(Debug, Clone)]
pub(super) enum Text<'a> {
    File(&'a File),
    Memory(Cursor<&'a [u8]>),
}

impl<'a> Text<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Self::Memory(Cursor::new(bytes))
    }

    /// In bytes.
    pub(super) fn size(&self) -> io::Result<u64> {
        match self {
            Self::File(file) => Ok(file.metadata()?.len()),
            Self::Memory(text) => Ok(text.get_ref().len() as u64),
        }
    }
}

impl Read for Text<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(buffer),
            Self::Memory(text) => text.read(buffer),
        }
    }
}

impl Seek for Text<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::File(file) => file.seek(to),
            Self::Memory(text) => text.seek(to),
        }
    }
}
