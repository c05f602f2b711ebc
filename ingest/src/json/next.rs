//! Where the next answer of a list is.

use reqwest::header::LINK;
use serde_json::Value;
use url::Url;

use super::path::Path;
use super::{parse, text};
use crate::client::Fetched;
use crate::config::{Counts, NextConfig};

#[derive(Debug, Clone)]
pub(super) enum Next {
    Header,
    Address(Path),
    Token(Path, String),
    /// The parameter, what it counts, and the number of an answer that was asked for without it.
    Count(String, Counts, usize),
}

impl Next {
    /// `Err` says what is wrong with the setting.
    pub(super) fn parse(config: NextConfig) -> Result<Self, String> {
        let path = config.path.as_deref().map(|path| parse("next.path", path)).transpose()?;
        if config.first.is_some() && config.counts.is_none() {
            return Err(
                "json.next.first is the number from which param counts, and belongs to counts".to_owned()
            );
        }
        match (config.header, path, config.param, config.counts) {
            (true, None, None, None) => Ok(Self::Header),
            (false, Some(path), None, None) => Ok(Self::Address(path)),
            (false, Some(path), Some(param), None) => Ok(Self::Token(path, param)),
            (false, None, Some(param), Some(counts)) => {
                Ok(Self::Count(param, counts, config.first.unwrap_or_default()))
            }
            _ => Err("json.next is one of header, path, path with param, and param with counts".to_owned()),
        }
    }

    /// Of an answer with so many items; `None`: it is the last one.
    pub(super) fn of(&self, answer: &Value, items: usize, fetched: &Fetched) -> Option<Result<Url, String>> {
        let join = |address: &str| {
            let url = fetched.url.join(address);
            url.map_err(|cause| format!("the next answer is said to be at {address:?}: {cause}"))
        };
        match self {
            Self::Header => Some(join(next_link(fetched.header(LINK)?)?)),
            Self::Address(path) => Some(join(&text(path.first(answer)?)?)),
            Self::Token(path, param) => {
                let token = text(path.first(answer)?).filter(|token| !token.is_empty() && token != "0")?;
                Some(Ok(with_param(&fetched.url, param, &token)))
            }
            Self::Count(param, counts, first) => {
                let so_far = fetched.url.query_pairs().find(|(name, _)| name == param);
                let so_far: usize = so_far.and_then(|(_, value)| value.parse().ok()).unwrap_or(*first);
                let more = match counts {
                    Counts::Pages => 1,
                    Counts::Items => items,
                };
                Some(Ok(with_param(&fetched.url, param, &(so_far + more).to_string())))
            }
        }
    }
}

/// The address with this value for a parameter, and no other for it.
pub(super) fn with_param(url: &Url, param: &str, value: &str) -> Url {
    let kept: Vec<(String, String)> =
        url.query_pairs().filter(|(name, _)| name != param).map(|(n, v)| (n.into(), v.into())).collect();
    let mut url = url.clone();
    url.query_pairs_mut().clear().extend_pairs(kept).append_pair(param, value);
    url
}

/// The target of `rel="next"` in a header `Link` (RFC 8288).
fn next_link(header: &str) -> Option<&str> {
    let links = header.split('<').filter_map(|link| link.split_once('>'));
    let is_next = |parameters: &str| {
        let mut pairs = parameters.split([';', ',']).filter_map(|pair| pair.trim().split_once('='));
        pairs.any(|(name, value)| name.trim() == "rel" && value.trim().trim_matches('"') == "next")
    };
    links.filter(|(_, parameters)| is_next(parameters)).map(|(target, _)| target.trim()).next()
}
