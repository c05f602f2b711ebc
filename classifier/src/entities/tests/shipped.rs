//! The shipped dictionary, for the sentences of the other tests.

use std::path::Path;
use std::sync::LazyLock;

use tocsin_contract::Role;

use crate::entities::Linker;

static LINKER: LazyLock<Linker> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/entities");
    Linker::read(&[folder]).unwrap()
});

/// The ids of the entities that are found in a text, in their order.
pub(super) fn ids(text: &str) -> Vec<String> {
    let mut ids: Vec<String> = LINKER.link(text, 0).into_iter().map(|l| l.entity.id.to_string()).collect();
    ids.sort();
    ids
}

/// What is found in a text, each mention as it stands there.
pub(super) fn mentioned(text: &str) -> Vec<String> {
    let mut found: Vec<_> = LINKER.link(text, 0).into_iter().flat_map(|l| l.mentions).collect();
    found.sort_by_key(|mention| mention.start);
    found.into_iter().map(|mention| mention.text).collect()
}

/// Where a target that the caller names stands in a text.
pub(super) fn places(text: &str, name: &str) -> Vec<(u32, u32)> {
    LINKER.places(text, name)
}

/// The role of an entity in a text whose first `title` characters are the title.
pub(super) fn role(text: &str, title: usize, id: &str) -> Option<Role> {
    LINKER.link(text, title).into_iter().find(|l| &*l.entity.id == id).map(|l| l.role)
}
