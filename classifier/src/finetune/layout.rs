//! Where each variable of the encoder and its training heads lies in one flat
//! vector. The word embeddings are apart: only rows that occur are touched.

use std::ops::Range;

use crate::heads::SENTIMENTS;
use crate::weights::Shape;

/// What the heads are called beside the encoder in its weight file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HeadNames {
    pub(crate) sentiment: &'static str,
    pub(crate) topics: &'static str,
    pub(crate) events: &'static str,
    pub(crate) mention: &'static str,
}

pub(crate) const HEADS: HeadNames = HeadNames {
    sentiment: "head.sentiment",
    topics: "head.topics",
    events: "head.events",
    mention: "head.mention",
};

/// Weight (one row an output) and bias of a linear map, side by side.
#[derive(Debug, Clone, Copy)]
pub(super) struct Affine {
    from: usize,
    pub(super) outputs: usize,
    pub(super) inputs: usize,
}

impl Affine {
    pub(super) const fn end(&self) -> usize {
        self.from + self.outputs * (self.inputs + 1)
    }

    /// Weight and bias in `p`.
    pub(super) fn of<'a>(&self, p: &'a [f32]) -> (&'a [f32], &'a [f32]) {
        p[self.from..self.end()].split_at(self.outputs * self.inputs)
    }

    pub(super) fn of_mut<'a>(&self, p: &'a mut [f32]) -> (&'a mut [f32], &'a mut [f32]) {
        p[self.from..self.end()].split_at_mut(self.outputs * self.inputs)
    }

    const fn weight(&self) -> Range<usize> {
        self.from..self.from + self.outputs * self.inputs
    }

    const fn bias(&self) -> Range<usize> {
        self.from + self.outputs * self.inputs..self.end()
    }
}

/// Gain and bias of a layer norm: an [`Affine`] of one input.
type Norm = Affine;

#[derive(Debug, Clone, Copy)]
pub(super) struct LayerAt {
    pub(super) qkv: Affine,
    pub(super) attention_out: Affine,
    pub(super) attention_norm: Norm,
    pub(super) up: Affine,
    pub(super) down: Affine,
    pub(super) out_norm: Norm,
}

/// The heads that are tuned with the encoder; of a model they are a share, beside heads fitted afterwards.
#[derive(Debug, Clone, Copy)]
pub(super) struct HeadsAt {
    pub(super) sentiment: Affine,
    pub(super) topics: Affine,
    pub(super) events: Affine,
    /// On the mention's mean and the document's: sentiment, then the event.
    pub(super) mention: Affine,
}

/// How far a variable is from the heads, for its learning rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    Embedding,
    Layer(usize),
    Head,
}

/// One named variable.
#[derive(Debug, Clone)]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    pub(super) at: Range<usize>,
    pub(super) depth: Depth,
}

impl Variable {
    /// Weight decay is for matrices, not for biases and norms.
    pub(super) fn decays(&self) -> bool {
        self.shape.len() > 1
    }
}

#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) shape: Shape,
    pub(super) norm: Norm,
    pub(super) layers: Vec<LayerAt>,
    pub(super) heads: HeadsAt,
    /// In the order of the flat vector, without gaps.
    pub(super) variables: Vec<Variable>,
}

impl Layout {
    pub(super) fn new(shape: &Shape, topics: usize, events: usize) -> Self {
        let h = shape.hidden_size;
        let mut at = Builder { end: shape.max_position_embeddings * h, variables: Vec::new() };
        at.name(POSITIONS, &[shape.max_position_embeddings, h], 0..at.end, Depth::Embedding);
        let norm = at.norm("embeddings.LayerNorm", h, Depth::Embedding);
        let layers = (0..shape.num_hidden_layers).map(|l| at.layer(l, shape)).collect();
        let heads = HeadsAt {
            sentiment: at.linear(HEADS.sentiment, SENTIMENTS, h, Depth::Head),
            topics: at.linear(HEADS.topics, topics, h, Depth::Head),
            events: at.linear(HEADS.events, events, h, Depth::Head),
            mention: at.linear(HEADS.mention, SENTIMENTS + events, 2 * h, Depth::Head),
        };
        Self { shape: shape.clone(), norm, layers, heads, variables: at.variables }
    }

    /// How many topics and events there are.
    pub(super) const fn labels(&self) -> (usize, usize) {
        (self.heads.topics.outputs, self.heads.events.outputs)
    }

    pub(super) fn total(&self) -> usize {
        self.heads.mention.end()
    }

    /// The position embeddings.
    pub(super) fn positions(&self) -> Range<usize> {
        0..self.shape.max_position_embeddings * self.shape.hidden_size
    }

    /// Everything that belongs to the heads.
    pub(super) fn head_range(&self) -> Range<usize> {
        self.heads.sentiment.from..self.total()
    }
}

const POSITIONS: &str = "embeddings.position_embeddings.weight";

struct Builder {
    end: usize,
    variables: Vec<Variable>,
}

impl Builder {
    fn name(&mut self, name: &str, shape: &[usize], at: Range<usize>, depth: Depth) {
        self.variables.push(Variable { name: name.to_owned(), shape: shape.to_vec(), at, depth });
    }

    fn affine(&mut self, outputs: usize, inputs: usize) -> Affine {
        let affine = Affine { from: self.end, outputs, inputs };
        self.end = affine.end();
        affine
    }

    fn linear(&mut self, name: &str, outputs: usize, inputs: usize, depth: Depth) -> Affine {
        let affine = self.affine(outputs, inputs);
        self.name(&format!("{name}.weight"), &[outputs, inputs], affine.weight(), depth);
        self.name(&format!("{name}.bias"), &[outputs], affine.bias(), depth);
        affine
    }

    fn norm(&mut self, name: &str, width: usize, depth: Depth) -> Norm {
        let norm = self.affine(width, 1);
        self.name(&format!("{name}.weight"), &[width], norm.weight(), depth);
        self.name(&format!("{name}.bias"), &[width], norm.bias(), depth);
        norm
    }

    /// Query, key and value share one matrix, each with rows of its own.
    fn joined(&mut self, name: &str, h: usize, depth: Depth) -> Affine {
        let joined = self.affine(3 * h, h);
        for (kind, rows) in [("weight", joined.weight()), ("bias", joined.bias())] {
            let size = rows.len() / 3;
            for (part, which) in ["query", "key", "value"].into_iter().enumerate() {
                let from = rows.start + part * size;
                let shape = if kind == "weight" { vec![h, h] } else { vec![h] };
                self.name(&format!("{name}.{which}.{kind}"), &shape, from..from + size, depth);
            }
        }
        joined
    }

    fn layer(&mut self, index: usize, shape: &Shape) -> LayerAt {
        let (h, i, depth) = (shape.hidden_size, shape.intermediate_size, Depth::Layer(index));
        let name = |part: &str| format!("encoder.layer.{index}.{part}");
        LayerAt {
            qkv: self.joined(&name("attention.self"), h, depth),
            attention_out: self.linear(&name("attention.output.dense"), h, h, depth),
            attention_norm: self.norm(&name("attention.output.LayerNorm"), h, depth),
            up: self.linear(&name("intermediate.dense"), i, h, depth),
            down: self.linear(&name("output.dense"), h, i, depth),
            out_norm: self.norm(&name("output.LayerNorm"), h, depth),
        }
    }
}
