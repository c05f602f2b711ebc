//! Whether a document is a feed, told by the elements with which it begins.

use super::names::{Field, is_root};

/// What a document has shown of itself so far.
#[derive(Debug, Default)]
pub(super) struct Front {
    stage: Stage,
    /// It began as a page does.
    is_page: bool,
}

#[derive(Debug, Default)]
enum Stage {
    #[default]
    Nothing,
    /// The first element is a field of a feed or item; it has not ended yet.
    Field(String),
    /// It begins within a feed, so that its root is missing.
    CutOff,
    Feed,
    /// Something else, in which a feed may follow.
    Other,
    /// Within a script of a page, before any feed.
    Script,
}

impl Front {
    pub(super) fn of(text: &str) -> Self {
        const DOCTYPE: &str = "<!doctype html";
        let is_page = text.get(..DOCTYPE.len()).is_some_and(|start| start.eq_ignore_ascii_case(DOCTYPE));
        if is_page { Self { stage: Stage::Other, is_page } } else { Self::default() }
    }

    /// Takes note of an element that begins, named as [`Field::of`] has it. Returns whether it may be one of a feed.
    pub(super) fn open(&mut self, space: &str, local: &str, is_closed: bool) -> bool {
        if matches!(self.stage, Stage::Feed) {
            return true;
        }
        let is_item = space.is_empty() && matches!(local, "item" | "entry");
        // A page has channels of its own.
        let is_root = is_root(local) && !(self.is_page && local == "channel");
        let stage = std::mem::take(&mut self.stage);
        self.stage = match stage {
            Stage::Script => Stage::Script,
            Stage::Nothing | Stage::Field(_) | Stage::CutOff | Stage::Other if is_root => Stage::Feed,
            Stage::Nothing | Stage::CutOff if is_item => Stage::Feed,
            Stage::Nothing => self.first(space, local, is_closed),
            Stage::Other if self.is_page && !is_closed && is_script(local) => Stage::Script,
            Stage::Field(_) | Stage::CutOff | Stage::Feed | Stage::Other => stage,
        };
        match self.stage {
            Stage::Feed => true,
            Stage::Nothing | Stage::Field(_) | Stage::CutOff => !is_item,
            Stage::Other | Stage::Script => false,
        }
    }

    fn first(&mut self, space: &str, local: &str, is_closed: bool) -> Stage {
        self.is_page = local == "html";
        match Field::of(space, local) {
            Some(_) if is_closed => Stage::CutOff,
            Some(_) => Stage::Field(local.to_owned()),
            None => Stage::Other,
        }
    }

    /// Takes note of an element that ends.
    pub(super) fn close(&mut self, local: &str) {
        let is_cut_off = match &self.stage {
            Stage::Nothing => true,
            Stage::Field(open) => open == local,
            Stage::CutOff | Stage::Feed | Stage::Other | Stage::Script => false,
        };
        if is_cut_off {
            self.stage = Stage::CutOff;
        } else if matches!(self.stage, Stage::Script) && is_script(local) {
            self.stage = Stage::Other;
        }
    }

    /// Whether it was a feed, in which so many items were found.
    pub(super) fn is_feed(&self, items: usize) -> bool {
        matches!(self.stage, Stage::Feed) && (items > 0 || !self.is_page)
    }
}

fn is_script(local: &str) -> bool {
    matches!(local, "script" | "style")
}

#[cfg(test)]
mod tests {
    use super::super::items;

    fn titles(document: &str) -> Option<Vec<String>> {
        let items = items(document.as_bytes(), None, None).ok()?;
        Some(items.into_iter().map(|item| item.title).collect())
    }

    #[test]
    fn a_page_and_a_list_of_something_else_are_no_feeds() {
        for document in [
            "<html><head><script>var t='<item><title>'+t+'</title></item>'</script></head><body>Not found</body></html>",
            "<!DOCTYPE html>\n<title>Not found</title><script>t='<rss><item><title>x'</script>",
            "<html><body><channel>1</channel><entry><title>Not found</title></entry></body></html>",
            "<html><!-- <rss> --><rdf:RDF><Work/></rdf:RDF><p>Not found</p></html>",
            "<orders><item><title>Chair</title></item><item><title>Table</title></item></orders>",
            "<content><item><title>Chair</title></item></content>",
        ] {
            assert_eq!(titles(document), None, "{document}");
        }
    }

    #[test]
    fn a_feed_behind_what_a_broken_server_wrote_is_read() {
        let rss = "<rss><channel><item><title>Bank falls</title></item></channel></rss>";
        for before in [
            "<br />\n<b>Warning</b>: no such file <?xml version='1.0'?>",
            "<html><body><p>Warning</p></body></html>",
            "<!doctype html><html><head><script>t='<item>'</script><style>a{}</style></head></html>",
            "<wrapper>",
        ] {
            assert_eq!(titles(&format!("{before}{rss}")).unwrap(), ["Bank falls"], "{before}");
        }
    }

    #[test]
    fn a_feed_whose_front_is_cut_off_is_read() {
        let item = "<item><title>Bank falls</title></item>";
        for front in [
            "",
            "ription>News of the day</description>",
            "<title>The paper</title><link>https://e.com/</link>",
            "<link href='https://e.com/'/>",
        ] {
            assert_eq!(titles(&format!("{front}{item}</channel></rss>")).unwrap(), ["Bank falls"], "{front}");
        }
    }
}
