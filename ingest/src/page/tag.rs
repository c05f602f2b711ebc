//! The elements of HTML that matter for where text belongs.

macro_rules! tags {
    ($($name:literal $tag:ident $kind:ident),* $(,)?) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub(super) enum Tag {
            /// Holds the page.
            Root,
            $($tag,)*
            /// Any other, custom elements too.
            Other,
        }

        impl Tag {
            /// `name` in any case.
            pub(super) fn of(name: &str) -> Self {
                let mut lower = [0_u8; 12];
                let Some(place) = lower.get_mut(..name.len()) else { return Self::Other };
                place.copy_from_slice(name.as_bytes());
                place.make_ascii_lowercase();
                match &*place {
                    $($name => Self::$tag,)*
                    _ => Self::Other,
                }
            }

            pub(super) fn kind(self) -> Kind {
                match self {
                    Self::Root => Kind::Block,
                    $(Self::$tag => Kind::$kind,)*
                    Self::Other => Kind::Inline,
                }
            }
        }
    };
}

/// How an element stands in the flow of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Block,
    Inline,
    /// Holds nothing.
    Void,
    /// Holds text in which no markup is read.
    Raw,
}

tags! {
    b"a" A Inline, b"abbr" Abbr Inline, b"address" Address Block, b"area" Area Void,
    b"article" Article Block, b"aside" Aside Block, b"b" B Inline, b"base" Base Void,
    b"blockquote" Blockquote Block, b"body" Body Block, b"br" Br Void, b"button" Button Block,
    b"caption" Caption Block, b"center" Center Block, b"cite" Cite Inline, b"code" Code Inline,
    b"col" Col Void, b"dd" Dd Block, b"del" Del Inline, b"details" Details Block, b"dialog" Dialog Block,
    b"div" Div Block, b"dl" Dl Block, b"dt" Dt Block, b"em" Em Inline, b"embed" Embed Void,
    b"fieldset" Fieldset Block, b"figcaption" Figcaption Block, b"figure" Figure Block,
    b"font" Font Inline, b"footer" Footer Block, b"form" Form Block, b"h1" H1 Block, b"h2" H2 Block,
    b"h3" H3 Block, b"h4" H4 Block, b"h5" H5 Block, b"h6" H6 Block, b"head" Head Block,
    b"header" Header Block, b"hr" Hr Void, b"html" Html Block, b"i" I Inline, b"iframe" Iframe Raw,
    b"img" Img Void, b"input" Input Void, b"ins" Ins Inline, b"label" Label Inline, b"legend" Legend Block,
    b"li" Li Block, b"link" Link Void, b"main" Main Block, b"math" Math Inline, b"menu" Menu Block,
    b"meta" Meta Void, b"nav" Nav Block, b"noembed" Noembed Raw, b"noframes" Noframes Raw,
    b"noscript" Noscript Block, b"object" Object Block, b"ol" Ol Block, b"optgroup" Optgroup Block,
    b"option" Option Block, b"p" P Block, b"param" Param Void, b"pre" Pre Block, b"q" Q Inline,
    b"s" S Inline, b"script" Script Raw, b"section" Section Block, b"select" Select Block,
    b"small" Small Inline, b"source" Source Void, b"span" Span Inline, b"strong" Strong Inline,
    b"style" Style Raw, b"sub" Sub Inline, b"summary" Summary Block, b"sup" Sup Inline, b"svg" Svg Inline,
    b"table" Table Block, b"tbody" Tbody Block, b"td" Td Block, b"template" Template Block,
    b"textarea" Textarea Raw, b"tfoot" Tfoot Block, b"th" Th Block, b"thead" Thead Block,
    b"time" Time Inline, b"title" Title Raw, b"tr" Tr Block, b"track" Track Void, b"u" U Inline,
    b"ul" Ul Block, b"video" Video Block, b"wbr" Wbr Void,
}

impl Tag {
    /// Whether an open paragraph ends where this begins.
    pub(super) fn closes_paragraph(self) -> bool {
        use Tag::*;
        let stays = matches!(self, Body | Html | Head | Td | Th | Tr | Tbody | Thead | Tfoot | Caption);
        let inside =
            matches!(self, Button | Object | Select | Option | Optgroup | Noscript | Video | Template);
        (self.kind() == Kind::Block && !stays && !inside) || self == Hr
    }

    /// Whether an end tag inside does not reach out of this.
    pub(super) fn is_scope(self) -> bool {
        matches!(
            self,
            Tag::Td | Tag::Th | Tag::Table | Tag::Caption | Tag::Object | Tag::Template | Tag::Root
        )
    }

    /// Drawings and formulas, which are written by the rules of XML.
    pub(super) fn is_foreign(self) -> bool {
        matches!(self, Tag::Svg | Tag::Math)
    }

    /// Whether a head may hold this, or goes on around it; what is not known may be anything.
    pub(super) fn is_of_head(self) -> bool {
        let holds = matches!(self, Tag::Root | Tag::Html | Tag::Head | Tag::Body | Tag::Other);
        let scripts = matches!(self, Tag::Script | Tag::Noscript | Tag::Noframes | Tag::Template);
        holds || scripts || matches!(self, Tag::Title | Tag::Meta | Tag::Link | Tag::Base | Tag::Style)
    }

    /// 1 to 6; 0: no heading.
    #[expect(clippy::wildcard_enum_match_arm, reason = "most elements are like any other here")]
    pub(super) fn heading(self) -> u8 {
        match self {
            Tag::H1 => 1,
            Tag::H2 => 2,
            Tag::H3 => 3,
            Tag::H4 => 4,
            Tag::H5 => 5,
            Tag::H6 => 6,
            _ => 0,
        }
    }
}
