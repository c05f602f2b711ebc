//! The statements that put rows in, a batch each, as columns through `unnest`.

mod corrections;
mod deletions;
mod documents;
mod mentions;
mod seen;

pub(crate) use corrections::corrections;
pub(crate) use deletions::deletions;
pub(crate) use documents::documents;
pub(crate) use mentions::mentions;
pub(crate) use seen::seen;
