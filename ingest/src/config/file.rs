//! `[file]` of a source: how the files that it reads are written.

use std::time::Duration;

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};
use serde::{Deserialize, Serialize};

/// How rows stand in files, and when a file may be taken for complete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FileConfig {
    /// Between two columns of a CSV file; one ASCII character.
    pub delimiter: char,
    /// As the web names it, `gb18030`; by default UTF-8. A file that begins with the mark of UTF-16 is in that.
    pub encoding: Option<String>,
    /// A last row without an end is taken once its file was left alone for so long.
    #[serde(with = "humantime_serde")]
    pub settle: Duration,
}

impl Default for FileConfig {
    fn default() -> Self {
        Self { delimiter: ',', encoding: None, settle: Duration::from_secs(60) }
    }
}

impl FileConfig {
    pub(crate) fn check(&self) -> Result<(), String> {
        if !self.delimiter.is_ascii() || matches!(self.delimiter, '"' | '\r' | '\n') {
            return Err(format!(
                "file.delimiter {:?} is no ASCII character that can part columns",
                self.delimiter
            ));
        }
        match &self.encoding {
            Some(label) => Self::encoding_of(label).map(drop),
            None => Ok(()),
        }
    }

    /// `None`: UTF-8.
    pub(crate) fn encoding(&self) -> Option<&'static Encoding> {
        Self::encoding_of(self.encoding.as_deref()?).ok()
    }

    fn encoding_of(label: &str) -> Result<&'static Encoding, String> {
        let encoding = Encoding::for_label_no_replacement(label.as_bytes());
        let encoding = encoding.ok_or_else(|| format!("file.encoding {label:?} is not known"))?;
        if encoding.is_ascii_compatible() || encoding == UTF_16LE || encoding == UTF_16BE {
            Ok(encoding)
        } else {
            Err(format!("file.encoding {label:?} cannot be read row by row; convert the files to UTF-8"))
        }
    }
}
