//! Models by the name they have on the Hugging Face hub: fetches what a model folder
//! holds into the hub's own cache, once. `HF_HOME`, `HF_ENDPOINT` and a token in the
//! cache work as in the hub's own tools. Local folders never come here.

use std::path::{Path, PathBuf};

use hf_hub::api::sync::{ApiBuilder, ApiError};
use hf_hub::{Repo, RepoType};

use crate::error::{ClassifierError, Result};
use crate::model::{CONFIG, ModelConfig, NGRAMS, TOKENIZER, WEIGHTS};

/// Marks a name of the hub where a folder could be meant: `hf://owner/name`.
const SCHEME: &str = "hf://";
const DEFAULT_REVISION: &str = "main";

/// A model on the hub: `owner/name`, with `@revision` where it is not the newest.
#[derive(Debug, Clone, PartialEq, Eq)]
struct HubName {
    repository: String,
    revision: String,
}

impl HubName {
    fn parse(text: &str) -> Option<Self> {
        let (repository, revision) = text.split_once('@').unwrap_or((text, DEFAULT_REVISION));
        let (owner, name) = repository.split_once('/')?;
        let plain = |part: &str| {
            part.starts_with(|c: char| c.is_ascii_alphanumeric())
                && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        };
        (plain(owner) && plain(name) && plain(revision))
            .then(|| Self { repository: repository.to_owned(), revision: revision.to_owned() })
    }
}

/// The folder that `path` names where it is `hf://owner/name[@revision]`, fetched when
/// it is not in the cache; `None` for any other path.
pub(crate) fn folder(path: &Path) -> Result<Option<PathBuf>> {
    let Some(name) = path.to_str().and_then(|text| text.strip_prefix(SCHEME)) else { return Ok(None) };
    let name = HubName::parse(name).ok_or_else(|| {
        ClassifierError::unfit(
            path,
            "hub name",
            "it takes the form hf://owner/name or hf://owner/name@revision",
        )
    })?;
    fetch(path, &name).map(Some)
}

/// As [`folder`]; without the scheme, `owner/name` is of the hub where no such path is.
pub(crate) fn base(path: &Path) -> Result<PathBuf> {
    if let Some(folder) = folder(path)? {
        return Ok(folder);
    }
    match path.to_str().and_then(HubName::parse) {
        Some(name) if !path.exists() => fetch(path, &name),
        _ => Ok(path.to_owned()),
    }
}

fn fetch(asked: &Path, name: &HubName) -> Result<PathBuf> {
    let fail =
        |error: ApiError| ClassifierError::Hub { name: name.repository.clone(), reason: reason(&error) };
    let api = ApiBuilder::from_env().build().map_err(fail)?;
    let repo = Repo::with_revision(name.repository.clone(), RepoType::Model, name.revision.clone());
    let repo = api.repo(repo);
    let mut folder = None;
    for file in [CONFIG, TOKENIZER, WEIGHTS] {
        let path = repo.get(file).map_err(fail)?;
        folder = path.parent().map(Path::to_owned);
    }
    // Only a model of ours with n-grams has them.
    if folder.as_deref().is_some_and(|folder| ModelConfig::read(folder).is_ok_and(|c| !c.blends.is_empty())) {
        repo.get(NGRAMS).map_err(fail)?;
    }
    folder.ok_or_else(|| ClassifierError::unfit(asked, "hub name", "its files have no folder"))
}

fn reason(error: &ApiError) -> String {
    format!("{error}; name a local folder instead, or set HF_ENDPOINT to a mirror")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_from_paths() {
        let name = HubName::parse("intfloat/multilingual-e5-small").unwrap();
        assert_eq!(name.revision, "main");
        assert_eq!(HubName::parse("a/b@v1.0").unwrap().revision, "v1.0");
        for path in ["models", "./a/b", "/a/b", "a/b/c", "../b", "a/", "a b/c", "a/b@", "a/.."] {
            assert_eq!(HubName::parse(path), None, "{path}");
        }
    }

    #[test]
    fn a_folder_is_not_looked_for_on_the_hub() {
        assert_eq!(folder(Path::new("models/tocsin-small")).unwrap(), None);
        let here = tempfile::tempdir().unwrap();
        assert_eq!(base(here.path()).unwrap(), here.path());
        assert_eq!(base(Path::new("no/such/folder")).unwrap(), Path::new("no/such/folder"));
    }

    #[test]
    fn a_name_that_cannot_be_one_is_refused_with_its_form() {
        let error = folder(Path::new("hf://only-a-name")).unwrap_err().to_string();
        assert!(error.contains("hf://only-a-name") && error.contains("owner/name"), "{error}");
    }
}
